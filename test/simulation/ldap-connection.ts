/**
 * A signed-in connection to a modelled domain controller, without a socket: what the agent's source asks goes through the same
 * bytes (BER) as on the wire, and controls come back as a server writes them. A second forest is the first one under another
 * name, GUID and SID: the model knows one domain only.
 */
import { BerReader, FilterParser, PagedResultsControl, SearchRequest, StatusCodeParser } from "ldapts";
import type { LdapConnection, LdapSearch } from "../../agent/source/ldap/connection.ts";
import type { LdapEntry } from "../../agent/source/ldap/entries.ts";
import { unreachable } from "../../agent/source/ldap/errors.ts";
import type { FakeAnswer, FakeLdap, FakeSearch } from "../support/fake-ldap/fake-ldap.ts";
import { dirSyncValue, type FakeEntry, OID, parseSearch } from "../support/fake-ldap/messages.ts";

/** How a forest calls itself, and what it is to the model. */
export interface Disguise {
  readonly name: string;
  readonly domainGuid: Buffer;
  /** Of the domain's SID, instead of the model's last part. */
  readonly sidPart: number;
}

const MODEL_NAME = "DC=corp";
const MODEL_SID = Buffer.from([1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]);
const MODEL_SID_TEXT = "S-1-5-21-1-2-3";

/** The part of a fake server that `serveDc` needs. */
export function silentServer(): FakeLdap {
  return { onSearch: (_: FakeSearch): FakeAnswer => ({ result: 32 }) } as FakeLdap;
}

export function connectInProcess(deps: {
  readonly url: string;
  readonly server: FakeLdap;
  readonly disguise: Disguise | undefined;
  /** Whether the name still leads to this server. */
  readonly isReachable: () => boolean;
  /** A gate of the kernel around one search. */
  readonly around: (work: () => Promise<LdapEntry[]>) => Promise<LdapEntry[]>;
}): LdapConnection {
  const { server, url, disguise } = deps;
  let isOpen = true;

  function searchOnce(request: LdapSearch, cookie: string | undefined): { entries: LdapEntry[]; next: string } {
    const paged =
      request.pageSize === undefined
        ? []
        : [
            new PagedResultsControl({
              value: { size: request.pageSize, ...(cookie ? { cookie: Buffer.from(cookie) } : {}) },
            }),
          ];
    const filter = request.filter ?? "(objectClass=*)";
    const message = new SearchRequest({
      messageId: 1,
      baseDN: toModel(request.base, disguise),
      scope: request.scope,
      filter: typeof filter === "string" ? FilterParser.parseString(toModel(filter, disguise)) : filter,
      attributes: [...request.attributes],
      ...(request.sizeLimit === undefined ? {} : { sizeLimit: request.sizeLimit }),
      controls: [...(request.controls ?? []), ...paged],
    });
    const reader = new BerReader(message.write());
    reader.readSequence();
    reader.readInt();
    const answer = server.onSearch(parseSearch(reader, 1));
    if (answer.cut || answer.cutAfter !== undefined) {
      isOpen = false;
      throw unreachable(new Error("the connection was cut"), url);
    }
    const result = answer.result ?? 0;
    // A search that stops at its own limit is no error here, as ldapts' own isn't.
    if (result !== 0 && !(result === 4 && request.sizeLimit !== undefined))
      throw StatusCodeParser.parse({ status: result, errorMessage: answer.message ?? "" } as Parameters<
        typeof StatusCodeParser.parse
      >[0]);
    if (answer.dirSync) {
      const value = dirSyncValue(answer.dirSync.more, Buffer.from(answer.dirSync.cookie));
      for (const control of request.controls ?? [])
        if (control.type === OID.dirSync) control.parse(new BerReader(value));
    }
    return {
      entries: (answer.entries ?? []).map((entry) => toEntry(entry, disguise)),
      next: nextPageOf(answer.controls?.[OID.paged]),
    };
  }

  return {
    url,
    bindDn: "reader@corp.example",
    isOpen: () => isOpen,
    search: (request) =>
      deps.around(async () => {
        isOpen &&= deps.isReachable();
        if (!isOpen) throw unreachable(new Error("the connection was closed"), url);
        const entries: LdapEntry[] = [];
        for (let cookie: string | undefined; cookie !== ""; ) {
          const page = searchOnce(request, cookie);
          entries.push(...page.entries);
          cookie = page.next;
        }
        return entries;
      }),
    close: async () => {
      isOpen = false;
    },
  };
}

function nextPageOf(value: Buffer | undefined): string {
  if (value === undefined) return "";
  const reader = new BerReader(value);
  reader.readSequence();
  reader.readInt();
  return reader.readString() ?? "";
}

function toModel(text: string, disguise: Disguise | undefined): string {
  return disguise
    ? text.replaceAll(disguise.name, MODEL_NAME).replaceAll(disguise.name.toLowerCase(), MODEL_NAME)
    : text;
}

function toEntry(entry: FakeEntry, disguise: Disguise | undefined): LdapEntry {
  const isDomain =
    entry.attributes["objectGUID"] !== undefined && /(^|;)DC=corp,/i.test(entry.dn) && !/CN=|OU=/.test(entry.dn);
  const valuesByName = new Map<string, readonly Buffer[]>();
  for (const [given, values] of Object.entries(entry.attributes)) {
    const name = given.toLowerCase();
    const bytes = values.map((value) =>
      typeof value === "string"
        ? Buffer.from(textOf(value, disguise))
        : name === "objectsid"
          ? sidOf(value, disguise)
          : value,
    );
    valuesByName.set(name, isDomain && disguise && name === "objectguid" ? [disguise.domainGuid] : bytes);
  }
  return { dn: textOf(entry.dn, disguise), valuesByName };
}

function textOf(text: string, disguise: Disguise | undefined): string {
  if (!disguise) return text;
  return text
    .replaceAll(MODEL_NAME, disguise.name)
    .replaceAll("dc=corp", disguise.name.toLowerCase())
    .replaceAll(new RegExp(`${MODEL_SID_TEXT}(?!\\d)`, "g"), `S-1-5-21-1-2-${disguise.sidPart}`);
}

/** A SID of the model's domain gets the disguise's last part. */
function sidOf(value: Buffer, disguise: Disguise | undefined): Buffer {
  if (!disguise || value[0] !== 1 || value.length < 24 || !value.subarray(12, 24).equals(MODEL_SID)) return value;
  const copy = Buffer.from(value);
  copy.writeUInt32LE(disguise.sidPart, 20);
  return copy;
}
