/**
 * `wakeJob`: the only way in which work on a job's lane starts. The doorbell, the tick, timers and the admin API call it.
 *
 * Runs are not singletons: the lane's `runner` row names the instance that may work, by epoch. Alive and moving: done.
 * Unknown to Durable: started under that very id. Ended or stuck: a fresh epoch and a fresh id, never used before.
 */
import type { Clock } from "../../ports/clock.ts";
import type { Lane } from "../../ports/doorbell.ts";
import type { Log } from "../../ports/log.ts";
import type { OrchestrationStarter } from "../../ports/orchestration-starter.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { jobTable, pack, ROW, type RunnerRow, readRow } from "../state/job-rows.ts";

export interface SyncRunInput {
  readonly jobId: string;
  readonly lane: Lane;
  readonly epoch: number;
}

export type WakeJob = (jobId: string, lane: Lane) => Promise<"running" | "started" | "no-job">;

export function createWakeJob(deps: {
  readonly rows: RowStore;
  readonly starter: OrchestrationStarter;
  readonly clock: Clock;
  readonly log: Log;
  /** The orchestrator's registered name. */
  readonly orchestrator: string;
  readonly instanceId: (jobId: string, lane: Lane, epoch: number) => string;
  /** A run that did not move for this long is taken for stuck. */
  readonly stuckAfterMs: number;
}): WakeJob {
  const jobs = jobTable(deps.rows);
  return async (jobId, lane) => {
    for (let tries = 0; tries < 5; tries++) {
      const job = await jobs.get(jobId, ROW.job);
      if (!job) return "no-job";
      const runner = await readRow<RunnerRow>(jobs, jobId, ROW.runner(lane));
      const now = deps.clock.now();
      if (runner?.value.state === "running") {
        const status = await deps.starter.status(runner.value.instanceId);
        if (status === "running" && now - runner.value.movedAt < deps.stuckAfterMs) return "running";
        if (status === "unknown") {
          const input: SyncRunInput = { jobId, lane, epoch: runner.value.epoch };
          await deps.starter.start(deps.orchestrator, runner.value.instanceId, input);
          return "started";
        }
        deps.log.warn("run-replaced", {
          jobId,
          lane,
          epoch: runner.value.epoch,
          status,
          stillForMs: now - runner.value.movedAt,
        });
      }
      const epoch = (runner?.value.epoch ?? 0) + 1;
      const next: RunnerRow = {
        epoch,
        instanceId: deps.instanceId(jobId, lane, epoch),
        state: "running",
        movedAt: now,
      };
      const written = await jobs.transact(jobId, [
        runner
          ? { op: "replace", row: ROW.runner(lane), values: pack(next), etag: runner.etag }
          : { op: "insert", row: ROW.runner(lane), values: pack(next) },
      ]);
      if (!written.ok) continue;
      await deps.starter.start(deps.orchestrator, next.instanceId, { jobId, lane, epoch } satisfies SyncRunInput);
      return "started";
    }
    // Others are waking it as fast as we are: one of them succeeded.
    return "running";
  };
}

/** The lane's runner has another epoch: a newer run took over, and this one must write nothing more. */
export class FencedOff extends Error {
  readonly code = "fenced-off";
  constructor(jobId: string, lane: Lane, epoch: number) {
    super(`Run ${epoch} of job ${jobId} (${lane}) was replaced by a newer one.`);
    this.name = "FencedOff";
  }
}

export interface Fence {
  /** Throws `FencedOff` unless `epoch` is the lane's; notes that the run moves, at most twice a minute. */
  check(run: SyncRunInput): Promise<void>;
}

const TOUCH_EVERY_MS = 30_000;

export function createFence(deps: { readonly rows: RowStore; readonly clock: Clock }): Fence {
  const jobs = jobTable(deps.rows);
  return {
    async check({ jobId, lane, epoch }) {
      const runner = await readRow<RunnerRow>(jobs, jobId, ROW.runner(lane));
      if (runner?.value.epoch !== epoch) throw new FencedOff(jobId, lane, epoch);
      const now = deps.clock.now();
      if (now - runner.value.movedAt < TOUCH_EVERY_MS) return;
      // Refused means that somebody else touched or replaced it: the next check sees which.
      await jobs.transact(jobId, [
        { op: "replace", row: ROW.runner(lane), values: pack({ ...runner.value, movedAt: now }), etag: runner.etag },
      ]);
    },
  };
}
