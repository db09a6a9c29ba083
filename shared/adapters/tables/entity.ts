/**
 * Between a row's values and the JSON of a table entity.
 *
 * Whole numbers that fit go as Int32, all others as Double, said by annotation: without one the service takes 3 for an
 * Int32 and refuses 2^40. Bytes above 64 KiB are cut into pieces; each full piece says that another follows.
 */

import type { Row, RowValue, RowValues } from "../../ports/row-store.ts";
import { isPieceName, PIECE_BYTES, pieceCount } from "./row-limits.ts";

const TYPE = "@odata.type";
/** What the SDK puts beside the values of an entity. */
const NO_VALUE = new Set(["partitionKey", "rowKey", "etag", "timestamp"]);

/** The JSON body of an entity with its keys. */
export function entityJson(partition: string, row: string, values: RowValues): string {
  const entity: Record<string, string | number | boolean> = { PartitionKey: partition, RowKey: row };
  for (const [name, value] of Object.entries(values)) {
    if (value instanceof Uint8Array) addBytes(entity, name, value);
    else if (typeof value === "number") addNumber(entity, name, value);
    else entity[name] = value;
  }
  return JSON.stringify(entity);
}

function addNumber(entity: Record<string, string | number | boolean>, name: string, value: number): void {
  entity[name] = value;
  if (value !== (value | 0)) entity[`${name}${TYPE}`] = "Edm.Double";
}

function addBytes(entity: Record<string, string | number | boolean>, name: string, value: Uint8Array): void {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  for (let piece = 0; piece < pieceCount(value.length); piece++) {
    const property = piece === 0 ? name : `${name}_${piece}`;
    entity[property] = bytes.toString("base64", piece * PIECE_BYTES, Math.min(value.length, (piece + 1) * PIECE_BYTES));
    entity[`${property}${TYPE}`] = "Edm.Binary";
  }
}

/**
 * A row from an entity as the SDK gives it. `whole` is false when a selection left out pieces that the first one
 * announces: then the row must be read again, whole.
 */
export function rowOfEntity(
  entity: Readonly<Record<string, unknown>>,
  select?: readonly string[],
): { readonly row: Row; readonly whole: boolean } {
  const values: Record<string, RowValue> = {};
  let whole = true;
  for (const [name, value] of Object.entries(entity)) {
    if (NO_VALUE.has(name) || name.startsWith("odata.") || isPieceName(name)) continue;
    if (select && !select.includes(name)) continue;
    if (value instanceof Uint8Array) {
      const bytes = joinPieces(entity, name, value);
      if (bytes) values[name] = bytes;
      else whole = false;
    } else if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
      values[name] = value;
    }
  }
  const row = {
    partition: String(entity["partitionKey"]),
    row: String(entity["rowKey"]),
    etag: String(entity["etag"]),
    values,
  };
  return { row, whole };
}

function joinPieces(
  entity: Readonly<Record<string, unknown>>,
  name: string,
  first: Uint8Array,
): Uint8Array | undefined {
  if (first.length < PIECE_BYTES) return new Uint8Array(first.buffer, first.byteOffset, first.length);
  const pieces = [first];
  for (let last = first; last.length === PIECE_BYTES; ) {
    const next = entity[`${name}_${pieces.length}`];
    if (!(next instanceof Uint8Array)) return undefined;
    pieces.push(next);
    last = next;
  }
  return new Uint8Array(Buffer.concat(pieces));
}
