/**
 * Where a job's reading stands, for who accepts its batches. Batches of a read come one after the other, mostly to the same host: what its
 * last one left there is remembered for some seconds, and needs no request. Nothing is decided by that alone: `reads` is
 * replaced by its etag, and what would be refused, or ends the read, is looked at as it is stored. Of the job's own row only
 * its domain counts before the end of a read, which is bound once and for all.
 *
 * Not remembered for long: who lost the lease meanwhile would send payloads up for nothing.
 */
import type { ChangeBatch } from "../../contracts/change.ts";
import type { Clock } from "../../ports/clock.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { type JobRow, jobTable, type ReadsRow, ROW, type Stored, unpack } from "../state/job-rows.ts";

const REMEMBERED_MS = 10_000;

export interface ReadState {
  readonly job: Stored<JobRow>;
  readonly reads: Stored<ReadsRow>;
  /** It may have moved on since. */
  readonly isRemembered: boolean;
}

type AskedBatch = Pick<ChangeBatch, "jobId" | "readNo" | "sequence" | "isLast">;

export interface ReadStates {
  /** What was remembered for this very batch, and is forgotten by that; else what is stored. Undefined: there is no such job. */
  before(batch: AskedBatch): Promise<ReadState | undefined>;
  remember(state: Omit<ReadState, "isRemembered">): void;
}

export function createReadStates(deps: { readonly rows: RowStore; readonly clock: Clock }): ReadStates {
  const jobs = jobTable(deps.rows);
  const remembered = new Map<string, { readonly state: ReadState; readonly until: number }>();

  function take(batch: AskedBatch): ReadState | undefined {
    const known = remembered.get(batch.jobId);
    remembered.delete(batch.jobId);
    if (!known || known.until < deps.clock.now() || batch.isLast) return undefined;
    const { openReadNo, nextSequence } = known.state.reads.value;
    return openReadNo === batch.readNo && nextSequence === batch.sequence ? known.state : undefined;
  }

  return {
    async before(batch) {
      const known = take(batch);
      if (known) return known;
      const rows = await jobs.getMany(batch.jobId, [ROW.job, ROW.reads]);
      const job = rows.get(ROW.job);
      const reads = rows.get(ROW.reads);
      if (!job || !reads) return undefined;
      return { job: unpack<JobRow>(job), reads: unpack<ReadsRow>(reads), isRemembered: false };
    },
    remember: ({ job, reads }) =>
      void remembered.set(job.value.jobId, {
        state: { job, reads, isRemembered: true },
        until: deps.clock.now() + REMEMBERED_MS,
      }),
  };
}
