/** Bodies of requests: size, JSON and shape are checked in that order, and each fault is named by its path. */
import { createGunzip } from "node:zlib";
import type { ZodType } from "zod";
import { fail, ok, type Result } from "./failure.ts";

/**
 * Inflates gzip, stopping at `maxBytes`: a small body must not become a large one in memory.
 * Failures: 413 too large, 400 not gzip.
 */
export async function inflateBounded(body: Uint8Array, maxBytes: number): Promise<Result<Uint8Array>> {
  const gunzip = createGunzip();
  const parts: Buffer[] = [];
  let size = 0;
  gunzip.end(body);
  try {
    for await (const part of gunzip as AsyncIterable<Buffer>) {
      size += part.length;
      if (size > maxBytes) {
        gunzip.destroy();
        return fail({
          status: 413,
          code: "payload-too-large",
          message: `The body inflates to more than ${maxBytes} bytes.`,
          remedy: "Send fewer changes in a batch.",
        });
      }
      parts.push(part);
    }
  } catch (error) {
    return fail({
      status: 400,
      code: "payload-not-gzip",
      message: `The body is not gzip: ${error instanceof Error ? error.message : String(error)}.`,
      remedy: "Compress the body with gzip and say so in content-encoding.",
    });
  }
  return ok(Buffer.concat(parts));
}

/** Failures: 400 not JSON, 422 with the path of every fault. */
export function parseJson<T>(body: Uint8Array, schema: ZodType<T>, what: string): Result<T> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
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
