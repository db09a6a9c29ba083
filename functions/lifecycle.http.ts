/** What becomes of people who end, by job: shown and set. */
import { ok, type Result } from "../shared/application/failure.ts";
import type { Lifecycles } from "../shared/application/mapping/lifecycle-settings.ts";
import { getLifecycle, type LifecycleReply, setLifecycle } from "../shared/contracts/admin/jobs.ts";
import type { Route } from "./http-route.ts";
import { expectEtag, type Served, serveAdmin } from "./serve.ts";

export function lifecycleRoutes(lifecycles: Lifecycles): Route[] {
  return [
    serveAdmin(getLifecycle, async ({ params }) => withEtag(await lifecycles.get(params.jobId))),
    serveAdmin(setLifecycle, async ({ params: { jobId }, body, ifMatch }, admin) =>
      withEtag(
        await lifecycles.set(jobId, body, admin.id, (now) =>
          expectEtag(`The lifecycle of job ${jobId}`, ifMatch, etagOf(now)),
        ),
      ),
    ),
  ];
}

/** All that it says. */
function etagOf({ outOfScope, expiredAccounts, groupDeleteDelayDays }: LifecycleReply): string {
  return [outOfScope, expiredAccounts, groupDeleteDelayDays].join(".");
}

function withEtag(shown: Result<LifecycleReply>): Result<Served<LifecycleReply>> {
  return shown.ok ? ok({ body: shown.value, etag: etagOf(shown.value) }) : shown;
}
