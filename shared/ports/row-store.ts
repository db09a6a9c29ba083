/**
 * Rows in partitions with entity group transactions: what Azure Table Storage is, and nothing more.
 *
 * All state of the cloud side lives in such rows; what a row means is decided by the modules of `shared/application`
 * that read and write it. A value is a string (≤ 32,768 characters), a finite number, a Boolean or bytes (≤ 1 MiB a row
 * in all; adapters split bytes above 64 KiB over several properties). Property names start with a letter, no `-`.
 */

export type RowValue = string | number | boolean | Uint8Array;
export type RowValues = Readonly<Record<string, RowValue>>;

export interface Row {
  readonly partition: string;
  readonly row: string;
  readonly etag: string;
  readonly values: RowValues;
}

/** `replace` and `merge` need the row to exist; with `etag` they need it unchanged. `upsert` replaces or inserts. */
export type RowOperation =
  | { readonly op: "insert" | "upsert"; readonly row: string; readonly values: RowValues }
  | { readonly op: "replace" | "merge"; readonly row: string; readonly values: RowValues; readonly etag?: string }
  | { readonly op: "delete"; readonly row: string; readonly etag?: string };

/** `etags` are in the order of the operations (deletions: ""). On failure nothing was written. */
export type TransactionResult =
  | { readonly ok: true; readonly etags: readonly string[] }
  | { readonly ok: false; readonly reason: "exists" | "changed" | "missing"; readonly index: number };

export interface RangeOptions {
  /** First row key, inclusive. */
  readonly from?: string;
  /** Row key after the last one, exclusive. */
  readonly to?: string;
  /** Only these properties (row key and etag always come). */
  readonly select?: readonly string[];
  /** Stop after this many rows. */
  readonly limit?: number;
}

export type AcrossOptions = Pick<RangeOptions, "select" | "limit">;
export type ManyOptions = Pick<RangeOptions, "select">;

export interface RowTable {
  readonly name: string;
  get(partition: string, row: string): Promise<Row | undefined>;
  /**
   * The rows that exist, by row key. Chooses point reads or a range read by how dense the keys lie: what it costs doesn't
   * grow with the partition.
   */
  getMany(partition: string, rows: readonly string[], options?: ManyOptions): Promise<ReadonlyMap<string, Row>>;
  /** Pages in the order of row keys. */
  range(partition: string, options?: RangeOptions): AsyncIterable<readonly Row[]>;
  /**
   * The rows of all partitions whose keys lie from `from` (inclusive) to `to` (exclusive), in the order of partition and row:
   * for keys that sort by time, what one range is for a partition.
   */
  across(from: string, to: string, options?: AcrossOptions): AsyncIterable<readonly Row[]>;
  /** All partitions, for retention and benches: slow on Azure, in no order that means anything. */
  scan(options?: { readonly select?: readonly string[] }): AsyncIterable<readonly Row[]>;
  /**
   * All or nothing, 1 to 100 operations on distinct rows of one partition, at most 3.5 MiB together (the caller's care:
   * `transactionChunks`). Throws `StorageError` when the store can't be reached or refuses for another reason.
   */
  transact(partition: string, operations: readonly RowOperation[]): Promise<TransactionResult>;
}

export interface RowStore {
  /** The table is created when it isn't there (remembered per process). */
  table(name: string): RowTable;
  deleteTable(name: string): Promise<void>;
  listTables(): Promise<readonly string[]>;
}

/** The store is unreachable, or refuses for a reason that is not a conflict. `code` is stable, `retriable` says what to do. */
export class StorageError extends Error {
  readonly code: "storage-unreachable" | "storage-refused" | "storage-too-large";
  readonly retriable: boolean;
  constructor(code: StorageError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StorageError";
    this.code = code;
    this.retriable = code === "storage-unreachable";
  }
}
