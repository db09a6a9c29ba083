/**
 * What becomes of people who end, as a job's setting: shown and set. Another choice is followed by a full read, which looks at
 * everybody by it: who was kept so far is deleted then, within the guard's bounds; who was deleted before is not brought back.
 */
import type { LifecycleReply } from "../../contracts/admin/jobs.ts";
import type { LifecycleSettings } from "../../contracts/configuration.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { ok, type Result } from "../failure.ts";
import { noSuchJob } from "../jobs/configurations.ts";
import { wishBeside } from "../reading/reads.ts";
import { type JobRow, jobTable, pack, ROW, readRow } from "../state/job-rows.ts";

export interface Lifecycles {
  /** What is left out of `asked` stays. `refusalOf` says of what would be changed why not. Failures: 404, and that. */
  set(
    jobId: string,
    asked: LifecycleSettings,
    by: string,
    refusalOf?: (present: LifecycleReply) => Result<null>,
  ): Promise<Result<LifecycleReply>>;
  get(jobId: string): Promise<Result<LifecycleReply>>;
}

export function createLifecycles(deps: {
  readonly rows: RowStore;
  readonly clock: Clock;
  readonly log: Log;
}): Lifecycles {
  const jobs = jobTable(deps.rows);
  return {
    async get(jobId) {
      const job = await readRow<JobRow>(jobs, jobId, ROW.job);
      return job ? ok(replyOf(job.value, false)) : noSuchJob(jobId);
    },
    async set(jobId, asked, by, refusalOf = () => ok(null)) {
      for (;;) {
        const stored = await readRow<JobRow>(jobs, jobId, ROW.job);
        if (!stored || stored.value.deleting) return noSuchJob(jobId);
        const before = replyOf(stored.value, false);
        const refused = refusalOf(before);
        if (!refused.ok) return refused;
        const lifecycle = { ...stored.value.settings.lifecycle, ...asked };
        const job: JobRow = { ...stored.value, settings: { ...stored.value.settings, lifecycle } };
        const reply = replyOf(job, false);
        const names = (["outOfScope", "expiredAccounts", "groupDeleteDelayDays"] as const).filter(
          (name) => reply[name] !== before[name],
        );
        if (names.length === 0) return ok(reply);
        const fullReadWanted = wishBeside(job.fullReadWanted, "lifecycle");
        const wanted: JobRow = { ...job, fullReadWanted, fullReadWantedAt: deps.clock.now() };
        const written = await jobs.transact(jobId, [
          { op: "replace", row: ROW.job, values: pack(wanted), etag: stored.etag },
        ]);
        if (!written.ok) continue;
        for (const name of names)
          deps.log.info("lifecycle-changed", { jobId, by, name, from: before[name], to: reply[name] });
        return ok({ ...reply, changed: true });
      }
    },
  };
}

function replyOf({ jobId, settings }: JobRow, changed: boolean): LifecycleReply {
  const { outOfScope = "delete", expiredAccounts = "ignore", groupDeleteDelayDays = 0 } = settings.lifecycle ?? {};
  return { jobId, outOfScope, expiredAccounts, groupDeleteDelayDays, changed };
}
