/** JSON values as bytes of rows and blobs: deflated when that pays, so that images stay small. */
import { deflateRawSync, gunzipSync, gzipSync, inflateRawSync } from "node:zlib";

const PLAIN = 0;
const DEFLATED = 1;
/** Below this many bytes deflating costs more than it saves. */
const DEFLATE_FROM = 512;
/**
 * A deflate stream takes a quarter of a megabyte by default, whatever it packs: with some per object the collector runs
 * all the time. A value of up to 4 KiB needs no larger window than itself.
 */
const SMALL = 4096;
const SMALL_STREAM = { level: 1, windowBits: 12, memLevel: 5, chunkSize: 2048 } as const;

export function packJson(value: unknown): Uint8Array {
  const text = Buffer.from(JSON.stringify(value), "utf8");
  const stream = text.length > SMALL ? { level: 1 } : SMALL_STREAM;
  const body = text.length < DEFLATE_FROM ? text : deflateRawSync(text, stream);
  return Buffer.concat([Buffer.from([text.length < DEFLATE_FROM ? PLAIN : DEFLATED]), body]);
}

/** The caller knows what it packed: the type is a claim about our own rows, not about anything from outside. */
export function unpackJson<T>(bytes: Uint8Array): T {
  const text =
    bytes[0] === DEFLATED
      ? inflateRawSync(bytes.subarray(1))
      : Buffer.from(bytes.buffer, bytes.byteOffset + 1, bytes.length - 1);
  return JSON.parse(text.toString("utf8")) as T;
}

export function gzipJson(value: unknown): Uint8Array {
  return gzipSync(JSON.stringify(value), { level: 1 });
}

export function gunzipJson<T>(bytes: Uint8Array): T {
  return JSON.parse(gunzipSync(bytes).toString("utf8")) as T;
}
