/**
 * What the tests need of LDAP, on top of ldapts: connections to a disposable DC, entries as raw bytes, names.
 *
 * Written apart from the agent's own code on purpose: what checks the agent must not share its mistakes.
 */

import { readFileSync } from "node:fs";
import { Attribute, Ber, type BerReader, BerWriter, Change, Client, Control } from "ldapts";

export type LdapServer = { readonly url: string; readonly caFile: string };
export type LdapLogin = { readonly user: string; readonly password: string };

/** An entry with every value as the bytes that came, under the attribute names that the server uses. */
export type LdapEntry = { readonly dn: string; readonly attributes: ReadonlyMap<string, readonly Buffer[]> };

export type SearchRequest = {
  readonly scope?: "base" | "one" | "sub";
  readonly filter?: string;
  readonly attributes?: readonly string[];
  readonly controls?: readonly Control[];
};

const showDeletedOid = "1.2.840.113556.1.4.417";
const dirSyncOid = "1.2.840.113556.1.4.841";

/** Binds over LDAPS; `user` is a DN or a user principal name. Close with `unbind()`. */
export async function connectLdap(server: LdapServer, login: LdapLogin): Promise<Client> {
  const client = new Client({
    url: server.url,
    strictDN: false,
    connectTimeout: 5000,
    timeout: 120_000,
    // A controller that was stopped and started takes the connection with it.
    autoRebind: true,
    tlsOptions: { ca: [readFileSync(server.caFile)] },
  });
  try {
    await client.bind(login.user, login.password);
  } catch (error) {
    // A failed bind leaves the socket open.
    await client.unbind();
    throw error;
  }
  return client;
}

/** ldapts asks this list which attributes to hand over as bytes: all of them. */
const everyAttribute: string[] = Object.assign([], { includes: () => true });

export async function searchEntries(client: Client, base: string, request: SearchRequest = {}): Promise<LdapEntry[]> {
  const { searchEntries: found } = await client.search(
    base,
    {
      scope: request.scope ?? "sub",
      filter: request.filter ?? "(objectClass=*)",
      attributes: [...(request.attributes ?? [])],
      explicitBufferAttributes: everyAttribute,
    },
    [...(request.controls ?? [])],
  );
  return found.map(({ dn, ...values }) => ({
    dn,
    attributes: new Map(
      Object.entries(values)
        .map(([name, value]): [string, Buffer[]] => [name, [value].flat().map((one) => Buffer.from(one))])
        // ldapts lists what was asked for and didn't come as empty; here it is absent.
        .filter(([, list]) => list.length > 0),
    ),
  }));
}

export async function readEntry(client: Client, dn: string, controls: readonly Control[] = []): Promise<LdapEntry> {
  const [entry] = await searchEntries(client, dn, { scope: "base", attributes: ["*"], controls });
  if (entry === undefined) throw new Error(`The directory has no object ${dn}.`);
  return entry;
}

export function bytesOf(entry: LdapEntry, attribute: string): Buffer | undefined {
  return valuesOf(entry, attribute)[0];
}

export function textOf(entry: LdapEntry, attribute: string): string | undefined {
  return bytesOf(entry, attribute)?.toString("utf8");
}

export function textsOf(entry: LdapEntry, attribute: string): string[] {
  return valuesOf(entry, attribute).map((value) => value.toString("utf8"));
}

function valuesOf(entry: LdapEntry, attribute: string): readonly Buffer[] {
  const wanted = attribute.toLowerCase();
  for (const [name, values] of entry.attributes) if (name.toLowerCase() === wanted) return values;
  return [];
}

export function objectGuidOf(entry: LdapEntry): string {
  const guid = bytesOf(entry, "objectGUID");
  if (guid === undefined) throw new Error(`No objectGUID came with ${entry.dn}.`);
  return guidText(guid);
}

/** 16 bytes in the order of Active Directory (first three groups little-endian) as text. */
function guidText(bytes: Buffer): string {
  const group = (from: number, to: number, reversed: boolean): string => {
    const part = Buffer.from(bytes.subarray(from, to));
    return (reversed ? part.reverse() : part).toString("hex");
  };
  return [group(0, 4, true), group(4, 6, true), group(6, 8, true), group(8, 10, false), group(10, 16, false)].join("-");
}

export function sidText(bytes: Buffer): string {
  const parts = Array.from({ length: bytes[1] ?? 0 }, (_, index) => bytes.readUInt32LE(8 + 4 * index));
  return ["S", bytes[0], bytes.readUIntBE(2, 6), ...parts].join("-");
}

/** An attribute value as it stands in a distinguished name (RFC 4514). */
export function escapeRdnValue(value: string): string {
  return value
    .replace(/[,+"\\<>;=]/g, "\\$&")
    .replace(/^[ #]/, "\\$&")
    .replace(/ $/, "\\ ");
}

/** The parent of a distinguished name: what follows its first comma that isn't escaped. */
export function parentOf(dn: string): string {
  const comma = /^(?:[^\\,]|\\.)*,/.exec(dn);
  return comma === null ? "" : dn.slice(comma[0].length);
}

export function rdnOf(dn: string): string {
  const parent = parentOf(dn);
  return parent === "" ? dn : dn.slice(0, -parent.length - 1);
}

/** How a password goes over the wire: quoted, UTF-16. */
export function unicodePassword(password: string): Buffer {
  return Buffer.from(`"${password}"`, "utf16le");
}

export type AttributeValue = string | Buffer;

export function changeOf(
  operation: "add" | "delete" | "replace",
  type: string,
  values: readonly AttributeValue[],
): Change {
  return new Change({ operation, modification: attributeOf(type, values) });
}

/** Creates an entry; text goes out as UTF-8, bytes as they are. */
export async function addEntry(
  client: Client,
  dn: string,
  attributes: Readonly<Record<string, AttributeValue | readonly AttributeValue[]>>,
): Promise<void> {
  await client.add(
    dn,
    Object.entries(attributes).map(([type, values]) => attributeOf(type, [values].flat())),
  );
}

function attributeOf(type: string, values: readonly AttributeValue[]): Attribute {
  const bytes = values.map((value) => (typeof value === "string" ? Buffer.from(value) : value));
  return new Attribute({ type, values: bytes });
}

export function showDeleted(): Control {
  return new Control(showDeletedOid, { critical: true });
}

/** One page of a DirSync read (flags 0, so what the account may see). A new control for each page. */
export class DirSyncPage extends Control {
  next: Buffer = Buffer.alloc(0);
  private readonly cookie: Buffer;

  constructor(cookie: Buffer) {
    super(dirSyncOid, { critical: true });
    this.cookie = cookie;
  }

  protected override writeControl(writer: BerWriter): void {
    const value = new BerWriter();
    value.startSequence();
    value.writeInt(0);
    value.writeInt(0x100000);
    value.writeBuffer(this.cookie, Ber.OctetString);
    value.endSequence();
    writer.writeBuffer(value.buffer, Ber.OctetString);
  }

  /** ldapts hands the response's value to the control of the request. */
  protected override parseControl(reader: BerReader): void {
    reader.readSequence();
    reader.readInt();
    reader.readInt();
    this.next = Buffer.from(reader.readString(Ber.OctetString, true) ?? Buffer.alloc(0));
  }
}
