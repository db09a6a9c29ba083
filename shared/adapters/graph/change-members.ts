/**
 * Changes memberships in rounds of `$batch` calls: take some writes of each group, send them, take each reply as its
 * write's own (`member-reply`), cut and send again what was refused together (`member-units`).
 *
 * Of one group only a few writes are on their way at a time: Graph runs a batch's items at once and in any order, and
 * parallel writes to one group meet each other there (409, concurrency violations) and are then lost work. Other groups
 * fill the batch. A 404 that doesn't name the member is asked about by a read of the group, once: Graph says the same
 * of a group that is gone and of a link that isn't there.
 *
 * A call sleeps two seconds at most in all. When the target throttles for longer, nothing more is sent and all that
 * is left comes back *unsent* with the time to wait.
 */

import type { TargetMemberChange, TargetMemberResult } from "../../ports/target-directory.ts";
import { TargetUnavailable } from "../../ports/target-directory.ts";
import { isFresh, LAG_RETRY_AFTER_MS, lagWaitMs } from "./action-step.ts";
import { objectUrl } from "./addresses.ts";
import {
  answerOf,
  BATCH_SIZE,
  type GraphClient,
  type GraphReply,
  type GraphRequest,
  isThrottle,
} from "./graph-client.ts";
import { groupGone, type MemberVerdict, missingMember, verdictOf } from "./member-reply.ts";
import { type ChangeOnItsWay, cut, type MemberUnit, startChange } from "./member-units.ts";
import type { WriteKind } from "./recent-writes.ts";
import { addOne, addTogether, removeOne } from "./requests.ts";

export interface ChangeMembersDeps {
  readonly client: GraphClient;
  readonly baseUrl: string;
  readonly sleep: (ms: number) => Promise<void>;
  readonly limit: <T>(task: () => Promise<T>) => Promise<T>;
  /** Batches of one round. */
  readonly parallelBatches: number;
  readonly backOffMs: (waits: number) => number;
  readonly recentWrite: (id: string) => WriteKind | undefined;
  /** A write was answered other than by throttling. */
  readonly onWrite: () => void;
  readonly onThrottle: (retryAfterMs: number | undefined) => void;
  readonly onCount: (part: number | undefined) => void;
}

/**
 * Writes of one group on their way at once. With a round trip of half a second five are ten writes a second, half of
 * an application's whole quota: a single big group isn't slowed down by this, and rarely meets itself.
 */
export const WRITES_A_GROUP = 5;
const SLEEP_BUDGET_MS = 2_000;

interface Group {
  readonly id: string;
  readonly changes: ChangeOnItsWay[];
  /** What a 404 means while it isn't known whether the group is there. */
  readonly asking: MemberUnit[];
  isThere: boolean;
  /** Reads that didn't find a group which was made a moment ago. */
  waits: number;
}

type Item =
  | { readonly kind: "write"; readonly group: Group; readonly unit: MemberUnit; readonly request: GraphRequest }
  | { readonly kind: "is-it-there"; readonly group: Group; readonly request: GraphRequest };

type Reply = GraphReply | TargetUnavailable;

