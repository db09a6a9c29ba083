/** Whether the service answers: for load balancers, probes and a newcomer's first look. It says nothing that isn't public. */
import { ok } from "../shared/application/failure.ts";
import { health } from "../shared/contracts/service.ts";
import type { Route } from "./http-route.ts";
import { serveOpen } from "./serve.ts";

export function healthRoute(): Route {
  return serveOpen(health, async () => ok({ body: { status: "running" as const } }));
}
