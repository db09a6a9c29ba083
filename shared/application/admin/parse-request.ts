/** Bodies of requests: size, JSON and shape are checked in that order, and each fault is named by its path. */
import { gunzipSync } from "node:zlib";
import type { core, ZodType } from "zod";
import { fail, ok, type Result } from "../failure.ts";
import { parseJsonBytes, scanJson } from "../reading/json-pieces.ts";

/** Most batches inflate into a few of these. */
const INFLATE_CHUNK = 128 * 1024;

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
export function parseJson<T>(body: Uint8Array, schema: Pick<ZodType<T>, "safeParse">, what: string): Result<T> {
  // Before anything recurses over it.
  const scan = scanJson(body, MAX_DEPTH);
  if (scan.isTooDeep) return invalid(what, [], `is nested deeper than ${MAX_DEPTH} levels`);
  let value: unknown;
  try {
    value = parseJsonBytes(body, scan);
  } catch {
    return fail({
      status: 400,
      code: "not-json",
      message: `The ${what} is not JSON in UTF-8.`,
      remedy: "Send valid JSON.",
    });
  }
  // As a name it isn't one: whoever copies it field by field sets what an object inherits.
  if (mayNamePrototype(body) && hasPrototypeKey(value)) return invalid(what, [], "has a field named __proto__");
  const parsed = schema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  const details = parsed.error.issues.flatMap(faultsOf).slice(0, 20);
  const first = details[0];
  return fail({
    status: 422,
    code: "invalid-body",
    message: `The ${what} is refused at '${first?.target ?? ""}': ${first?.message ?? "it has the wrong shape"}.`,
    remedy: "Mend the named fields; the contract is in the OpenAPI document.",
    details,
  });
}

/** A field that isn't known is named itself, not what it stands in. */
function faultsOf(issue: core.$ZodIssue): { readonly target: string; readonly message: string }[] {
  if (issue.code !== "unrecognized_keys") return [{ target: issue.path.join("."), message: issue.message }];
  return issue.keys.slice(0, 20).map((key) => ({
    target: [...issue.path, key.slice(0, 100)].join("."),
    message: "is no field that is known here (upper and lower case count)",
  }));
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

/** Two underscores in a row, or one that is escaped. */
function mayNamePrototype(body: Uint8Array): boolean {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  return bytes.includes("__") || bytes.includes("\\u005");
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
