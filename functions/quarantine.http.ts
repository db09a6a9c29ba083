/** Clearing a job's quarantine: it goes on at once. */
import { ok } from "../shared/application/failure.ts";
import type { Quarantines } from "../shared/application/quarantines.ts";
import { ADMIN_ROUTES } from "../shared/contracts/admin/routes.ts";
import type { Route } from "./http-route.ts";

export function clearQuarantineRoute(deps: {
  readonly quarantines: Pick<Quarantines, "clear">;
  readonly wakeJob: (jobId: string) => Promise<void>;
}): Route {
  return {
    name: "ClearQuarantine",
    methods: ["POST"],
    route: ADMIN_ROUTES.clearQuarantine,
    guard: "admin-write",
    handle: async (request) => {
      const jobId = request.params["jobId"] ?? "";
      const done = await deps.quarantines.clear(jobId);
      if (!done.ok) return done;
      await deps.wakeJob(jobId);
      return ok({ status: 200, body: done.value });
    },
  };
}
