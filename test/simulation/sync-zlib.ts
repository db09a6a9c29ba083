/**
 * No compression: packing is the same thing with a mark before it. Threads would make the order of things hang on how fast they
 * are, and a third of a history's time would go into streams for rows of a few kilobytes. What is packed and unpacked keeps to
 * its kind, so that mixing the two up shows. Has to be imported before whoever takes `gzip` from node:zlib.
 */
import { syncBuiltinESMExports } from "node:module";
import zlib from "node:zlib";

const GZIP = Buffer.from("gzip:");
const RAW = Buffer.from("raw:");

const pack = (mark: Buffer) => (body: Uint8Array | string) => Buffer.concat([mark, Buffer.from(body as Uint8Array)]);
const unpack = (mark: Buffer) => (body: Uint8Array) => {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  if (!bytes.subarray(0, mark.length).equals(mark)) throw new Error("incorrect header check");
  return bytes.subarray(mark.length);
};

Object.assign(zlib, {
  gzipSync: pack(GZIP),
  gunzipSync: unpack(GZIP),
  deflateRawSync: pack(RAW),
  inflateRawSync: unpack(RAW),
  gzip: (body: Uint8Array, done: (error: Error | null, packed: Buffer) => void) => done(null, pack(GZIP)(body)),
});
syncBuiltinESMExports();
