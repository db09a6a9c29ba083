/** Choices that look random and are always the same. */
import { createHash } from "node:crypto";

/** With salt 0 the list is gone through in order. */
export function pick<T>(list: readonly T[], index: number, salt: number): T {
  const at = salt === 0 ? index : digestOf(`${salt} ${index}`, 4).readUInt32LE();
  const chosen = list[at % list.length];
  if (chosen === undefined) throw new Error("Nothing to pick from.");
  return chosen;
}

export function digestOf(text: string, length: number): Buffer {
  return createHash("sha256").update(text).digest().subarray(0, length);
}
