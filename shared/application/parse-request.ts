/** Bodies of requests: size, JSON and shape are checked in that order, and each fault is named by its path. */
import { isUtf8 } from "node:buffer";
import { gunzipSync } from "node:zlib";
import type { ZodType } from "zod";
import { fail, ok, type Result } from "./failure.ts";

/** Most batches inflate into a few of these. */
const INFLATE_CHUNK = 128 * 1024;
const BYTE_ORDER_MARK = "\ufeff";

/**
 * Inflates gzip, stopping at `maxBytes`: a small body must not become a large one in memory.
 * Failures: 413 too large, 400 not gzip.
 */
export function inflateBounded(body: Uint8Array, maxBytes: number): Result<Uint8Array> {
  try {
    // At once: a stream costs more than inflating does, and the bound keeps it to some milliseconds.
    return ok(gunzipSync(body, { maxOutputLength: maxBytes, chunkSize: INFLATE_CHUNK }));
  } catch (error) {
    if (error instanceof RangeError)
      return fail({
        status: 413,
        code: "payload-too-large",
        message: `The body inflates to more than ${maxBytes} bytes.`,
        remedy: "Send fewer changes in a batch.",
      });
    return fail({
      status: 400,
      code: "payload-not-gzip",
      message: `The body is not gzip: ${error instanceof Error ? error.message : String(error)}.`,
      remedy: "Compress the body with gzip and say so in content-encoding.",
    });
  }
}

/** Failures: 400 not JSON, 422 with the path of every fault. */
export function parseJson<T>(body: Uint8Array, schema: ZodType<T>, what: string): Result<T> {
  let value: unknown;
  try {
    // Several times as fast as a decoder that is told to be strict.
    if (!isUtf8(body)) throw new TypeError("Not UTF-8.");
    const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString("utf8");
    value = JSON.parse(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text);
  } catch {
    return fail({
      status: 400,
      code: "not-json",
      message: `The ${what} is not JSON in UTF-8.`,
      remedy: "Send valid JSON.",
    });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  const details = parsed.error.issues
    .slice(0, 20)
    .map((issue) => ({ target: issue.path.join("."), message: issue.message }));
  const first = details[0];
  return fail({
    status: 422,
    code: "invalid-body",
    message: `The ${what} is refused at '${first?.target ?? ""}': ${first?.message ?? "it has the wrong shape"}.`,
    remedy: "Mend the named fields; the contract is in the OpenAPI document.",
    details,
  });
}
