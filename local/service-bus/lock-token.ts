/**
 * Lock tokens on the wire. A token is a GUID; requests on `$management` carry its bytes as written, while the delivery
 * tag of a message carries them as .NET lays a GUID out: the first three groups little-endian.
 *
 * Inside the broker a token is its 32 hexadecimal digits.
 */

import { randomBytes } from "node:crypto";

const dotnetOrder = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15] as const;

export function newLockToken(): string {
  return randomBytes(16).toString("hex");
}

export function deliveryTagOf(lockToken: string): Buffer {
  const bytes = Buffer.from(lockToken, "hex");
  return Buffer.from(dotnetOrder.map((index) => bytes[index] ?? 0));
}

export function lockTokenOf(uuid: Buffer): string {
  return uuid.toString("hex");
}
