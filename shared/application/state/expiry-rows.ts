/**
 * When accounts expire: table `expiries`, partition `{job}`, row `{moment}:{objectGuid}`. It is there because time passes though
 * nothing changes at the source: the tick takes what is due and has those objects mapped again.
 *
 * A row is written before the object's own row says that it is (`ObjectRecord.expiresAt`), and never taken back: one that no
 * longer holds has its object looked at once in vain. Keys come from the directory's moment, not from a clock.
 */
import type { RowOperation, RowStore } from "../../ports/row-store.ts";
import { transactionChunks } from "../transaction-chunks.ts";

export interface Expiry {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly objectGuid: string;
}

export interface Expiries {
  add(jobId: string, entries: readonly Expiry[]): Promise<void>;
  /** The earliest of those that are over at `now`, `limit` at most. */
  due(jobId: string, now: number, limit: number): Promise<Expiry[]>;
  remove(jobId: string, entries: readonly Expiry[]): Promise<void>;
}

export function createExpiries(deps: { readonly rows: RowStore }): Expiries {
  const table = deps.rows.table("expiries");
  async function write(jobId: string, operations: readonly RowOperation[]): Promise<void> {
    for (const chunk of transactionChunks(operations)) {
      if ((await table.transact(jobId, chunk)).ok) continue;
      // One that is gone already fails its whole transaction.
      for (const operation of chunk) await table.transact(jobId, [operation]);
    }
  }
  return {
    add: (jobId, entries) =>
      write(
        jobId,
        [...new Set(entries.map(rowOf))].map((row) => ({ op: "upsert", row, values: {} })),
      ),
    async due(jobId, now, limit) {
      const found: Expiry[] = [];
      for await (const rows of table.range(jobId, { to: `${moment(now)};`, limit })) {
        for (const { row } of rows)
          found.push({ at: Number(row.slice(0, row.indexOf(":"))), objectGuid: row.slice(row.indexOf(":") + 1) });
      }
      return found.slice(0, limit);
    },
    remove: (jobId, entries) =>
      write(
        jobId,
        entries.map((entry) => ({ op: "delete", row: rowOf(entry) })),
      ),
  };
}

function rowOf({ at, objectGuid }: Expiry): string {
  return `${moment(at)}:${objectGuid}`;
}

/** Sorts like time, up to the year 287396. */
function moment(at: number): string {
  return String(Math.max(0, at)).padStart(16, "0");
}
