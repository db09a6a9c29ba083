/**
 * What an orchestrator function asks for: the actions and the state that durable-functions 3.5 returns to its host
 * after each run. The list of actions is complete since the start of the execution, in the order in which they were
 * yielded. Read here at the border; entity and HTTP actions are recognised and refused by name.
 */

import type { RetryPolicy } from "./retry-delay.ts";

/** Numbers of `ActionType` in durable-functions. */
const actionType = {
  CallActivity: 0,
  CallActivityWithRetry: 1,
  CallSubOrchestrator: 2,
  CallSubOrchestratorWithRetry: 3,
  ContinueAsNew: 4,
  CreateTimer: 5,
  WaitForExternalEvent: 6,
  WhenAny: 11,
  WhenAll: 12,
} as const;

const unsupported: Readonly<Record<number, string>> = {
  7: "callEntity",
  8: "callHttp",
  9: "signalEntity",
  13: "lock",
  14: "lock release",
};

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

/** Throws a TypeError that names what isn't supported or isn't understood. */
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
    case actionType.WhenAny:
    case actionType.WhenAll: {
      const children = raw["compoundActions"];
      const actions = Array.isArray(children) ? children.map(parseAction) : [];
      return { kind: raw["actionType"] === actionType.WhenAny ? "any" : "all", actions };
    }
    default: {
      const name = unsupported[Number(raw["actionType"])] ?? `action type ${String(raw["actionType"])}`;
      throw new TypeError(`The local durable engine does not do ${name}. Use an activity instead, or run it on Azure.`);
    }
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
