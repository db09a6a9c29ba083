/**
 * What becomes of an action whose references are refused: a create goes out without them, an update keeps what went in.
 *
 * What isn't there may only not show yet, wherever it was made: that is given a little time. Then what this process made
 * itself a moment ago is worth a later try of the whole; anything else is left out, with a warning that names it.
 */

import type { TargetAction, TargetFailure } from "../../ports/target-directory.ts";
import {
  type ActionContext,
  failed,
  lagged,
  type PendingAction,
  type Step,
  tokenExpired,
  touchesRecent,
} from "./action-step.ts";
import { type GraphError, isAboutReferences, looksLikeLag, referenceFailure } from "./graph-failure.ts";
import { firstRequest } from "./requests.ts";
import type { CreateAction } from "./write-body.ts";

/** An answer and what it means. */
export interface Refused {
  readonly status: number;
  readonly error: GraphError;
  readonly failure: TargetFailure;
}

/** A create that was refused for what it binds; undefined when it was refused for something else. */
export function unbound(pending: PendingAction, refused: Refused, context: ActionContext): Step | undefined {
  const { status, error } = refused;
  const without = pending.rest.kind === "create" ? withoutReferences(pending.rest) : undefined;
  const request = without && firstRequest(without.action, context);
  if (!without || !request || !(status === 404 || isAboutReferences(status, error))) return undefined;
  const failure = referenceFailure(refused.failure, without.property);
  const warnings = [...pending.warnings, failure];
  const instead = { ...pending, rest: without.action, request, warnings, waits: 0 };
  if (!looksLikeLag(status, error)) return { kind: "continue", next: instead };
  const isOurs = touchesRecent(pending.rest, context);
  const later = lagged(pending, failure, isOurs);
  return isOurs ? later : { ...later, instead };
}

/** The create without what it points to; undefined when it points to nothing. */
function withoutReferences(
  action: CreateAction,
): { readonly action: TargetAction; readonly property: string } | undefined {
  if (action.type === "group") {
    const { members = [], ...rest } = action;
    return members.length > 0 ? { action: rest, property: "members" } : undefined;
  }
  const { manager, ...values } = action.values;
  return typeof manager === "string" ? { action: { ...action, values }, property: "manager" } : undefined;
}

/**
 * A manager that can't be set or taken. 404 may mean the user, the manager, or that there is none to take: the message
 * names whom. Undefined when there is none to take, as was wanted.
 */
export function managerRefused(pending: PendingAction, refused: Refused, context: ActionContext): Step | undefined {
  const { action, request } = pending;
  const { status, error, failure } = refused;
  if (status === 401) return tokenExpired(pending, failure);
  if (status === 404 && action.kind !== "create" && error.message.includes(action.id)) {
    return touchesRecent(action, context) ? lagged(pending, failure) : failed(pending, failure);
  }
  if (status === 404 && request.method === "DELETE") return undefined;
  if (status !== 404 && !isAboutReferences(status, error)) return failed(pending, failure);
  const unresolved = referenceFailure(failure, "manager");
  if (!looksLikeLag(status, error)) return failed(pending, unresolved);
  const isOurs = touchesRecent(action, context);
  const later = lagged(pending, unresolved, isOurs);
  return isOurs || Number.isFinite(later.waitMs) ? later : failed(pending, unresolved);
}
