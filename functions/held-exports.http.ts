/** Everything but exports, or exports too; and every object mapped anew without a read. */
import { ok } from "../shared/application/failure.ts";
import type { HeldExports } from "../shared/application/held-exports.ts";
import { parseJson } from "../shared/application/parse-request.ts";
import { JobModeRequest } from "../shared/contracts/admin/jobs.ts";
import { ADMIN_ROUTES } from "../shared/contracts/admin/routes.ts";
import type { Route, RouteRequest } from "./http-route.ts";

export function heldExportsRoutes({
  heldExports,
}: {
  readonly heldExports: Pick<HeldExports, "setMode" | "reevaluate">;
}): Route[] {
  return [
    {
      name: "SetJobMode",
      methods: ["POST"],
      route: ADMIN_ROUTES.jobMode,
      guard: "admin-write",
      handle: async (request, admin) => {
        const asked = parseJson(request.body, JobModeRequest, "mode");
        if (!asked.ok) return asked;
        const done = await heldExports.setMode(jobOf(request), asked.value.mode, admin.id);
        return done.ok ? ok({ status: 200, body: done.value }) : done;
      },
    },
    {
      name: "Reevaluate",
      methods: ["POST"],
      route: ADMIN_ROUTES.reevaluate,
      guard: "admin-write",
      handle: async (request, admin) => {
        const done = await heldExports.reevaluate(jobOf(request), admin.id);
        return done.ok ? ok({ status: 202, body: done.value }) : done;
      },
    },
  ];
}

function jobOf(request: RouteRequest): string {
  return request.params["jobId"] ?? "";
}
