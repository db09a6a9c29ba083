/**
 * What the service has to refuse, said without its parsers: of a request that is wrong in a way of which nobody could make anything else.
 * Whatever isn't told here may be taken: a spoilt value can be a good one.
 */
import { gunzipSync } from "node:zlib";
import type { Wrong } from "./generate.ts";

/** Why it must be refused; undefined: it needn't be. */
export function mustRefuse({ operation, as, method, headers, body }: Wrong): string | undefined {
  const { guard } = operation;
  // No header that is made here is a good proof or a good token.
  if (guard !== "public" && as === "nobody") return "nobody asked";
  if (operation.method === "GET" || /^(get|head)$/i.test(method ?? "") || body === undefined) return undefined;
  const sent = body instanceof Uint8Array ? Buffer.from(body) : Buffer.from(JSON.stringify(body));
  if (sent.length > 5 * 1024 * 1024) return "the body is too large";
  const isBlank = /^[ \t\r\n]*$/.test(sent.toString("latin1"));
  if (isBlank) return operation.body === undefined || operation.isBodyOptional ? undefined : "there is no body";
  const isZipped = operation.readsOwnBody && headers?.["content-encoding"] === "gzip";
  const text = textOf(sent, isZipped === true);
  if (text === undefined) return "the body is none that can be read";
  return faultOf(text, operation.body === undefined && !operation.readsOwnBody);
}

function textOf(sent: Buffer, isZipped: boolean): string | undefined {
  try {
    const bytes = isZipped ? gunzipSync(sent, { maxOutputLength: 4 * 1024 * 1024 }) : sent;
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function faultOf(text: string, takesNone: boolean): string | undefined {
  // The recursion of a reviver ends sooner than the parser's.
  if (/^(\s*[[{]("a":)?){1100}/.test(text)) return "the body is nested too deep";
  let hasPrototype = false;
  let value: unknown;
  try {
    value = JSON.parse(text, function (this: object, key, own: unknown) {
      if (key === "__proto__") hasPrototype = true;
      return own;
    });
  } catch {
    return "the body isn't JSON";
  }
  if (hasPrototype) return "the body has a field __proto__";
  if (!takesNone) return undefined;
  const says = typeof value !== "object" || value === null || Array.isArray(value) || Object.keys(value).length > 0;
  return says ? "the body says something where none is taken" : undefined;
}
