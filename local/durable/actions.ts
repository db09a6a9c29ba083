/**
 * What an orchestrator function asks for: the actions and the state that durable-functions 3.5 returns to its host
 * after each run. The list of actions is complete since the start of the execution, in the order in which they were
 * yielded. Read here at the border, into what the walk over them needs and no more.
 */

import { schedulerId } from "./entity-messages.ts";
import { type HttpRequest, parseHttpRequest } from "./http-request.ts";
import type { RetryPolicy } from "./retry-delay.ts";

/** Numbers of `ActionType` in durable-functions; 10 is the extension's alone (its `ScheduledSignalEntity`). */
const actionType = {
  CallActivity: 0,
  CallActivityWithRetry: 1,
  CallSubOrchestrator: 2,
  CallSubOrchestratorWithRetry: 3,
  ContinueAsNew: 4,
  CreateTimer: 5,
  WaitForExternalEvent: 6,
  CallEntity: 7,
  CallHttp: 8,
  SignalEntity: 9,
  ScheduledSignalEntity: 10,
  WhenAny: 11,
  WhenAll: 12,
  LockEntities: 13,
  ReleaseEntities: 14,
} as const;

export type Action =
  | { readonly kind: "activity"; readonly name: string; readonly input: string | null; readonly retry?: RetryPolicy }
  | {
      readonly kind: "sub";
      readonly name: string;
      readonly input: string | null;
      readonly instanceId?: string;
      readonly version?: string;
      readonly retry?: RetryPolicy;
    }
  | { readonly kind: "timer"; readonly fireAtMs: number; readonly isCanceled: boolean }
  | { readonly kind: "event"; readonly name: string }
  | { readonly kind: "continueAsNew"; readonly input: string | null }
  | {
      readonly kind: "callEntity" | "signalEntity";
      /** `@name@key`, the name in lower case. */
      readonly entity: string;
      readonly operation: string;
      readonly input: string | null;
      /** Of a signal that waits for its time. */
      readonly dueMs?: number;
    }
  | { readonly kind: "lock"; readonly entities: readonly string[] }
  | { readonly kind: "release" }
  | { readonly kind: "http"; readonly request: HttpRequest }
  | { readonly kind: "all" | "any"; readonly actions: readonly Action[] };

export type OrchestratorState = {
  readonly isDone: boolean;
  readonly actions: readonly Action[];
  /** JSON text, or null where the orchestrator returned nothing. */
  readonly output: string | null;
  readonly error?: string;
  /** JSON text; absent where none was set. */
  readonly customStatus?: string;
};

type Raw = { readonly [key: string]: unknown };

const isRaw = (value: unknown): value is Raw => typeof value === "object" && value !== null && !Array.isArray(value);
const text = (value: unknown): string => (typeof value === "string" ? value : "");
const json = (value: unknown): string | null => (value === undefined || value === null ? null : JSON.stringify(value));

function parseRetry(raw: unknown): RetryPolicy {
  if (!isRaw(raw)) throw new TypeError("An orchestrator asked for a call with retry without retryOptions.");
  const number = (key: string): number | null => {
    const value = raw[key];
    return typeof value === "number" ? value : null;
  };
  return {
    firstRetryIntervalInMilliseconds: number("firstRetryIntervalInMilliseconds") ?? 0,
    maxNumberOfAttempts: number("maxNumberOfAttempts") ?? 1,
    backoffCoefficient: number("backoffCoefficient"),
    maxRetryIntervalInMilliseconds: number("maxRetryIntervalInMilliseconds"),
    retryTimeoutInMilliseconds: number("retryTimeoutInMilliseconds"),
  };
}

function parseSub(raw: Raw): Action {
  const instanceId = text(raw["instanceId"]);
  const version = text(raw["version"]);
  return {
    kind: "sub",
    name: text(raw["functionName"]),
    input: json(raw["input"]),
    ...(instanceId === "" ? {} : { instanceId }),
    ...(version === "" ? {} : { version }),
  };
}

