/**
 * Wakes a job by fresh runs: a lane's run that stands still is set aside, and the bell is rung. For a deployment that was rolled back: a run
 * that a newer version began may be one that the older version can't go on with, and would be replaced only once it stood still for
 * long enough.
 *
 * Setting aside is one more epoch, If-Match: from then on every writing activity of the old run is fenced off, and what it had begun is
 * found and ended by the next one, as after a crash. But a call that is under way can't be called back: so a run that moved a moment ago
 * is left alone, unless the admin knows that nobody is at it any more. Whether Durable still knows that run is for the bell to find.
 */
import type { WakeReply } from "../../contracts/admin/jobs.ts";
import { FRESH_MARK_MS } from "../../domain/object-record.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Lane } from "../../ports/doorbell.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { ok, type Result } from "../failure.ts";
import { noSuchJob } from "../jobs/configurations.ts";
import { jobTable, LANES, pack, ROW, type RunnerRow, readRow } from "../state/job-rows.ts";

/** `force`: also runs that moved a moment ago. Failures: 404. */
export type WakeAnew = (
  jobId: string,
  options?: { readonly force?: boolean | undefined },
) => Promise<Result<WakeReply>>;

export function createWakeAnew(deps: {
  readonly rows: RowStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly ring: (jobId: string, lane: Lane) => Promise<void>;
}): WakeAnew {
  const jobs = jobTable(deps.rows);

  async function setAside(jobId: string, lane: Lane, force: boolean): Promise<"none" | "left" | "replaced"> {
    for (;;) {
      const runner = await readRow<RunnerRow>(jobs, jobId, ROW.runner(lane));
      if (runner?.value.state !== "running") return "none";
      const now = deps.clock.now();
      const { epoch, movedAt } = runner.value;
      if (!force && now - movedAt < FRESH_MARK_MS) return "left";
      const next: RunnerRow = { ...runner.value, epoch: epoch + 1, state: "idle", movedAt: now };
      const written = await jobs.transact(jobId, [
        { op: "replace", row: ROW.runner(lane), values: pack(next), etag: runner.etag },
      ]);
      // Refused: it moved, or went idle, in this moment.
      if (!written.ok) continue;
      deps.log.warn("run-replaced", { jobId, lane, epoch, status: "asked", stillForMs: now - movedAt });
      return "replaced";
    }
  }

  return async (jobId, { force = false } = {}) => {
    if (!(await jobs.get(jobId, ROW.job))) return noSuchJob(jobId);
    const replaced: Lane[] = [];
    const left: Lane[] = [];
    for (const lane of LANES) {
      const done = await setAside(jobId, lane, force);
      if (done !== "none") (done === "left" ? left : replaced).push(lane);
    }
    for (const lane of LANES)
      await deps.ring(jobId, lane).catch(() => deps.log.warn("doorbell-unreachable", { jobId, lane }));
    return ok({ jobId, replaced, left });
  };
}
