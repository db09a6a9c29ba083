/**
 * Whose place or groups have to be looked at again: table `scopenotes`, partition `{job}:{lane}`, row `{objectGuid}`; the
 * row `*` stands for everybody. Noted before what it is about is written, so that nothing that happened goes unnoticed;
 * a note too many costs a look. The etag decides who is done: what was noted again since it was read stays.
 */
import type { Lane } from "../../ports/doorbell.ts";
import type { RowOperation, RowStore } from "../../ports/row-store.ts";
import { transactionChunks } from "../transaction-chunks.ts";
import { writeHalving } from "./write-halving.ts";

export const EVERYBODY = "*";

export interface ScopeNote {
  /** An objectGUID, or `EVERYBODY`. */
  readonly row: string;
  readonly etag: string;
}

export interface ScopeNotes {
  put(jobId: string, lane: Lane, objectGuids: readonly string[]): Promise<void>;
  /** In the order of GUIDs. */
  list(jobId: string, lane: Lane, limit?: number): Promise<ScopeNote[]>;
  /** What was noted again meanwhile stays. */
  drain(jobId: string, lane: Lane, done: readonly ScopeNote[]): Promise<void>;
}

export function createScopeNotes(deps: { readonly rows: RowStore }): ScopeNotes {
  const table = deps.rows.table("scopenotes");
  const partition = (jobId: string, lane: Lane) => `${jobId}:${lane}`;
  return {
    async put(jobId, lane, objectGuids) {
      const operations = [...new Set(objectGuids)].map((row): RowOperation => ({ op: "upsert", row, values: {} }));
      for (const chunk of transactionChunks(operations)) await table.transact(partition(jobId, lane), chunk);
    },
    async list(jobId, lane, limit) {
      const found: ScopeNote[] = [];
      for await (const rows of table.range(partition(jobId, lane), limit === undefined ? {} : { limit }))
        found.push(...rows.map(({ row, etag }) => ({ row, etag })));
      return found;
    },
    async drain(jobId, lane, done) {
      const operations = done.map(({ row, etag }): RowOperation => ({ op: "delete", row, etag }));
      await writeHalving(table, partition(jobId, lane), operations);
    },
  };
}