function parseEntityAction(raw: Raw): Action {
  const isCall = raw["actionType"] === actionType.CallEntity;
  const due = raw["actionType"] === actionType.ScheduledSignalEntity ? Date.parse(text(raw["fireAt"])) : Number.NaN;
  return {
    kind: isCall ? "callEntity" : "signalEntity",
    entity: text(raw["instanceId"]),
    operation: text(raw["operation"]),
    input: json(raw["input"]),
    ...(Number.isNaN(due) ? {} : { dueMs: due }),
  };
}

function parseLock(raw: Raw): Action {
  const set: readonly unknown[] = Array.isArray(raw["lockSet"]) ? raw["lockSet"] : [];
  const ids = set.filter(isRaw).map((entity) => schedulerId(text(entity["name"]), text(entity["key"])));
  if (ids.length === 0) throw new TypeError("An orchestrator asked for a lock of no entities.");
  // One order for everyone, so that two who want the same entities can't wait for each other.
  return { kind: "lock", entities: [...new Set(ids)].sort() };
}

/** Throws a TypeError that names what isn't understood. */
function parseAction(raw: unknown): Action {
  if (!isRaw(raw)) throw new TypeError("An orchestrator returned an action that is no object.");
  switch (raw["actionType"]) {
    case actionType.CallActivity:
      return { kind: "activity", name: text(raw["functionName"]), input: json(raw["input"]) };
    case actionType.CallActivityWithRetry:
      return {
        kind: "activity",
        name: text(raw["functionName"]),
        input: json(raw["input"]),
        retry: parseRetry(raw["retryOptions"]),
      };
    case actionType.CallSubOrchestrator:
      return parseSub(raw);
    case actionType.CallSubOrchestratorWithRetry:
      return { ...parseSub(raw), retry: parseRetry(raw["retryOptions"]) } as Action;
    case actionType.ContinueAsNew:
      return { kind: "continueAsNew", input: json(raw["input"]) };
    case actionType.CreateTimer:
      return { kind: "timer", fireAtMs: Date.parse(text(raw["fireAt"])), isCanceled: raw["isCanceled"] === true };
    case actionType.WaitForExternalEvent:
      return { kind: "event", name: text(raw["externalEventName"]) };
    case actionType.CallEntity:
    case actionType.SignalEntity:
    case actionType.ScheduledSignalEntity:
      return parseEntityAction(raw);
    case actionType.LockEntities:
      return parseLock(raw);
    case actionType.ReleaseEntities:
      return { kind: "release" };
    case actionType.CallHttp:
      return { kind: "http", request: parseHttpRequest(raw["httpRequest"]) };
    case actionType.WhenAny:
    case actionType.WhenAll: {
      const children = raw["compoundActions"];
      const actions = Array.isArray(children) ? children.map(parseAction) : [];
      return { kind: raw["actionType"] === actionType.WhenAny ? "any" : "all", actions };
    }
    default:
      throw new TypeError(
        `An orchestrator asked for action type ${String(raw["actionType"])}, which the local durable engine doesn't know. Use durable-functions 3.5.`,
      );
  }
}

/** Reads the value that an orchestrator function returned, or carried in its error. Throws a TypeError. */
export function parseOrchestratorState(value: unknown): OrchestratorState {
  const raw: unknown = typeof value === "string" ? JSON.parse(value) : value;
  if (!isRaw(raw) || !Array.isArray(raw["actions"])) {
    throw new TypeError(
      "An orchestrator function returned something else than its state: is it registered with df.app?",
    );
  }
  const outer: readonly unknown[] = raw["actions"];
  const list: unknown = outer[0];
  const custom = json(raw["customStatus"]);
  return {
    isDone: raw["isDone"] === true,
    actions: Array.isArray(list) ? list.map(parseAction) : [],
    output: json(raw["output"]),
    ...(text(raw["error"]) === "" ? {} : { error: text(raw["error"]) }),
    ...(custom === null ? {} : { customStatus: custom }),
  };
}
