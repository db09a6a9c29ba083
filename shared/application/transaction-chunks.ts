/**
 * Splits operations on one partition into transactions that Table Storage takes: at most 100 operations and 3.5 MiB
 * each, no row twice in one. The order stays; whether a later chunk may fail after an earlier one stands is the
 * caller's to think about.
 */

import type { RowOperation } from "../ports/row-store.ts";

const MAX_OPERATIONS = 100;
/** The service takes 4 MiB; the estimate below is on the safe side, and the rest is headroom. */
const MAX_BYTES = 3.5 * 1_048_576;

/** The chunks, in order; no operations give no chunks. */
export function transactionChunks(operations: readonly RowOperation[]): readonly (readonly RowOperation[])[] {
  const chunks: RowOperation[][] = [];
  let current: RowOperation[] = [];
  let rows = new Set<string>();
  let bytes = 0;
  for (const operation of operations) {
    const size = operationBytes(operation);
    const full = current.length === MAX_OPERATIONS || bytes + size > MAX_BYTES || rows.has(operation.row);
    if (full && current.length > 0) {
      chunks.push(current);
      current = [];
      rows = new Set();
      bytes = 0;
    }
    current.push(operation);
    rows.add(operation.row);
    bytes += size;
  }
  if (current.length > 0) chunks.push(current);
  return chunks;
}

/** The most that an operation can weigh on the wire: headers of its part, JSON, base64, three bytes a character. */
function operationBytes(operation: RowOperation): number {
  const head = 800 + 9 * operation.row.length;
  if (operation.op === "delete") return head;
  return Object.entries(operation.values).reduce((sum, [name, value]) => {
    if (typeof value === "string") return sum + 2 * name.length + 60 + 3 * value.length;
    if (value instanceof Uint8Array) return sum + 2 * name.length + 120 + Math.ceil((value.length * 4) / 3);
    return sum + 2 * name.length + 80;
  }, head);
}
