/**
 * What crosses between the engine and the app's durable functions: the JSON value of an orchestration trigger, what an
 * activity receives, and how results and failures come back. Forms as the Durable extension sends and reads them for
 * Node (its "out-of-process shim" protocol).
 */

import { type OrchestratorState, parseOrchestratorState } from "./actions.ts";
import type { FailureDetails, HistoryEvent } from "./history.ts";
import { httpPollMs } from "./http-request.ts";
import { longTimers } from "./replay-actions.ts";

/** Where durable-functions puts the state into the message of an orchestrator that threw. */
const outOfProcMarker = "\n\n$OutOfProcData$:";

export type OrchestrationTrigger = {
  readonly history: readonly HistoryEvent[];
  readonly input: unknown;
  readonly instanceId: string;
  readonly isReplaying: boolean;
  readonly parentInstanceId: string | null;
  readonly upperSchemaVersion: number;
  readonly upperSchemaVersionNew: number;
  readonly longRunningTimerIntervalDuration: string;
  readonly maximumShortTimerDuration: string;
  readonly defaultHttpAsyncRequestSleepTimeMillseconds: number;
};

export function orchestrationTrigger(input: {
  readonly history: readonly HistoryEvent[];
  /** JSON text. */
  readonly input: string | null;
  readonly instanceId: string;
  readonly parentInstanceId: string | null;
  readonly isReplaying: boolean;
}): OrchestrationTrigger {
  return {
    ...input,
    input: input.input === null ? null : JSON.parse(input.input),
    upperSchemaVersion: 1,
    upperSchemaVersionNew: 3,
    longRunningTimerIntervalDuration: longTimers.interval,
    maximumShortTimerDuration: longTimers.maximum,
    defaultHttpAsyncRequestSleepTimeMillseconds: httpPollMs,
  };
}

/**
 * What an activity's trigger receives for an action's input (JSON text): a string, which the Node library parses again;
 * undefined for null. A boolean arrives as .NET writes it, "True" or "False", and so stays a string in the handler.
 */
export function activityTriggerText(input: string | null): string | undefined {
  if (input === null) return undefined;
  const value: unknown = JSON.parse(input);
  if (value === null) return undefined;
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return value ? "True" : "False";
  return input;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The state of an orchestrator that threw, taken out of its error's message; undefined when the error is another's. */
export function stateOfFailure(error: unknown): OrchestratorState | undefined {
  const message = messageOf(error);
  const at = message.lastIndexOf(outOfProcMarker);
  return at === -1 ? undefined : parseOrchestratorState(message.slice(at + outOfProcMarker.length));
}

export type TaskFailure = {
  readonly Reason: string;
  /** JSON text of the cause, as the framework serialises it. */
  readonly Details: string;
  readonly FailureDetails?: FailureDetails;
};

/** `setExceptionPropertiesProvider` makes the library put such JSON into the message of an activity's error. */
function failureDetails(message: string): FailureDetails | undefined {
  if (!message.startsWith("{")) return undefined;
  try {
    const raw: unknown = JSON.parse(message);
    if (typeof raw !== "object" || raw === null || !("errorType" in raw) || !("errorMessage" in raw)) return undefined;
    const stack = "stackTrace" in raw ? raw.stackTrace : undefined;
    return {
      ErrorType: String(raw.errorType),
      ErrorMessage: String(raw.errorMessage),
      IsNonRetriable: "isNonRetriable" in raw && raw.isNonRetriable === true,
      ...(typeof stack === "string" ? { StackTrace: stack } : {}),
      ...("properties" in raw ? { Properties: raw.properties } : {}),
    };
  } catch {
    return undefined;
  }
}

export function activityFailure(name: string, error: unknown): TaskFailure {
  const message = messageOf(error);
  const details = failureDetails(message);
  const type = error instanceof Error ? error.name : "Error";
  return {
    Reason: `Activity function '${name}' failed: ${details?.ErrorMessage ?? message}`,
    Details: JSON.stringify({
      $type: "System.Exception, System.Private.CoreLib",
      Message: `${type}: ${details?.ErrorMessage ?? message}`,
      StackTraceString: error instanceof Error ? (error.stack ?? null) : null,
    }),
    ...(details === undefined ? {} : { FailureDetails: details }),
  };
}

/** A request of `callHttp` that got no answer: the network's words alone, as `TaskHttpActivityShim` hands them on. */
export function httpFailure(error: unknown): TaskFailure {
  const Message = messageOf(error);
  const $type = "System.Net.Http.HttpRequestException, System.Net.Http";
  return { Reason: Message, Details: JSON.stringify({ $type, Message }) };
}
