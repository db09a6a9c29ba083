/** The provisioning log, newest first: of a job, or of one object. */
import type { AdminQueries } from "../shared/application/admin-queries.ts";
import { fail, ok } from "../shared/application/failure.ts";
import { ADMIN_ROUTES } from "../shared/contracts/admin/routes.ts";
import { type Route, topOf } from "./http-route.ts";

/** A query reads one partition an hour: more days belong to an export of the log. */
const MAX_DAYS = 31;

export function provisioningLogRoute(queries: AdminQueries): Route {
  return {
    name: "ProvisioningLog",
    methods: ["GET"],
    route: ADMIN_ROUTES.provisioningLog,
    guard: "admin-read",
    handle: async (request) => {
      const jobId = request.query.get("jobId");
      if (jobId === null)
        return fail({
          status: 400,
          code: "query-unsupported",
          message: "The query names no jobId.",
          remedy: "Add ?jobId=…, and optionally objectGuid, sinceDays and $top.",
        });
      const objectGuid = request.query.get("objectGuid");
      const sinceDays = Math.min(Math.max(Number(request.query.get("sinceDays") ?? 2) || 2, 1), MAX_DAYS);
      const value = await queries.log({
        jobId,
        ...(objectGuid === null ? {} : { objectGuid }),
        sinceDays,
        top: topOf(request),
      });
      return ok({ status: 200, body: { value } });
    },
  };
}
