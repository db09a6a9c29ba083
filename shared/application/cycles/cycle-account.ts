/**
 * The accounts of batches and cycles, from facts: outcome files and the verdict, never increments. Pure; written by
 * `commit-batch.ts`.
 */
import { NO_REMOVALS } from "../../domain/guard.ts";
import { strongerOutcome } from "../../domain/object-record.ts";
import { allowedFor, type JudgedRemoval, type Verdict } from "../guard/verdict.ts";
import type { OutcomeEntry, OutcomeFile } from "../lanes/chunk-files.ts";
import { cycleIdOf } from "../lanes/plan-chunks.ts";
import type { SyncRunInput } from "../lanes/wake-job.ts";
import { addLinks, type LinkAccount, NO_LINKS } from "../members/link-account.ts";
import {
  addOutcomes,
  type BatchRow,
  type CycleDetail,
  type CycleRow,
  NO_OUTCOMES,
  type OutcomeCounts,
  type ReadRow,
} from "../state/job-rows.ts";

const NO_DETAIL: CycleDetail = {
  created: 0,
  updated: 0,
  deleted: 0,
  restored: 0,
  filteredBy: {},
  escrowedBy: {},
  writes: 0,
  links: NO_LINKS,
};

export interface FinalOutcomes {
  readonly byChange: readonly { readonly batchId: string; readonly outcome: keyof OutcomeCounts }[];
  readonly absent: OutcomeCounts;
}

/** What became of each removal, told to the change that asked for it. */
export function finalOutcomes(verdict: Verdict, entries: readonly OutcomeEntry[]): FinalOutcomes {
  const byIndex = new Map(entries.map((entry) => [entry.index, entry]));
  return outcomesBy(verdict.removals, (removal, index) => {
    const entry = byIndex.get(index);
    const carried = entry === undefined ? undefined : entry.outcome;
    const allowed = allowedFor(verdict, removal);
    const isHeldBack = removal.classes.some((name) => !allowed.includes(name));
    const isStaged = removal.isStaged || isHeldBack || entry?.isWaiting === true;
    if (!isStaged) return carried ?? "no-op";
    return carried === undefined ? "staged" : strongerOutcome(carried, "staged");
  });
}

/** `settledOf` says what became of each. */
export function outcomesBy(
  removals: readonly JudgedRemoval[],
  settledOf: (removal: JudgedRemoval, index: number) => keyof OutcomeCounts,
): FinalOutcomes {
  const byChange: { batchId: string; outcome: keyof OutcomeCounts }[] = [];
  let absent = NO_OUTCOMES;
  for (const [index, removal] of removals.entries()) {
    const settled = settledOf(removal, index);
    for (const origin of removal.origins)
      byChange.push({
        batchId: origin.batchId,
        outcome: removal.isIdle ? origin.outcome : strongerOutcome(origin.outcome, settled),
      });
    if (removal.origins.length === 0) absent = addOutcomes(absent, { ...NO_OUTCOMES, [settled]: 1 });
  }
  return { byChange, absent };
}

export function cycleRow(
  run: SyncRunInput,
  read: ReadRow,
  done: readonly BatchRow[],
  verdict: Pick<Verdict, "removed" | "staged">,
  final: FinalOutcomes,
  ends: OutcomeFile,
  now: number,
): CycleRow {
  const details = [...done.map((batch) => batch.detail ?? NO_DETAIL), detailOf(ends)];
  return {
    cycleId: cycleIdOf(run.jobId, read.readNo),
    readNo: read.readNo,
    lane: run.lane,
    kind: read.kind,
    state: read.state,
    startedAt: read.startedAt,
    endedAt: read.endedAt,
    closedAt: now,
    received: done.reduce((sum, batch) => sum + batch.changes, 0),
    outcomes: done.reduce((sum, batch) => addOutcomes(sum, batch.counts ?? NO_OUTCOMES), NO_OUTCOMES),
    absent: final.absent,
    detail: details.reduce(addDetails, NO_DETAIL),
    removed: verdict.removed ?? NO_REMOVALS,
    staged: [...verdict.staged, ...stagedNamesOf(details)],
    complete: read.complete,
    incompleteBecause: read.incompleteBecause,
    agentId: read.agentId,
    server: read.server,
  };
}

/** With what became of links: edges by themselves, and the objects whose references were bound again. */
export function withLinks(cycle: CycleRow, { counts, writes, staged, refs }: LinkAccount): CycleRow {
  const detail = [cycle.detail, detailOf(refs), { ...NO_DETAIL, writes, links: counts }].reduce(addDetails, NO_DETAIL);
  return { ...cycle, detail, staged: [...cycle.staged, ...staged] };
}

export function countOf(entries: readonly { readonly outcome: keyof OutcomeCounts }[]): OutcomeCounts {
  const counts: Record<keyof OutcomeCounts, number> = { ...NO_OUTCOMES };
  for (const entry of entries) counts[entry.outcome]++;
  return counts;
}

export function detailOf(file: OutcomeFile): CycleDetail {
  const of = (...kinds: string[]) =>
    file.entries.filter((entry) => entry.action !== undefined && kinds.includes(entry.action)).length;
  return {
    created: of("create"),
    updated: of("update", "adopt"),
    deleted: of("delete"),
    restored: of("restore"),
    filteredBy: tally(file.entries.filter((entry) => entry.outcome === "filtered")),
    escrowedBy: tally(file.entries.filter((entry) => entry.outcome === "escrowed")),
    writes: file.writes,
    ...withStagedNames(
      file.entries.flatMap((entry) => entry.namesStaged ?? []).map((reason) => ({ count: 1, reason })),
    ),
  };
}

type StagedNames = NonNullable<CycleDetail["stagedNames"]>;

function withStagedNames(all: readonly StagedNames[]): Pick<CycleDetail, "stagedNames"> {
  const [first] = all;
  return first ? { stagedNames: { count: all.reduce((sum, own) => sum + own.count, 0), reason: first.reason } } : {};
}

function stagedNamesOf(details: readonly CycleDetail[]): CycleRow["staged"] {
  const { stagedNames } = withStagedNames(details.flatMap((own) => own.stagedNames ?? []));
  return stagedNames ? [{ class: "names", ...stagedNames }] : [];
}

function addDetails(left: CycleDetail, right: CycleDetail): CycleDetail {
  return {
    created: left.created + right.created,
    updated: left.updated + right.updated,
    deleted: left.deleted + right.deleted,
    restored: left.restored + right.restored,
    filteredBy: addTallies(left.filteredBy, right.filteredBy),
    escrowedBy: addTallies(left.escrowedBy, right.escrowedBy),
    writes: left.writes + right.writes,
    links: addLinks(left.links ?? NO_LINKS, right.links ?? NO_LINKS),
    ...withStagedNames([left, right].flatMap((own) => own.stagedNames ?? [])),
  };
}

function tally(entries: readonly OutcomeEntry[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const entry of entries) counts[entry.code ?? "unknown"] = (counts[entry.code ?? "unknown"] ?? 0) + 1;
  return counts;
}

function addTallies(
  left: Readonly<Record<string, number>>,
  right: Readonly<Record<string, number>>,
): Record<string, number> {
  const sum: Record<string, number> = { ...left };
  for (const [name, count] of Object.entries(right)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}
