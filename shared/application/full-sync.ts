/** The full-sync timer's duty: jobs whose schedule (in their own time zone) came round since it last looked are read in full. */
import { Cron } from "croner";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { RowStore } from "../ports/row-store.ts";
import type { Configurations } from "./configurations.ts";
import { type JobRow, jobTable, pack, ROW, readRow } from "./state/job-rows.ts";

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
      const job = await readRow<JobRow>(jobs, jobId, ROW.job);
      if (!job || job.value.state === "paused") continue;
      const due = lastDue(job.value, deps.clock.now());
      if (due === undefined || due <= (job.value.lastScheduledAt ?? job.value.createdAt)) continue;
      const next: JobRow = {
        ...job.value,
        fullReadWanted: job.value.fullReadWanted ?? "scheduled",
        lastScheduledAt: due,
      };
      const written = await jobs.transact(jobId, [{ op: "replace", row: ROW.job, values: pack(next), etag: job.etag }]);
      if (written.ok) {
        asked.push(jobId);
        deps.log.info("full-sync-asked", { jobId });
      }
    }
    return { asked };
  };
}

/** The last moment at or before `now` at which the schedule fired, in milliseconds since 1970. */
export function lastDue(job: JobRow, now: number): number | undefined {
  const { schedule, timeZone } = job.settings.fullSync;
  const cron = new Cron(schedule, { timezone: timeZone, paused: true });
  const [previous] = cron.previousRuns(1, new Date(now + 1));
  return previous?.getTime();
}
