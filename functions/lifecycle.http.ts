/** What becomes of people who end, by job: shown and set. */
import type { Lifecycles } from "../shared/application/lifecycle-settings.ts";
import { getLifecycle, setLifecycle } from "../shared/contracts/admin/jobs.ts";
import type { Route } from "./http-route.ts";
import { plain, serveAdmin } from "./serve.ts";

export function lifecycleRoutes(lifecycles: Lifecycles): Route[] {
  return [
    serveAdmin(getLifecycle, async ({ params }) => plain(await lifecycles.get(params.jobId))),
    serveAdmin(setLifecycle, async ({ params, body }, admin) =>
      plain(await lifecycles.set(params.jobId, body, admin.id)),
    ),
  ];
}
