/**
 * An action on its way, the steps that a reply can lead to, and the ends that several kinds of refusal share. Nothing
 * here does I/O.
 */

import type { TargetAction, TargetFailure, TargetResult } from "../../ports/target-directory.ts";
import type { GraphReply, GraphRequest } from "./graph-client.ts";
import { failureOf, type GraphError } from "./graph-failure.ts";
import type { WriteKind } from "./recent-writes.ts";
import type { RequestContext } from "./requests.ts";

export interface PendingAction {
  readonly action: TargetAction;
  /** The action without what was refused of it so far. */
  readonly rest: TargetAction;
  readonly request: GraphRequest;
  /** How far it has come beyond its first request. */
  readonly stage: "first" | "without-guarded" | "parked" | "is-it-there" | "is-it-deleted" | "which-one" | "manager";
  /** The values went in; what is on its way is the manager. */
  readonly isWritten: boolean;
  readonly warnings: readonly TargetFailure[];
  /** Failures of this request that a wait may cure, so far. */
  readonly waits: number;
}

/**
 * `again` carries the next request; `waitMs` is how long to leave the target alone before it. Where that is too long,
 * `instead` goes out at once, or the action ends with `otherwise`.
 */
export type Step =
  | { readonly kind: "result"; readonly result: TargetResult }
  | {
      readonly kind: "again";
      readonly next: PendingAction;
      readonly waitMs: number;
      readonly otherwise: TargetFailure;
      readonly instead?: PendingAction;
    }
  | { readonly kind: "continue"; readonly next: PendingAction };

export interface ActionContext extends RequestContext {
  /** Our own last write of an object, when it is so recent that a 404 may mean lag. */
  readonly recentWrite: (id: string) => WriteKind | undefined;
  /** Whether what was written at that moment may not be seen everywhere yet. */
  readonly isRecent: (at: number | undefined) => boolean;
  /** Undefined when it can't be read now. */
  readonly initialDomain: () => Promise<string | undefined>;
  /** For a throttle without Retry-After; `waits` counts from 0. Milliseconds. */
  readonly backOffMs: (waits: number) => number;
}

/** How long a fresh object is waited for, attempt by attempt; then it is for the caller to come back. */
const LAG_WAITS_MS: readonly number[] = [250, 500, 1_000];
/** Each attempt costs a write, so what others may have made a moment ago is worth one more attempt only. */
const STRANGER_WAIT_MS = 1_000;
export const LAG_RETRY_AFTER_MS = 10_000;
export const LAG_REMEDY = "Nothing: the target doesn't show its newest objects everywhere yet; it is tried again.";

export const NO_ERROR: GraphError = { code: "", message: "", details: [] };

export function failed(pending: PendingAction, failure: TargetFailure): Step {
  return { kind: "result", result: endedWith(pending, "failed", failure) };
}

/** Sent, and no answer. Unknown, not refused: all that the action carries is in doubt, also what surely went in. */
export function lost(pending: PendingAction, reply: Extract<GraphReply, { kind: "lost" }>): Step {
  const { action } = pending;
  const failure = {
    code: reply.code,
    message: `${what(action)}: ${reply.message}; whether it took effect is unknown`,
    remedy: "Nothing: the object is looked up and the write tried again.",
    retriable: true,
  };
  return { kind: "result", result: { key: action.key, outcome: "failed", failure } };
}

/** What went in before the manager was refused stays: a warning then, and a failure only if there was nothing else. */
function endedWith(pending: PendingAction, outcome: "failed" | "unsent", failure: TargetFailure): TargetResult {
  const { action, stage, isWritten, warnings } = pending;
  const { key } = action;
  if (stage !== "manager" || action.kind === "create") return { key, outcome, failure };
  const isNamed = failure.properties !== undefined || (!isWritten && failure.code === "InvalidAnchor");
  const named = isNamed ? failure : { ...failure, properties: ["manager"] };
  if (!isWritten) return { key, outcome, failure: named };
  return { key, outcome: "done", id: action.id, warnings: [...warnings, named] };
}

