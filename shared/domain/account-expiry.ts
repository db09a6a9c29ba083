/**
 * `accountExpires`: a count of 100 nanoseconds since 1601, in UTC; 0 and 2^63 - 1 stand for never, and so does what is no
 * number. An account is expired from that moment on. Pure.
 */
import { type AttributeBag, firstText } from "./values.ts";

export const ACCOUNT_EXPIRES = "accountExpires";

const NEVER: readonly bigint[] = [0n, 0x7fff_ffff_ffff_ffffn];
const TICKS_PER_MS = 10_000n;
/** From 1601 to 1970. */
const EPOCH_MS = 11_644_473_600_000n;

/** Milliseconds since 1970, rounded up; undefined: never. */
export function expiryOf(image: AttributeBag): number | undefined {
  const text = firstText(image, ACCOUNT_EXPIRES)?.trim() ?? "";
  if (!/^\d{1,19}$/.test(text)) return undefined;
  const ticks = BigInt(text);
  if (NEVER.includes(ticks)) return undefined;
  return Number((ticks + TICKS_PER_MS - 1n) / TICKS_PER_MS - EPOCH_MS);
}
