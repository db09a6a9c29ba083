/**
 * Rows that were put back are as old as their backup: until a full read has told what became of everybody since, nothing is sent.
 *
 * The job's row says since when, in the very change that asks for that read; it stands beside what else holds the job's exports,
 * so neither ends the other. The end of a full read that began later takes it away, and has everybody mapped anew, in one
 * transaction. A read whose work was set aside ends nothing: not everybody's image is of today, and another full read is wanted.
 */
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { workOperations } from "../lanes/add-work.ts";
import { type CycleRow, heldBecause, type JobRow, jobTable, pack, ROW, readRow } from "../state/job-rows.ts";

/** Why the full read is made that has the last word. */
export const LINKS_REBUILT = "links-rebuilt";

/** `cycle`: of the read that ends, with every chunk of it written. Doing it again does nothing. */
export type ReleaseRebuilt = (jobId: string, cycle: CycleRow) => Promise<void>;

export function createReleaseRebuilt(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
}): ReleaseRebuilt {
  const jobs = jobTable(deps.rows);
  return async (jobId, cycle) => {
    for (;;) {
      const stored = await readRow<JobRow>(jobs, jobId, ROW.job);
      if (!stored || !isToldBy(stored.value, cycle)) return;
      const { restoredAt: _, ...rest } = stored.value;
      const isReleased = heldBecause(rest) === null;
      const next: JobRow = isReleased ? { ...rest, exportsReleasedAt: deps.clock.now() } : rest;
      // In the lane of the read itself: its run finds it next.
      const everybody = isReleased
        ? await workOperations(deps, jobId, "all", { objectGuids: [] }, `${cycle.cycleId}-rebuilt`, "bulk")
        : [];
      const written = await jobs.transact(jobId, [
        { op: "replace", row: ROW.job, values: pack(next), etag: stored.etag },
        ...everybody,
      ]);
      if (!written.ok) continue;
      if (isReleased) deps.log.warn("exports-released", { jobId, because: LINKS_REBUILT, by: cycle.cycleId });
      return;
    }
  };
}

function isToldBy({ restoredAt, fullReadWanted }: JobRow, { kind, state, startedAt }: CycleRow): boolean {
  if (restoredAt === undefined || kind !== "full" || state !== "ended") return false;
  return startedAt >= restoredAt && fullReadWanted?.startsWith("parked") !== true;
}
