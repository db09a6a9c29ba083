/**
 * One action on its way: what is sent next, and what the reply makes of it.
 *
 * Most actions are one request. A refusal can add another: a PATCH or POST that was refused for its guarded properties
 * goes again without them, a create whose manager or members can't be bound goes without those, a restore whose name is
 * taken comes back under a parked one, a restore that finds nothing looks whether the object lives already, a delete that
 * finds nothing of what was made a moment ago looks whether it is among the deleted. A manager
 * is the second request of an update, sent when the first one went in (or alone): so whatever fails, it is known which
 * part was done. An upsert that finds its group asks for the id. Nothing here does I/O.
 */

import { FAILURES } from "../../domain/failure-codes.ts";
import type { TargetValues } from "../../domain/target-value.ts";
import type { TargetAction, TargetFailure } from "../../ports/target-directory.ts";
import {
  type ActionContext,
  failed,
  lagged,
  lost,
  NO_ERROR,
  type PendingAction,
  type Step,
  throttled,
  tokenExpired,
  touchesRecent,
  what,
} from "./action-step.ts";
import { deletedItemUrl, namedGroupUrl, objectUrl } from "./addresses.ts";
import type { GraphReply } from "./graph-client.ts";
import { failureOf, type GraphError, graphErrorOf, isConflict, looksLikeLag } from "./graph-failure.ts";
import { managerRefused, unbound } from "./reference-refusal.ts";
import { firstRequest, managerRequest, uniqueNameOf } from "./requests.ts";
import { splitGuarded } from "./write-body.ts";

/** The first request of an action; undefined when it has nothing to write. */
export function startAction(action: TargetAction, context: ActionContext): PendingAction | undefined {
  const own = firstRequest(action, context);
  const request = own ?? managerRequest(action, context);
  if (!request) return undefined;
  const stage = own ? "first" : "manager";
  return { action, rest: action, request, stage, isWritten: false, warnings: [], waits: 0 };
}

/** What a reply means for the action. */
export async function stepOf(pending: PendingAction, reply: GraphReply, context: ActionContext): Promise<Step> {
  const { action } = pending;
  if (reply.kind === "lost") return lost(pending, reply);
  if (reply.status === 429 || reply.status === 503) return throttled(pending, reply, context);
  if (reply.kind === "unsent") return failed(pending, failureOf(reply.status, NO_ERROR, what(action)));
  const { status } = reply;
  if (status >= 200 && status < 300) return succeeded(pending, reply.body, context);
  const error = graphErrorOf(reply.body);
  const failure = ofCreate(action, failureOf(status, error, what(action)));
  const refused = { status, error, failure };
  switch (pending.stage) {
    case "manager":
      return managerRefused(pending, refused, context) ?? succeeded(pending, undefined, context);
    case "which-one":
      return status === 404 ? lagged(pending, failure) : failed(pending, failure);
    case "is-it-there":
      return failed(pending, status === 404 ? failureOf(404, NO_ERROR, what(action)) : failure);
    case "is-it-deleted":
      return unseen(pending, failure, context);
  }
  if (status === 401) return tokenExpired(pending, failure);
  const withoutLinks = unbound(pending, refused, context);
  if (withoutLinks) return withoutLinks;
  if (looksLikeLag(status, error) && touchesRecent(action, context))
    return action.kind === "delete" ? whetherDeleted(pending, action.id) : lagged(pending, failure);
  if (status === 404) return missing(pending, failure, context);
  if (status === 403) return withoutGuarded(pending, failure, context);
  if (isConflict(status, error)) return conflicting(pending, error, failure, context);
  return failed(pending, failure);
}

