/**
 * One orchestration instance as the engine holds it, and the journal records that it is rebuilt from. Applying a
 * record is the only way an instance changes, so that what is on disk and what is in memory can't differ: the engine
 * writes the record and applies it in one step, and a restart applies the same records again.
 */

import { completedTaskId, eventType, type HistoryEvent } from "./history.ts";

export type LiveStatus = "Pending" | "Running" | "Suspended";

export type Parent = { readonly instanceId: string; readonly executionId: string; readonly taskId: number };

/** A completion or an external event that the instance hasn't looked at yet. */
export type Message = {
  readonly event: HistoryEvent;
  /** The execution that waits for it; absent on external events, which go to whichever runs. */
  readonly executionId?: string;
};

export type JournalRecord =
  | {
      readonly k: "start";
      readonly at: number;
      readonly id: string;
      readonly name: string;
      readonly version: string | null;
      /** JSON text. */
      readonly input: string | null;
      readonly executionId: string;
      readonly parent: Parent | null;
      readonly createdAt: number;
      readonly customStatus: string | null;
      /** Messages that a continued instance takes along. */
      readonly inbox: readonly Message[];
      readonly suspended: boolean;
    }
  | { readonly k: "message"; readonly at: number; readonly message: Message }
  /** An activity was handed to its function; it hides it from other hands until its visibility time-out. */
  | { readonly k: "claim"; readonly at: number; readonly taskId: number }
  | { readonly k: "suspend" | "resume"; readonly at: number }
  | {
      readonly k: "episode";
      readonly at: number;
      /** How many messages of the inbox this episode took. */
      readonly took: number;
      readonly events: readonly HistoryEvent[];
      readonly customStatus: string | null;
      readonly end: End | null;
    };

export type EndStatus = "Completed" | "Failed" | "Terminated";

export type End = {
  readonly status: EndStatus;
  /** JSON text. */
  readonly output: string | null;
};

type OpenActivity = { readonly name: string; readonly input: string | null; claimedAt: number | null };

export type Instance = {
  readonly id: string;
  readonly name: string;
  readonly version: string | null;
  readonly input: string | null;
  readonly executionId: string;
  readonly parent: Parent | null;
  readonly createdAt: number;
  updatedAt: number;
  customStatus: string | null;
  history: HistoryEvent[];
  inbox: Message[];
  suspended: boolean;
  end: End | null;
  readonly activities: Map<number, OpenActivity>;
  /** Task number → epoch milliseconds. */
  readonly timers: Map<number, number>;
  /** Task number → id of the instance it waits for. */
  readonly subs: Map<number, { readonly instanceId: string; readonly event: HistoryEvent }>;
};

/** An instance whose end isn't durable yet still runs, for everyone who asks. */
export function liveStatus(instance: Instance): LiveStatus {
  if (instance.suspended) return "Suspended";
  return instance.history.length === 0 ? "Pending" : "Running";
}

/** Begins an instance by its first record. */
export function beginInstance(record: JournalRecord & { k: "start" }): Instance {
  return {
    id: record.id,
    name: record.name,
    version: record.version,
    input: record.input,
    executionId: record.executionId,
    parent: record.parent,
    createdAt: record.createdAt,
    updatedAt: record.at,
    customStatus: record.customStatus,
    history: [],
    inbox: [...record.inbox],
    suspended: record.suspended,
    end: null,
    activities: new Map(),
    timers: new Map(),
    subs: new Map(),
  };
}

/** True for a completion that nobody waits for: a task that was completed already, or one of an earlier execution. */
export function isStale(instance: Instance, message: Message): boolean {
  if (message.executionId !== undefined && message.executionId !== instance.executionId) return true;
  const taskId = completedTaskId(message.event);
  if (taskId === undefined) return false;
  return !(instance.activities.has(taskId) || instance.timers.has(taskId) || instance.subs.has(taskId));
}

function noteEvent(instance: Instance, event: HistoryEvent): void {
  switch (event.EventType) {
    case eventType.TaskScheduled:
      instance.activities.set(event.EventId, { name: event.Name ?? "", input: event.Input ?? null, claimedAt: null });
      break;
    case eventType.TimerCreated:
      instance.timers.set(event.EventId, Date.parse(event.FireAt ?? ""));
      break;
    case eventType.SubOrchestrationInstanceCreated:
      instance.subs.set(event.EventId, { instanceId: event.InstanceId ?? "", event });
      break;
  }
}

function closeTask(instance: Instance, event: HistoryEvent): void {
  const taskId = completedTaskId(event);
  if (taskId === undefined) return;
  instance.activities.delete(taskId);
  instance.timers.delete(taskId);
  instance.subs.delete(taskId);
}

/** Applies one record after the first. A completion closes its task when it *arrives*: so it can't arrive twice. */
export function applyRecord(instance: Instance, record: JournalRecord): void {
  instance.updatedAt = Math.max(instance.updatedAt, record.at);
  switch (record.k) {
    case "start":
      throw new Error(`The history of '${instance.id}' starts twice.`);
    case "message": {
      instance.inbox.push(record.message);
      closeTask(instance, record.message.event);
      break;
    }
    case "claim": {
      const activity = instance.activities.get(record.taskId);
      if (activity !== undefined) activity.claimedAt = record.at;
      break;
    }
    case "suspend":
    case "resume":
      instance.suspended = record.k === "suspend";
      break;
    case "episode":
      instance.inbox.splice(0, record.took);
      for (const event of record.events) {
        instance.history.push(event);
        noteEvent(instance, event);
        closeTask(instance, event);
      }
      instance.customStatus = record.customStatus;
      instance.end = record.end;
      break;
  }
}

/** Rebuilds an instance from its file. Throws when the first line isn't a start. */
export function rebuildInstance(lines: readonly unknown[]): Instance | undefined {
  const [first, ...rest] = lines as readonly JournalRecord[];
  if (first === undefined) return undefined;
  if (first.k !== "start") throw new Error("The first line is not a start.");
  const instance = beginInstance(first);
  for (const record of rest) applyRecord(instance, record);
  return instance;
}
