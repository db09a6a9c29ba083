/** The exclusion list: what nobody may touch. */
import type { ExclusionAdmin } from "../shared/application/exclusion-admin.ts";
import { fail, ok, type Result } from "../shared/application/failure.ts";
import { parseJson } from "../shared/application/parse-request.ts";
import { ExclusionRequest } from "../shared/contracts/admin/exclusions.ts";
import { ADMIN_ROUTES } from "../shared/contracts/admin/routes.ts";
import { isGuid } from "../shared/domain/values.ts";
import type { Route, RouteRequest } from "./http-route.ts";

export function exclusionRoutes(exclusions: ExclusionAdmin): Route[] {
  return [
    {
      name: "ListExclusions",
      methods: ["GET"],
      route: ADMIN_ROUTES.exclusions,
      guard: "admin-read",
      handle: async () => ok({ status: 200, body: { value: await exclusions.list() } }),
    },
    {
      name: "AddExclusion",
      methods: ["PUT"],
      route: ADMIN_ROUTES.exclusion,
      guard: "admin-write",
      handle: async (request, admin) => {
        const guid = guidOf(request);
        if (!guid.ok) return guid;
        const asked = parseJson(request.body, ExclusionRequest, "exclusion");
        if (!asked.ok) return asked;
        return ok({ status: 200, body: await exclusions.add(guid.value, asked.value.reason, admin.id) });
      },
    },
    {
      name: "RemoveExclusion",
      methods: ["DELETE"],
      route: ADMIN_ROUTES.exclusion,
      guard: "admin-write",
      handle: async (request, admin) => {
        const guid = guidOf(request);
        if (!guid.ok) return guid;
        const removed = await exclusions.remove(guid.value, admin.id);
        return removed.ok ? ok({ status: 200, body: removed.value }) : removed;
      },
    },
  ];
}

function guidOf({ params }: RouteRequest): Result<string> {
  const guid = (params["guid"] ?? "").toLowerCase();
  if (isGuid(guid)) return ok(guid);
  return fail({
    status: 422,
    code: "invalid-guid",
    message: `'${guid}' is no GUID.`,
    remedy: "Give the objectGUID of a source object or the id of a target object, 8-4-4-4-12.",
  });
}
