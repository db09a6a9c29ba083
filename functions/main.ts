/**
 * The cloud side's entry: configuration once, adapters once, every registration in one list. With a wrong setting it
 * throws before anything is registered, and the host shows all problems at once.
 */
import { app, type InvocationContext } from "@azure/functions";
import * as df from "durable-functions";
import { readConfig } from "../shared/config.ts";
import { createCloudSide } from "./cloud-side.ts";
import { createDurableStarter } from "./durable-starter.ts";
import { registerRoute, registerUnknown } from "./http-route.ts";
import { nameless } from "./nameless.ts";
import { tellLinesOf } from "./orchestration-lines.ts";
import { orchestrators } from "./orchestrators.ts";
import { routesOf } from "./routes.ts";
import { tickHandler } from "./tick.timer.ts";
import { wakeJobHandler } from "./wake-job.queue.ts";
import { invocationHooks } from "./watch.ts";

const config = readConfig(process.env);
const cloud = createCloudSide(config);
const starterOf = (context: InvocationContext) => createDurableStarter(df.getClient(context));

for (const route of routesOf(cloud.routes)) registerRoute(cloud.routes, route);
registerUnknown(cloud.routes);

app.serviceBusQueue("WakeJob", {
  queueName: config.doorbellQueue,
  connection: "ServiceBusConnection",
  extraInputs: [df.input.durableClient()],
  handler: nameless(wakeJobHandler((context) => cloud.wakeJobWith(starterOf(context)), cloud.telemetry)),
});

app.timer("Tick", {
  schedule: config.schedules.tick,
  extraInputs: [df.input.durableClient()],
  handler: nameless(tickHandler((context) => cloud.tickWith(starterOf(context)), cloud.reportState)),
});

app.timer("FullSync", {
  schedule: config.schedules.fullSync,
  handler: nameless(async () => void (await cloud.fullSync())),
});

app.timer("Backup", {
  schedule: config.schedules.backup,
  extraInputs: [df.input.durableClient()],
  handler: nameless(
    async (_timer: unknown, context: InvocationContext) => void (await cloud.beginBackupWith(starterOf(context))()),
  ),
});

const hooks = invocationHooks({ telemetry: cloud.telemetry, now: () => performance.now() });
app.hook.preInvocation(hooks.before);
app.hook.postInvocation(hooks.after);
app.hook.appTerminate(() => cloud.telemetry.close());

for (const [name, handler] of Object.entries(cloud.activities)) df.app.activity(name, { handler: nameless(handler) });
for (const [name, handler] of Object.entries(tellLinesOf(orchestrators, cloud.telemetry)))
  df.app.orchestration(name, handler);