/** Results in the order of the changes. Throws `TargetUnavailable` only when nothing was answered yet. */
export async function changeMembers(
  changes: readonly TargetMemberChange[],
  lowPriority: boolean,
  deps: ChangeMembersDeps,
): Promise<readonly TargetMemberResult[]> {
  const started = changes.map(startChange);
  let groups = groupsOf(started);
  let budgetMs = SLEEP_BUDGET_MS;
  let anyReply = false;

  while (groups.length > 0) {
    const items = takeRound(groups, deps);
    const replies = await sendAll(items, lowPriority, deps);
    const broken = replies.find((reply) => reply instanceof TargetUnavailable);
    anyReply ||= replies.some((reply) => !(reply instanceof TargetUnavailable));
    if (broken instanceof TargetUnavailable && !anyReply) throw broken;

    let waitMs = 0;
    let stopMs = broken instanceof TargetUnavailable ? broken.retryAfterMs : 0;
    /** Whether there is time left for this wait; then it is waited for at the round's end. */
    const canWait = (ms: number) => {
      if (ms > budgetMs) return false;
      waitMs = Math.max(waitMs, ms);
      return true;
    };
    items.forEach((item, index) => {
      const reply = replies[index];
      if (!reply || reply instanceof TargetUnavailable) giveBack(item, stopMs);
      else if (item.kind === "is-it-there") takeExistence(item.group, reply, deps, canWait);
      else {
        if (isWrite(reply)) deps.onWrite();
        if (isThrottle(reply)) deps.onThrottle(reply.retryAfterMs);
        if (reply.kind === "answer") deps.onCount(reply.quotaUsed);
        item.unit.change.answered(answerOf(reply));
        const verdict = verdictOf(item.unit, reply, deps.backOffMs);
        const isForAll = verdict.kind === "later" && verdict.forAll;
        if (isForAll && !canWait(verdict.waitMs)) stopMs = Math.max(stopMs, verdict.patienceMs);
        takeVerdict(item.group, item.unit, verdict, deps, canWait);
      }
    });
    if (stopMs > 0) {
      for (const group of groups) endGroup(group, (change) => change.putOffRest(stopMs));
    }
    groups = rotate(groups.filter(hasMore), items);
    budgetMs -= waitMs;
    if (waitMs > 0 && groups.length > 0) await deps.sleep(waitMs);
  }
  return started.map((change) => change.result());
}

function groupsOf(changes: readonly ChangeOnItsWay[]): Group[] {
  const groups = new Map<string, Group>();
  for (const change of changes) {
    const group = groups.get(change.groupId) ?? {
      id: change.groupId,
      changes: [],
      asking: [],
      isThere: false,
      waits: 0,
    };
    group.changes.push(change);
    groups.set(change.groupId, group);
  }
  return [...groups.values()].filter(hasMore);
}

function hasMore(group: Group): boolean {
  return group.asking.length > 0 || group.changes.some((change) => change.hasMore());
}

/** Some writes of each group, until the round is full. */
function takeRound(groups: readonly Group[], deps: ChangeMembersDeps): readonly Item[] {
  const most = BATCH_SIZE * deps.parallelBatches;
  const items: Item[] = [];
  for (const group of groups) {
    if (items.length >= most) break;
    if (group.asking.length > 0) {
      const url = `${objectUrl({ type: "group", id: group.id })}?$select=id`;
      items.push({ kind: "is-it-there", group, request: { method: "GET", url } });
      continue;
    }
    for (let taken = 0; taken < WRITES_A_GROUP && items.length < most; taken++) {
      const unit = group.changes.find((change) => change.hasMore())?.take();
      if (!unit) break;
      items.push({ kind: "write", group, unit, request: requestOf(unit, deps) });
    }
  }
  return items;
}

function requestOf({ change, memberIds }: MemberUnit, { baseUrl }: ChangeMembersDeps): GraphRequest {
  const [only = ""] = memberIds;
  if (change.op === "remove") return removeOne(change.groupId, only);
  return memberIds.length === 1
    ? addOne(baseUrl, change.groupId, only)
    : addTogether(baseUrl, change.groupId, memberIds);
}

async function sendAll(
  items: readonly Item[],
  lowPriority: boolean,
  deps: ChangeMembersDeps,
): Promise<readonly Reply[]> {
  const batches: (readonly Item[])[] = [];
  for (let at = 0; at < items.length; at += BATCH_SIZE) batches.push(items.slice(at, at + BATCH_SIZE));
  const replies = await Promise.all(
    batches.map((batch) =>
      deps.limit(async (): Promise<readonly Reply[]> => {
        const requests = batch.map((item) => item.request);
        try {
          return await deps.client.batch(requests, lowPriority);
        } catch (error) {
          // Other batches may have had their effect: their results must not be lost with this one.
          if (error instanceof TargetUnavailable) return batch.map(() => error);
          throw error;
        }
      }),
    ),
  );
  return replies.flat();
}

