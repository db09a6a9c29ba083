/** The paths that a blob store takes: `/`-separated, nothing that a URL or a file system would bend. */

import { StorageError } from "../../ports/row-store.ts";

const PATH = /^[A-Za-z0-9][A-Za-z0-9._~=-]*(\/[A-Za-z0-9][A-Za-z0-9._~=-]*)*$/;

/** Throws `StorageError` `storage-refused`. */
export function checkBlobPath(path: string): void {
  if (path.length <= 1024 && PATH.test(path)) return;
  throw new StorageError(
    "storage-refused",
    `'${path}' is no path of a blob: letters, digits and . _ ~ = - between slashes, 1,024 characters at most.`,
  );
}
