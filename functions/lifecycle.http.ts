/** What becomes of people who end, by job: shown and set. */
import { ok } from "../shared/application/failure.ts";
import type { Lifecycles } from "../shared/application/lifecycle-settings.ts";
import { parseJson } from "../shared/application/parse-request.ts";
import { ADMIN_ROUTES } from "../shared/contracts/admin/routes.ts";
import { LifecycleSettings } from "../shared/contracts/configuration.ts";
import type { Route } from "./http-route.ts";

export function lifecycleRoutes(lifecycles: Lifecycles): Route[] {
  const route = ADMIN_ROUTES.jobLifecycle;
  return [
    {
      name: "GetLifecycle",
      methods: ["GET"],
      route,
      guard: "admin-read",
      handle: async (request) => {
        const found = await lifecycles.get(request.params["jobId"] ?? "");
        return found.ok ? ok({ status: 200, body: found.value }) : found;
      },
    },
    {
      name: "SetLifecycle",
      methods: ["PATCH"],
      route,
      guard: "admin-write",
      handle: async (request, admin) => {
        const parsed = parseJson(request.body, LifecycleSettings, "lifecycle");
        if (!parsed.ok) return parsed;
        const done = await lifecycles.set(request.params["jobId"] ?? "", parsed.value, admin.id);
        return done.ok ? ok({ status: 200, body: done.value }) : done;
      },
    },
  ];
}
