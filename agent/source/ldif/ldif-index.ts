/**
 * The first pass over an LDIF file: its digest, whose domain it is, and where every object is.
 *
 * References in LDIF are DNs and the cloud wants GUIDs, and a faulty record must be known before the first page is sent;
 * so the file is read once for an index (about 200 bytes an object) and then again for its content.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { DomainIdentity } from "../../../shared/contracts/change.ts";
import { normalDn, splitDn } from "../../../shared/domain/values.ts";
import { SourceError } from "../../../shared/ports/source-directory.ts";
import { fileFault } from "../../file-fault.ts";
import { type LdifRecord, parseLdif } from "./ldif-parser.ts";
import { checkRecord, type Doubt, doubtOf } from "./record-checks.ts";
import { guidOfRecord, isDeleted, sidOfRecord, textsOfRecord } from "./record-values.ts";

export interface LdifIndex {
  readonly sha256: string;
  readonly records: number;
  readonly domain: DomainIdentity;
  readonly guidsByDn: ReadonlyMap<string, string>;
  /** As written. */
  readonly dnsByGuid: ReadonlyMap<string, string>;
  /** GUIDs of tombstones. */
  readonly deleted: ReadonlySet<string>;
  readonly withoutGuid: readonly Doubt[];
  /** Could be people, of classes that only an order can name. */
  readonly doubts: readonly Doubt[];
}

/** What tells one state of a file from another without reading it. */
export interface FileState {
  readonly size: number;
  readonly mtimeMs: number;
  readonly ino: number;
}

export async function fileState(path: string): Promise<FileState> {
  try {
    const { size, mtimeMs, ino } = await stat(path);
    return { size, mtimeMs, ino };
  } catch (error) {
    throw new SourceError(
      "source-unreachable",
      `Cannot read ${path}: ${fileFault(error)}.`,
      "Set file to the LDIF export, and let this account read it.",
      {
        cause: error,
      },
    );
  }
}

export function sameState(left: FileState | undefined, right: FileState | undefined): boolean {
  return left?.size === right?.size && left?.mtimeMs === right?.mtimeMs && left?.ino === right?.ino;
}

export interface HashedChunks extends AsyncIterable<Buffer> {
  /** Of everything read so far. */
  digest(): string;
}

/** The bytes of a file; their SHA-256 (hex) is known at the end. */
export function hashedChunks(path: string): HashedChunks {
  const hash = createHash("sha256");
  return {
    digest: () => hash.copy().digest("hex"),
    async *[Symbol.asyncIterator]() {
      try {
        for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 })) {
          const bytes = Buffer.from(chunk);
          hash.update(bytes);
          yield bytes;
        }
      } catch (error) {
        if (error instanceof SourceError) throw error;
        throw new SourceError(
          "source-unreachable",
          `Cannot read ${path}: ${fileFault(error)}.`,
          "Let this account read the file.",
          { cause: error },
        );
      }
    },
  };
}

/** Throws `SourceError`: source-unreachable, source-incomplete, source-record, source-config. */
export async function indexLdif(path: string): Promise<LdifIndex> {
  const chunks = hashedChunks(path);
  const guidsByDn = new Map<string, string>();
  const dnsByGuid = new Map<string, string>();
  const deleted = new Set<string>();
  const withoutGuid: Doubt[] = [];
  const doubts: Doubt[] = [];
  let domain: DomainIdentity | undefined;
  let records = 0;
  for await (const record of parseLdif(chunks, path)) {
    records++;
    checkRecord(record, path);
    const doubt = doubtOf(record);
    if (doubt !== undefined) doubts.push(doubt);
    const guid = guidOfRecord(record, path);
    if (guid === undefined) {
      withoutGuid.push({ dn: record.dn, line: record.line, objectClasses: textsOfRecord(record, "objectClass") });
      continue;
    }
    const other = dnsByGuid.get(guid);
    if (other !== undefined) throw duplicate(path, guid, other, record.dn);
    dnsByGuid.set(guid, record.dn);
    guidsByDn.set(normalDn(record.dn), guid);
    if (isDeleted(record)) deleted.add(guid);
    domain ??= domainOf(record, guid, path);
  }
  if (domain === undefined) {
    throw new SourceError(
      "source-config",
      `${path} holds no record of the domain itself (objectClass domainDNS, with objectGUID and objectSid).`,
      "Export the root object of the domain too: without it nobody can tell which domain the file is of.",
    );
  }
  return { sha256: chunks.digest(), records, domain, guidsByDn, dnsByGuid, deleted, withoutGuid, doubts };
}

function domainOf(record: LdifRecord, guid: string, path: string): DomainIdentity | undefined {
  if (!textsOfRecord(record, "objectClass").some((name) => name.toLowerCase() === "domaindns")) return undefined;
  const sid = sidOfRecord(record, path);
  // Application partitions (DNS zones) are domainDNS as well, and have no SID.
  if (sid === undefined) return undefined;
  const labels = splitDn(record.dn).map((part) => /^\s*dc\s*=\s*(.+?)\s*$/i.exec(part)?.[1]);
  if (labels.some((label) => label === undefined)) return undefined;
  return { objectGuid: guid, sid, fqdn: labels.join(".").toLowerCase() };
}

function duplicate(path: string, guid: string, first: string, second: string): SourceError {
  return new SourceError(
    "source-record",
    `${path} holds the objectGUID ${guid} twice: '${first}' and '${second}'.`,
    "Export the file again; an objectGUID belongs to one object.",
  );
}
