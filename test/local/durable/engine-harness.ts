/**
 * Engines on a folder of their own over the sample app with the rest of the Durable set, for tests that look at the
 * engine without a host: functions replaced by the test's, a clock that stands still, a process left behind as killed.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { parseOrchestratorState } from "../../../local/durable/actions.ts";
import { type Clock, createSystemClock } from "../../../local/durable/clock.ts";
import { startEngine } from "../../../local/durable/engine.ts";
import type { Engine, EngineDeps, EngineSettings } from "../../../local/durable/engine-contract.ts";
import { parseBatchResult } from "../../../local/durable/entity-batch.ts";
import { activityTriggerText } from "../../../local/durable/trigger-values.ts";
import { type LoadedApp, loadApp } from "../../../local/functions-host/functions-core.ts";
import { createInvoke, type Invoke, returnedJson } from "../../../local/functions-host/invoke.ts";
import { clearNotes, until } from "../sample-host.ts";

const appPath = fileURLToPath(new URL("../../fixtures/functions-app/durable-set.cjs", import.meta.url));
const dayMs = 24 * 3600 * 1000;

const settings: EngineSettings = {
  maxConcurrentActivities: 4,
  maxConcurrentOrchestrators: 2,
  visibilityTimeoutMs: 60_000,
  defaultVersion: null,
  keepFinishedMs: dayMs,
  keepFinishedInstances: 1000,
  fsync: false,
};

export type EngineOptions = Partial<EngineSettings> & {
  readonly clock?: Clock;
  readonly runActivity?: (name: string, input: string | null) => Promise<string | null>;
  readonly runEntity?: EngineDeps["functions"]["runEntity"];
  /** Seen before an orchestrator runs. */
  readonly onOrchestrator?: () => Promise<void>;
};

export type Engines = {
  readonly dir: () => string;
  engineWith(options?: EngineOptions): Promise<Engine>;
  /** Stops nothing: the engine is left behind as a killed process leaves it. */
  abandon(engine: Engine): void;
};

/** To be called once in a test file: registers the hooks that load the app and clean up. */
export function useEngines(): Engines {
  let app: LoadedApp;
  let invoke: Invoke;
  let dir: string;
  let engines: Engine[] = [];

  beforeAll(async () => {
    app = await loadApp({ appPath, log: () => undefined });
    invoke = createInvoke({ app, timeoutMs: 0, extraInput: () => undefined, log: () => undefined });
  });
  afterAll(() => app.unload());
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "uplink-engine-"));
    clearNotes();
  });
  afterEach(async () => {
    // The clock of a stopped one may stand still: nothing runs any more then, so no grace is needed.
    await Promise.all(engines.map((engine) => engine.stop(0)));
    engines = [];
    await rm(dir, { recursive: true, force: true });
  });

  const run = async (name: string, value: unknown): Promise<unknown> =>
    JSON.parse(returnedJson(await invoke(name, { trigger: { string: JSON.stringify(value) } })) ?? "null");

  return {
    dir: () => dir,
    abandon: (engine) => {
      engines = engines.filter((one) => one !== engine);
    },
    engineWith: async ({ clock = createSystemClock(), runActivity, runEntity, onOrchestrator, ...rest } = {}) => {
      const entities = new Map([...app.functions.keys()].map((name) => [name.toLowerCase(), name]));
      const engine = await startEngine({
        dir,
        clock,
        log: () => undefined,
        settings: { ...settings, ...rest },
        functions: {
          hasOrchestrator: (name) => app.functions.has(name),
          hasActivity: (name) => app.functions.has(name),
          hasEntity: (name) => entities.has(name.toLowerCase()),
          runEntity: async (name, trigger) =>
            runEntity === undefined
              ? parseBatchResult(await run(entities.get(name) ?? name, trigger))
              : runEntity(name, trigger),
          runOrchestrator: async (name, trigger) => {
            await onOrchestrator?.();
            return parseOrchestratorState(await run(name, trigger));
          },
          runActivity: async (name, instanceId, input) => {
            if (runActivity !== undefined) return runActivity(name, input);
            const text = activityTriggerText(input);
            const triggerMetadata = { instanceId: { string: instanceId } };
            return returnedJson(
              await invoke(name, { trigger: text === undefined ? {} : { string: text }, triggerMetadata }),
            );
          },
        },
      });
      engines.push(engine);
      return engine;
    },
  };
}

export const start = async (engine: Engine, name: string, input: unknown, id?: string): Promise<string> => {
  const request = { name, input: JSON.stringify(input), ...(id === undefined ? {} : { instanceId: id }) };
  const started = await engine.startNew(request);
  if (!("id" in started)) throw new Error(started.conflict);
  return started.id;
};

export const outcome = (engine: Engine, id: string) =>
  until(`the end of ${id}`, () => {
    const instance = engine.instance(id);
    return instance !== undefined && "status" in instance ? instance : undefined;
  });

/** A clock that stands still until it is told to go on. */
export function createStoppedClock(): Clock & { forward(ms: number, engine: Engine): Promise<void> } {
  let now = 1_800_000_000_000;
  let waits: { at: number; wake: () => void }[] = [];
  return {
    nowMs: () => now,
    wakeAt: (at, wake) => {
      const wait = { at, wake };
      waits.push(wait);
      return () => {
        waits = waits.filter((one) => one !== wait);
      };
    },
    forward: async (ms, engine) => {
      const end = now + ms;
      for (;;) {
        await engine.idle();
        const next = waits.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        waits = waits.filter((one) => one !== next);
        now = Math.max(now, next.at);
        next.wake();
      }
      now = end;
      await engine.idle();
    },
  };
}
