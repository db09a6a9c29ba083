/**
 * Members of the memory target's groups, written as Graph takes them: adds by 20, all or nothing, cut into fours and
 * singles where one of them can't be added; one removal a write. So a test of a use case counts the writes that the real
 * one would cost.
 *
 * Links of a deleted object stay, unseen, and are there again when it comes back. A deleted manager is nobody's manager
 * any more, also when it comes back.
 */

import type { FailureCode } from "../../domain/failure-codes.ts";
import {
  MEMBERS_A_WRITE,
  type TargetFailure,
  type TargetMemberChange,
  type TargetMemberResult,
} from "../../ports/target-directory.ts";
import type { MemoryObject } from "./target-object.ts";

/** What is to happen to the next members that `matches` picks (all, when left out), `count` times (once). */
export interface MemberFault {
  /** Members that meet it. */
  readonly count?: number;
  readonly matches?: (memberId: string, change: TargetMemberChange) => boolean;
  readonly kind:
    | "throttle"
    /** Takes effect, and says that it doesn't know. */
    | "lose-answer"
    | "fail";
  /** For `fail`; InternalServerError when left out. */
  readonly failure?: TargetFailure;
  /** For `throttle`; 1,000 when left out. */
  readonly retryAfterMs?: number;
}

export interface MemoryLinks {
  readonly faults: { readonly fault: MemberFault; left: number }[];
  /** Whether one member may be bound to that group. */
  canBind(group: MemoryObject | undefined, memberId: string): boolean;
  bind(groupId: string, memberIds: readonly string[]): void;
  unbind(groupId: string, memberIds: readonly string[]): void;
  /** In the order in which they were added, the unseen too. */
  membersOf(groupId: string): ReadonlySet<string>;
  change(change: TargetMemberChange, onWrite: () => void): TargetMemberResult;
}

const MEMBERS_A_PART = 4;

export function createMemoryLinks(objects: ReadonlyMap<string, MemoryObject>): MemoryLinks {
  const members = new Map<string, Set<string>>();
  const faults: { readonly fault: MemberFault; left: number }[] = [];
  const own = (groupId: string): Set<string> => {
    const present = members.get(groupId) ?? new Set<string>();
    members.set(groupId, present);
    return present;
  };
  const canBind = (group: MemoryObject | undefined, memberId: string) => {
    const member = objects.get(memberId);
    return member !== undefined && !member.deleted && member.id !== group?.id;
  };

  const takeFault = (memberId: string, change: TargetMemberChange): MemberFault | undefined => {
    const entry = faults.find(({ fault, left }) => left > 0 && (fault.matches?.(memberId, change) ?? true));
    if (entry) entry.left--;
    return entry?.fault;
  };

  return {
    faults,
    canBind,
    bind(groupId, memberIds) {
      for (const id of memberIds) own(groupId).add(id);
    },
    unbind(groupId, memberIds) {
      for (const id of memberIds) own(groupId).delete(id);
    },
    membersOf: own,
    change(change, onWrite) {
      const { key, groupId, op } = change;
      const done: string[] = [];
      const unsent: string[] = [];
      const failed: { memberId: string; failure: TargetFailure }[] = [];
      let retryAfterMs: number | undefined;
      const group = objects.get(groupId);
      const refused = refusalOf(change, group);
      const memberIds = [...new Set(change.memberIds)];
      if (refused) {
        if (memberIds.length > 0) onWrite();
        return { key, done, unsent, failed: memberIds.map((memberId) => ({ memberId, failure: refused })) };
      }

      const write = (ids: readonly string[]): void => {
        onWrite();
        const isFree = (id: string) => op === "remove" || (canBind(group, id) && !own(groupId).has(id));
        if (ids.length > 1 && !ids.every(isFree)) {
          const size = ids.length > MEMBERS_A_PART ? MEMBERS_A_PART : 1;
          for (let at = 0; at < ids.length; at += size) write(ids.slice(at, at + size));
          return;
        }
        for (const id of ids) {
          if (op === "add" && !canBind(group, id)) {
            failed.push({ memberId: id, failure: unresolved(change, id) });
            continue;
          }
          if (op === "add") own(groupId).add(id);
          else if (!objects.get(id)?.deleted) own(groupId).delete(id);
          done.push(id);
        }
      };

      const lost = new Set<string>();
      const sent = memberIds.filter((id) => {
        const fault = takeFault(id, change);
        if (!fault) return true;
        if (fault.kind === "throttle") {
          unsent.push(id);
          retryAfterMs = Math.max(retryAfterMs ?? 0, fault.retryAfterMs ?? 1_000);
          return false;
        }
        if (fault.kind === "fail") {
          onWrite();
          failed.push({ memberId: id, failure: fault.failure ?? broken(change) });
          return false;
        }
        lost.add(id);
        return true;
      });
      const most = op === "add" ? MEMBERS_A_WRITE : 1;
      for (let at = 0; at < sent.length; at += most) write(sent.slice(at, at + most));
      for (const memberId of lost) failed.push({ memberId, failure: noAnswer(change) });
      const known = done.filter((id) => !lost.has(id));
      return { key, done: known, unsent, failed, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
    },
  };
}

function refusalOf(change: TargetMemberChange, group: MemoryObject | undefined): TargetFailure | undefined {
  if (group?.type !== "group" || group.deleted) {
    return failureOf(change, "InvalidAnchor", "the group doesn't exist", { status: 404 });
  }
  if (group.synchronized) {
    return failureOf(change, "CannotUpdateObjectsMasteredOnPremises", "Microsoft's own sync masters it");
  }
  if (group.privileged || isDynamic(group)) {
    return failureOf(change, "InsufficientRights", "the target keeps its members itself", { status: 403 });
  }
  return undefined;
}

function isDynamic(group: MemoryObject): boolean {
  const types = group.values["groupTypes"];
  return Array.isArray(types) && types.includes("DynamicMembership");
}

function failureOf(
  change: TargetMemberChange,
  code: FailureCode,
  why: string,
  more: Partial<TargetFailure> = {},
): TargetFailure {
  const message = `Cannot change members of group ${change.key}: ${why}`;
  return { code, message, remedy: "See the test that ordered it.", retriable: false, ...more };
}

const unresolved = (change: TargetMemberChange, id: string) =>
  failureOf(change, "UnableToResolveReferenceAttributeValue", `${id} doesn't exist`, { retriable: true, status: 400 });
const broken = (change: TargetMemberChange) =>
  failureOf(change, "InternalServerError", "it failed on purpose", { retriable: true });
const noAnswer = (change: TargetMemberChange) =>
  failureOf(change, "Timeout", "whether it took effect is unknown", { retriable: true });
