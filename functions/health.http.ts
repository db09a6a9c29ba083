/**
 * Whether the service answers: for load balancers, probes and a newcomer's first look; that says nothing that isn't public. And for
 * admins what is wrong.
 */

import type { TellHealth } from "../shared/application/admin/service-health.ts";
import { ok } from "../shared/application/failure.ts";
import { serviceHealth } from "../shared/contracts/admin/health.ts";
import { health } from "../shared/contracts/service.ts";
import type { Route } from "./http-route.ts";
import { plain, serveAdmin, serveOpen } from "./serve.ts";

export function healthRoute(): Route {
  return serveOpen(health, async () => ok({ body: { status: "running" as const } }));
}

export function serviceHealthRoute(tellHealth: TellHealth): Route {
  return serveAdmin(serviceHealth, async () => plain(await tellHealth()));
}
