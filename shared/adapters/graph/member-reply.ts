/** What Graph's answer to one write of members means, as a value. */

import type { TargetFailure } from "../../ports/target-directory.ts";
import { LAG_RETRY_AFTER_MS, lagWaitMs, NO_ERROR, throttleWaitMs } from "./action-step.ts";
import type { GraphReply } from "./graph-client.ts";
import {
  failureOf,
  graphErrorOf,
  isConcurrency,
  isLinkedAlready,
  isMissingReference,
  referenceFailure,
} from "./graph-failure.ts";
import type { MemberUnit } from "./member-units.ts";

export type MemberVerdict =
  | { readonly kind: "done" }
  /** Effect unknown. */
  | { readonly kind: "lost"; readonly failure: TargetFailure }
  /**
   * No effect; to be sent again after `waitMs`, or by the caller after `patienceMs`. `forAll`: other writes will have
   * none either before that time.
   */
  | { readonly kind: "later"; readonly waitMs: number; readonly patienceMs: number; readonly forAll: boolean }
  /** A member that isn't there, or doesn't show yet. */
  | { readonly kind: "unresolved"; readonly failure: TargetFailure }
  /** Refused for one of the members, or for the only one. */
  | { readonly kind: "refused"; readonly failure: TargetFailure }
  /** Refused for the group: so is every other write to it. */
  | { readonly kind: "group-refused"; readonly failure: TargetFailure }
  /** 404, and the message doesn't say of whom. */
  | { readonly kind: "who-is-gone"; readonly failure: TargetFailure };

export function verdictOf(unit: MemberUnit, reply: GraphReply, backOffMs: (waits: number) => number): MemberVerdict {
  const { change, memberIds, waits } = unit;
  const what = `Cannot ${change.op === "add" ? "add members to" : "remove a member from"} group ${change.key}`;
  if (reply.kind === "lost") {
    const message = `${what}: ${reply.message}; whether it took effect is unknown`;
    const remedy = "Nothing: the membership is written again.";
    return { kind: "lost", failure: { code: reply.code, message, remedy, retriable: true } };
  }
  const { status } = reply;
  if (status === 429 || status === 503 || reply.kind === "unsent" || status === 401) {
    const ms = status === 401 ? LAG_RETRY_AFTER_MS : throttleWaitMs(reply, waits, backOffMs);
    return { kind: "later", waitMs: ms, patienceMs: ms, forAll: true };
  }
  if (status >= 200 && status < 300) return { kind: "done" };
  const error = graphErrorOf(reply.body);
  const failure = failureOf(status, error, what);
  if (isLinkedAlready(status, error)) {
    return memberIds.length === 1 ? { kind: "done" } : { kind: "refused", failure };
  }
  if (isConcurrency(status, error) || status === 409) {
    return { kind: "later", waitMs: lagWaitMs(waits, true), patienceMs: LAG_RETRY_AFTER_MS, forAll: false };
  }
  const namesMember = memberIds.some((id) => error.message.includes(id));
  if (isMissingReference(status, error) || (status === 404 && namesMember)) {
    return missingMember(unit, failure);
  }
  if (status === 404) return { kind: "who-is-gone", failure };
  if (status >= 500) return { kind: "lost", failure };
  if (status === 403) {
    const remedy =
      "The target keeps this group's members itself (dynamic or role-assignable), or the application lacks the right.";
    return { kind: "group-refused", failure: { ...failure, remedy } };
  }
  const isMailGroup = /mail-enabled|distribution list/i.test(error.message);
  if (failure.code === "CannotUpdateObjectsMasteredOnPremises" || isMailGroup)
    return { kind: "group-refused", failure };
  return { kind: "refused", failure };
}

/** The group is there: it is the member that isn't. Not in a group is what a removal wants. */
export function missingMember(unit: MemberUnit, failure: TargetFailure): MemberVerdict {
  if (unit.change.op === "remove") return { kind: "done" };
  return { kind: "unresolved", failure: referenceFailure(failure) };
}

/** The group is gone, whatever was asked of it. */
export function groupGone(key: string): TargetFailure {
  return failureOf(404, { ...NO_ERROR, message: "the group doesn't exist" }, `Cannot change members of group ${key}`);
}
