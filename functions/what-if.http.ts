/** What-ifs of jobs: asked for, shown, approved. */
import { ok, type Result } from "../shared/application/failure.ts";
import { parseJson } from "../shared/application/parse-request.ts";
import type { WhatIfs } from "../shared/application/what-ifs.ts";
import { ADMIN_ROUTES } from "../shared/contracts/admin/routes.ts";
import { WhatIfApproval, WhatIfRequest } from "../shared/contracts/admin/what-ifs.ts";
import type { Route, RouteReply, RouteRequest } from "./http-route.ts";

export function whatIfRoutes(whatIfs: WhatIfs): Route[] {
  return [
    {
      name: "RunWhatIf",
      methods: ["POST"],
      route: ADMIN_ROUTES.whatIf,
      guard: "admin-write",
      handle: async (request, admin) => {
        const asked = parseJson(request.body, WhatIfRequest, "what-if");
        return asked.ok ? answered(await whatIfs.run(jobOf(request), asked.value, admin.id), 202) : asked;
      },
    },
    {
      name: "ListWhatIfs",
      methods: ["GET"],
      route: ADMIN_ROUTES.whatIfs,
      guard: "admin-read",
      handle: async (request) => {
        const found = await whatIfs.list(jobOf(request));
        return found.ok ? ok({ status: 200, body: { value: found.value } }) : found;
      },
    },
    {
      name: "GetWhatIf",
      methods: ["GET"],
      route: ADMIN_ROUTES.oneWhatIf,
      guard: "admin-read",
      handle: async (request) => answered(await whatIfs.get(jobOf(request), request.params["id"] ?? ""), 200),
    },
    {
      name: "ApproveWhatIf",
      methods: ["POST"],
      route: ADMIN_ROUTES.whatIfApproval,
      guard: "admin-write",
      handle: async (request, admin) => {
        const asked = parseJson(request.body, WhatIfApproval, "approval of a what-if");
        return asked.ok ? answered(await whatIfs.approve(jobOf(request), asked.value.digest, admin.id), 200) : asked;
      },
    },
  ];
}

function answered(result: Result<unknown>, status: number): Result<RouteReply> {
  return result.ok ? ok({ status, body: result.value }) : result;
}

function jobOf(request: RouteRequest): string {
  return request.params["jobId"] ?? "";
}
