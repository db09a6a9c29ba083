/**
 * The local Functions host: runs the same CommonJS bundle that Azure gets, in this process. HTTP and HTTPS, timers,
 * Service Bus queue triggers and Durable orchestrations; the app's own `@azure/functions`, durable-functions and
 * `@azure/service-bus` do the rest, unmodified. What it doesn't do stands in `local/README.md`.
 *
 * It listens on loopback only. One host at a time in a process, and one at a time on a state folder.
 */

import type { Engine } from "../durable/engine-contract.ts";
import { createAdminApi } from "./admin-api.ts";
import { startDurableFunctions, webhookBase } from "./durable-functions.ts";
import { createFrontDoor } from "./front-door.ts";
import { loadApp, type RegisteredFunction } from "./functions-core.ts";
import { createHttpTriggers } from "./http-triggers.ts";
import { createInvoke, type HostLog, triggerOf } from "./invoke.ts";
import { ensureKeys } from "./keys.ts";
import { listen, type Tls } from "./listen.ts";
import type { TypedData } from "./rpc.ts";
import { startServiceBusTriggers } from "./service-bus-triggers.ts";
import { type Env, isDisabled, readHostJson } from "./settings.ts";
import { lockStateDir } from "./state-lock.ts";
import { startTimerTriggers } from "./timer-triggers.ts";
import { createWebHandler } from "./web-origin.ts";

export type { HostLog } from "./invoke.ts";
export { PortTaken } from "./listen.ts";

export type FunctionsHostOptions = {
  /** Absolute path of the app's CommonJS entry. */
  readonly appPath: string;
  /** host.json, parsed. */
  readonly hostJson: unknown;
  /** 0 takes a free one. */
  readonly port: number;
  readonly tls?: Tls;
  /** A second origin, plain HTTP, for browsers: the app's routes and the sign-in of the tenant at `signInUrl`. */
  readonly web?: { readonly port: number; readonly signInUrl: string };
  /** Histories, keys, notes of timers. */
  readonly stateDir: string;
  /** The task hub that this host joins, under this name; absent: an engine of its own. */
  readonly hub?: { readonly port: number; readonly host: string };
  /** Application settings. The app itself reads `process.env`. */
  readonly env: Env;
  readonly log: HostLog;
};

export type FunctionsHost = {
  /** `http://localhost:PORT` or `https://localhost:PORT`. */
  readonly url: string;
  readonly port: number;
  /** `http://localhost:PORT`, where there is an origin for browsers. */
  readonly webUrl: string | undefined;
  /** Names of all functions that aren't disabled. */
  readonly functions: readonly string[];
  /** Runs a timer function now; rejects with what its handler threw. */
  runTimer(name: string): Promise<void>;
  /** Absent where the engine is a task hub's. */
  readonly durable: Engine | undefined;
  /** Takes nothing new, lets what runs end (at most `graceMs`, 10 s), closes everything. */
  stop(graceMs?: number): Promise<void>;
};

const defaultBodyLimit = 104_857_600;

function bodyLimitOf(env: Env): number {
  const text = env["FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"];
  if (text === undefined || text === "") return defaultBodyLimit;
  const limit = Number(text);
  if (Number.isSafeInteger(limit) && limit > 0) return limit;
  throw new Error(`The setting FUNCTIONS_REQUEST_BODY_SIZE_LIMIT is '${text}': it must be a number of bytes.`);
}

function warnOfUnsupported(functions: readonly RegisteredFunction[], log: HostLog): void {
  const known = new Set([
    "httptrigger",
    "timertrigger",
    "servicebustrigger",
    "orchestrationtrigger",
    "activitytrigger",
    "entitytrigger",
  ]);
  for (const fn of functions) {
    const type = triggerOf(fn).binding.type ?? "";
    const { name, bindings } = fn.metadata;
    if (!known.has(type.toLowerCase()))
      log("warning", "Host", `Function '${name}' never runs here: ${type} is unknown.`);
    for (const binding of Object.values(bindings)) {
      if (binding.direction === "out" && binding.type?.toLowerCase() !== "http") {
        log("warning", "Host", `Function '${name}': its ${binding.type ?? ""} output is dropped here.`);
      }
    }
  }
}

/**
 * Starts the host. Rejects with `PortTaken`, or with an error that says what in the app, host.json or the settings is
 * wrong; nothing is left running then.
 */
