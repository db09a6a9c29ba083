/** The provisioning log, newest first: of a job, or of one object. */
import type { AdminQueries } from "../shared/application/admin-queries.ts";
import { ok } from "../shared/application/failure.ts";
import { listProvisioningLog } from "../shared/contracts/provisioning-log.ts";
import type { Route } from "./http-route.ts";
import { invalidQuery, listed, serveAdmin } from "./serve.ts";

export function provisioningLogRoute(queries: AdminQueries): Route {
  return serveAdmin(listProvisioningLog, async ({ query: { jobId, objectGuid, sinceDays, $top } }) => {
    if (jobId === undefined) return invalidQuery("jobId", "is missing; give ?jobId=…");
    const filter = { jobId, ...(objectGuid === undefined ? {} : { objectGuid }), sinceDays, top: $top };
    return listed(ok(await queries.log(filter)));
  });
}
