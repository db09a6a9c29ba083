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

/** More levels than any contract has: a schema's functions may be nested in 300, three levels each. */
const MAX_DEPTH = 1_000;

/** Failures: 400 not JSON, 422 with the path of every fault. */
export function parseJson<T>(body: Uint8Array, schema: ZodType<T>, what: string): Result<T> {
  // Before anything recurses over it.
  if (isDeeperThan(body, MAX_DEPTH)) return invalid(what, [], `is nested deeper than ${MAX_DEPTH} levels`);
  let value: unknown;
  let text: string;
  try {
    // Several times as fast as a decoder that is told to be strict.
    if (!isUtf8(body)) throw new TypeError("Not UTF-8.");
    text = Buffer.from(body.buffer, body.byteOffset, body.length).toString("utf8");
    value = JSON.parse(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text);
  } catch {
    return fail({
      status: 400,
      code: "not-json",
      message: `The ${what} is not JSON in UTF-8.`,
      remedy: "Send valid JSON.",
    });
  }
  // As a name it isn't one: whoever copies it field by field sets what an object inherits.
  if (/(?:_|\\u005f){2}/i.test(text) && hasPrototypeKey(value)) return invalid(what, [], "has a field named __proto__");
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

function invalid(what: string, path: readonly string[], fault: string) {
  return fail({
    status: 422,
    code: "invalid-body",
    message: `The ${what} is refused: it ${fault}.`,
    remedy: "Mend it; the contract is in the OpenAPI document.",
    details: [{ target: path.join("."), message: fault }],
  });
}

/** One pass over the bytes, without recursion: brackets outside of texts are counted, whether they match or not. */
function isDeeperThan(body: Uint8Array, maximum: number): boolean {
  let depth = 0;
  let isText = false;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    if (isText) {
      if (byte === 0x5c) at++;
      else if (byte === 0x22) isText = false;
    } else if (byte === 0x22) isText = true;
    else if (byte === 0x7b || byte === 0x5b) {
      depth++;
      if (depth > maximum) return true;
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return false;
}

function hasPrototypeKey(value: unknown): boolean {
  const left: unknown[] = [value];
  for (let one = left.pop(); one !== undefined; one = left.pop()) {
    if (typeof one !== "object" || one === null) continue;
    if (Object.hasOwn(one, "__proto__")) return true;
    for (const inner of Object.values(one)) if (typeof inner === "object" && inner !== null) left.push(inner);
  }
  return false;
}
