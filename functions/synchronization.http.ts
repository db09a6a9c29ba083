/** Configurations, jobs and templates in the paths and shapes of Graph's synchronization API. */
import { ok } from "../shared/application/failure.ts";
import type { JobDeletion } from "../shared/application/jobs/job-deletion.ts";
import type { SynchronizationJobs } from "../shared/application/jobs/synchronization-jobs.ts";
import {
  createJob,
  deleteJob,
  getJob,
  getServicePrincipal,
  getTemplate,
  listFilterOperators,
  listJobs,
  listMappingFunctions,
  listServicePrincipals,
  listTemplates,
} from "../shared/contracts/admin/synchronization.ts";
import type { Route } from "./http-route.ts";
import { listed, plain, serveAdmin } from "./serve.ts";

export function synchronizationRoutes({
  synchronization: own,
  jobDeletion,
}: {
  readonly synchronization: SynchronizationJobs;
  readonly jobDeletion: JobDeletion;
}): Route[] {
  return [
    serveAdmin(createJob, async ({ params, body }, admin) => {
      const { configurationId } = params;
      const made = await jobDeletion.make(configurationId, body.templateId, admin.id);
      return made.ok ? plain(await own.job(configurationId, made.value.jobId)) : made;
    }),
    serveAdmin(deleteJob, async ({ params, query }, admin) => {
      const done = await jobDeletion.remove(params, query.objects, admin.id);
      return done.ok ? ok({ body: undefined }) : done;
    }),
    serveAdmin(listServicePrincipals, async (asked) => listed(asked, ok(await own.configurations()), idOf)),
    serveAdmin(getServicePrincipal, async ({ params }) => plain(await own.configuration(params.configurationId))),
    serveAdmin(listJobs, async (asked) => listed(asked, await own.jobs(asked.params.configurationId), idOf)),
    serveAdmin(getJob, async ({ params }) => plain(await own.job(params.configurationId, params.jobId))),
    serveAdmin(listTemplates, async (asked) => listed(asked, await own.templates(asked.params.configurationId), idOf)),
    serveAdmin(getTemplate, async ({ params }) => plain(await own.template(params.configurationId, params.templateId))),
    serveAdmin(listFilterOperators, async (asked) => {
      const { configurationId, jobId } = asked.params;
      return listed(asked, await own.filterOperators(configurationId, jobId), idOf);
    }),
    serveAdmin(listMappingFunctions, async (asked) => {
      const { configurationId, jobId } = asked.params;
      return listed(asked, await own.mappingFunctions(configurationId, jobId), idOf);
    }),
  ];
}

/** Operators are named in words. */
function idOf({ id }: { readonly id: string }): string {
  return id.replaceAll(" ", "_");
}
