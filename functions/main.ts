/**
 * The cloud side's entry: configuration once, adapters once, every registration in one list. With a wrong setting it
 * throws before anything is registered, and the host shows all problems at once.
 */
import { app, type InvocationContext } from "@azure/functions";
import * as df from "durable-functions";
import { readConfig } from "../shared/config.ts";
import { acceptBatchRoute } from "./accept-batch.http.ts";
import { agentsRoute } from "./agents.http.ts";
import { createCloudSide } from "./cloud-side.ts";
import { configurationRoutes } from "./configurations.http.ts";
import { createDurableStarter } from "./durable-starter.ts";
import { enrolRoute } from "./enrol.http.ts";
import { exclusionRoutes } from "./exclusions.http.ts";
import { healthRoute } from "./health.http.ts";
import { heartbeatRoute } from "./heartbeat.http.ts";
import { heldExportsRoutes } from "./held-exports.http.ts";
import { type Route, registerRoute } from "./http-route.ts";
import { jobRoutes } from "./jobs.http.ts";
import { lifecycleRoutes } from "./lifecycle.http.ts";
import { linkRoutes } from "./links.http.ts";
import { openApiRoute } from "./openapi.http.ts";
import { orchestrators } from "./orchestrators.ts";
import { provisioningLogRoute } from "./provisioning-log.http.ts";
import { reconcileRoutes } from "./reconcile.http.ts";
import { schemaRoutes } from "./schemas.http.ts";
import { stagedRoutes } from "./staged.http.ts";
import { wakeJobHandler } from "./wake-job.queue.ts";
import { whatIfRoutes } from "./what-if.http.ts";

const config = readConfig(process.env);
const cloud = createCloudSide(config);
const starterOf = (context: InvocationContext) => createDurableStarter(df.getClient(context));

const routes: readonly Route[] = [
  healthRoute(),
  openApiRoute(() => routes),
  enrolRoute(cloud.routes),
  heartbeatRoute(cloud.routes.heartbeat),
  acceptBatchRoute(cloud.routes.acceptBatch),
  ...configurationRoutes(cloud.routes.configurations),
  agentsRoute(cloud.routes),
  ...jobRoutes(cloud.routes),
  ...heldExportsRoutes(cloud.routes),
  ...lifecycleRoutes(cloud.routes.lifecycles),
  ...schemaRoutes(cloud.routes.schemas),
  ...linkRoutes(cloud.routes.links),
  ...stagedRoutes(cloud.routes),
  ...whatIfRoutes(cloud.routes.whatIfs),
  ...reconcileRoutes(cloud.routes.reconciles),
  ...exclusionRoutes(cloud.routes.exclusions),
  provisioningLogRoute(cloud.routes.queries),
];
for (const route of routes) registerRoute(cloud.routes, route);

app.serviceBusQueue("WakeJob", {
  queueName: config.doorbellQueue,
  connection: "ServiceBusConnection",
  extraInputs: [df.input.durableClient()],
  handler: wakeJobHandler((context) => cloud.wakeJobWith(starterOf(context))),
});

app.timer("Tick", {
  schedule: config.schedules.tick,
  extraInputs: [df.input.durableClient()],
  handler: async (_timer, context) => cloud.tickWith(starterOf(context))(),
});

app.timer("FullSync", {
  schedule: config.schedules.fullSync,
  handler: async () => void (await cloud.fullSync()),
});

for (const [name, handler] of Object.entries(cloud.activities)) df.app.activity(name, { handler });
for (const [name, handler] of Object.entries(orchestrators)) df.app.orchestration(name, handler);
