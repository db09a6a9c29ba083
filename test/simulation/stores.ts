/**
 * Rows and blobs behind gates, with what a storage account does to its callers: unreachable before or after the effect, a write
 * that its own retry finds done (409, 412, missing), a row that somebody else wrote in between, a payload that is gone.
 */
import type { BlobStore } from "../../shared/ports/blob-store.ts";
import { type RowOperation, type RowStore, type RowTable, StorageError } from "../../shared/ports/row-store.ts";
import type { FaultBox } from "./faults.ts";
import type { Kernel } from "./kernel.ts";
import { outside } from "./seeded-crypto.ts";

const ROW_MS = 4;
const BLOB_MS = 8;
const PAGE_ROWS = 1_000;

/** `noteWrite` hears of every write as it begins, and once more when it is over. */
export function gatedRows(
  rows: RowStore,
  kernel: Kernel,
  faults: FaultBox,
  noteWrite: (table: string) => void,
): RowStore {
  return {
    table: (name) => gatedTable(notingWrites(rows.table(name), noteWrite), kernel, faults),
    deleteTable: (name) => kernel.call("rows.deleteTable", ROW_MS, () => outside(() => rows.deleteTable(name))),
    listTables: () => kernel.call("rows.listTables", ROW_MS, () => outside(() => rows.listTables())),
  };
}

function notingWrites(table: RowTable, noteWrite: (table: string) => void): RowTable {
  return {
    ...table,
    async transact(partition, operations) {
      noteWrite(table.name);
      const written = await table.transact(partition, operations);
      noteWrite(table.name);
      return written;
    },
  };
}

function gatedTable(table: RowTable, kernel: Kernel, faults: FaultBox): RowTable {
  const gate = <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const task = kernel.current();
    return kernel.call(`rows.${what} ${table.name}`, ROW_MS, () => {
      if (task?.process !== undefined && faults.take("rows", "unreachable")) return Promise.reject(unreachable());
      return outside(work);
    });
  };
  const pages = async function* (partition: string, options: Parameters<RowTable["range"]>[1]) {
    const [first, ...rest] = await gate("range", () => collect(table.range(partition, options)));
    if (first) yield* pagesOf(rest.length > 0 ? [first, ...rest].flat() : first);
  };
  return {
    name: table.name,
    get: (partition, row) => gate("get", () => table.get(partition, row)),
    getMany: (partition, rows, options) => gate("getMany", () => table.getMany(partition, rows, options)),
    range: pages,
    async *across(from, to, options) {
      yield* pagesOf((await gate("across", () => collect(table.across(from, to, options)))).flat());
    },
    async *scan(options) {
      const found = (await gate("scan", () => collect(table.scan(options)))).flat();
      // In no order that means anything: here in one that every store gives.
      const key = ({ partition, row }: (typeof found)[number]) => `${partition}\u0000${row}`;
      yield* pagesOf(found.sort((one, other) => (key(one) < key(other) ? -1 : 1)));
    },
    transact(partition, operations) {
      const task = kernel.current();
      return kernel.call(`rows.transact ${table.name}`, ROW_MS, async () => {
        if (task?.process === undefined) return outside(() => table.transact(partition, operations));
        if (faults.take("rows", "unreachable")) throw unreachable();
        if (operations.some(hasCondition) && faults.take("rows", "changed"))
          await outside(() => touch(table, partition, operations));
        const written = await outside(() => table.transact(partition, operations));
        if (written.ok && faults.take("rows", "answer-lost")) throw unreachable();
        // The client's own retry of a write whose answer was lost meets its own effect.
        if (written.ok && faults.take("rows", "repeated")) return outside(() => table.transact(partition, operations));
        return written;
      });
    },
  };
}

/** Somebody else writes the same: only the etag is another. */
async function touch(table: RowTable, partition: string, operations: readonly RowOperation[]): Promise<void> {
  const [first] = operations.filter(hasCondition);
  const row = first && (await table.get(partition, first.row));
  if (row) await table.transact(partition, [{ op: "replace", row: row.row, values: row.values }]);
}

async function collect<T>(from: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of from) all.push(one);
  return all;
}

function hasCondition(operation: RowOperation): boolean {
  return "etag" in operation && operation.etag !== undefined;
}

function* pagesOf<T>(rows: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < rows.length; at += PAGE_ROWS) yield rows.slice(at, at + PAGE_ROWS);
}

export function gatedBlobs(blobs: BlobStore, kernel: Kernel, faults: FaultBox): BlobStore {
  const gate = <T>(what: string, path: string, work: () => Promise<T>): Promise<T> => {
    const task = kernel.current();
    return kernel.call(`blobs.${what} ${folderOf(path)}`, BLOB_MS, async () => {
      if (task?.process === undefined) return outside(work);
      if (faults.take("blobs", "unreachable")) throw unreachable();
      const done = await outside(work);
      if (what === "put" && faults.take("blobs", "answer-lost")) throw unreachable();
      return done;
    });
  };
  return {
    put: (path, content, options) => gate("put", path, () => blobs.put(path, content, options)),
    get: (path) => gate("get", path, () => blobs.get(path)),
    delete: (path) => gate("delete", path, () => blobs.delete(path)),
    async *list(prefix) {
      yield* await gate("list", prefix, () => collect(blobs.list(prefix)));
    },
  };
}

function folderOf(path: string): string {
  return path.split("/")[0] ?? "";
}

function unreachable(): StorageError {
  return new StorageError("storage-unreachable", "The storage account doesn't answer (503, made on purpose).");
}
