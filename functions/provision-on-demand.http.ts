/** One object of the directory through the pipeline, now. */
import type { ProvisionOnDemand } from "../shared/application/on-demand/provision-on-demand.ts";
import { provisionOnDemand } from "../shared/contracts/admin/provision-on-demand.ts";
import type { Route } from "./http-route.ts";
import { plain, serveAdmin } from "./serve.ts";

export function provisionOnDemandRoute(provision: ProvisionOnDemand): Route {
  return serveAdmin(provisionOnDemand, async ({ params, body }, admin) =>
    plain(await provision(params, body, admin.id)),
  );
}
