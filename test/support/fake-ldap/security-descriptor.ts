/** Security descriptors as a domain controller sends them (self-relative, access list only), for the fake one. */

export interface Ace {
  readonly type: "allow" | "deny" | "allowObject" | "denyObject" | "callback";
  /** Numbers of the flags byte, such as 8: for children only. */
  readonly flags?: number;
  readonly mask: number;
  readonly sid: string;
  /** Of object entries: the one property, property set or class that it is for. */
  readonly objectType?: Buffer;
}

const TYPES = { allow: 0, deny: 1, allowObject: 5, denyObject: 6, callback: 9 } as const;
const SELF_RELATIVE = 0x8000;
const DACL_PRESENT = 0x0004;

export function sidBytes(sid: string): Buffer {
  const [revision = 1, authority = 0, ...parts] = sid.split("-").slice(1).map(Number);
  const bytes = Buffer.alloc(8 + 4 * parts.length);
  bytes.writeUInt8(revision, 0);
  bytes.writeUInt8(parts.length, 1);
  bytes.writeUIntBE(authority, 2, 6);
  for (const [index, part] of parts.entries()) bytes.writeUInt32LE(part, 8 + 4 * index);
  return bytes;
}

/** `null`: no access list at all. */
export function descriptorOf(aces: readonly Ace[] | null): Buffer {
  const head = Buffer.alloc(20);
  head.writeUInt8(1, 0);
  head.writeUInt16LE(SELF_RELATIVE | DACL_PRESENT, 2);
  if (aces === null) return head;
  head.writeUInt32LE(head.length, 16);
  const entries = Buffer.concat(aces.map(aceBytes));
  const list = Buffer.alloc(8);
  list.writeUInt8(4, 0);
  list.writeUInt16LE(list.length + entries.length, 2);
  list.writeUInt16LE(aces.length, 4);
  return Buffer.concat([head, list, entries]);
}

function aceBytes(ace: Ace): Buffer {
  const isObject = ace.type === "allowObject" || ace.type === "denyObject";
  const flags = Buffer.alloc(isObject ? 4 : 0);
  if (isObject) flags.writeUInt32LE(ace.objectType ? 1 : 0);
  const body = Buffer.concat([flags, ace.objectType ?? Buffer.alloc(0), sidBytes(ace.sid)]);
  const head = Buffer.alloc(8);
  head.writeUInt8(TYPES[ace.type], 0);
  head.writeUInt8(ace.flags ?? 0, 1);
  head.writeUInt16LE(head.length + body.length, 2);
  head.writeUInt32LE(ace.mask, 4);
  return Buffer.concat([head, body]);
}
