/**
 * Wakes a job by fresh runs: whatever run a lane has is set aside, and the bell is rung. For a deployment that was rolled back: a run
 * that a newer version began may be one that the older version can't go on with, and would be replaced only once it stood still for
 * long enough.
 *
 * Setting aside is one more epoch, If-Match: from then on every writing activity of the old run is fenced off, and what it had begun is
 * found and ended by the next one, as after a crash. So it does no harm to a run that is well.
 */
import type { WakeReply } from "../contracts/admin/jobs.ts";
import type { Clock } from "../ports/clock.ts";
import type { Lane } from "../ports/doorbell.ts";
import type { Log } from "../ports/log.ts";
import type { RowStore } from "../ports/row-store.ts";
import { noSuchJob } from "./configurations.ts";
import { ok, type Result } from "./failure.ts";
import { jobTable, LANES, pack, ROW, type RunnerRow, readRow } from "./state/job-rows.ts";

/** Failures: 404. */
export type WakeAnew = (jobId: string) => Promise<Result<WakeReply>>;

export function createWakeAnew(deps: {
  readonly rows: RowStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly ring: (jobId: string, lane: Lane) => Promise<void>;
}): WakeAnew {
  const jobs = jobTable(deps.rows);

  /** False: none was under way. */
  async function setAside(jobId: string, lane: Lane): Promise<boolean> {
    for (;;) {
      const runner = await readRow<RunnerRow>(jobs, jobId, ROW.runner(lane));
      if (runner?.value.state !== "running") return false;
      const now = deps.clock.now();
      const { epoch, movedAt } = runner.value;
      const next: RunnerRow = { ...runner.value, epoch: epoch + 1, state: "idle", movedAt: now };
      const written = await jobs.transact(jobId, [
        { op: "replace", row: ROW.runner(lane), values: pack(next), etag: runner.etag },
      ]);
      // Refused: it moved, or went idle, in this moment.
      if (!written.ok) continue;
      deps.log.warn("run-replaced", { jobId, lane, epoch, status: "asked", stillForMs: now - movedAt });
      return true;
    }
  }

  return async (jobId) => {
    if (!(await jobs.get(jobId, ROW.job))) return noSuchJob(jobId);
    const replaced: Lane[] = [];
    for (const lane of LANES) if (await setAside(jobId, lane)) replaced.push(lane);
    for (const lane of LANES) await deps.ring(jobId, lane);
    return ok({ jobId, replaced });
  };
}
