/**
 * What a lane does next. Order within a lane is the order of reads: the batches of a read, then its ReadEnd, then the
 * next read; work that the cloud gave itself comes when no batch waits, and waits itself while another schema is in effect
 * than objects were read for. With nothing left the runner goes idle in one
 * transaction with the inbox, so no batch falls between "nothing there" and "asleep".
 */

import type { NextStep } from "../../contracts/orchestration.ts";
import { isHeld } from "../../domain/quarantine.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Lane } from "../../ports/doorbell.ts";
import type { RowStore } from "../../ports/row-store.ts";
import {
  afterPrefix,
  type BatchRow,
  heldBecause,
  type JobRow,
  jobTable,
  listRows,
  mappedVersionOf,
  pack,
  type ReadRow,
  ROW,
  type RunnerRow,
  readRow,
  type Stored,
  unpack,
  type WorkRow,
} from "../state/job-rows.ts";
import type { SyncRunInput } from "./wake-job.ts";

export type NextBatch = (run: SyncRunInput) => Promise<NextStep>;

export function createNextBatch(deps: {
  readonly rows: RowStore;
  readonly clock: Clock;
  /** Whether the target's existing objects are in the index already. */
  readonly isPrepared: (targetKey: string) => Promise<boolean>;
}): NextBatch {
  const jobs = jobTable(deps.rows);

  async function stopRunning(
    run: SyncRunInput,
    runner: RunnerRow,
    etag: string,
    inboxEtag: string | undefined,
  ): Promise<boolean> {
    const inbox = { row: ROW.inbox(run.lane), values: { n: deps.clock.now() } };
    const written = await jobs.transact(run.jobId, [
      {
        op: "replace",
        row: ROW.runner(run.lane),
        values: pack({ ...runner, state: "idle", movedAt: deps.clock.now() }),
        etag,
      },
      inboxEtag === undefined ? { op: "insert", ...inbox } : { op: "replace", ...inbox, etag: inboxEtag },
    ]);
    return written.ok;
  }

  return async (run) => {
    for (;;) {
      const rows = await jobs.getMany(run.jobId, [ROW.job, ROW.inbox(run.lane)]);
      const runner = await readRow<RunnerRow>(jobs, run.jobId, ROW.runner(run.lane));
      const job = await readRow<JobRow>(jobs, run.jobId, ROW.job);
      if (!job || !runner || runner.value.epoch !== run.epoch) return { kind: "superseded" };
      const isStopped = job.value.state === "paused" || isHeld(job.value.quarantine, deps.clock.now());
      const step = isStopped ? ({ kind: "paused" } as const) : await findWork(job.value, run.lane);
      if (step.kind === "idle" || step.kind === "paused") {
        if (await stopRunning(run, runner.value, runner.etag, rows.get(ROW.inbox(run.lane))?.etag)) return step;
        continue;
      }
      const touched = await jobs.transact(run.jobId, [
        {
          op: "replace",
          row: ROW.runner(run.lane),
          values: pack({ ...runner.value, movedAt: deps.clock.now() }),
          etag: runner.etag,
        },
      ]);
      if (!touched.ok) continue;
      return (await deps.isPrepared(job.value.targetKey)) ? step : { kind: "prepare" };
    }
  };

  /** It is the first row but for batches whose removals wait for the end of their read: the queue isn't read behind it. */
  async function firstAccepted(jobId: string, lane: Lane): Promise<Stored<BatchRow> | undefined> {
    const prefix = `batch:${lane}:`;
    let from = prefix;
    for (let limit = 1; ; limit *= 8) {
      let seen = 0;
      for await (const rows of jobs.range(jobId, { from, to: afterPrefix(prefix), limit })) {
        const batches = rows.map((row) => unpack<BatchRow>(row));
        const found = batches.find((batch) => batch.value.state === "accepted");
        if (found) return found;
        seen += rows.length;
        from = `${rows.at(-1)?.row ?? from}!`;
      }
      if (seen < limit) return undefined;
    }
  }

  async function findWork(job: JobRow, lane: Lane): Promise<NextStep> {
    const { jobId } = job;
    const reads = (await listRows<ReadRow>(jobs, jobId, "read:")).filter((read) => read.value.lane === lane);
    const waiting = await firstAccepted(jobId, lane);
    const ended = reads[0];
    // A read's end comes after its last batch and before the next read's first one.
    if (ended && (!waiting || waiting.value.readNo > ended.value.readNo))
      return { kind: "read-end", readNo: ended.value.readNo };
    if (waiting) {
      const { batchId, readNo, sequence, attempts } = waiting.value;
      return { kind: "batch", batchId, readNo, sequence, attempt: attempts };
    }
    // By another schema than images were read for, somebody would be out of scope for an attribute that nobody asked for.
    const mayMap = mappedVersionOf(job) === job.schemaVersion;
    // What an admin approved isn't forgotten by being held: it is carried out once exports are released.
    const isHeldBack = heldBecause(job) !== null;
    const isDue = ({ value }: Stored<WorkRow>) =>
      (mayMap || value.kind === "links") &&
      !(isHeldBack && value.kind === "approved") &&
      (value.notBefore ?? 0) <= deps.clock.now();
    const [first] = await listRows<WorkRow>(jobs, jobId, `work:${lane}:`, 1);
    if (!first) return { kind: "idle" };
    const work = isDue(first) ? first : (await listRows<WorkRow>(jobs, jobId, `work:${lane}:`)).find(isDue);
    if (!work) return { kind: "idle" };
    const { workId, attempts, kind } = work.value;
    return { kind: kind === "whatif" || kind === "reconcile" ? kind : "work", workId, attempt: attempts };
  }
}