export async function startFunctionsHost(options: FunctionsHostOptions): Promise<FunctionsHost> {
  const { env, log, stateDir } = options;
  // What is stopped when the start fails half way, and what is let go of at every end.
  const stops: (() => unknown)[] = [];
  const releases: (() => unknown)[] = [];
  const unwind = async (steps: readonly (() => unknown)[]): Promise<void> => {
    for (const step of steps.toReversed()) await step();
  };
  try {
    const hostJson = readHostJson(options.hostJson, env);
    const bodyLimit = bodyLimitOf(env);
    releases.push(await lockStateDir(stateDir));
    const keys = await ensureKeys(stateDir);

    const door = createFrontDoor(options.tls === undefined ? "http" : "https", log);
    const server = await listen(options.port, door.listener, options.tls);
    stops.push(() => server.close(0));
    const webDoor = createFrontDoor("http", log);
    const web = options.web && (await listen(options.web.port, webDoor.listener));
    stops.push(() => web?.close(0));

    // durable-functions rewrites its URLs to localhost:7071 unless this names the host.
    if (process.env["WEBSITE_HOSTNAME"] === undefined) {
      process.env["WEBSITE_HOSTNAME"] = `localhost:${server.port}`;
      releases.push(() => delete process.env["WEBSITE_HOSTNAME"]);
    }

    const app = await loadApp({
      appPath: options.appPath,
      log: (level, message) => log(level, "Worker", message),
    });
    releases.push(() => app.unload());
    const functions = [...app.functions.values()];
    warnOfUnsupported(functions, log);
    const disabled = (name: string): boolean => isDisabled(name, env);

    let clientValue = (): TypedData => ({});
    const invoke = createInvoke({
      app,
      timeoutMs: hostJson.functionTimeout,
      extraInput: (binding) => (binding.type?.toLowerCase() === "durableclient" ? clientValue() : undefined),
      log,
    });
    const common = { functions, isDisabled: disabled, env, invoke, log };
    const http = createHttpTriggers({ ...common, routePrefix: hostJson.extensions.http.routePrefix, bodyLimit, keys });
    const durable = await startDurableFunctions({
      ...common,
      settings: hostJson.extensions.durableTask,
      stateDir,
      keys,
      origin: () => server.url,
      ...(options.hub === undefined ? {} : { hub: options.hub }),
    });
    clientValue = durable.clientValue;
    stops.push(() => durable.stop(0));
    const timers = await startTimerTriggers({ ...common, stateDir });
    stops.push(() => timers.stop());
    const serviceBus = startServiceBusTriggers({ ...common, settings: hostJson.extensions.serviceBus });
    stops.push(() => serviceBus.stop(0));

    const admin = createAdminApi({
      ...common,
      routes: http.routes,
      origin: () => server.url,
      startedAtMs: Date.now(),
      counters: () => durable.engine?.counters(),
      runByHand: (name, input) => {
        const fn = app.functions.get(name);
        const type = fn === undefined ? undefined : triggerOf(fn).binding.type?.toLowerCase();
        if (type === "timertrigger") return timers.run(name);
        if (type === "servicebustrigger") return invoke(name, { trigger: { string: input } }).then(() => undefined);
        return undefined;
      },
    });
    door.open((request, response, url) => {
      if (url.pathname.startsWith(`${webhookBase}/`)) return durable.handleWebhook(request, response, url);
      if (url.pathname.startsWith("/admin/")) return admin(request, response, url);
      return http.handle(request, response, url);
    });
    if (options.web) webDoor.open(createWebHandler({ signInUrl: options.web.signInUrl, handle: http.handle }));

    return {
      url: server.url,
      port: server.port,
      webUrl: web?.url,
      functions: functions.map(({ metadata }) => metadata.name).filter((name) => !disabled(name)),
      runTimer: timers.run,
      durable: durable.engine,
      stop: async (graceMs = 10_000) => {
        const grace = new Promise<void>((resolve) => {
          setTimeout(resolve, graceMs).unref();
        });
        await Promise.all([
          server.close(graceMs),
          web?.close(graceMs),
          serviceBus.stop(graceMs),
          Promise.race([timers.stop(), grace]),
        ]);
        await durable.stop(graceMs);
        await app.runHooks("appTerminate", {});
        await unwind(releases);
      },
    };
  } catch (error) {
    await unwind(stops);
    await unwind(releases);
    throw error;
  }
}
