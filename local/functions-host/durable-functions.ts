/**
 * The durable side of an app: gives the engine the app's orchestrators, activities and entities to run, and the app the engine's
 * HTTP API: on a loopback address of its own for the library's client, below `/runtime/webhooks/durabletask/` with the
 * system key for everyone else.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { parseOrchestratorState } from "../durable/actions.ts";
import { createSystemClock } from "../durable/clock.ts";
import { startEngine } from "../durable/engine.ts";
import type { Engine } from "../durable/engine-contract.ts";
import { parseBatchResult } from "../durable/entity-batch.ts";
import { createManagementApi } from "../durable/management-api.ts";
import { durableClientValue, managementUrls } from "../durable/management-urls.ts";
import { activityTriggerText } from "../durable/trigger-values.ts";
import type { RegisteredFunction } from "./functions-core.ts";
import { readBody, sendJson } from "./http-message.ts";
import { type HostLog, type Invoke, returnedJson, triggerOf } from "./invoke.ts";
import { type Keys, sameKey } from "./keys.ts";
import { listen } from "./listen.ts";
import type { TypedData } from "./rpc.ts";
import type { Env, HostJson } from "./settings.ts";

export type DurableFunctions = {
  readonly engine: Engine;
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
  readonly invoke: Invoke;
  readonly log: HostLog;
};

export const webhookBase = "/runtime/webhooks/durabletask";
const rpcBase = "/durabletask";
const category = "Host.Triggers.DurableTask";
const bodyLimit = 100 * 1024 * 1024;
const hourMs = 3_600_000;

/** A whole number from a setting. Throws an error that names the setting. */
function numberSetting(env: Env, name: string, fallback: number): number {
  const text = env[name];
  if (text === undefined || text === "") return fallback;
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new Error(`The setting ${name} is '${text}': it must be a number that is not negative.`);
}

export async function startDurableFunctions(deps: DurableFunctionsDeps): Promise<DurableFunctions> {
  const { env, invoke, settings } = deps;
  const byTrigger = (type: string): ReadonlySet<string> =>
    new Set(
      deps.functions
        .filter((fn) => triggerOf(fn).binding.type?.toLowerCase() === type && !deps.isDisabled(fn.metadata.name))
        .map((fn) => fn.metadata.name),
    );
  const orchestrators = byTrigger("orchestrationtrigger");
  const activities = byTrigger("activitytrigger");
  // An entity's name doesn't care for case; its function's has the app's spelling.
  const entities = new Map([...byTrigger("entitytrigger")].map((name) => [name.toLowerCase(), name]));

  const engine = await startEngine({
    dir: join(deps.stateDir, "durable", encodeURIComponent(settings.hubName)),
    clock: createSystemClock(),
    log: (level, message) => deps.log(level, category, message),
    settings: {
      maxConcurrentActivities: settings.maxConcurrentActivityFunctions,
      maxConcurrentOrchestrators: settings.maxConcurrentOrchestratorFunctions,
      visibilityTimeoutMs: settings.storageProvider.workItemQueueVisibilityTimeout,
      defaultVersion: settings.defaultVersion ?? null,
      keepFinishedMs: numberSetting(env, "UPLINK_DURABLE_KEEP_HOURS", 24) * hourMs,
      keepFinishedInstances: numberSetting(env, "UPLINK_DURABLE_KEEP_INSTANCES", 20_000),
      fsync: env["UPLINK_DURABLE_FSYNC"] !== "0",
    },
    functions: {
      hasOrchestrator: (name) => orchestrators.has(name),
      hasActivity: (name) => activities.has(name),
      hasEntity: (name) => entities.has(name.toLowerCase()),
      runOrchestrator: async (name, trigger) => {
        const response = await invoke(name, { trigger: { string: JSON.stringify(trigger) } });
        return parseOrchestratorState(JSON.parse(returnedJson(response) ?? "null"));
      },
      runActivity: async (name, instanceId, input) => {
        const text = activityTriggerText(input);
        const response = await invoke(name, {
          trigger: text === undefined ? {} : { string: text },
          triggerMetadata: { instanceId: { string: instanceId }, data: { json: input ?? "null" } },
        });
        return returnedJson(response);
      },
      runEntity: async (name, trigger) => {
        const response = await invoke(entities.get(name) ?? name, { trigger: { string: JSON.stringify(trigger) } });
        return parseBatchResult(JSON.parse(returnedJson(response) ?? "null"));
      },
    },
  });

  const urlsInput = (origin: string) => ({ origin, taskHub: settings.hubName, systemKey: deps.keys.durableKey });
  const api = createManagementApi({
    engine,
    urls: (instanceId, origin) => managementUrls(urlsInput(origin ?? deps.origin()), instanceId),
  });

  const answer = async (request: IncomingMessage, response: ServerResponse, url: URL, base: string): Promise<void> => {
    const body = await readBody(request, bodyLimit);
    const headers: Record<string, string | undefined> = {};
    for (const [name, value] of Object.entries(request.headers)) headers[name] = String(value);
    const result = await api({
      method: request.method ?? "GET",
      path: url.pathname.slice(base.length),
      query: url.searchParams,
      headers,
      body: body.toString("utf8"),
      url: url.href,
    });
    sendJson(response, result.status, result.body, result.headers);
  };

  const rpc = await listen(0, (request, response) => {
    // It asks for no key, like the extension's own listener; a web page of this machine's browser stays out all the same.
    if (request.headers.origin !== undefined) return sendJson(response, 403, undefined);
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    const work = url.pathname.startsWith(`${rpcBase}/`) ? answer(request, response, url, rpcBase) : undefined;
    if (work === undefined) return sendJson(response, 404, undefined);
    work.catch((error: unknown) => {
      deps.log("error", category, error instanceof Error ? (error.stack ?? error.message) : String(error));
      if (!response.headersSent)
        sendJson(response, 500, { Message: "Something went wrong while processing your request" });
    });
  });
  const rpcBaseUrl = `http://127.0.0.1:${rpc.port}${rpcBase}/`;

  return {
    engine,
    clientValue: () => ({ json: JSON.stringify(durableClientValue(urlsInput(deps.origin()), rpcBaseUrl)) }),
    handleWebhook: async (request, response, url) => {
      const code = url.searchParams.get("code") ?? String(request.headers["x-functions-key"] ?? "");
      if (!sameKey(code, deps.keys.durableKey) && !sameKey(code, deps.keys.masterKey)) {
        return sendJson(response, 401, undefined);
      }
      return answer(request, response, url, webhookBase);
    },
    stop: async (graceMs) => {
      await engine.stop(graceMs);
      await rpc.close(0);
    },
  };
}
