/** Reading the values of an LDIF record. Tools differ: GUIDs and SIDs come as base64 bytes or in their text form. */
import { guidFromBytes, guidToBytes, isGuid, sidFromBytes } from "../../../shared/domain/values.ts";
import { SourceError } from "../../../shared/ports/source-directory.ts";
import type { LdifRecord } from "./ldif-parser.ts";

export function textsOfRecord(record: LdifRecord, name: string): string[] {
  return (record.attributesByName.get(name.toLowerCase())?.values ?? []).map((value) => value.toString("utf8"));
}

export function isDeleted(record: LdifRecord): boolean {
  return textsOfRecord(record, "isDeleted")[0]?.toUpperCase() === "TRUE";
}

/**
 * The values of an attribute, under its name or one with an option. Throws source-record for a part of a list: whoever is in another
 * part would count as gone.
 */
export function listOfRecord(record: LdifRecord, name: string, file: string): readonly Buffer[] | undefined {
  const key = name.toLowerCase();
  for (const [own, { values }] of record.attributesByName) {
    if (!own.startsWith(`${key};range=`)) continue;
    if (own.endsWith(";range=0-*")) return values;
    throw bad(record, file, name, "a part of a longer list: the server gives so many values at once, and no more");
  }
  return (record.attributesByName.get(key) ?? record.attributesByName.get(`${key};binary`))?.values;
}

/** undefined when the record has none. Throws source-record when the value is no GUID. */
export function guidOfRecord(record: LdifRecord, file: string): string | undefined {
  const value = record.attributesByName.get("objectguid")?.values[0];
  if (value === undefined) return undefined;
  if (value.length === 16) return guidFromBytes(value);
  const text = guidText(value);
  if (text !== undefined) return text;
  throw bad(record, file, "objectGUID", "neither 16 bytes in base64 nor a GUID in text form");
}

export function sidOfRecord(record: LdifRecord, file: string): string | undefined {
  const value = record.attributesByName.get("objectsid")?.values[0];
  if (value === undefined) return undefined;
  const text = value.toString("latin1").trim();
  if (SID_TEXT.test(text)) return text;
  try {
    return sidFromBytes(value);
  } catch {
    throw bad(record, file, "objectSid", "neither a binary SID in base64 nor S-1-…");
  }
}

const SID_TEXT = /^S-1-\d+(-\d+)*$/;

/** A value that AD holds as bytes, whatever form the tool wrote it in. */
export function binaryValue(name: string, value: Buffer): Buffer {
  const lower = name.toLowerCase();
  if (lower === "objectguid" || lower === "ms-ds-consistencyguid") {
    const text = value.length === 16 ? undefined : guidText(value);
    if (text !== undefined) return Buffer.from(guidToBytes(text));
  }
  if (lower === "objectsid" || lower === "sidhistory") {
    const text = value.toString("latin1").trim();
    if (SID_TEXT.test(text)) return sidBytes(text);
  }
  return value;
}

function guidText(value: Buffer): string | undefined {
  const text = value
    .toString("latin1")
    .trim()
    .replace(/^\{|\}$/g, "")
    .toLowerCase();
  return isGuid(text) ? text : undefined;
}

function sidBytes(text: string): Buffer {
  const [revision = 1, authority = 0, ...parts] = text.split("-").slice(1).map(Number);
  const bytes = Buffer.alloc(8 + parts.length * 4);
  bytes.writeUInt8(revision, 0);
  bytes.writeUInt8(parts.length, 1);
  bytes.writeUIntBE(authority, 2, 6);
  for (const [index, part] of parts.entries()) bytes.writeUInt32LE(part, 8 + index * 4);
  return bytes;
}

function bad(record: LdifRecord, file: string, attribute: string, why: string): SourceError {
  return new SourceError(
    "source-record",
    `Cannot read '${record.dn}' (line ${record.line} of ${file}): its ${attribute} is ${why}.`,
    "Export the file again with the attribute as the directory holds it.",
  );
}
