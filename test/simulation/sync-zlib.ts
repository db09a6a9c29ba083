/**
 * Compression without threads: a batch is packed before the next thing happens, or the order of things would hang on how fast a
 * thread is. Has to be imported before whoever takes `gzip` from node:zlib.
 */
import { syncBuiltinESMExports } from "node:module";
import zlib from "node:zlib";

const { gzipSync } = zlib;
zlib.gzip = ((body: Buffer, done: (error: Error | null, packed: Buffer) => void) =>
  done(null, gzipSync(body))) as typeof zlib.gzip;
syncBuiltinESMExports();
