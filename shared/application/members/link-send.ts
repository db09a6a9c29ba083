/**
 * Calls the target for marked groups, all in one, and writes the answers. Rows that moved on meanwhile get what stands in
 * the target by this call, whoever wants what by then.
 */
import { gapAfter } from "../../domain/failure-codes.ts";
import type { TargetAnswer, TargetDirectory, TargetFailure, TargetMemberChange } from "../../ports/target-directory.ts";
import type { DirtyLinks } from "../state/dirty-links.ts";
import { segmentOf } from "../state/link-segments.ts";
import type { LinkDeps } from "./export-links.ts";
import type { LinkChunkHeader } from "./link-files.ts";
import { type JudgedGroup, standingFor } from "./link-judge.ts";
import { resultWrite, type SentEdge } from "./link-results.ts";
import { segmentsFor } from "./link-work.ts";
import { isUnreadable } from "./unreadable-links.ts";

/** What failed of one group. */
export interface LinkFailures {
  readonly first: TargetFailure;
  readonly count: number;
  /** Members whose call may have had its effect. Nobody may come by them again, so they are told now. */
  readonly inDoubt: Readonly<Record<"add" | "remove", readonly string[]>>;
}

export const NOTHING_IN_DOUBT: LinkFailures["inDoubt"] = { add: [], remove: [] };

export interface SentLinks {
  /** By the item's index. */
  readonly failures: ReadonlyMap<number, LinkFailures>;
  /** What the target said to the last write of each group, by the item's index. */
  readonly answers: ReadonlyMap<number, TargetAnswer>;
  /** Items that have more to do: a member was replaced, and its successor can come now. */
  readonly again: readonly number[];
  /** Above 0: the target asks for patience. */
  readonly retryAfterMs: number;
}

const TRIES = 6;

export async function sendLinks(
  deps: LinkDeps,
  target: TargetDirectory,
  header: LinkChunkHeader,
  by: string,
  groups: readonly JudgedGroup[],
  onWrite: () => void,
): Promise<SentLinks> {
  const calls = groups.flatMap((group) =>
    (["add", "remove"] as const).flatMap((op) => {
      const memberIds = idsOf(group, op);
      const { item, groupId } = group.work;
      const change: TargetMemberChange = { key: item.referrer, groupId, op, memberIds };
      return memberIds.length === 0 ? [] : [{ group, change }];
    }),
  );
  const failures = new Map<number, LinkFailures>();
  const answers =
    calls.length === 0
      ? []
      : await target.changeMembers(
          calls.map(({ change }) => change),
          { priority: header.isBulk ? "low" : "normal", onWrite },
        );
  let retryAfterMs = 0;
  const said = new Map<number, TargetAnswer>();
  const sent = new Map<JudgedGroup, Map<string, SentEdge>>();
  calls.forEach(({ group, change }, index) => {
    const answer = answers[index];
    if (answer?.answer) said.set(group.work.item.index, answer.answer);
    const done = new Set(answer?.done);
    const failed = new Map(answer?.failed.map((own) => [own.memberId, own.failure]));
    if (answer && answer.unsent.length > 0) retryAfterMs = Math.max(retryAfterMs, answer.retryAfterMs ?? 1_000);
    const own = sent.get(group) ?? new Map<string, SentEdge>();
    sent.set(group, own);
    for (const [guid, { kind: op, target: id }] of group.calls) {
      if (op !== change.op) continue;
      const failure = failed.get(id);
      if (done.has(id)) own.set(guid, { op, target: id, result: "done" });
      else if (failure) {
        if (!failure.retriable) own.set(guid, { op, target: id, result: "refused" });
        const { index } = group.work.item;
        const inDoubt = { ...NOTHING_IN_DOUBT, ...(failure.retriable ? { [op]: [guid] } : {}) };
        failures.set(index, together(failures.get(index), { first: failure, count: 1, inDoubt }));
      }
    }
  });
  await writeResults(deps, header, by, sent);
  const again = [...sent].filter(([group, own]) => [...own].some(([guid, call]) => isReplaced(group, guid, call)));
  return { failures, answers: said, again: again.map(([group]) => group.work.item.index), retryAfterMs };
}

