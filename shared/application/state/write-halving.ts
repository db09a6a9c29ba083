/**
 * One transaction where it can be, else halves: a single contested row refuses the whole, the halves find it, and the
 * rest is written all the same.
 */
import type { RowOperation, RowTable } from "../../ports/row-store.ts";
import { transactionChunks } from "../transaction-chunks.ts";

/** The new etags, in order; undefined where an operation was refused. */
export async function writeHalving(
  table: RowTable,
  partition: string,
  operations: readonly RowOperation[],
): Promise<(string | undefined)[]> {
  const etags: (string | undefined)[] = [];
  for (const chunk of transactionChunks(operations)) etags.push(...(await writeChunk(table, partition, chunk)));
  return etags;
}

async function writeChunk(
  table: RowTable,
  partition: string,
  operations: readonly RowOperation[],
): Promise<(string | undefined)[]> {
  const whole = await table.transact(partition, operations);
  if (whole.ok) return [...whole.etags];
  if (operations.length === 1) return [undefined];
  const middle = Math.ceil(operations.length / 2);
  const left = await writeChunk(table, partition, operations.slice(0, middle));
  return [...left, ...(await writeChunk(table, partition, operations.slice(middle)))];
}
