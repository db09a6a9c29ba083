/**
 * What the world may ask of the engine: starting, events, ends, rewinds, signals to entities, and looking. Everything
 * here is written down before it is acknowledged; running it is the engine's business.
 */

import { randomUUID } from "node:crypto";
import type { Clock } from "./clock.ts";
import type { ControlResult, Engine, EngineDeps, EngineSettings, EntityView } from "./engine-contract.ts";
import type { Entities } from "./entities.ts";
import { entityIdOf, schedulerId } from "./entity-messages.ts";
import { historyEvent } from "./history.ts";
import { type Instance, liveStatus, type Message } from "./instance.ts";
import { createRewinding } from "./rewinding.ts";
import type { Store } from "./store.ts";
import type { NewInstance } from "./sub-orchestrations.ts";

export type EngineClientDeps = {
  readonly store: Store;
  readonly clock: Clock;
  readonly settings: EngineSettings;
  readonly functions: EngineDeps["functions"];
  readonly entities: Entities;
  readonly begin: (instance: NewInstance) => Promise<void>;
  readonly deliver: (instance: Instance | undefined, message: Message) => Promise<void>;
  /** Puts away an instance whose end was written. */
  readonly finish: (instance: Instance) => Promise<void>;
  readonly goOn: (instance: Instance) => Promise<void>;
  readonly wake: (instance: Instance) => void;
};

export const newId = (): string => randomUUID().replaceAll("-", "");

export function createEngineClient(deps: EngineClientDeps): Omit<Engine, "counters" | "idle" | "stop"> {
  const { store, clock, entities, functions } = deps;

  const control = async (id: string, act: (instance: Instance) => Promise<void>): Promise<ControlResult> => {
    const instance = store.live.get(id);
    if (instance === undefined || instance.end !== null)
      return store.finished.has(id) || instance ? "gone" : "not-found";
    await act(instance);
    return "accepted";
  };

  const view = (id: string): EntityView | undefined => {
    const entity = entities.read(id);
    return entity === undefined ? undefined : { ...entityIdOf(id), ...entity };
  };

  return {
    startNew: async ({ name, instanceId, input, version }) => {
      const id = instanceId ?? newId();
      const existing = store.live.get(id);
      if (existing !== undefined) return { conflict: liveStatus(existing) };
      await deps.begin({ id, name, version: version ?? deps.settings.defaultVersion, input, parent: null });
      return { id };
    },
    raiseEvent: (id, name, input) =>
      control(id, (instance) =>
        deps.deliver(instance, { event: historyEvent("EventRaised", clock.nowMs(), { Name: name, Input: input }) }),
      ),
    terminate: (id, reason) =>
      control(id, async (instance) => {
        const at = clock.nowMs();
        const events = [historyEvent("ExecutionTerminated", at, { Input: JSON.stringify(reason) })];
        const end = { status: "Terminated", output: JSON.stringify(reason ?? "") } as const;
        const { customStatus } = instance;
        const took = instance.inbox.length;
        const written = store.write(instance, { k: "episode", at, took, events, customStatus, end });
        const finished = deps.finish(instance);
        await written;
        await finished;
      }),
    suspend: (id) => control(id, (instance) => store.write(instance, { k: "suspend", at: clock.nowMs() })),
    resume: (id) =>
      control(id, async (instance) => {
        await store.write(instance, { k: "resume", at: clock.nowMs() });
        deps.wake(instance);
      }),
    purge: async (id) => {
      if (store.live.has(id)) return "running";
      if (!store.finished.has(id)) return "not-found";
      await store.forget(id);
      return "purged";
    },
    rewind: createRewinding({ store, clock, goOn: deps.goOn }),
    signalEntity: async (name, key, operation, input) => {
      const id = randomUUID();
      const from = { parent: null, parentExecution: null };
      const message = { kind: "operation", id, operation, input, signal: true, ...from } as const;
      // Nobody will send it again: who gets no answer has to ask anew.
      const forget = await entities.accept({ id, to: schedulerId(name, key), message });
      forget();
    },
    entity: (name, key) => view(schedulerId(name, key)),
    entities: () => entities.ids().flatMap((id) => view(id) ?? []),
    purgeEntity: entities.purge,
    hasEntity: functions.hasEntity,
    instance: (id) => store.live.get(id) ?? store.finished.get(id),
    *instances() {
      yield* store.finished.values();
      yield* store.live.values();
    },
    history: store.history,
    hasOrchestrator: functions.hasOrchestrator,
  };
}
