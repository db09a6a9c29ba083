/**
 * One orchestration instance as the engine holds it, and the journal records that it is rebuilt from. Applying a
 * record is the only way an instance changes, so that what is on disk and what is in memory can't differ: the engine
 * writes the record and applies it in one step, and a restart applies the same records again.
 */

import { awaitedId, type Envelope, envelopeOf } from "./entity-messages.ts";
import { completedTaskId, eventType, type HistoryEvent, historyEvent } from "./history.ts";
import { rewindHistory } from "./rewind.ts";

export type LiveStatus = "Pending" | "Running" | "Suspended";

export type Parent = { readonly instanceId: string; readonly executionId: string; readonly taskId: number };

/** A completion or an external event that the instance hasn't looked at yet. */
export type Message = {
  readonly event: HistoryEvent;
  /** The execution that waits for it; absent on external events, which go to whichever runs. */
  readonly executionId?: string;
  /** The request of an entity's answer; nobody waits for a second answer. */
  readonly replyTo?: string;
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
      /** Messages to entities that a continued instance still has to deliver. */
      readonly unsent?: readonly Envelope[];
    }
  | { readonly k: "message"; readonly at: number; readonly message: Message }
  /** An activity was handed to its function; it hides it from other hands until its visibility time-out. */
  | { readonly k: "claim"; readonly at: number; readonly taskId: number }
  | { readonly k: "suspend" | "resume"; readonly at: number }
  /** Messages to entities that have arrived. */
  | { readonly k: "sent"; readonly at: number; readonly ids: readonly string[] }
  /** A failed instance goes on where it failed; `wakes` unless it waits for a child that was rewound with it. */
  | { readonly k: "rewind"; readonly at: number; readonly reason: string; readonly wakes: boolean }
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
  /** Messages to entities that may not have arrived yet, in their order. */
  readonly unsent: Map<string, Envelope>;
  /** Requests whose answer hasn't come. */
  readonly awaiting: Set<string>;
  /** Rewound, and hasn't run since: shows as pending, with the output of its failure (extension issue 968). */
  rewound: boolean;
  staleOutput: string | null;
};

/** An instance whose end isn't durable yet still runs, for everyone who asks. */
export function liveStatus(instance: Instance): LiveStatus {
  if (instance.suspended) return "Suspended";
  return instance.history.length === 0 || instance.rewound ? "Pending" : "Running";
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
    unsent: new Map((record.unsent ?? []).map((envelope) => [envelope.id, envelope])),
    awaiting: new Set(),
    rewound: false,
    staleOutput: null,
  };
}

/** True for a completion that nobody waits for: a task that was completed already, or one of an earlier execution. */
export function isStale(instance: Instance, message: Message): boolean {
  if (message.executionId !== undefined && message.executionId !== instance.executionId) return true;
  if (message.replyTo !== undefined) return !instance.awaiting.has(message.replyTo);
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
    case eventType.EventSent: {
      const envelope = envelopeOf(event, instance.executionId);
      instance.unsent.set(envelope.id, envelope);
      const awaited = awaitedId(envelope.message);
      if (awaited !== undefined) instance.awaiting.add(awaited);
      break;
    }
  }
}

function closeTask(instance: Instance, event: HistoryEvent): void {
  const taskId = completedTaskId(event);
  if (taskId === undefined) return;
  instance.activities.delete(taskId);
  instance.timers.delete(taskId);
  instance.subs.delete(taskId);
}

function rewind(instance: Instance, record: JournalRecord & { k: "rewind" }): void {
  const { history, reopened } = rewindHistory(instance.history);
  instance.history = history;
  for (const event of reopened) noteEvent(instance, event);
  instance.staleOutput = instance.end?.output ?? null;
  instance.end = null;
  instance.rewound = true;
  const event = historyEvent("GenericEvent", record.at, { Data: record.reason });
  if (record.wakes) instance.inbox.push({ event, executionId: instance.executionId });
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
      if (record.message.replyTo !== undefined) instance.awaiting.delete(record.message.replyTo);
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
    case "sent":
      for (const id of record.ids) instance.unsent.delete(id);
      break;
    case "rewind":
      rewind(instance, record);
      break;
    case "episode":
      instance.rewound = false;
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
