/**
 * The LDAP controls that reading Active Directory needs, on top of ldapts' `Control`.
 *
 * ldapts parses a response control into the instance that made the request (matched by OID), so a control is made new
 * for every search and read after it.
 */
import { Ber, type BerReader, BerWriter, Control } from "ldapts";

const OID_DIRSYNC = "1.2.840.113556.1.4.841";
const OID_SHOW_DELETED = "1.2.840.113556.1.4.417";
const OID_EXTENDED_DN = "1.2.840.113556.1.4.529";
const OID_NO_RANGE_ERROR = "1.2.840.113556.1.4.1948";
const OID_DESCRIPTOR_PARTS = "1.2.840.113556.1.4.801";
const ACCESS_LIST_ONLY = 4;

/** Values of linked attributes come as what was added and removed, instead of the whole list. */
export const DIRSYNC_INCREMENTAL_VALUES = 0x80000000;

export interface DirSyncAnswer {
  readonly more: boolean;
  readonly cookie: Buffer;
}

export class DirSyncControl extends Control {
  readonly #flags: number;
  readonly #maxBytes: number;
  readonly #cookie: Buffer;
  answer: DirSyncAnswer | undefined;

  constructor(request: { readonly flags: number; readonly maxBytes: number; readonly cookie: Buffer }) {
    super(OID_DIRSYNC, { critical: true });
    this.#flags = request.flags;
    this.#maxBytes = request.maxBytes;
    this.#cookie = request.cookie;
  }

  protected override writeControl(writer: BerWriter): void {
    const value = new BerWriter();
    value.startSequence();
    // The flags are an int32 on the wire: 0x80000000 must go out as a negative number.
    value.writeInt(this.#flags | 0);
    value.writeInt(this.#maxBytes);
    value.writeBuffer(this.#cookie, Ber.OctetString);
    value.endSequence();
    writer.writeBuffer(value.buffer, Ber.OctetString);
  }

  protected override parseControl(reader: BerReader): void {
    if (!reader.readSequence()) return;
    const more = reader.readInt() ?? 0;
    reader.readInt();
    // A copy: the reader's buffer is a window into a whole chunk of the socket.
    this.answer = { more: more !== 0, cookie: Buffer.from(reader.readString(Ber.OctetString, true) ?? []) };
  }
}

class PlainControl extends Control {
  readonly #value: Buffer | undefined;

  constructor(type: string, value?: Buffer, critical = true) {
    super(type, { critical });
    this.#value = value;
  }

  protected override writeControl(writer: BerWriter): void {
    if (this.#value) writer.writeBuffer(this.#value, Ber.OctetString);
  }
}

export function showDeletedControl(): Control {
  return new PlainControl(OID_SHOW_DELETED);
}

/** Windows answers a range behind the last value (of an empty list, any) with an error otherwise; others have no need of this. */
export function noRangeErrorControl(): Control {
  return new PlainControl(OID_NO_RANGE_ERROR, undefined, false);
}

/** Of a security descriptor the access list alone: owner and audit list may need rights that the account lacks. */
export function accessListControl(): Control {
  const value = new BerWriter();
  value.startSequence();
  value.writeInt(ACCESS_LIST_ONLY);
  value.endSequence();
  return new PlainControl(OID_DESCRIPTOR_PARTS, Buffer.from(value.buffer));
}

/** DNs, of entries and in values, come as `<GUID=…>;<SID=…>;DN`, with both in text form. */
export function extendedDnControl(): Control {
  const value = new BerWriter();
  value.startSequence();
  value.writeInt(1);
  value.endSequence();
  return new PlainControl(OID_EXTENDED_DN, Buffer.from(value.buffer));
}
