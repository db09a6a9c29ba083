/**
 * The quota of a target: table `quota`, partition `{cloud}:{tenant}:{application}`, one row, If-Match.
 *
 * All jobs and lanes book there. Those of one process take turns, so that only processes meet at the row. A change that
 * changes nothing isn't written.
 */
import { freshQuota, type QuotaState } from "../../domain/quota.ts";
import type { Clock } from "../../ports/clock.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { pack, readRow } from "./job-rows.ts";

export interface QuotaRows {
  /** Changes the state by a pure function of it, and gives what that function gave beside. */
  change<T extends { readonly state: QuotaState }>(decide: (state: QuotaState) => T): Promise<T>;
}

const ROW = "writes";
const TRIES = 20;

export function createQuotaRows(deps: {
  readonly rows: RowStore;
  readonly clock: Clock;
  /** `{cloud}:{tenant}:{application}` */
  readonly key: string;
}): QuotaRows {
  const table = deps.rows.table("quota");
  let turn: Promise<unknown> = Promise.resolve();

  async function attempt<T extends { readonly state: QuotaState }>(decide: (state: QuotaState) => T): Promise<T> {
    for (let tries = 0; tries < TRIES; tries++) {
      const stored = await readRow<QuotaState>(table, deps.key, ROW);
      const before = stored?.value ?? freshQuota(deps.clock.now());
      const decided = decide(before);
      if (decided.state === before) return decided;
      const values = pack(decided.state);
      const written = await table.transact(deps.key, [
        stored ? { op: "replace", row: ROW, values, etag: stored.etag } : { op: "insert", row: ROW, values },
      ]);
      if (written.ok) return decided;
    }
    throw new Error(`The quota of ${deps.key} changes faster than it can be written; the activity is repeated.`);
  }

  return {
    change(decide) {
      const own = turn.then(() => attempt(decide));
      turn = own.catch(() => undefined);
      return own;
    },
  };
}
