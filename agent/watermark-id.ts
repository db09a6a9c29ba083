/** A watermark's name: the base64url SHA-256 of its token. */
import { createHash } from "node:crypto";

export function watermarkIdOf(token: string): string {
  return createHash("sha256").update(token).digest("base64url");
}