/** The result of an action that isn't tried any further now. */
export function giveUp(pending: PendingAction, failure: TargetFailure): TargetResult {
  // The group is there, only its id isn't known: that is no "nothing was written".
  if (pending.stage === "which-one") return endedWith(pending, "failed", failure);
  // The parked restore and the shortened PATCH are first requests in the eyes of the caller: nothing was written yet.
  return endedWith(pending, "unsent", failure);
}

/** Throttled or busy: the request had no effect. */
export function throttled(
  pending: PendingAction,
  reply: { readonly status: number; readonly retryAfterMs?: number },
  context: ActionContext,
): Step {
  const waitMs = throttleWaitMs(reply, pending.waits, context.backOffMs);
  const text = reply.status === 429 ? "the target throttles" : "the target is busy";
  const failure = failureOf(429, { ...NO_ERROR, message: text }, what(pending.action));
  const otherwise = { ...failure, retryAfterMs: waitMs, status: reply.status };
  return { kind: "again", next: { ...pending, waits: pending.waits + 1 }, waitMs, otherwise };
}

/** A target that throttles and says "at once" isn't asked without end: every attempt costs some of the time there is. */
const LEAST_THROTTLE_WAIT_MS = 250;

export function throttleWaitMs(
  reply: { readonly retryAfterMs?: number },
  waits: number,
  backOffMs: (waits: number) => number,
): number {
  return Math.max(LEAST_THROTTLE_WAIT_MS, reply.retryAfterMs ?? backOffMs(waits));
}

/** One item's token was refused within a batch that was taken: the next call asks for a fresh one. */
export function tokenExpired(pending: PendingAction, failure: TargetFailure): Step {
  const otherwise = { ...failure, code: "Unauthorized" as const, retriable: true, retryAfterMs: LAG_RETRY_AFTER_MS };
  return { kind: "again", next: pending, waitMs: Number.POSITIVE_INFINITY, otherwise };
}

export function lagged(
  pending: PendingAction,
  failure: TargetFailure,
  isOurs = true,
): Extract<Step, { kind: "again" }> {
  const next = { ...pending, waits: pending.waits + 1 };
  const waitMs = lagWaitMs(pending.waits, isOurs);
  const otherwise = { ...failure, remedy: LAG_REMEDY, retriable: true, retryAfterMs: LAG_RETRY_AFTER_MS };
  return { kind: "again", next, waitMs, otherwise };
}

/**
 * How long to wait for what isn't seen, after so many waits; endless when no more. `isOurs`: this process made it a
 * moment ago, so that it will be seen.
 */
export function lagWaitMs(waits: number, isOurs: boolean): number {
  if (isOurs) return LAG_WAITS_MS[waits] ?? Number.POSITIVE_INFINITY;
  return waits === 0 ? STRANGER_WAIT_MS : Number.POSITIVE_INFINITY;
}

export function what(action: TargetAction): string {
  return `Cannot ${action.kind} ${action.type} ${action.key}`;
}

/** Whether we made what can't be found: a created object for later writes, a deleted one for its restore. */
export function touchesRecent(action: TargetAction, context: ActionContext): boolean {
  if (action.kind !== "create" && action.kind !== "update") {
    const last = context.recentWrite(action.id);
    // Another process may have made it, or deleted it: then only the row knows when.
    if (last === undefined) return context.isRecent(action.writtenAt);
    return action.kind === "restore" ? last === "delete" : isFresh(last);
  }
  const ids = action.kind === "create" ? [...(action.members ?? [])] : [action.id];
  const manager = action.values["manager"];
  if (typeof manager === "string") ids.push(manager);
  return ids.some((id) => isFresh(context.recentWrite(id)));
}

/** Whether it came to be, or came back, a moment ago. */
export function isFresh(write: WriteKind | undefined): boolean {
  return write === "create" || write === "restore";
}
