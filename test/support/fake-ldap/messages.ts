/** LDAP messages as the fake servers read and write them, in BER. What ldapts can't parse as a server (bytes in filters) is parsed here. */
import { Ber, BerReader, BerWriter, type Filter, OrFilter, PresenceFilter, SearchRequest } from "ldapts";
import { type FilterTerm, readFilter } from "./filter-terms.ts";

export interface FakeEntry {
  readonly dn: string;
  /** An attribute with no values is sent as such. */
  readonly attributes: Readonly<Record<string, readonly (string | Buffer)[]>>;
}
export interface FakeSearch {
  readonly base: string;
  readonly scope: string;
  /** 0: as many as there are. */
  readonly sizeLimit: number;
  /** In lower case, as the server's parser leaves them. */
  readonly attributes: readonly string[];
  readonly filter: Filter;
  /** The same filter, with values as bytes: for a server that evaluates it. */
  readonly term: FilterTerm;
  /** How many alternatives an OR filter has. */
  readonly alternatives: number;
  readonly controls: ReadonlyMap<string, Buffer>;
  /** Of the DirSync control, when there is one. */
  readonly dirSync:
    | { readonly flags: number; readonly maxBytes: number; readonly cookie: string; readonly cookieBytes: Buffer }
    | undefined;
}

export const OID = {
  dirSync: "1.2.840.113556.1.4.841",
  paged: "1.2.840.113556.1.4.319",
  showDeleted: "1.2.840.113556.1.4.417",
  extendedDn: "1.2.840.113556.1.4.529",
  noRangeError: "1.2.840.113556.1.4.1948",
} as const;
const CONTROLS = 0xa0;
const SET = 0x31;

export function messageLength(buffer: Buffer): number | undefined {
  if (buffer.length < 2) return undefined;
  const first = buffer[1] ?? 0;
  if (first < 0x80) return 2 + first;
  const count = first & 0x7f;
  return buffer.length < 2 + count ? undefined : 2 + count + buffer.readUIntBE(2, count);
}

/** `reader` stands at the operation. */
export function parseSearch(reader: BerReader, id: number): FakeSearch {
  reader.readSequence(0x63);
  const term = termOf(new BerReader(Buffer.from(reader.remainingBuffer)));
  const request = new SearchRequest({ messageId: id, filter: new PresenceFilter({ attribute: "objectClass" }) });
  request.parseMessage(reader);
  const controls = new Map<string, Buffer>();
  if (reader.peek() === CONTROLS) {
    reader.readSequence(CONTROLS);
    const end = reader.offset + reader.length;
    while (reader.offset < end) {
      reader.readSequence();
      const controlEnd = reader.offset + reader.length;
      const oid = reader.readString() ?? "";
      if (reader.offset < controlEnd && reader.peek() === Ber.Boolean) reader.readBoolean();
      controls.set(
        oid,
        reader.offset < controlEnd ? (reader.readString(Ber.OctetString, true) ?? Buffer.alloc(0)) : Buffer.alloc(0),
      );
    }
  }
  return {
    base: request.baseDN,
    scope: request.scope,
    sizeLimit: request.sizeLimit,
    attributes: request.attributes,
    filter: request.filter,
    term,
    alternatives: request.filter instanceof OrFilter ? request.filter.filters.length : 1,
    controls,
    dirSync: dirSyncOf(controls.get(OID.dirSync)),
  };
}

/** Past base, scope, aliases, limits and typesOnly. */
function termOf(reader: BerReader): FilterTerm {
  reader.readString();
  reader.readEnumeration();
  reader.readEnumeration();
  reader.readInt();
  reader.readInt();
  reader.readBoolean();
  return readFilter(reader);
}

function dirSyncOf(value: Buffer | undefined): FakeSearch["dirSync"] {
  if (value === undefined) return undefined;
  const reader = new BerReader(value);
  reader.readSequence();
  const flags = (reader.readInt() ?? 0) >>> 0;
  const maxBytes = reader.readInt() ?? 0;
  const cookieBytes = Buffer.from(reader.readString(Ber.OctetString, true) ?? []);
  return { flags, maxBytes, cookie: cookieBytes.toString("utf8"), cookieBytes };
}

export function entryMessage(id: number, entry: FakeEntry): Buffer {
  const writer = new BerWriter();
  writer.startSequence();
  writer.writeInt(id);
  writer.startSequence(0x64);
  writer.writeString(entry.dn);
  writer.startSequence();
  for (const [name, values] of Object.entries(entry.attributes)) {
    writer.startSequence();
    writer.writeString(name);
    writer.startSequence(SET);
    for (const value of values) {
      if (typeof value === "string") writer.writeString(value);
      else writer.writeBuffer(value, Ber.OctetString);
    }
    writer.endSequence();
    writer.endSequence();
  }
  writer.endSequence();
  writer.endSequence();
  writer.endSequence();
  return writer.buffer;
}

export function resultMessage(
  id: number,
  operation: number,
  code: number,
  message: string,
  controls: Readonly<Record<string, Buffer>> = {},
): Buffer {
  const writer = new BerWriter();
  writer.startSequence();
  writer.writeInt(id);
  writer.startSequence(operation);
  writer.writeEnumeration(code);
  writer.writeString("");
  writer.writeString(message);
  writer.endSequence();
  if (Object.keys(controls).length > 0) {
    writer.startSequence(CONTROLS);
    for (const [oid, value] of Object.entries(controls)) {
      writer.startSequence();
      writer.writeString(oid);
      writer.writeBoolean(oid === OID.dirSync);
      writer.writeBuffer(value, Ber.OctetString);
      writer.endSequence();
    }
    writer.endSequence();
  }
  writer.endSequence();
  return writer.buffer;
}

/** The values of the DirSync and of the paged results control in an answer. */
export function dirSyncValue(more: boolean, cookie: Buffer): Buffer {
  const value = new BerWriter();
  value.startSequence();
  value.writeInt(more ? 1 : 0);
  value.writeInt(0);
  value.writeBuffer(cookie, Ber.OctetString);
  value.endSequence();
  return Buffer.from(value.buffer);
}

export function pagedValue(total: number, cookie: Buffer): Buffer {
  const value = new BerWriter();
  value.startSequence();
  value.writeInt(total);
  value.writeBuffer(cookie, Ber.OctetString);
  value.endSequence();
  return Buffer.from(value.buffer);
}
