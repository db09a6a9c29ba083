/**
 * What entries of the provisioning log show of their jobs, of all jobs in one row: a page of entries of any number of jobs costs one
 * request for it. A job is noted when it is made, and the tick keeps the row; one that isn't noted yet shows its id for a name.
 *
 * A job that was deleted stays, as its entries do. Where there is no such row yet, after an upgrade, the jobs are looked up one by one.
 */
import type { RowStore } from "../../ports/row-store.ts";
import { type JobRow, jobTable, listRows, pack, ROW, readRow } from "../state/job-rows.ts";
import type { LoggedJob } from "./log-reply.ts";

const PARTITION = "catalogue";
const LOGGED_JOBS = "logged-jobs";

export interface ListedJob extends LoggedJob {
  readonly isGone?: true;
}

type Listed = Readonly<Record<string, ListedJob>>;

export interface LoggedJobs {
  /** One request; one for each job, and two more, before the first tick after an upgrade. */
  all(): Promise<ReadonlyMap<string, ListedJob>>;
  /** Undefined: there is no such job. One request. */
  one(jobId: string): Promise<LoggedJob | undefined>;
  note(jobId: string): Promise<void>;
  /** Brings the row up to date; jobs that it has beyond these are gone. */
  noteAll(jobIds: readonly string[]): Promise<void>;
}

export function createLoggedJobs(deps: { readonly rows: RowStore }): LoggedJobs {
  const jobs = jobTable(deps.rows);

  async function one(jobId: string): Promise<LoggedJob | undefined> {
    const job = (await readRow<JobRow>(jobs, jobId, ROW.job))?.value;
    if (!job) return undefined;
    const { configurationId, displayName, targetKey, domainFqdn, domain } = job;
    return { configurationId, displayName, targetKey, domainFqdn, ...(domain ? { domain } : {}) };
  }

  /** From before there was a row for it. */
  async function unlisted(): Promise<Listed> {
    const found: Record<string, ListedJob> = {};
    for (const { value } of await listRows<{ readonly jobId: string }>(jobs, PARTITION, "configuration:")) {
      const job = value.jobId === "" ? undefined : await one(value.jobId);
      if (job) found[value.jobId] = job;
    }
    return found;
  }

  async function change(jobIds: readonly string[], keep: (job: ListedJob) => ListedJob): Promise<void> {
    const present: Record<string, ListedJob> = {};
    for (const jobId of jobIds) {
      const job = await one(jobId);
      if (job) present[jobId] = job;
    }
    for (;;) {
      const stored = await readRow<Listed>(jobs, PARTITION, LOGGED_JOBS);
      const known = stored?.value ?? (await unlisted());
      const kept = Object.entries(known).map(([jobId, job]): [string, ListedJob] => [jobId, keep(job)]);
      const next = Object.fromEntries(
        Object.entries({ ...Object.fromEntries(kept), ...present }).sort(([one], [other]) => (one < other ? -1 : 1)),
      );
      if (JSON.stringify(next) === JSON.stringify(stored?.value ?? {})) return;
      const values = pack(next);
      const written = await jobs.transact(PARTITION, [
        stored
          ? { op: "replace", row: LOGGED_JOBS, values, etag: stored.etag }
          : { op: "insert", row: LOGGED_JOBS, values },
      ]);
      if (written.ok) return;
    }
  }

  return {
    one,
    async all() {
      const stored = await readRow<Listed>(jobs, PARTITION, LOGGED_JOBS);
      return new Map(Object.entries(stored?.value ?? (await unlisted())));
    },
    note: (jobId) => change([jobId], (job) => job),
    noteAll: (jobIds) => change(jobIds, (job) => ({ ...job, isGone: true })),
  };
}
