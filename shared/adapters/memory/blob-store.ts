/** A blob store in this process, for tests of use cases: contents copied on their way in and out, paths as strict. */

import type { BlobStore } from "../../ports/blob-store.ts";
import { checkBlobPath } from "../blobs/blob-path.ts";

/** An empty store. */
export function createMemoryBlobStore(): BlobStore {
  const blobs = new Map<string, Uint8Array>();
  return {
    async put(path, content, options = {}) {
      checkBlobPath(path);
      if (options.ifAbsent && blobs.has(path)) return false;
      blobs.set(path, new Uint8Array(content));
      return true;
    },
    async get(path) {
      checkBlobPath(path);
      const content = blobs.get(path);
      return content && new Uint8Array(content);
    },
    async delete(path) {
      checkBlobPath(path);
      blobs.delete(path);
    },
    async *list(prefix) {
      const paths = [...blobs.keys()].filter((path) => path.startsWith(prefix));
      // The default order of an array of strings is by code unit, which is what the service gives.
      yield* paths.sort();
    },
  };
}
