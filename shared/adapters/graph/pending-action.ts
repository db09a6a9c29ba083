/**
 * One action on its way: what is sent next, and what the reply makes of it.
 *
 * Most actions are one request. A refusal can add a second one: a PATCH or POST that was refused for its guarded
 * properties goes again without them, a restore whose name is taken comes back under a parked one, a restore that finds
 * nothing looks whether the object lives already. Nothing here does I/O.
 */

import type { TargetValues } from "../../domain/target-value.ts";
import type { TargetAction, TargetFailure, TargetResult } from "../../ports/target-directory.ts";
import type { GraphReply, GraphRequest } from "./graph-client.ts";
import { failureOf, type GraphError, graphErrorOf, isConflict, looksLikeLag } from "./graph-failure.ts";
import type { WriteKind } from "./recent-writes.ts";
import { type Body, splitGuarded, updateBody } from "./write-body.ts";

export interface PendingAction {
  readonly action: TargetAction;
  readonly request: GraphRequest;
  /** How far it has come beyond its first request. */
  readonly stage: "first" | "without-guarded" | "parked" | "is-it-there";
  readonly warnings: readonly TargetFailure[];
  /** Failures that a wait may cure, so far. */
  readonly waits: number;
}

/** `again` carries the next request; `waitMs` is how long to leave the target alone before it. */
export type Step =
  | { readonly kind: "result"; readonly result: TargetResult }
  | { readonly kind: "again"; readonly next: PendingAction; readonly waitMs: number; readonly otherwise: TargetFailure }
  | { readonly kind: "continue"; readonly next: PendingAction };

export interface ActionContext {
  readonly createBody: (action: Extract<TargetAction, { kind: "create" }>) => Body;
  /** Our own last write of an object, when it is so recent that a 404 may mean lag. */
  readonly recentWrite: (id: string) => WriteKind | undefined;
  /** Undefined when it can't be read now. */
  readonly initialDomain: () => Promise<string | undefined>;
  /** For a throttle without Retry-After; `waits` counts from 0. Milliseconds. */
  readonly backOffMs: (waits: number) => number;
}

const LAG_WAITS_MS = [250, 500, 1_000];
const LAG_RETRY_AFTER_MS = 10_000;

/** The first request of an action; undefined when it has nothing to write. */
export function startAction(action: TargetAction, context: ActionContext): PendingAction | undefined {
  if (action.kind === "update" && Object.keys(action.values).length === 0) return undefined;
  return { action, request: firstRequest(action, context), stage: "first", warnings: [], waits: 0 };
}

function firstRequest(action: TargetAction, context: ActionContext): GraphRequest {
  switch (action.kind) {
    case "create":
      return { method: "POST", url: `/${action.type}s`, body: context.createBody(action) };
    case "update":
      return { method: "PATCH", url: objectUrl(action), body: updateBody(action.values) };
    case "delete":
      return { method: "DELETE", url: objectUrl(action) };
    case "restore":
      return { method: "POST", url: `/directory/deletedItems/${encodeURIComponent(action.id)}/restore`, body: {} };
  }
}

/** What a reply means for the action. */
export async function stepOf(pending: PendingAction, reply: GraphReply, context: ActionContext): Promise<Step> {
  const { action } = pending;
  if (reply.kind === "lost") return failed(pending, lostFailure(pending, reply));
  if (reply.status === 429 || reply.status === 503) return throttled(pending, reply, context);
  if (reply.kind === "unsent") return failed(pending, failureOf(reply.status, NO_ERROR, what(action)));
  const { status } = reply;
  if (status >= 200 && status < 300) return succeeded(pending, reply.body);
  const error = graphErrorOf(reply.body);
  const failure = failureOf(status, error, what(action));
  if (pending.stage === "is-it-there") {
    const gone = failureOf(404, NO_ERROR, what(action));
    return status === 404 ? failed(pending, gone) : failed(pending, failure);
  }
  if (status === 401) return tokenExpired(pending, failure);
  if (looksLikeLag(status, error) && touchesRecent(action, context)) return lagged(pending, failure);
  if (status === 404) return missing(pending, failure);
  if (status === 403) return withoutGuarded(pending, failure, context);
  if (isConflict(status, error)) return conflicting(pending, error, failure, context);
  return failed(pending, failure);
}

function succeeded(pending: PendingAction, body: unknown): Step {
  const { action, warnings } = pending;
  const known = action.kind === "create" ? idOf(body) : action.id;
  if (known === undefined) {
    const message = "the object was created, but its id is missing from the answer";
    return failed(pending, lostFailure(pending, { kind: "lost", code: "InternalServerError", message }));
  }
  return {
    kind: "result",
    result: { key: action.key, outcome: "done", id: known, ...(warnings.length > 0 ? { warnings } : {}) },
  };
}

/** Throttled or busy: the request had no effect. What went out before it stays, so the rest becomes a warning. */
function throttled(
  pending: PendingAction,
  reply: { readonly status: number; readonly retryAfterMs?: number },
  context: ActionContext,
): Step {
  const waitMs = reply.retryAfterMs ?? context.backOffMs(pending.waits);
  const text = reply.status === 429 ? "the target throttles" : "the target is busy";
  const failure = failureOf(429, { ...NO_ERROR, message: text }, what(pending.action));
  const otherwise = { ...failure, retryAfterMs: waitMs, status: reply.status };
  return { kind: "again", next: { ...pending, waits: pending.waits + 1 }, waitMs, otherwise };
}

