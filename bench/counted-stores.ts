/** Stores whose calls are counted at the port, whatever lies behind: what a run asks of storage. */
import type { BlobStore } from "../shared/ports/blob-store.ts";
import type { Row, RowStore, RowTable, RowValues } from "../shared/ports/row-store.ts";

export interface StoreUse {
  /** Calls that read rows, pages of a range among them. */
  readCalls: number;
  rowsRead: number;
  transactions: number;
  rowsWritten: number;
  rowBytes: number;
  blobCalls: number;
  blobBytes: number;
}

export function noUse(): StoreUse {
  return { readCalls: 0, rowsRead: 0, transactions: 0, rowsWritten: 0, rowBytes: 0, blobCalls: 0, blobBytes: 0 };
}

export function countRows(rows: RowStore, use: StoreUse): RowStore {
  const took = (found: readonly Row[]) => {
    use.readCalls++;
    use.rowsRead += found.length;
    for (const { values } of found) use.rowBytes += bytesOf(values);
  };
  async function* counted(pages: AsyncIterable<readonly Row[]>) {
    for await (const page of pages) {
      took(page);
      yield page;
    }
  }
  const wrap = (table: RowTable): RowTable => ({
    ...table,
    async get(partition, row) {
      const found = await table.get(partition, row);
      took(found ? [found] : []);
      return found;
    },
    async getMany(partition, keys, options) {
      const found = await table.getMany(partition, keys, options);
      took([...found.values()]);
      return found;
    },
    range: (partition, options) => counted(table.range(partition, options)),
    across: (from, to, options) => counted(table.across(from, to, options)),
    scan: (options) => counted(table.scan(options)),
    async transact(partition, operations) {
      use.transactions++;
      use.rowsWritten += operations.length;
      for (const operation of operations) if ("values" in operation) use.rowBytes += bytesOf(operation.values);
      return table.transact(partition, operations);
    },
  });
  return { ...rows, table: (name) => wrap(rows.table(name)) };
}

export function countBlobs(blobs: BlobStore, use: StoreUse): BlobStore {
  return {
    ...blobs,
    async put(path, content, options) {
      use.blobCalls++;
      use.blobBytes += content.length;
      return blobs.put(path, content, options);
    },
    async get(path) {
      const content = await blobs.get(path);
      use.blobCalls++;
      use.blobBytes += content?.length ?? 0;
      return content;
    },
  };
}

/** As they weigh in a request, names left out. */
function bytesOf(values: RowValues): number {
  let bytes = 0;
  for (const value of Object.values(values)) {
    bytes += value instanceof Uint8Array || typeof value === "string" ? value.length : 8;
  }
  return bytes;
}
