/** A job that wants a full read, because something of it was set aside: the read makes up for that. */
import { withoutNames } from "../../domain/names-in-text.ts";
import type { Clock } from "../../ports/clock.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { type JobRow, jobTable, pack, ROW, readRow } from "../state/job-rows.ts";

/** Characters of a message that a row keeps. */
const MOST_SAID = 500;

/** `message`: what the work ended with. */
export function wantingFullRead(job: JobRow, reason: string, message: string, now: number): JobRow {
  const setAsideBecause = withoutNames(message).slice(0, MOST_SAID);
  return { ...job, fullReadWanted: reason, fullReadWantedAt: now, setAsideBecause, setAsideAt: now };
}

export type AskFullRead = (jobId: string, reason: string, message: string) => Promise<void>;

export function createAskFullRead(deps: { readonly rows: RowStore; readonly clock: Clock }): AskFullRead {
  const jobs = jobTable(deps.rows);
  return async (jobId, reason, message) => {
    for (;;) {
      const job = await readRow<JobRow>(jobs, jobId, ROW.job);
      if (!job) return;
      const values = pack(wantingFullRead(job.value, reason, message, deps.clock.now()));
      // Given up while somebody else changed the job, what was set aside would never be made good.
      if ((await jobs.transact(jobId, [{ op: "replace", row: ROW.job, values, etag: job.etag }])).ok) return;
    }
  };
}