function takeVerdict(
  group: Group,
  unit: MemberUnit,
  verdict: MemberVerdict,
  deps: ChangeMembersDeps,
  canWait: (ms: number) => boolean,
): void {
  const { change, memberIds } = unit;
  const again = { ...unit, waits: unit.waits + 1 };
  switch (verdict.kind) {
    case "done":
      change.done(memberIds);
      break;
    case "lost":
      change.fail(memberIds, verdict.failure);
      break;
    case "later":
      if (canWait(verdict.waitMs)) change.putBack(again);
      else change.putOff(memberIds, verdict.patienceMs);
      break;
    case "unresolved": {
      const fresh = memberIds.filter((id) => isFresh(deps.recentWrite(id)));
      if (canWait(lagWaitMs(unit.waits, fresh.length > 0))) change.putBack(again);
      // With a stranger among them it may be that one, and the others needn't wait for nobody.
      else if (fresh.length === memberIds.length) change.putOff(memberIds, LAG_RETRY_AFTER_MS);
      else refuse(unit, verdict.failure);
      break;
    }
    case "refused":
      refuse(unit, verdict.failure);
      break;
    case "group-refused":
      change.fail(memberIds, verdict.failure);
      endGroup(group, (one) => one.failRest(verdict.failure));
      break;
    case "who-is-gone":
      if (!group.isThere) group.asking.push(unit);
      else takeVerdict(group, unit, missingMember(unit, verdict.failure), deps, canWait);
  }
}

/** Refused together: tried in parts. Refused alone: that one failed. */
function refuse(unit: MemberUnit, failure: Parameters<ChangeOnItsWay["fail"]>[1]): void {
  const parts = cut(unit);
  if (parts) unit.change.putBack(...parts);
  else unit.change.fail(unit.memberIds, failure);
}

/** Whether the group of a 404 is there. */
function takeExistence(
  group: Group,
  reply: GraphReply,
  deps: ChangeMembersDeps,
  canWait: (ms: number) => boolean,
): void {
  const asked = group.asking.splice(0);
  const isThere = reply.kind === "answer" && reply.status < 300;
  if (!isThere) {
    // Not known (throttled, no answer), not shown yet, or gone: asked again while there is time.
    const isOurs = isFresh(deps.recentWrite(group.id));
    const isGone = reply.kind === "answer" && reply.status === 404 && !isOurs;
    if (canWait(lagWaitMs(group.waits++, !isGone))) {
      group.asking.push(...asked);
      return;
    }
    for (const { change, memberIds } of asked) {
      if (isGone) change.fail(memberIds, groupGone(change.key));
      else change.putOff(memberIds, LAG_RETRY_AFTER_MS);
    }
    endGroup(group, (change) =>
      isGone ? change.failRest(groupGone(change.key)) : change.putOffRest(LAG_RETRY_AFTER_MS),
    );
    return;
  }
  group.isThere = true;
  for (const unit of asked) {
    takeVerdict(group, unit, missingMember(unit, groupGone(unit.change.key)), deps, canWait);
  }
}

function giveBack(item: Item, retryAfterMs: number): void {
  const units = item.kind === "write" ? [item.unit] : item.group.asking.splice(0);
  for (const { change, memberIds } of units) change.putOff(memberIds, retryAfterMs);
}

function endGroup(group: Group, end: (change: ChangeOnItsWay) => void): void {
  for (const { change, memberIds } of group.asking.splice(0)) change.putBack({ change, memberIds, waits: 0 });
  for (const change of group.changes) end(change);
}

/** Those that had their turn go to the end: many groups take turns, none waits for a big one. */
function rotate(groups: readonly Group[], items: readonly Item[]): Group[] {
  const served = new Set(items.map((item) => item.group));
  return [...groups.filter((group) => !served.has(group)), ...groups.filter((group) => served.has(group))];
}

function isWrite(reply: GraphReply): boolean {
  return reply.kind === "lost" || (reply.kind === "answer" && reply.status !== 429 && reply.status !== 503);
}
