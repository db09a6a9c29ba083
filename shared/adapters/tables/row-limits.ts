/**
 * What Table Storage refuses, said before anything is sent: keys, names, values, sizes, shape of a transaction.
 *
 * The memory adapter checks with the same functions, so a test can't pass on rows that Azure would turn down. A
 * property name that ends in `_` and digits is refused too: such names hold the further pieces of long bytes.
 */

import type { RowOperation, RowValue, RowValues } from "../../ports/row-store.ts";
import { StorageError } from "../../ports/row-store.ts";

/** Bytes above this size are kept in pieces, each in a property of its own (a property holds 64 KiB). */
export const PIECE_BYTES = 65_536;

const MAX_STRING_UNITS = 32_768;
const MAX_KEY_UNITS = 512;
const MAX_ROW_BYTES = 1_048_576;
const MAX_PROPERTIES = 252;
const MAX_OPERATIONS = 100;
const MAX_TRANSACTION_BYTES = 4 * 1_048_576;

const FORBIDDEN_IN_KEY = /[/\\#?\p{Cc}]/u;
const PROPERTY_NAME = /^[A-Za-z][A-Za-z0-9_]{0,254}$/;
const TABLE_NAME = /^[A-Za-z][A-Za-z0-9]{2,62}$/;
const RESERVED = new Set(["PartitionKey", "RowKey", "Timestamp", "etag", "partitionKey", "rowKey", "timestamp"]);

/** `name_1`, `name_2` …: the pieces after the first. */
export function isPieceName(name: string): boolean {
  return /_\d+$/.test(name);
}

/** Throws `StorageError` `storage-refused`. */
export function checkTableName(name: string): void {
  if (TABLE_NAME.test(name)) return;
  throw refused(`'${name}' can't name a table: 3 to 63 letters and digits, a letter first.`);
}

/** Throws `StorageError` `storage-refused`. */
export function checkKey(key: string, kind: "partition" | "row"): void {
  if (key.length > MAX_KEY_UNITS) throw refused(`A ${kind} key has ${key.length} characters; ${MAX_KEY_UNITS} fit.`);
  const found = FORBIDDEN_IN_KEY.exec(key);
  if (found)
    throw refused(`The ${kind} key '${key}' holds a character that keys may not have: use A–Z, 0–9, '-', '·'.`);
}

/** Throws `StorageError`: `storage-refused` for shape, `storage-too-large` for size. */
export function checkTransaction(table: string, partition: string, operations: readonly RowOperation[]): void {
  checkKey(partition, "partition");
  if (operations.length === 0) throw refused(`A transaction on ${table} has no operation.`);
  if (operations.length > MAX_OPERATIONS) {
    throw refused(`A transaction on ${table} has ${operations.length} operations; ${MAX_OPERATIONS} fit.`);
  }
  const rows = new Set<string>();
  let size = 0;
  for (const operation of operations) {
    checkKey(operation.row, "row");
    if (rows.has(operation.row)) throw refused(`A transaction on ${table} names the row '${operation.row}' twice.`);
    rows.add(operation.row);
    if (operation.op !== "delete") checkValues(table, partition, operation.row, operation.values);
    size += wireBytes(partition, operation);
  }
  if (size > MAX_TRANSACTION_BYTES) {
    throw new StorageError("storage-too-large", `A transaction on ${table} would be ${size} bytes; 4 MiB fit.`);
  }
}

function checkValues(table: string, partition: string, row: string, values: RowValues): void {
  const where = `row '${row}' of ${table}`;
  let bytes = 4 + 2 * (partition.length + row.length);
  let properties = 0;
  for (const [name, value] of Object.entries(values)) {
    if (!PROPERTY_NAME.test(name) || RESERVED.has(name) || isPieceName(name)) {
      throw refused(`The property name '${name}' in ${where} is not allowed.`);
    }
    const pieces = value instanceof Uint8Array ? pieceCount(value.length) : 1;
    properties += pieces;
    bytes += pieces * (8 + 2 * name.length) + valueBytes(name, value, where);
  }
  if (properties > MAX_PROPERTIES) throw refused(`${where} has ${properties} properties; ${MAX_PROPERTIES} fit.`);
  if (bytes > MAX_ROW_BYTES) {
    throw new StorageError("storage-too-large", `${where} has ${bytes} bytes; 1 MiB fits. Keep the payload in a blob.`);
  }
}

/** A piece that is full says that another follows: so a shorter value merged over a longer one hides the old tail. */
export function pieceCount(length: number): number {
  return Math.floor(length / PIECE_BYTES) + 1;
}

function valueBytes(name: string, value: RowValue, where: string): number {
  if (typeof value === "string") {
    if (value.length > MAX_STRING_UNITS) {
      const size = `${value.length} characters; ${MAX_STRING_UNITS} fit`;
      throw new StorageError("storage-too-large", `'${name}' in ${where} has ${size}. Store it as bytes.`);
    }
    return 2 * value.length + 4;
  }
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw refused(`'${name}' in ${where} is ${value}: only finite numbers are stored.`);
    return 8;
  }
  if (typeof value === "boolean") return 1;
  if (value instanceof Uint8Array) return value.length + 4;
  throw refused(`'${name}' in ${where} is neither text, number, Boolean nor bytes.`);
}

/** Roughly what an operation weighs in the body of a transaction: JSON, base64, headers of its part. */
function wireBytes(partition: string, operation: RowOperation): number {
  let bytes = 600 + partition.length + 2 * operation.row.length;
  if (operation.op === "delete") return bytes;
  for (const [name, value] of Object.entries(operation.values)) {
    bytes += 2 * name.length + 40;
    if (typeof value === "string") bytes += Buffer.byteLength(value);
    else if (value instanceof Uint8Array) bytes += Math.ceil(value.length / 3) * 4;
    else bytes += 12;
  }
  return bytes;
}

function refused(message: string): StorageError {
  return new StorageError("storage-refused", message);
}