export function together(before: LinkFailures | undefined, own: LinkFailures): LinkFailures {
  if (!before) return own;
  const both = (op: "add" | "remove") => [...before.inDoubt[op], ...own.inDoubt[op]];
  return {
    first: before.first,
    count: before.count + own.count,
    inDoubt: { add: both("add"), remove: both("remove") },
  };
}

/** A wanted member that went only to come back as another target object. */
function isReplaced(group: JudgedGroup, guid: string, { op, result }: SentEdge): boolean {
  return op === "remove" && result === "done" && group.work.looked.get(guid)?.wanted === true;
}

function idsOf(group: JudgedGroup, op: "add" | "remove"): string[] {
  return [...new Set([...group.calls.values()].flatMap((step) => (step.kind === op ? [step.target] : [])))];
}

async function writeResults(
  deps: LinkDeps,
  header: LinkChunkHeader,
  by: string,
  sent: ReadonlyMap<JudgedGroup, ReadonlyMap<string, SentEdge>>,
): Promise<void> {
  let open = [...sent].filter(([, own]) => own.size > 0);
  for (let tries = 0; open.length > 0; tries++) {
    if (tries === TRIES)
      throw new Error(
        `The members of group ${open[0]?.[0].work.item.referrer} change faster than they can be written.`,
      );
    await lookAgain(deps, open);
    const results = open.flatMap(([group, own]) => {
      const result = resultWrite(group.stored, group.work.groupId, own, header, by);
      return result ? [{ group, own, ...result }] : [];
    });
    // Before the edges: who dies in between doesn't come by those of other segments again.
    await deps.dirty.put(
      header.jobId,
      results.flatMap((result) => dirtyOf(deps, result, result.write.stored.header.digits, by)),
    );
    const written = await deps.links.write(results.map((result) => result.write));
    const refused: typeof results = [];
    for (const [index, result] of results.entries()) {
      const stored = written[index];
      if (!stored) refused.push(result);
      else if (!isUnreadable(stored)) result.group.stored = stored;
    }
    const fresh = await deps.links.load(
      refused.map(({ group }) => ({
        key: group.stored.key,
        segmentsOf: (own) => segmentsFor(group.work.item, own),
      })),
    );
    // Of one that can't be read any more the marks stand, as after a call whose answer was lost.
    open = refused.flatMap(({ group, own }, index) => {
      const stored = fresh[index] ?? group.stored;
      if (isUnreadable(stored)) return [];
      group.stored = stored;
      return [[group, own] as const];
    });
  }
}

/** Groups that somebody was removed from once more: any of their edges may have come to want the same target object. */
async function lookAgain(
  deps: LinkDeps,
  open: readonly (readonly [JudgedGroup, ReadonlyMap<string, SentEdge>])[],
): Promise<void> {
  for (const [group, own] of open) {
    const removed = [...own.values()].flatMap(({ op, result, target }) =>
      op === "remove" && result === "done" ? [target] : [],
    );
    if (removed.length === 0 || group.stored.header.digits === 0) continue;
    const standing = await standingFor(deps.links, group.stored, new Set(removed));
    // A row that was damaged since: what stands in it the next look tells.
    if (!isUnreadable(standing)) group.stored = standing;
  }
}

/** Two exports were at one edge: a little later, when both are over, it is sent again. */
function dirtyOf(
  deps: LinkDeps,
  { group, doubtful }: { readonly group: JudgedGroup; readonly doubtful: readonly string[] },
  digits: number,
  by: string,
): DirtyLinks[] {
  const now = deps.clock.now();
  const { referrer, origin } = group.work.item;
  return [...new Set(doubtful.map((guid) => segmentOf(guid, digits)))].map((segment) => ({
    referrer,
    attribute: "member",
    segment,
    edges: doubtful.length,
    origin,
    by,
    referees: doubtful,
    failure: {
      code: "EntryChanged",
      message: `The members of group ${referrer} were changed by two runs at the same time.`,
      remedy: "Nothing: they are sent again by themselves.",
      attempts: 1,
      firstAt: now,
      nextAttemptAt: now + gapAfter("EntryChanged", 1),
    },
  }));
}
