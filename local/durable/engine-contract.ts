/** What the durable engine is given and what it offers: the types of `engine.ts`. */

import type { Clock } from "./clock.ts";
import type { Counters } from "./counters.ts";
import type { EntityBatchResult, EntityTrigger } from "./entity-batch.ts";
import type { EpisodeDeps } from "./episode.ts";
import type { HistoryEvent } from "./history.ts";
import type { Instance } from "./instance.ts";
import type { FinishedInstance } from "./store.ts";

export type EngineLog = (level: "information" | "warning" | "error", message: string) => void;

export type EngineSettings = {
  readonly maxConcurrentActivities: number;
  readonly maxConcurrentOrchestrators: number;
  /** How long an activity that was running at a crash stays hidden. */
  readonly visibilityTimeoutMs: number;
  readonly defaultVersion: string | null;
  readonly keepFinishedMs: number;
  readonly keepFinishedInstances: number;
  readonly fsync: boolean;
};

export type EngineDeps = {
  /** Folder of this task hub. One engine at a time may have it. */
  readonly dir: string;
  readonly settings: EngineSettings;
  readonly functions: Omit<EpisodeDeps, "defaultVersion"> & {
    /** Runs an activity with the JSON text of its input; returns the JSON text of its result. */
    readonly runActivity: (name: string, instanceId: string, input: string | null) => Promise<string | null>;
    /** Runs an entity's function (the name in lower case) over a batch. */
    readonly runEntity: (name: string, trigger: EntityTrigger) => Promise<EntityBatchResult>;
  };
  readonly clock: Clock;
  readonly log: EngineLog;
};

type StartRequest = {
  readonly name: string;
  readonly instanceId?: string;
  /** JSON text. */
  readonly input: string | null;
  readonly version?: string;
};

/** `gone`: the instance has ended; `not-found`: there is none of that id. */
export type ControlResult = "accepted" | "gone" | "not-found";

/** `refused`: the instance's status, which isn't failed. `broken`: why Azure's rewind would fall over half way. */
export type RewindResult = "accepted" | "not-found" | { readonly refused: string } | { readonly broken: string };

export type EntityView = {
  readonly name: string;
  readonly key: string;
  /** JSON text. */
  readonly state: string | null;
  readonly updatedAt: number;
};

export type Engine = {
  /** Resolves when the start is durable. `conflict` names the status of the instance that has this id and hasn't ended. */
  startNew(request: StartRequest): Promise<{ readonly id: string } | { readonly conflict: string }>;
  raiseEvent(id: string, name: string, input: string): Promise<ControlResult>;
  terminate(id: string, reason: string | null): Promise<ControlResult>;
  suspend(id: string): Promise<ControlResult>;
  resume(id: string): Promise<ControlResult>;
  /** Forgets an instance that has ended. */
  purge(id: string): Promise<"purged" | "running" | "not-found">;
  /** Lets an instance that failed go on where it failed, its failed children with it. */
  rewind(id: string, reason: string | null): Promise<RewindResult>;
  /** Resolves when the signal is durable. `input` is JSON text. */
  signalEntity(name: string, key: string, operation: string, input: string | null): Promise<void>;
  /** An entity that exists, as it is on disk. */
  entity(name: string, key: string): EntityView | undefined;
  entities(): readonly EntityView[];
  purgeEntity(id: string): Promise<boolean>;
  hasEntity(name: string): boolean;
  instance(id: string): Instance | FinishedInstance | undefined;
  instances(): Iterable<Instance | FinishedInstance>;
  history(id: string): Promise<readonly HistoryEvent[]>;
  hasOrchestrator(name: string): boolean;
  counters(): Counters;
  /** Resolves when no orchestration has anything to do now (timers and events to come don't count). */
  idle(): Promise<void>;
  /** Begins nothing new, waits for what runs (at most `graceMs`), writes everything down. */
  stop(graceMs?: number): Promise<void>;
};
