/** The full-sync timer's duty: jobs whose schedule (in their own time zone) came round since it last looked are read in full. */
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import type { Configurations } from "../jobs/configurations.ts";
import { type JobRow, jobTable, pack, ROW, readRow } from "../state/job-rows.ts";
import { lastDue } from "./full-sync-schedule.ts";

export type FullSync = () => Promise<{ readonly asked: readonly string[] }>;

export function createFullSync(deps: {
  readonly rows: RowStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly configurations: Configurations;
}): FullSync {
  const jobs = jobTable(deps.rows);
  return async () => {
    const asked: string[] = [];
    for (const { jobId } of await deps.configurations.list()) {
      // One job's trouble must not keep the others from being read.
      const isAsked = await ask(jobId).catch((error: unknown) => {
        deps.log.error("full-sync-failed", { jobId, message: String(error) });
        return false;
      });
      if (!isAsked) continue;
      asked.push(jobId);
      deps.log.info("full-sync-asked", { jobId });
    }
    return { asked };
  };

  async function ask(jobId: string): Promise<boolean> {
    const job = await readRow<JobRow>(jobs, jobId, ROW.job);
    if (!job || job.value.state === "paused") return false;
    const now = deps.clock.now();
    const due = lastDue(job.value.settings.fullSync, now);
    if (due === undefined || due <= (job.value.lastScheduledAt ?? job.value.createdAt)) return false;
    const next: JobRow = {
      ...job.value,
      fullReadWanted: job.value.fullReadWanted ?? "scheduled",
      // A wish that is open keeps its time: a read that began after it brings what the schedule wants, too.
      fullReadWantedAt: job.value.fullReadWanted === null ? now : job.value.fullReadWantedAt,
      lastScheduledAt: due,
    };
    const written = await jobs.transact(jobId, [{ op: "replace", row: ROW.job, values: pack(next), etag: job.etag }]);
    return written.ok;
  }
}
