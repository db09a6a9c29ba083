/** A job's settings as a whole: shown, and changed under their ETag. */
import { ok } from "../shared/application/failure.ts";
import { etagOf, type JobSettingsAdmin } from "../shared/application/jobs/job-settings.ts";
import { changeJobSettings, getJobSettings } from "../shared/contracts/admin/job-settings.ts";
import type { Route } from "./http-route.ts";
import { expectEtag, serveAdmin } from "./serve.ts";

export function jobSettingsRoutes(jobSettings: JobSettingsAdmin): Route[] {
  return [
    serveAdmin(getJobSettings, async ({ params }) => {
      const shown = await jobSettings.get(params.jobId);
      return shown.ok ? ok({ body: shown.value, etag: etagOf(shown.value) }) : shown;
    }),
    serveAdmin(changeJobSettings, async ({ params, body, ifMatch }, admin) => {
      const done = await jobSettings.change(params.jobId, body, admin.id, (present) =>
        expectEtag(`The settings of job ${params.jobId}`, ifMatch, etagOf(present)),
      );
      return done.ok ? ok({ body: done.value, etag: etagOf(done.value) }) : done;
    }),
  ];
}
