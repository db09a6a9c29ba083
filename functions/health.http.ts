/**
 * Whether the service answers: for load balancers, probes and a newcomer's first look; that says nothing that isn't public. And for
 * admins what is wrong: there, and at an address of its own.
 */

import type { TellHealth } from "../shared/application/admin/service-health.ts";
import { ok } from "../shared/application/failure.ts";
import { serviceHealth } from "../shared/contracts/admin/health.ts";
import { health, RUNNING } from "../shared/contracts/service.ts";
import type { Route } from "./http-route.ts";
import { plain, serveAdmin, serveOpenOrAdmin } from "./serve.ts";

export function healthRoute(tellHealth: TellHealth): Route {
  const running = async () => ok({ body: RUNNING });
  return serveOpenOrAdmin(health, running, async () => plain(await tellHealth()));
}

export function serviceHealthRoute(tellHealth: TellHealth): Route {
  return serveAdmin(serviceHealth, async () => plain(await tellHealth()));
}
