/**
 * Every HTTP route of the cloud side, in one list: the composition root registers it, the document tells it, and the tests that
 * ask each route walk it. Nothing that answers HTTP is registered anywhere else.
 */
import { acceptBatchRoute } from "./accept-batch.http.ts";
import { adminRoutes } from "./admin-routes.ts";
import type { createAdminUseCases } from "./admin-use-cases.ts";
import { commandRoutes } from "./commands.http.ts";
import { enrolRoute } from "./enrol.http.ts";
import { healthRoute } from "./health.http.ts";
import { heartbeatRoute } from "./heartbeat.http.ts";
import type { Route } from "./http-route.ts";
import { openApiRoute } from "./openapi.http.ts";

export function routesOf(own: ReturnType<typeof createAdminUseCases>): readonly Route[] {
  const routes: readonly Route[] = [
    healthRoute(own.tellHealth),
    openApiRoute(() => routes),
    enrolRoute(own),
    heartbeatRoute(own.heartbeat),
    acceptBatchRoute(own.acceptBatch),
    ...commandRoutes(own.agentCommands),
    ...adminRoutes(own),
  ];
  return routes;
}
