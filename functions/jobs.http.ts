/** Jobs: what they do and did, and starting, pausing, restarting and unblocking them. */
import type { AdminQueries } from "../shared/application/admin/admin-queries.ts";
import { ok } from "../shared/application/failure.ts";
import type { Configurations } from "../shared/application/jobs/configurations.ts";
import type { JobActions } from "../shared/application/jobs/job-actions.ts";
import type { Quarantines } from "../shared/application/lanes/quarantines.ts";
import type { WakeAnew } from "../shared/application/lanes/wake-anew.ts";
import { listCycles, listDays } from "../shared/contracts/admin/cycles.ts";
import { actOnJob, clearQuarantine, getScope, jobStatus, setScope, wakeAnew } from "../shared/contracts/admin/jobs.ts";
import { meaninglessField } from "./asked-parts.ts";
import type { Route } from "./http-route.ts";
import { asEtagMismatch, expectedVersionOf, paged, plain, serveAdmin } from "./serve.ts";

export interface JobRouteDeps {
  readonly configurations: Configurations;
  readonly queries: AdminQueries;
  readonly jobActions: JobActions;
  readonly quarantines: Pick<Quarantines, "clear">;
  readonly wakeJob: (jobId: string) => Promise<void>;
  readonly wakeAnew: WakeAnew;
}

export function jobRoutes(deps: JobRouteDeps): Route[] {
  const { configurations, queries, jobActions, quarantines, wakeJob } = deps;
  return [
    serveAdmin(jobStatus, async ({ params }) => plain(await queries.status(params.jobId))),
    serveAdmin(listCycles, async (asked) => {
      const { $top, $skiptoken } = asked.query;
      return paged(asked, await queries.cycles(asked.params.jobId, $top, $skiptoken));
    }),
    serveAdmin(listDays, async (asked) => {
      const { $top, $skiptoken } = asked.query;
      return paged(asked, await queries.days(asked.params.jobId, $top, $skiptoken));
    }),
    serveAdmin(getScope, async ({ params }) => {
      const shown = await configurations.scope(params.jobId);
      return shown.ok ? ok({ body: shown.value, etag: String(shown.value.scopeVersion) }) : shown;
    }),
    serveAdmin(setScope, async ({ params, body, ifMatch }) => {
      const set = await configurations.setScope(params.jobId, body, expectedVersionOf(ifMatch));
      const done = asEtagMismatch(set, ifMatch, "scope-version-not-expected");
      return done.ok ? ok({ body: done.value, etag: String(done.value.scopeVersion) }) : done;
    }),
    serveAdmin(actOnJob, async ({ params: { configurationId, jobId, action }, body }, admin) => {
      const known = await configurations.expectJob(configurationId, jobId);
      if (!known.ok) return known;
      if (action !== "restart" && body.resets) return meaninglessField(actOnJob, "criteria", "is for a restart alone");
      const done =
        action === "restart"
          ? await jobActions.restart(jobId, body.resets, admin.id)
          : await (action === "pause" ? jobActions.pause(jobId) : jobActions.start(jobId));
      return done.ok ? ok({ body: undefined }) : done;
    }),
    serveAdmin(wakeAnew, async ({ params, body }) => plain(await deps.wakeAnew(params.jobId, body))),
    serveAdmin(clearQuarantine, async ({ params }) => {
      const done = await quarantines.clear(params.jobId);
      if (done.ok) await wakeJob(params.jobId);
      return plain(done);
    }),
  ];
}
