/**
 * The durable side of an app: its orchestrators, activities and entities for the engine to run, and for the app the address of the
 * engine's HTTP API. The engine is this process's own, and its API stands below `/runtime/webhooks/durabletask/` with the system
 * key as well; or it is that of a task hub, which this host joins beside others.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import { createSystemClock } from "../durable/clock.ts";
import { startEngine } from "../durable/engine.ts";
import type { Engine } from "../durable/engine-contract.ts";
import { engineFunctions, type FunctionRunner, type WorkKind } from "../durable/function-runner.ts";
import { durableClientValue, managementUrls } from "../durable/management-urls.ts";
import { activityTriggerText } from "../durable/trigger-values.ts";
import { startDurableApi } from "./durable-api.ts";
import { engineSettings, taskHubFolder } from "./engine-settings.ts";
import type { RegisteredFunction } from "./functions-core.ts";
import { sendJson } from "./http-message.ts";
import { joinTaskHub } from "./hub-host.ts";
import { type HostLog, type Invoke, returnedJson, triggerOf } from "./invoke.ts";
import { type Keys, sameKey } from "./keys.ts";
import type { TypedData } from "./rpc.ts";
import type { Env, HostJson } from "./settings.ts";

export type DurableFunctions = {
  /** Absent where the engine is a task hub's. */
  readonly engine: Engine | undefined;
  /** What a `durableClient` input receives. */
  clientValue(): TypedData;
  /** Answers a request below `/runtime/webhooks/durabletask`. */
  handleWebhook(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void>;
  stop(graceMs: number): Promise<void>;
};

export type DurableFunctionsDeps = {
  readonly functions: readonly RegisteredFunction[];
  readonly isDisabled: (name: string) => boolean;
  readonly settings: HostJson["extensions"]["durableTask"];
  readonly env: Env;
  readonly stateDir: string;
  readonly keys: Keys;
  /** Of the public endpoint; known once it listens. */
  readonly origin: () => string;
  /** The task hub to join; absent: an engine of its own. */
  readonly hub?: { readonly port: number; readonly host: string };
  readonly invoke: Invoke;
  readonly log: HostLog;
};

export const webhookBase = "/runtime/webhooks/durabletask";
const category = "Host.Triggers.DurableTask";

/** Runs the app's durable functions in this process. */
function createRunner({ functions, isDisabled, invoke }: DurableFunctionsDeps) {
  const byTrigger = (type: string): readonly string[] =>
    functions
      .filter((fn) => triggerOf(fn).binding.type?.toLowerCase() === type && !isDisabled(fn.metadata.name))
      .map((fn) => fn.metadata.name);
  // An entity's name doesn't care for case; its function's has the app's spelling.
  const entities = new Map(byTrigger("entitytrigger").map((name) => [name.toLowerCase(), name]));
  const names: Readonly<Record<WorkKind, readonly string[]>> = {
    orchestrator: byTrigger("orchestrationtrigger"),
    activity: byTrigger("activitytrigger"),
    entity: [...entities.keys()],
  };
  const runner: FunctionRunner = {
    has: (kind, name) => names[kind].includes(name),
    run: async (work) => {
      if (work.kind === "activity") {
        const text = activityTriggerText(work.input);
        const response = await invoke(work.name, {
          trigger: text === undefined ? {} : { string: text },
          triggerMetadata: { instanceId: { string: work.instanceId }, data: { json: work.input ?? "null" } },
        });
        return returnedJson(response);
      }
      const name = work.kind === "entity" ? (entities.get(work.name) ?? work.name) : work.name;
      return returnedJson(await invoke(name, { trigger: { string: JSON.stringify(work.trigger) } }));
    },
  };
  return { runner, names };
}

export async function startDurableFunctions(deps: DurableFunctionsDeps): Promise<DurableFunctions> {
  const { env, settings, hub } = deps;
  const { runner, names } = createRunner(deps);
  const urlsInput = (origin: string) => ({ origin, taskHub: settings.hubName, systemKey: deps.keys.durableKey });
  const clientValue = (rpcBaseUrl: string): TypedData => ({
    json: JSON.stringify(durableClientValue(urlsInput(deps.origin()), rpcBaseUrl)),
  });

  if (hub !== undefined) {
    const { maxConcurrentActivityFunctions: activity, maxConcurrentOrchestratorFunctions: orchestrator } = settings;
    const joined = await joinTaskHub({
      port: hub.port,
      joining: { host: hub.host, slots: { activity, orchestrator, entity: orchestrator }, functions: names },
      runner,
      onLost: () => deps.log("error", category, "The task hub is gone: start it and this host anew."),
    });
    return {
      engine: undefined,
      clientValue: () => clientValue(joined.rpcBaseUrl),
      handleWebhook: async (_request, response) => sendJson(response, 404, undefined),
      stop: (graceMs) => joined.leave(graceMs),
    };
  }

  const engine = await startEngine({
    dir: taskHubFolder(deps.stateDir, settings),
    clock: createSystemClock(),
    log: (level, message) => deps.log(level, category, message),
    settings: engineSettings(settings, env),
    functions: engineFunctions(runner),
  });
  const api = await startDurableApi({
    engine,
    urls: (instanceId, origin) => managementUrls(urlsInput(origin ?? deps.origin()), instanceId),
    onDefect: (error) =>
      deps.log("error", category, error instanceof Error ? (error.stack ?? error.message) : String(error)),
  });
  return {
    engine,
    clientValue: () => clientValue(api.rpcBaseUrl),
    handleWebhook: async (request, response, url) => {
      const code = url.searchParams.get("code") ?? String(request.headers["x-functions-key"] ?? "");
      if (!sameKey(code, deps.keys.durableKey) && !sameKey(code, deps.keys.masterKey)) {
        return sendJson(response, 401, undefined);
      }
      return api.answer(request, response, url, webhookBase);
    },
    stop: async (graceMs) => {
      await engine.stop(graceMs);
      await api.close();
    },
  };
}
