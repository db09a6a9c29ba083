/**
 * A row store in this process, for tests of use cases: as strict as Table Storage (names, sizes, etags, transactions
 * that happen whole or not at all, order of keys by code unit), with values copied on their way in and out.
 *
 * It keeps nothing after the process and is one writer's view: no lag, no throttling.
 */

import type {
  RangeOptions,
  Row,
  RowOperation,
  RowStore,
  RowTable,
  RowValue,
  RowValues,
  TransactionResult,
} from "../../ports/row-store.ts";
import { checkKey, checkTableName, checkTransaction } from "../tables/row-limits.ts";

interface StoredRow {
  readonly etag: string;
  readonly values: RowValues;
}

interface Partition {
  readonly rows: Map<string, StoredRow>;
  /** Sorted row keys; undefined when a key came or went since. */
  order: readonly string[] | undefined;
}

type StoredTable = Map<string, Partition>;

const PAGE_ROWS = 1_000;

/** An empty store. Its tables appear with the first use and forget everything when deleted. */
export function createMemoryRowStore(): RowStore {
  const tables = new Map<string, { readonly name: string; readonly partitions: StoredTable }>();
  let version = 0;
  const nextEtag = () => `W/"${++version}"`;

  // Names of tables don't tell case apart on Azure.
  const partitionsOf = (name: string): StoredTable => {
    const known = tables.get(name.toLowerCase());
    if (known) return known.partitions;
    const partitions: StoredTable = new Map();
    tables.set(name.toLowerCase(), { name, partitions });
    return partitions;
  };

  return {
    table(name) {
      checkTableName(name);
      return createTable(name, () => partitionsOf(name), nextEtag);
    },
    async deleteTable(name) {
      tables.delete(name.toLowerCase());
    },
    async listTables() {
      return [...tables.values()].map((table) => table.name).sort(byCodeUnit);
    },
  };
}

function createTable(name: string, partitions: () => StoredTable, nextEtag: () => string): RowTable {
  const read = (partition: string, row: string, select?: readonly string[]): Row | undefined => {
    const stored = partitions().get(partition)?.rows.get(row);
    return stored && toRow(partition, row, stored, select);
  };

  async function* rangeOf(partition: string, options: RangeOptions = {}): AsyncGenerator<readonly Row[]> {
    let left = options.limit ?? Number.POSITIVE_INFINITY;
    let from = options.from ?? "";
    // Each page looks anew, as a service does: rows that came or went meanwhile show from the next page on.
    while (left > 0) {
      const stored = partitions().get(partition);
      const page: Row[] = [];
      if (!stored) return;
      const keys = orderOf(stored);
      const most = Math.min(left, PAGE_ROWS);
      let at = firstAtOrAfter(keys, from);
      for (; at < keys.length && page.length < most; at++) {
        const key = keys[at];
        if (key === undefined || (options.to !== undefined && key >= options.to)) break;
        const row = stored.rows.get(key);
        if (row) page.push(toRow(partition, key, row, options.select));
      }
      const last = page.at(-1);
      if (!last) return;
      await Promise.resolve();
      yield page;
      left -= page.length;
      from = `${last.row}\u0000`;
    }
  }

  return {
    name,
    async get(partition, row) {
      checkKey(partition, "partition");
      checkKey(row, "row");
      return read(partition, row);
    },
    async getMany(partition, rows, { select } = {}) {
      checkKey(partition, "partition");
      const found = new Map<string, Row>();
      for (const key of [...new Set(rows)].sort(byCodeUnit)) {
        checkKey(key, "row");
        const row = read(partition, key, select);
        if (row) found.set(key, row);
      }
      return found;
    },
    range: rangeOf,
    async *across(from, to, { limit = Number.POSITIVE_INFINITY, ...options } = {}) {
      const within = [...partitions().keys()].filter((key) => key >= from && key < to).sort(byCodeUnit);
      let page: Row[] = [];
      let left = limit;
      for (const partition of within) {
        for await (const rows of rangeOf(partition, { ...options, limit: left })) {
          page.push(...rows);
          left -= rows.length;
          for (; page.length >= PAGE_ROWS; page = page.slice(PAGE_ROWS)) yield page.slice(0, PAGE_ROWS);
        }
        if (left <= 0) break;
      }
      if (page.length > 0) yield page;
    },
    async *scan(options = {}) {
      for (const partition of [...partitions().keys()]) yield* rangeOf(partition, options);
    },
    async transact(partition, operations) {
      checkTransaction(name, partition, operations);
      const table = partitions();
      const stored = table.get(partition) ?? { rows: new Map<string, StoredRow>(), order: undefined };
      for (const [index, operation] of operations.entries()) {
        const reason = refusal(operation, stored.rows.get(operation.row));
        if (reason) return { ok: false, reason, index };
      }
      const etags = operations.map((operation) => write(stored, operation, nextEtag));
      if (stored.rows.size > 0) table.set(partition, stored);
      else table.delete(partition);
      return { ok: true, etags };
    },
  };
}

function refusal(
  operation: RowOperation,
  stored: StoredRow | undefined,
): Extract<TransactionResult, { ok: false }>["reason"] | undefined {
  if (operation.op === "upsert") return undefined;
  if (operation.op === "insert") return stored ? "exists" : undefined;
  if (!stored) return "missing";
  const etag = "etag" in operation ? operation.etag : undefined;
  return etag !== undefined && etag !== stored.etag ? "changed" : undefined;
}

function write(partition: Partition, operation: RowOperation, nextEtag: () => string): string {
  if (operation.op === "delete") {
    partition.rows.delete(operation.row);
    partition.order = undefined;
    return "";
  }
  const before = partition.rows.get(operation.row);
  if (!before) partition.order = undefined;
  const fresh = copyValues(operation.values);
  const values = operation.op === "merge" ? { ...before?.values, ...fresh } : fresh;
  const etag = nextEtag();
  partition.rows.set(operation.row, { etag, values });
  return etag;
}

function toRow(partition: string, row: string, stored: StoredRow, select?: readonly string[]): Row {
  const values: Record<string, RowValue> = {};
  for (const name of Object.keys(stored.values)) {
    const value = stored.values[name];
    if (value !== undefined && (!select || select.includes(name)))
      values[name] = value instanceof Uint8Array ? new Uint8Array(value) : value;
  }
  return { partition, row, etag: stored.etag, values };
}

function copyValues(values: RowValues): RowValues {
  const copy: Record<string, RowValue> = {};
  for (const [name, value] of Object.entries(values)) copy[name] = copyValue(value);
  return copy;
}

/** As JSON and UTF-8 would bring it back: no negative zero, no lone surrogate, bytes of its own. */
function copyValue(value: RowValue): RowValue {
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (value === 0) return 0;
  if (typeof value === "string" && /[\ud800-\udfff]/.test(value)) return Buffer.from(value).toString();
  return value;
}

function orderOf(partition: Partition): readonly string[] {
  partition.order ??= [...partition.rows.keys()].sort(byCodeUnit);
  return partition.order;
}

function firstAtOrAfter(keys: readonly string[], wanted: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys[middle] ?? "") < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

function byCodeUnit(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
