/** The agents of a configuration, as admins see them. */
import type { AdminQueries } from "../shared/application/admin-queries.ts";
import type { Configurations } from "../shared/application/configurations.ts";
import { fail, ok } from "../shared/application/failure.ts";
import { ADMIN_ROUTES } from "../shared/contracts/admin/routes.ts";
import type { Route } from "./http-route.ts";

export function agentsRoute({
  configurations,
  queries,
}: {
  readonly configurations: Configurations;
  readonly queries: AdminQueries;
}): Route {
  return {
    name: "ListAgents",
    methods: ["GET"],
    route: ADMIN_ROUTES.agents,
    guard: "admin-read",
    handle: async (request) => {
      const id = request.params["configurationId"] ?? "";
      const entry = (await configurations.list()).find((own) => own.configurationId === id);
      if (entry) return ok({ status: 200, body: { value: await queries.agents(id, entry.jobId) } });
      const message = `There is no configuration ${id}.`;
      return fail({
        status: 404,
        code: "configuration-not-found",
        message,
        remedy: "List the configurations and take an id from there.",
      });
    },
  };
}
