/**
 * Bytes of rows and blobs in a recording: what is packed JSON stands as its text beside the way it was packed, because
 * packed values don't shrink together. Packing and unpacking are done here and not by the service's own functions: what
 * these take for granted is held by the recording.
 */
import { deflateRawSync, gunzipSync, gzipSync, inflateRawSync } from "node:zlib";

export type RecordedBytes =
  /** A byte 0, then the text. */
  | { readonly plain: string }
  /** A byte 1, then the text, deflated without header. */
  | { readonly deflated: string }
  | { readonly gzip: string }
  | { readonly base64: string };

const PLAIN = 0;
const DEFLATED = 1;
const GZIP = 0x1f;

export function recordedBytes(bytes: Uint8Array): RecordedBytes {
  const rest = bytes.subarray(1);
  const other = { base64: Buffer.from(bytes).toString("base64") };
  try {
    if (bytes[0] === PLAIN) return exact(rest) === undefined ? other : { plain: exact(rest) ?? "" };
    if (bytes[0] === DEFLATED) return { deflated: inflateRawSync(rest).toString("utf8") };
    if (bytes[0] === GZIP) return { gzip: gunzipSync(bytes).toString("utf8") };
  } catch {
    // Something else that begins with the same byte.
  }
  return other;
}

/** The text, if it is one. */
function exact(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes).toString("utf8");
  return Buffer.from(text, "utf8").equals(bytes) ? text : undefined;
}

export function bytesOf(recorded: RecordedBytes): Uint8Array {
  if ("base64" in recorded) return new Uint8Array(Buffer.from(recorded.base64, "base64"));
  if ("gzip" in recorded) return new Uint8Array(gzipSync(recorded.gzip, { level: 1 }));
  if ("plain" in recorded) return new Uint8Array(Buffer.concat([Buffer.from([PLAIN]), Buffer.from(recorded.plain)]));
  return new Uint8Array(Buffer.concat([Buffer.from([DEFLATED]), deflateRawSync(recorded.deflated, { level: 1 })]));
}
