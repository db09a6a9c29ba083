/**
 * A step that failed again and again must not block the next for ever: after three attempts a batch is parked. Its
 * account is what became of its changes (`parked-batch.ts`); because the rest was not applied, a full read is asked for,
 * which brings it again. The end of a read that fails as often is given up likewise: nothing more is removed, and the next
 * full read judges again.
 */

import type { NextStep } from "../../contracts/orchestration.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { RowOperation, RowStore } from "../../ports/row-store.ts";
import {
  type BatchRow,
  type JobRow,
  jobTable,
  pack,
  type ReadRow,
  ROW,
  readRow,
  type WorkRow,
} from "../state/job-rows.ts";
import { createAskFullRead, wantingFullRead } from "./ask-full-read.ts";
import type { AccountParked } from "./parked-batch.ts";
import type { SplitWork } from "./split-work.ts";
import type { Fence, SyncRunInput } from "./wake-job.ts";

export const ATTEMPTS_BEFORE_PARKING = 3;

export type NoteFailure = (run: SyncRunInput, step: NextStep, message: string) => Promise<void>;

export function createNoteFailure(deps: {
  readonly rows: RowStore;
  readonly fence: Fence;
  readonly clock: Clock;
  readonly log: Log;
  readonly giveUpWhatIf: (jobId: string, workId: string, because: string) => Promise<void>;
  readonly giveUpReconcile: (jobId: string, workId: string, because: string) => Promise<void>;
  /** Tells whoever waits for work on what was asked for; of other work it does nothing. */
  readonly giveUpAsked: (jobId: string, workId: string, because: string) => Promise<void>;
  /** Takes up the parts of work that is given up. */
  readonly splitWork: SplitWork;
  readonly accountParked: AccountParked;
  /** Closes the cycle of a read whose end can't be carried out. */
  readonly abandonCycle: (run: SyncRunInput, readNo: number, because: string) => Promise<void>;
}): NoteFailure {
  const jobs = jobTable(deps.rows);
  const askFullRead = createAskFullRead(deps);
  return async (run, step, message) => {
    await deps.fence.check(run);
    deps.log.error("step-failed", { jobId: run.jobId, lane: run.lane, step: step.kind, message });
    if (step.kind === "work" && (await noteWork(run, step.workId, message)))
      await deps.giveUpAsked(run.jobId, step.workId, message);
    if (step.kind === "whatif" && (await noteWork(run, step.workId, message)))
      await deps.giveUpWhatIf(run.jobId, step.workId, `It failed ${ATTEMPTS_BEFORE_PARKING} times: ${message}`);
    if (step.kind === "reconcile" && (await noteWork(run, step.workId, message)))
      await deps.giveUpReconcile(run.jobId, step.workId, `It failed ${ATTEMPTS_BEFORE_PARKING} times: ${message}`);
    if (step.kind === "batch") await noteBatch(run, step.readNo, step.sequence, message);
    if (step.kind === "read-end") await noteReadEnd(run, step.readNo, message);
  };

  async function noteReadEnd(run: SyncRunInput, readNo: number, message: string): Promise<void> {
    const read = await readRow<ReadRow>(jobs, run.jobId, ROW.read(readNo));
    // Its cycle is closed, maybe by an attempt that ended right after.
    if (!read) return deps.abandonCycle(run, readNo, message);
    const attempts = (read.value.attempts ?? 0) + 1;
    if (attempts < ATTEMPTS_BEFORE_PARKING) {
      await jobs.transact(run.jobId, [
        { op: "replace", row: read.row, values: pack({ ...read.value, attempts }), etag: read.etag },
      ]);
      return;
    }
    await askFullRead(run.jobId, "parked-read-end", message);
    await deps.abandonCycle(run, readNo, `its end failed ${attempts} times: ${message}`);
  }

  /** Whether it was given up. */
  async function noteWork(run: SyncRunInput, workId: string, message: string): Promise<boolean> {
    const work = await readRow<WorkRow>(jobs, run.jobId, ROW.work(run.lane, workId));
    // By an attempt that ended right after: whoever waits for it has to be told all the same.
    if (!work) return true;
    const attempts = work.value.attempts + 1;
    // What all objects would have got nobody else brings them.
    if (attempts >= ATTEMPTS_BEFORE_PARKING && work.value.kind === "all")
      await askFullRead(run.jobId, "parked-reevaluation", message);
    // Escrows stay where they are: given up, the work is made again by the next tick.
    if (attempts >= ATTEMPTS_BEFORE_PARKING) await deps.splitWork(work.value);
    const operation: RowOperation =
      attempts >= ATTEMPTS_BEFORE_PARKING
        ? { op: "delete", row: work.row, etag: work.etag }
        : { op: "replace", row: work.row, values: pack({ ...work.value, attempts }), etag: work.etag };
    return (await jobs.transact(run.jobId, [operation])).ok && operation.op === "delete";
  }

  async function noteBatch(run: SyncRunInput, readNo: number, sequence: number, message: string): Promise<void> {
    const batch = await readRow<BatchRow>(jobs, run.jobId, ROW.batch(run.lane, readNo, sequence));
    if (!batch) return;
    const attempts = batch.value.attempts + 1;
    if (attempts < ATTEMPTS_BEFORE_PARKING) {
      await jobs.transact(run.jobId, [
        { op: "replace", row: batch.row, values: pack({ ...batch.value, attempts }), etag: batch.etag },
      ]);
      return;
    }
    const job = await readRow<JobRow>(jobs, run.jobId, ROW.job);
    if (!job) return;
    const account = await deps.accountParked(job.value, batch.value, message);
    const parked: BatchRow = { ...account, attempts, state: "processed" };
    // With removals that wait for the end of its read it stays open until then, as any batch.
    const closing: RowOperation[] =
      parked.waiting > 0
        ? [{ op: "replace", row: batch.row, values: pack(parked), etag: batch.etag }]
        : [
            { op: "delete", row: batch.row, etag: batch.etag },
            { op: "upsert", row: ROW.done(readNo, sequence), values: pack(parked) },
          ];
    const written = await jobs.transact(run.jobId, [
      ...closing,
      {
        op: "replace",
        row: ROW.job,
        values: pack(wantingFullRead(job.value, "parked-batch", message, deps.clock.now())),
        etag: job.etag,
      },
    ]);
    if (written.ok)
      deps.log.error("batch-parked", { jobId: run.jobId, batchId: parked.batchId, changes: parked.changes });
  }
}
