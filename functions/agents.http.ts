/** The agents of a configuration, as admins see them. */
import type { AdminQueries } from "../shared/application/admin-queries.ts";
import { type Configurations, noSuchConfiguration } from "../shared/application/configurations.ts";
import { ok } from "../shared/application/failure.ts";
import { listAgents } from "../shared/contracts/admin/agents.ts";
import type { Route } from "./http-route.ts";
import { listed, serveAdmin } from "./serve.ts";

export function agentsRoute({
  configurations,
  queries,
}: {
  readonly configurations: Configurations;
  readonly queries: AdminQueries;
}): Route {
  return serveAdmin(listAgents, async ({ params }) => {
    const id = params.configurationId;
    const entry = (await configurations.list()).find((own) => own.configurationId === id);
    return entry ? listed(ok(await queries.agents(id, entry.jobId))) : noSuchConfiguration(id);
  });
}
