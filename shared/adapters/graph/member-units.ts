/**
 * The membership changes of one group on their way, cut into units: a unit is one write.
 *
 * Adds go by 20. Such a write is all or nothing, so when it is refused for one of them (a member that is there already,
 * or isn't there at all), it is cut: into fours, and a four that is refused into singles. That was chosen for few bad
 * ones among 20, where it costs 10 writes for one and 13.4 for two on average (singles at once: 21 each; halves down to
 * the end: 9.8 and 16, in six rounds instead of three), and because it stays bounded for many: 26, where halves take 39.
 *
 * Units are made as they are asked for and members are only referred to, so 250,000 of them cost nothing but their ids.
 */

import {
  MEMBERS_A_WRITE,
  type TargetAnswer,
  type TargetFailure,
  type TargetMemberChange,
  type TargetMemberResult,
} from "../../ports/target-directory.ts";

const MEMBERS_A_PART = 4;

/** One write: `memberIds` are added together, or the only one is added or removed. */
export interface MemberUnit {
  readonly change: ChangeOnItsWay;
  readonly memberIds: readonly string[];
  /** Waits that these members have cost so far. */
  readonly waits: number;
}

export interface ChangeOnItsWay {
  readonly key: string;
  readonly groupId: string;
  readonly op: "add" | "remove";
  /** The next write: what was refused or put off first, then new members. */
  take(): MemberUnit | undefined;
  hasMore(): boolean;
  /** Gives units back, to be taken again. */
  putBack(...units: readonly MemberUnit[]): void;
  done(memberIds: readonly string[]): void;
  fail(memberIds: readonly string[], failure: TargetFailure): void;
  putOff(memberIds: readonly string[], retryAfterMs: number): void;
  /** Ends all that wasn't taken yet, and what was put back. */
  failRest(failure: TargetFailure): void;
  putOffRest(retryAfterMs: number): void;
  /** What the target said to a write of it; undefined: nothing. */
  answered(answer: TargetAnswer | undefined): void;
  result(): TargetMemberResult;
}

export function startChange(change: TargetMemberChange): ChangeOnItsWay {
  const { key, groupId, op } = change;
  // Twice the same member in one write is refused as one that is there already.
  const memberIds = [...new Set(change.memberIds)];
  const most = op === "add" ? MEMBERS_A_WRITE : 1;
  const again: MemberUnit[] = [];
  const done: string[] = [];
  const unsent: string[] = [];
  const failed: { memberId: string; failure: TargetFailure }[] = [];
  let retryAfterMs: number | undefined;
  let answer: TargetAnswer | undefined;
  let at = 0;

  const rest = (): readonly string[] => {
    const left = [...again.splice(0).flatMap((unit) => unit.memberIds), ...memberIds.slice(at)];
    at = memberIds.length;
    return left;
  };
  const own: ChangeOnItsWay = {
    key,
    groupId,
    op,
    take() {
      const back = again.shift();
      if (back || at >= memberIds.length) return back;
      const part = memberIds.slice(at, at + most);
      at += part.length;
      return { change: own, memberIds: part, waits: 0 };
    },
    hasMore: () => again.length > 0 || at < memberIds.length,
    putBack(...units) {
      again.push(...units);
    },
    done(ids) {
      for (const id of ids) done.push(id);
    },
    fail(ids, failure) {
      for (const memberId of ids) failed.push({ memberId, failure });
    },
    putOff(ids, waitMs) {
      for (const id of ids) unsent.push(id);
      retryAfterMs = Math.max(retryAfterMs ?? 0, waitMs);
    },
    failRest: (failure) => own.fail(rest(), failure),
    putOffRest(waitMs) {
      const left = rest();
      if (left.length > 0) own.putOff(left, waitMs);
    },
    answered(own) {
      answer = own;
    },
    result: () => ({
      ...{ key, done, unsent, failed },
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(answer ? { answer } : {}),
    }),
  };
  return own;
}

/** A unit that was refused as a whole, cut; undefined when it is one member alone. */
export function cut(unit: MemberUnit): readonly MemberUnit[] | undefined {
  const { memberIds, change, waits } = unit;
  if (memberIds.length < 2) return undefined;
  const size = memberIds.length > MEMBERS_A_PART ? MEMBERS_A_PART : 1;
  const parts: MemberUnit[] = [];
  for (let at = 0; at < memberIds.length; at += size) {
    parts.push({ change, memberIds: memberIds.slice(at, at + size), waits });
  }
  return parts;
}
