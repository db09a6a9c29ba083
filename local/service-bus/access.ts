/** Checks the shared access signature that a client puts at `$cbs` before it opens a link. */

import { createHmac, timingSafeEqual } from "node:crypto";

export type SharedKey = { readonly name: string; readonly value: string };

export function isValidSignature(token: string, key: SharedKey, nowMs: number): boolean {
  const fields = new URLSearchParams(token.replace(/^SharedAccessSignature /, ""));
  if (fields.get("skn") !== key.name) return false;
  if (!(Number(fields.get("se")) * 1000 > nowMs)) return false;
  const signed = `${encodeURIComponent(fields.get("sr") ?? "")}\n${fields.get("se")}`;
  const expected = createHmac("sha256", key.value).update(signed).digest();
  const given = Buffer.from(fields.get("sig") ?? "", "base64");
  return given.length === expected.length && timingSafeEqual(given, expected);
}
