/** What became of the groups of a chunk of links: an outcome each, and the sums of all. Pure. */
import { NO_VERSION } from "../../domain/change-version.ts";
import type { TargetAnswer } from "../../ports/target-directory.ts";
import type { LinkCounts } from "../state/job-rows.ts";
import type { StoredLinks } from "../state/link-rows.ts";
import type { LinkItem } from "./link-files.ts";
import type { JudgedGroup } from "./link-judge.ts";
import type { GroupOutcome } from "./link-log.ts";
import { exportedBy } from "./link-results.ts";
import type { LinkFailures } from "./link-send.ts";

export function outcomesOf(
  living: readonly { readonly item: LinkItem; readonly groupId: string; readonly dn: string }[],
  groups: ReadonlyMap<number, JudgedGroup>,
  {
    failures,
    answers,
  }: {
    readonly failures: ReadonlyMap<number, LinkFailures>;
    readonly answers: ReadonlyMap<number, TargetAnswer>;
  },
  by: string,
): GroupOutcome[] {
  return living.flatMap(({ item, groupId, dn }): GroupOutcome[] => {
    const group = groups.get(item.index);
    const failed = failures.get(item.index);
    const answer = answers.get(item.index);
    if (!group && failed) return [untouched(item, groupId, dn, failed)];
    if (!group) return [];
    const { stored } = group;
    const { pending } = stored.header;
    const exported = exportedBy(stored, by);
    const { add = [], remove = [] } = failed?.inDoubt ?? {};
    const named = [...exported.addedGuids, ...exported.removedGuids, ...add, ...remove];
    return [
      {
        item,
        targetId: groupId,
        dn,
        exported,
        version: newestOf([group.work.stored, stored], named),
        ...(pending.toldBy === by ? { pending: { count: pending.count, guids: group.pending.slice(0, 5) } } : {}),
        ...(group.stagedBecause === undefined
          ? {}
          : { staged: { count: stored.header.staged, reason: group.stagedBecause } }),
        ...(failed ? { failure: { ...failed.first, count: failed.count }, inDoubt: failed.inDoubt } : {}),
        ...(answer ? { answer } : {}),
      },
    ];
  });
}

/** What whoever asked for one group is told. */
export function lastAnswerIn(outcomes: readonly GroupOutcome[]): { readonly answer?: TargetAnswer } {
  const answer = outcomes.findLast((own) => own.answer)?.answer;
  return answer ? { answer } : {};
}

/** One whose edges can't be read. */
function untouched(item: LinkItem, targetId: string, dn: string, { first, count }: LinkFailures): GroupOutcome {
  const exported = { by: "", added: 0, removed: 0, addedGuids: [], removedGuids: [] };
  return { item, targetId, dn, exported, version: NO_VERSION, failure: { ...first, count } };
}

/** Of the edges that are named, as they were and are: what the directory said last. */
function newestOf(stored: readonly StoredLinks[], guids: readonly string[]): string {
  const segments = stored.flatMap((own) => [...own.segments.values()].map(({ segment }) => segment));
  const versions = guids.flatMap((guid) => segments.flatMap(({ edges }) => edges.get(guid)?.version ?? []));
  return versions.sort().at(-1) ?? NO_VERSION;
}

export function sumOf(outcomes: readonly GroupOutcome[], groups: ReadonlyMap<number, JudgedGroup>): LinkCounts {
  const sum = (of: (own: GroupOutcome, group: JudgedGroup | undefined) => number) =>
    outcomes.reduce((total, own) => total + of(own, groups.get(own.item.index)), 0);
  return {
    added: sum((own) => own.exported.added),
    removed: sum((own) => own.exported.removed),
    pending: sum((_, group) => group?.pending.length ?? 0),
    suspended: sum((_, group) => group?.suspended ?? 0),
    staged: sum((own) => own.staged?.count ?? 0),
    failed: sum((own) => own.failure?.count ?? 0),
  };
}
