/** Whether nothing writes for a job: what mends its rows by hand has to be alone with them. */
import type { Clock } from "../../ports/clock.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { fail, ok, type Result } from "../failure.ts";
import { noSuchJob } from "../jobs/configurations.ts";
import { type JobRow, jobTable, LANES, ROW, type RunnerRow, readRow } from "../state/job-rows.ts";

/** A runner that hasn't moved for so long is one that was lost: what it might still write is fenced off. */
const LOST_MS = 30 * 60_000;

/** Failures: 404, 409 (not paused; a run that hasn't seen yet that it is). */
export async function expectAtRest(
  deps: { readonly rows: RowStore; readonly clock: Clock },
  jobId: string,
): Promise<Result<JobRow>> {
  const jobs = jobTable(deps.rows);
  const job = await readRow<JobRow>(jobs, jobId, ROW.job);
  if (!job) return noSuchJob(jobId);
  if (job.value.state !== "paused") {
    return fail({
      status: 409,
      code: "job-not-paused",
      message: `Job ${jobId} isn't paused: its runs would write the same rows.`,
      remedy: `Pause it ('uplink job pause ${job.value.displayName}'), repeat this, and start it again afterwards.`,
    });
  }
  for (const lane of LANES) {
    const runner = await readRow<RunnerRow>(jobs, jobId, ROW.runner(lane));
    if (runner?.value.state !== "running" || runner.value.movedAt + LOST_MS < deps.clock.now()) continue;
    return fail({
      status: 409,
      code: "job-busy",
      message: `Job ${jobId} is paused, and a run of its ${lane} lane hasn't ended yet.`,
      remedy: "Try again in a minute: it ends after the step that it is at.",
    });
  }
  return ok(job.value);
}
