/** Whether the service answers: for load balancers, probes and a newcomer's first look. It says nothing that isn't public. */
import { ok } from "../shared/application/failure.ts";
import type { Route } from "./http-route.ts";

export function healthRoute(): Route {
  return {
    name: "Health",
    methods: ["GET"],
    route: "health",
    guard: "public",
    handle: async () => ok({ status: 200, body: { status: "running" } }),
  };
}