function succeeded(pending: PendingAction, body: unknown, context: ActionContext): Step {
  const { action, warnings } = pending;
  const manager = pending.stage === "manager" ? undefined : managerRequest(action, context);
  if (manager) {
    return {
      kind: "continue",
      next: { ...pending, request: manager, stage: "manager", isWritten: true, waits: 0 },
    };
  }
  const known = action.kind === "create" ? idOf(body) : action.id;
  const uniqueName = uniqueNameOf(action);
  if (known === undefined && uniqueName !== undefined && pending.stage !== "which-one") {
    const request = { method: "GET", url: `${namedGroupUrl(uniqueName)}?$select=id` } as const;
    return { kind: "continue", next: { ...pending, stage: "which-one", request, waits: 0 } };
  }
  if (known === undefined) {
    const message = "the object was created, but its id is missing from the answer";
    return lost(pending, { kind: "lost", code: "WebExceptionProtocolError", message });
  }
  return {
    kind: "result",
    result: { key: action.key, outcome: "done", id: known, ...(warnings.length > 0 ? { warnings } : {}) },
  };
}

function missing(pending: PendingAction, failure: TargetFailure, context: ActionContext): Step {
  const { action } = pending;
  // Gone is what a delete wants. A restore may have happened before, with its answer lost.
  if (action.kind === "delete") return succeeded(pending, undefined, context);
  if (action.kind !== "restore") return failed(pending, failure);
  const request = { method: "GET", url: `${objectUrl(action)}?$select=id` } as const;
  return { kind: "continue", next: { ...pending, stage: "is-it-there", request } };
}

/** Gone by an earlier delete whose answer was lost, or not to be seen yet: taken for gone, it would live on for ever. */
function whetherDeleted(pending: PendingAction, id: string): Step {
  const request = { method: "GET", url: `${deletedItemUrl(id)}?$select=id` } as const;
  return { kind: "continue", next: { ...pending, stage: "is-it-deleted", request } };
}

/** It is neither there nor among the deleted: the delete is sent again when it may be seen. */
function unseen(pending: PendingAction, failure: TargetFailure, context: ActionContext): Step {
  const again = startAction(pending.action, context) ?? pending;
  return lagged({ ...again, waits: pending.waits }, failure);
}

/** Nobody holds a role yet who isn't there: what may not be made is a right of the application that is missing. */
function ofCreate(action: TargetAction, failure: TargetFailure): TargetFailure {
  if (action.kind !== "create" || failure.code !== "InsufficientRights") return failure;
  return { ...failure, code: "NotPermitted", remedy: FAILURES.NotPermitted.action };
}

/** Once, the rest of the values goes out alone; what was held back becomes a warning. */
function withoutGuarded(pending: PendingAction, failure: TargetFailure, context: ActionContext): Step {
  const { rest: action } = pending;
  if (pending.stage !== "first" || (action.kind !== "update" && action.kind !== "create")) {
    return failed(pending, failure);
  }
  // Who holds a role is nobody's to take over, not with its plain values either.
  if (action.kind === "update" && action.isWhole === true) {
    return failed(pending, { ...failure, code: "InsufficientRights" });
  }
  const { manager: _, ...values } = action.values;
  const { plain, guarded } = splitGuarded(action.kind === "create" ? action.values : values);
  const held = action.kind === "create" ? pick(guarded, "onPremisesDistinguishedName") : guarded;
  const properties = Object.keys(held);
  const refused: TargetFailure = {
    ...failure,
    code: "InsufficientRights",
    ...(properties.length > 0 ? { properties } : {}),
  };
  if (properties.length === 0) return failed(pending, action.kind === "create" ? failure : refused);
  const warnings = [...pending.warnings, refused];
  const manager = managerRequest(action, context);
  if (Object.keys(plain).length === 0) {
    if (!manager) return failed(pending, refused);
    return { kind: "continue", next: { ...pending, stage: "manager", request: manager, warnings, waits: 0 } };
  }
  const rest = {
    ...action,
    values: Object.fromEntries(Object.entries(action.values).filter(([name]) => !(name in held))),
  };
  const request = firstRequest(rest, context);
  if (!request) return failed(pending, refused);
  return { kind: "continue", next: { ...pending, stage: "without-guarded", rest, warnings, request } };
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

function pick(values: TargetValues, name: string): TargetValues {
  const value = values[name];
  return value === undefined ? {} : { [name]: value };
}

function idOf(body: unknown): string | undefined {
  const { id } = (body ?? {}) as { readonly id?: unknown };
  return typeof id === "string" && id !== "" ? id : undefined;
}
