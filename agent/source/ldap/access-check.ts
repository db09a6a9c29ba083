/**
 * What an access list gives to who holds these SIDs, for whole objects: MS-DTYP's security descriptor and access check, as far as
 * seeing needs it.
 *
 * Entries are taken in their order, the first that names a right decides. Entries for a single property or class are passed over when
 * they grant (they give less than the whole) and count when they deny. The owner's implied rights and privileges are no part of it:
 * neither shows an object's contents.
 */
import { sidFromBytes } from "../../../shared/domain/values.ts";

export const RIGHT = { listContents: 0x4, readProperty: 0x10 } as const;

const ACE = { allow: 0, deny: 1, allowObject: 5, denyObject: 6 } as const;
const INHERIT_ONLY = 0x08;
const DACL_PRESENT = 0x0004;
const OBJECT_TYPE_PRESENT = 0x1;
const INHERITED_OBJECT_TYPE_PRESENT = 0x2;
const GUID_BYTES = 16;
/** As Active Directory maps them: generic read and generic all contain both rights. */
const GENERIC_READ = 0x80000000;
const GENERIC_ALL = 0x10000000;

/** Whether all of `rights` are granted. `descriptor` is self-relative. Throws `RangeError` when it is none. */
export function isGranted(descriptor: Buffer, sids: ReadonlySet<string>, rights: number): boolean {
  const control = descriptor.readUInt16LE(2);
  const listAt = descriptor.readUInt32LE(16);
  // Without a list everything is open to everyone.
  if ((control & DACL_PRESENT) === 0 || listAt === 0) return true;
  let missing = rights;
  let at = listAt + 8;
  for (let count = descriptor.readUInt16LE(listAt + 4); count > 0 && missing !== 0; count--) {
    const size = descriptor.readUInt16LE(at + 2);
    if (size < 8 || at + size > descriptor.length) throw new RangeError("The access list ends inside an entry.");
    const entry = entryOf(descriptor.subarray(at, at + size));
    at += size;
    if (entry === undefined || !sids.has(entry.sid)) continue;
    if (!entry.isGrant && (entry.mask & missing) !== 0) return false;
    if (entry.isGrant && entry.isWhole) missing &= ~entry.mask;
  }
  return missing === 0;
}

interface Entry {
  readonly isGrant: boolean;
  /** For the whole object, not for one property. */
  readonly isWhole: boolean;
  readonly mask: number;
  readonly sid: string;
}

/** undefined for an entry that says nothing of the object itself. */
function entryOf(bytes: Buffer): Entry | undefined {
  const type = bytes.readUInt8(0);
  const isObjectEntry = type === ACE.allowObject || type === ACE.denyObject;
  if (!isObjectEntry && type !== ACE.allow && type !== ACE.deny) return undefined;
  if ((bytes.readUInt8(1) & INHERIT_ONLY) !== 0) return undefined;
  let mask = bytes.readUInt32LE(4);
  if ((mask & (GENERIC_READ | GENERIC_ALL)) !== 0) mask |= RIGHT.listContents | RIGHT.readProperty;
  const flags = isObjectEntry ? bytes.readUInt32LE(8) : 0;
  let sidAt = isObjectEntry ? 12 : 8;
  for (const flag of [OBJECT_TYPE_PRESENT, INHERITED_OBJECT_TYPE_PRESENT])
    if ((flags & flag) !== 0) sidAt += GUID_BYTES;
  const sidBytes = 8 + 4 * bytes.readUInt8(sidAt + 1);
  return {
    isGrant: type === ACE.allow || type === ACE.allowObject,
    isWhole: (flags & OBJECT_TYPE_PRESENT) === 0,
    mask,
    sid: sidFromBytes(bytes.subarray(sidAt, sidAt + sidBytes)),
  };
}