/** One item's token was refused within a batch that was taken: the next call asks for a fresh one. */
function tokenExpired(pending: PendingAction, failure: TargetFailure): Step {
  const otherwise = { ...failure, code: "target-credentials", retriable: true, retryAfterMs: LAG_RETRY_AFTER_MS };
  return { kind: "again", next: pending, waitMs: Number.POSITIVE_INFINITY, otherwise };
}

function lagged(pending: PendingAction, failure: TargetFailure): Step {
  const next = { ...pending, waits: pending.waits + 1 };
  const waitMs = LAG_WAITS_MS[pending.waits] ?? Number.POSITIVE_INFINITY;
  const remedy = "Nothing: the target doesn't show its newest objects everywhere yet; it is tried again.";
  return {
    kind: "again",
    next,
    waitMs,
    otherwise: { ...failure, remedy, retriable: true, retryAfterMs: LAG_RETRY_AFTER_MS },
  };
}

function missing(pending: PendingAction, failure: TargetFailure): Step {
  const { action } = pending;
  // Gone is what a delete wants. A restore may have happened before, with its answer lost.
  if (action.kind === "delete") return succeeded(pending, undefined);
  if (action.kind !== "restore") return failed(pending, failure);
  const request = { method: "GET", url: `${objectUrl(action)}?$select=id` } as const;
  return { kind: "continue", next: { ...pending, stage: "is-it-there", request } };
}

/** Once, the rest of the values goes out alone; what was held back becomes a warning. */
function withoutGuarded(pending: PendingAction, failure: TargetFailure, context: ActionContext): Step {
  const { action } = pending;
  if (pending.stage !== "first" || (action.kind !== "update" && action.kind !== "create")) {
    return failed(pending, failure);
  }
  const { plain, guarded } = splitGuarded(action.values);
  const held = action.kind === "create" ? pick(guarded, "onPremisesDistinguishedName") : guarded;
  const properties = Object.keys(held);
  const refused = { ...failure, code: "InsufficientRights", ...(properties.length > 0 ? { properties } : {}) };
  if (properties.length === 0 || Object.keys(plain).length === 0) return failed(pending, refused);
  const rest = Object.fromEntries(Object.entries(action.values).filter(([name]) => !(name in held)));
  const next: PendingAction = {
    ...pending,
    stage: "without-guarded",
    warnings: [...pending.warnings, refused],
    request: firstRequest({ ...action, values: rest }, context),
  };
  return { kind: "continue", next };
}

/** A restore whose name or address is taken meanwhile comes back under a parked name; claiming the old one is a later act. */
async function conflicting(
  pending: PendingAction,
  error: GraphError,
  failure: TargetFailure,
  context: ActionContext,
): Promise<Step> {
  const { action, request } = pending;
  const isParked = request.body !== undefined && "newUserPrincipalName" in request.body;
  if (action.kind !== "restore" || action.type !== "user" || isParked) return failed(pending, failure);
  const told = [error.message, ...error.details.map((detail) => detail.target)].join(" ");
  const body: Record<string, unknown> = { autoReconcileProxyConflict: true };
  if (!/proxyAddresses/i.test(told)) {
    const domain = await context.initialDomain();
    if (domain === undefined) return failed(pending, failure);
    body["newUserPrincipalName"] = `${action.key}@${domain}`;
  } else if (request.body && "autoReconcileProxyConflict" in request.body) return failed(pending, failure);
  const warnings = [...pending.warnings, failure];
  return { kind: "continue", next: { ...pending, stage: "parked", warnings, request: { ...request, body } } };
}

function failed(pending: PendingAction, failure: TargetFailure): Step {
  return { kind: "result", result: { key: pending.action.key, outcome: "failed", failure } };
}

function lostFailure(pending: PendingAction, lost: Extract<GraphReply, { kind: "lost" }>): TargetFailure {
  return {
    code: lost.code,
    message: `${what(pending.action)}: ${lost.message}; whether it took effect is unknown`,
    remedy: "Nothing: the object is looked up and the write tried again.",
    retriable: true,
  };
}

/** The result of an action that isn't tried any further now. */
export function giveUp(pending: PendingAction, failure: TargetFailure): TargetResult {
  const { key } = pending.action;
  // The parked restore and the shortened PATCH are first requests in the eyes of the caller: nothing was written yet.
  return { key, outcome: "unsent", failure };
}

const NO_ERROR: GraphError = { code: "", message: "", details: [] };

function what(action: TargetAction): string {
  return `Cannot ${action.kind} ${action.type} ${action.key}`;
}

function objectUrl(action: { readonly type: string; readonly id: string }): string {
  return `/${action.type}s/${encodeURIComponent(action.id)}`;
}

/** Whether we made what can't be found: a created object for later writes, a deleted one for its restore. */
function touchesRecent(action: TargetAction, context: ActionContext): boolean {
  if (action.kind === "restore") return context.recentWrite(action.id) === "delete";
  const id = action.kind === "create" ? action.values["manager"] : action.id;
  const last = typeof id === "string" ? context.recentWrite(id) : undefined;
  return last === "create" || last === "restore";
}

function pick(values: TargetValues, name: string): TargetValues {
  const value = values[name];
  return value === undefined ? {} : { [name]: value };
}

function idOf(body: unknown): string | undefined {
  const { id } = (body ?? {}) as { readonly id?: unknown };
  return typeof id === "string" && id !== "" ? id : undefined;
}
