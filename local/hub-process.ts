/**
 * The task hub's process: `node --import tsx local/hub-process.ts`. What several hosts share beside their storage: the Service Bus
 * broker, and a durable engine whose orchestrations and activities run on whichever hosts have joined, as the Durable Task
 * Scheduler and Service Bus are services of their own on Azure. Killed and started again it goes on where its journal ends; its hosts
 * have to be started again with it.
 *
 * It prints one JSON line when it is ready: `{"ready":true,"hubPort":…,"brokerPort":…}`. Once the first host has joined,
 * `hub.json` of the state folder names the engine's API, where `GET /hosts` says who holds what.
 *
 * Settings (environment): UPLINK_HUB_PORT (0), UPLINK_BROKER_PORT (5672), UPLINK_STATE_DIR (.uplink/hub), UPLINK_APP_PATH (for its
 * host.json), UPLINK_QUEUES, UPLINK_LOG_LEVEL, and the UPLINK_DURABLE_… ones of the host's process.
 */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createSystemClock } from "./durable/clock.ts";
import { startEngine } from "./durable/engine.ts";
import type { Engine } from "./durable/engine-contract.ts";
import { engineFunctions } from "./durable/function-runner.ts";
import { startHubServer } from "./durable/hub-server.ts";
import { managementUrls } from "./durable/management-urls.ts";
import { createTaskHub } from "./durable/task-hub.ts";
import { type DurableApi, startDurableApi } from "./functions-host/durable-api.ts";
import { engineSettings, taskHubFolder } from "./functions-host/engine-settings.ts";
import { readHostJson } from "./functions-host/settings.ts";
import { lockStateDir } from "./functions-host/state-lock.ts";
import { createLog, createSettingsReader, openBroker, runProcess, stopOnSignal } from "./process-settings.ts";

/** The hub bounds nothing by itself: each host takes as much at once as its host.json says. */
const manyAtOnce = 1_000;
/** A host that is alive says so this often in a visibility time-out. */
const saysInATimeout = 5;

runProcess(async () => {
  const reader = createSettingsReader(process.env);
  const { hostJsonPath } = reader.app();
  const hubPort = reader.port("UPLINK_HUB_PORT", 0);
  const brokerPort = reader.port("UPLINK_BROKER_PORT", 5672);
  const stateDir = reader.stateDir(".uplink/hub");
  const queues = reader.queues();
  const log = createLog(reader.logLevel());
  reader.check("The task hub");

  const onDefect = (error: unknown): void =>
    log("error", "TaskHub", error instanceof Error ? (error.stack ?? error.message) : String(error));
  const { durableTask } = readHostJson(JSON.parse(await readFile(hostJsonPath, "utf8")), process.env).extensions;
  const settings = engineSettings(durableTask, process.env);
  const release = await lockStateDir(stateDir);
  const clock = createSystemClock();
  const hub = createTaskHub({ clock, visibilityTimeoutMs: settings.visibilityTimeoutMs });
  let begun: Promise<{ readonly engine: Engine; readonly api: DurableApi }> | undefined;
  const begin = async () => {
    const engine = await startEngine({
      dir: taskHubFolder(stateDir, durableTask),
      clock,
      log: (level, message) => log(level, "TaskHub", message),
      settings: { ...settings, maxConcurrentActivities: manyAtOnce, maxConcurrentOrchestrators: manyAtOnce },
      functions: engineFunctions(hub),
    });
    const api = await startDurableApi({
      engine,
      // Links to hosts' own web hooks: nobody serves those for a hub.
      urls: (instanceId, origin = "") =>
        managementUrls({ origin, taskHub: durableTask.hubName, systemKey: "" }, instanceId),
      views: { "/hosts": () => hub.hosts(), "/counters": () => engine.counters() },
      onDefect,
    });
    await writeFile(join(stateDir, "hub.json"), JSON.stringify({ rpcBaseUrl: api.rpcBaseUrl }));
    return { engine, api };
  };

  const broker = await openBroker(brokerPort, queues, log);
  const server = await startHubServer({
    ...{ hub, port: hubPort, aliveMs: settings.visibilityTimeoutMs / saysInATimeout, onDefect },
    begin: async () => {
      begun ??= begin();
      try {
        return (await begun).api.rpcBaseUrl;
      } catch (error) {
        // The next host that joins tries again.
        begun = undefined;
        throw error;
      }
    },
  });
  stopOnSignal(log, "TaskHub", async () => {
    const { engine, api } = (await begun) ?? {};
    await engine?.stop();
    await api?.close();
    await server.close();
    hub.stop();
    await broker.stop();
    await release();
  });
  process.stdout.write(`${JSON.stringify({ ready: true, hubPort: server.port, brokerPort: broker.port })}\n`);
});
