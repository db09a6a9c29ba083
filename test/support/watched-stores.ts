/** Stores that tell what was asked of them: every key that was looked for, and how often something was written. */
import type { BlobStore } from "../../shared/ports/blob-store.ts";
import type { RowStore } from "../../shared/ports/row-store.ts";

export function createWatch() {
  const keys = new Set<string>();
  let writes = 0;
  const see = (...seen: readonly (string | undefined)[]) => {
    for (const key of seen) if (key !== undefined) keys.add(key);
  };
  const wrapRows = (rows: RowStore): RowStore => ({
    ...rows,
    table(name) {
      see(name);
      const table = rows.table(name);
      return {
        ...table,
        get(partition, row) {
          see(partition, row);
          return table.get(partition, row);
        },
        getMany(partition, many, options) {
          see(partition, ...many);
          return table.getMany(partition, many, options);
        },
        range(partition, options) {
          see(partition, options?.from, options?.to);
          return table.range(partition, options);
        },
        transact(partition, operations) {
          see(partition, ...operations.map(({ row }) => row));
          writes++;
          return table.transact(partition, operations);
        },
      };
    },
  });
  const wrapBlobs = (blobs: BlobStore): BlobStore => ({
    ...blobs,
    get(path) {
      see(...path.split("/"));
      return blobs.get(path);
    },
    put(path, content, options) {
      see(...path.split("/"));
      writes++;
      return blobs.put(path, content, options);
    },
  });
  return {
    wrapRows,
    wrapBlobs,
    /** Since the last time, and begins anew. */
    takeKeys(): readonly string[] {
      const taken = [...keys];
      keys.clear();
      return taken;
    },
    writes: () => writes,
  };
}

/** What Azure's tables refuse in a key, what has a meaning in a path, and what has no end. */
export function isForbidden(key: string): boolean {
  return /[/\\#?\p{Cc}]|\.\.|%/u.test(key) || key.length > 512;
}
