/**
 * The committed watermark of a job: the newest before which every batch of both lanes is closed (N2). It only moves forward.
 */
import type { Watermark } from "../../contracts/change.ts";
import type { Clock } from "../../ports/clock.ts";
import type { RowStore } from "../../ports/row-store.ts";
import {
  afterPrefix,
  type BatchRow,
  jobTable,
  LANES,
  listRows,
  pack,
  ROW,
  readRow,
  unpack,
} from "../state/job-rows.ts";

/** The row of a closed batch whose watermark is committed. */
export interface CommittedWatermark {
  readonly watermark: Watermark;
  readonly row: string;
  readonly at: number;
}

/**
 * Looks for it and writes it down. `since`: what was closed just now, which alone can have opened the way; what was closed before
 * it was looked at then.
 */
export type MoveWatermark = (jobId: string, since?: string) => Promise<void>;

export function createMoveWatermark(deps: { readonly rows: RowStore; readonly clock: Clock }): MoveWatermark {
  const jobs = jobTable(deps.rows);
  return async (jobId, since = "") => {
    for (;;) {
      const committed = await readRow<CommittedWatermark>(jobs, jobId, ROW.watermark);
      const open = (
        await Promise.all(LANES.map((lane) => listRows<BatchRow>(jobs, jobId, `batch:${lane}:`, 1)))
      ).flat();
      const firstOpen =
        open.map((batch) => ROW.done(batch.value.readNo, batch.value.sequence)).sort()[0] ?? afterPrefix("done:");
      let newest: BatchRow | undefined;
      const told = committed?.value.row ?? "done:";
      const from = told < since ? since : told;
      for await (const rows of jobs.range(jobId, { from, to: firstOpen })) {
        newest =
          rows.map((row) => unpack<BatchRow>(row).value).findLast((batch) => batch.watermarkAfter !== null) ?? newest;
      }
      if (!newest?.watermarkAfter) return;
      const value: CommittedWatermark = {
        watermark: newest.watermarkAfter,
        row: ROW.done(newest.readNo, newest.sequence),
        at: deps.clock.now(),
      };
      if (committed?.value.row === value.row) return;
      const written = await jobs.transact(jobId, [
        committed
          ? { op: "replace", row: ROW.watermark, values: pack(value), etag: committed.etag }
          : { op: "insert", row: ROW.watermark, values: pack(value) },
      ]);
      // The other lane moved it at the same moment, and may not have seen what was closed here: look again.
      if (written.ok) return;
    }
  };
}
