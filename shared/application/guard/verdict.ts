/**
 * The guard's verdict (N6) over the removals of a read or of work: what is judged, what is let pass, what is staged and
 * why, written down with the very set that it covers.
 *
 * Each object carries out the classes that were counted for it, and no other: what another lane brings between verdict
 * and execution is judged by its own. What a full read did not bring of an object is gone only after a read that is
 * complete and sees everything (N4 c); and a read that brought nobody at all is taken for a mistake, not for an exodus.
 */
import {
  addRemovals,
  type GuardedType,
  judgeByType,
  NO_REMOVALS,
  type RemovalCounts,
  type TypedCounts,
} from "../../domain/guard.ts";
import { REMOVAL_CLASSES, type RemovalClass } from "../../domain/plan.ts";
import { chunksByShard } from "../../domain/shard.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import { withoutDecided } from "../cycles/decided-removals.ts";
import type { Excluded } from "../exclusions/excluded.ts";
import type { JobContext } from "../export/export-chunk.ts";
import { type ChunkHeader, type ChunkItem, readNeeded, writeOnce } from "../lanes/chunk-files.ts";
import { heldBecause, type JobRow, type ReadRow } from "../state/job-rows.ts";
import { type Removal, type Removals, type StagedRow, unionOf } from "../state/removal-rows.ts";
import { DAY_MS, type RecentRemovals, sumOf } from "./recent-removals.ts";

const NOT_SEEN = "the agent's account may not see everything: an object that it can't see looks as if it weren't there";
const EMPTYING = "the job is being deleted with its objects: nothing goes without an approval, however few they are";
const EMPTY_READ = "the read brought nobody at all: everybody missing at once looks like a wrong export or search base";

export interface JudgedRemoval extends Removal {
  /** What was let pass of its classes; absent in verdicts of before users and groups were told apart. */
  readonly allow?: readonly RemovalClass[];
  /** Classes that an admin approved, and that failed or were held: they are carried out, and count for nothing. */
  readonly approved?: readonly RemovalClass[];
  readonly approvedBy?: string;
  /** None of its classes was allowed. */
  readonly isStaged: boolean;
  /** Nothing is left of it to do: only its change waits for its outcome. */
  readonly isIdle: boolean;
  /** The names that the full read did not bring are gone from its image. */
  readonly losesMissing: boolean;
  /** They are gone from the directory, and stay in its image because what that takes away was not let pass. */
  readonly keepsMissing?: boolean;
  /** Why its absence is no evidence. */
  readonly blindBecause?: string;
}

export interface Verdict {
  /** The batch id under which the allowed removals are mapped and exported. */
  readonly batchId: string;
  readonly chunks: number;
  /** Of users or of groups. */
  readonly allowed: readonly RemovalClass[];
  readonly staged: readonly { readonly class: RemovalClass; readonly count: number; readonly reason: string }[];
  /** In the order of the items' indexes. */
  readonly removals: readonly JudgedRemoval[];
  /** What will be removed, for the window of the next verdicts. */
  readonly removed: RemovalCounts;
  /** Of them, those of groups. */
  readonly removedGroups?: RemovalCounts;
  /** Exports are held: nothing was judged or counted, and every row learns what the evidence says of its object. */
  readonly isHeld?: boolean;
  /** Milliseconds since 1970: when the read ended. */
  readonly at: number;
  /** 0 for work. */
  readonly readNo: number;
  /** Who read, and where; empty for work. */
  readonly agentId: string;
  readonly server: string;
}

/** Under which the removals of a cycle are mapped and exported. */
export function endIdOf(cycleId: string): string {
  return `${cycleId}-end`;
}

export function verdictPath(cycleId: string): string {
  return `plans/${endIdOf(cycleId)}/verdict.json.gz`;
}

export function readVerdict(blobs: BlobStore, cycleId: string): Promise<Verdict> {
  return readNeeded<Verdict>(blobs, verdictPath(cycleId));
}

/** `isPartial`: work over some objects, for which no read brought anything new: what is staged of them stays so. */
export type Decide = (job: JobRow, cycleId: string, read: ReadRow | undefined, isPartial: boolean) => Promise<Verdict>;

/** The verdict, written once; what it lets pass is booked first, so that the other lane's verdict counts it. */
export function createVerdicts(deps: {
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly recent: RecentRemovals;
  readonly removals: Removals;
  readonly chunkObjects: number;
  readonly contextOf: (jobId: string) => Promise<JobContext>;
  readonly excluded: () => Promise<Excluded>;
}): Decide {
  return async (job, cycleId, read, isPartial) => {
    const listed = await deps.removals.list(cycleId);
    const excluded = await deps.excluded();
    // Held, all of it is judged when exports are released.
    const staged = heldBecause(job)
      ? new Map<string, readonly StagedRow[]>()
      : await deps.removals.stagedRemovals(
          job.jobId,
          listed.map(({ objectGuid }) => objectGuid),
        );
    const removals = listed.map((removal) => {
      if (excluded(removal.objectGuid)) return leftAlone(removal);
      const known = staged.get(removal.objectGuid) ?? [];
      // What is staged for its job's sake stays in its set while changes come: it would never be whole.
      const isKept = isPartial || (job.emptying !== undefined && read?.kind === "delta");
      const weighs = withoutDecided(weighed(removal, job, read), known, isKept);
      return job.emptying ? ofEmptied(weighs) : weighs;
    });
    for (;;) {
      const recent = await deps.recent.others(job.jobId, cycleId);
      const at = deps.clock.now();
      const verdict: Verdict = {
        ...(heldBecause(job) ? held(cycleId, removals) : await judge(job, cycleId, removals, sumOf(recent.others))),
        at: read?.endedAt ?? at,
        readNo: read?.readNo ?? 0,
        agentId: read?.agentId ?? "",
        server: read?.server ?? "",
      };
      const { removed, removedGroups: groups = NO_REMOVALS } = verdict;
      const own = { cycleId, at, removed, groups, isOpen: true as const };
      if (totalOf(removed) > 0 && !(await deps.recent.book(job.jobId, recent, own))) continue;
      await writeOnce(deps.blobs, verdictPath(cycleId), verdict);
      for (const staged of verdict.staged)
        deps.log.error("removals-staged", {
          jobId: job.jobId,
          cycleId,
          class: staged.class,
          count: staged.count,
          reason: staged.reason,
        });
      return readVerdict(deps.blobs, cycleId);
    }
  };

  async function judge(
    job: JobRow,
    cycleId: string,
    removals: readonly Weighed[],
    recent: TypedCounts,
  ): Promise<Judgement> {
    const wanted = typedCounts(removals.filter((removal) => removal.blindBecause === undefined));
    const sum = [wanted, recent].flatMap(Object.values).reduce((total, own) => total + totalOf(own), 0);
    // Counting links reads every row of the job: only where the floor doesn't decide already.
    const linked = sum <= job.settings.guard.floor ? { users: 0, groups: 0 } : await countLinked(job);
    const { allowed, staged } = judgeByType({
      settings: job.settings.guard,
      wanted,
      recent,
      linked: { user: linked.users, group: linked.groups },
    });
    const judged = removals.map((removal) => judgedBy(allowed[removal.type ?? "user"], removal));
    const passing = carriedOut(judged);
    const removed = typedCounts(passing.map(({ allow, type }) => ({ classes: allow, type })));
    return {
      batchId: endIdOf(cycleId),
      chunks: chunksByShard(passing, deps.chunkObjects).length,
      allowed: unionOf(allowed.user, allowed.group),
      staged: [...staged, ...blindOf(removals)],
      removals: judged,
      removed: addRemovals(removed.user, removed.group),
      removedGroups: removed.group,
    };
  }

  /** Only what is no evidence at all is staged for an admin: the rest is judged when exports are released. */
  function held(cycleId: string, removals: readonly Weighed[]): Judgement {
    const judged = removals.map(
      (own): JudgedRemoval => ({ ...own, allow: [], isStaged: own.blindBecause !== undefined }),
    );
    return {
      batchId: endIdOf(cycleId),
      chunks: chunksByShard(carriedOut(judged), deps.chunkObjects).length,
      allowed: [],
      staged: blindOf(removals),
      removals: judged,
      removed: NO_REMOVALS,
      removedGroups: NO_REMOVALS,
      isHeld: true,
    };
  }

  async function countLinked(job: JobRow) {
    const { objects } = await deps.contextOf(job.jobId);
    return objects.countLinked(job.configurationId, windowStart(job, deps.clock.now()));
  }
}

type Judgement = Pick<Verdict, "batchId" | "chunks" | "allowed" | "staged" | "removals" | "removed" | "isHeld"> & {
  readonly removedGroups: RemovalCounts;
};

function carriedOut<T extends Pick<JudgedRemoval, "isStaged" | "isIdle">>(removals: readonly T[]): T[] {
  return removals.filter((removal) => !removal.isStaged && !removal.isIdle);
}

function blindOf(removals: readonly Weighed[]): Verdict["staged"] {
  const blind = removals.filter((removal) => removal.blindBecause !== undefined);
  const reason = blind[0]?.blindBecause ?? "";
  return REMOVAL_CLASSES.flatMap((name) => {
    const count = blind.filter((removal) => removal.classes.includes(name)).length;
    return count === 0 ? [] : [{ class: name, count, reason }];
  });
}

/** The moment whose linked objects percentages are of: 24 hours ago, or the end of the job's first load where that is later. */
export function windowStart(job: Pick<JobRow, "steadyStateAt">, now: number): number {
  return Math.max(now - DAY_MS, job.steadyStateAt ?? now);
}

type Weighed = Omit<JudgedRemoval, "isStaged">;

/** What the evidence of a read is worth for one removal, before anybody counts. */
function weighed(removal: Removal, job: JobRow, read: ReadRow | undefined): Weighed {
  const isTrusted = read?.visibility === "complete" || job.settings.trustVisibility !== null;
  const isEvidence = read !== undefined && read.kind === "full" && read.complete && isTrusted;
  const losesMissing = removal.lacks !== null && isEvidence;
  const classes = losesMissing ? unionOf(removal.classes, removal.lacks ?? []) : removal.classes;
  const isIdle = classes.length === 0 && !losesMissing && removal.origins.length > 0;
  const isMereAbsence = removal.isAbsent && removal.origins.length === 0;
  const because = isTrusted ? (read?.upserts === 0 ? EMPTY_READ : undefined) : NOT_SEEN;
  return {
    ...removal,
    classes,
    isIdle,
    losesMissing,
    ...(isMereAbsence && because !== undefined ? { blindBecause: because } : {}),
  };
}

/** All of it waits for an admin. */
function ofEmptied(removal: Weighed): Weighed {
  return removal.classes.length === 0 ? removal : { ...removal, blindBecause: EMPTYING };
}

/** Nothing is taken from what is on the exclusion list, and the guard doesn't count it: its change gets its outcome. */
function leftAlone(removal: Removal): Weighed {
  return { ...removal, classes: [], isIdle: false, losesMissing: false };
}

function judgedBy(allowed: readonly RemovalClass[], removal: Weighed) {
  const { classes, approved = [] } = removal;
  const allow = within(allowed, classes);
  const isRefused = classes.length > 0 && allow.length + approved.length === 0;
  const isStaged = removal.blindBecause !== undefined || isRefused;
  // Else its image would forget what the target has to keep.
  const passing = within([...allowed, ...approved], removal.lacks ?? []);
  const losesMissing = removal.losesMissing && passing.length === removal.lacks?.length;
  const keepsMissing = removal.losesMissing && !losesMissing;
  return { ...removal, allow, isStaged, losesMissing, ...(keepsMissing ? { keepsMissing } : {}) };
}

/** What was let pass for one object. */
export function allowedFor(
  verdict: Pick<Verdict, "allowed">,
  { allow, classes }: Pick<JudgedRemoval, "allow" | "classes">,
): readonly RemovalClass[] {
  return allow ?? within(verdict.allowed, classes);
}

function within(allowed: readonly RemovalClass[], classes: readonly RemovalClass[]): RemovalClass[] {
  return classes.filter((name) => allowed.includes(name));
}

function typedCounts(
  removals: readonly { readonly classes: readonly RemovalClass[]; readonly type?: GuardedType | undefined }[],
): TypedCounts {
  const of = (type: GuardedType) => countByClass(removals.filter((removal) => (removal.type ?? "user") === type));
  return { user: of("user"), group: of("group") };
}

function countByClass(removals: readonly { readonly classes: readonly RemovalClass[] }[]): RemovalCounts {
  const count = (name: RemovalClass) => removals.filter((removal) => removal.classes.includes(name)).length;
  return { deletes: count("deletes"), disables: count("disables"), blanks: count("blanks") };
}

function totalOf(counts: RemovalCounts): number {
  return counts.deletes + counts.disables + counts.blanks;
}

/** What is carried out: each object with the classes that were counted for it, and the last change that asked for them. */
export function itemsOf(verdict: Verdict): ChunkItem[] {
  return verdict.removals.flatMap((removal, index) => {
    const { objectGuid, isAbsent, isStaged, isIdle, losesMissing, origins } = removal;
    if (isStaged || isIdle) return [];
    const [last] = [...origins].sort((one, other) => other.batchId.localeCompare(one.batchId, "en", { numeric: true }));
    const { approved = [], approvedBy } = removal;
    const allow = [...allowedFor(verdict, removal), ...approved];
    const own = { objectGuid, index, isAbsent, losesMissing, allow, ...(approvedBy ? { approvedBy } : {}) };
    if (!last) return [own];
    const { outcome: _, ...origin } = last;
    return [{ ...own, origin }];
  });
}

/** `schemaVersion`: the one that the removals were found by; by another one more might go than was judged. */
export function headerOf(job: JobRow, cycleId: string, verdict: Verdict, schemaVersion: number): ChunkHeader {
  return {
    batchId: verdict.batchId,
    jobId: job.jobId,
    configurationId: job.configurationId,
    cycleId,
    readNo: verdict.readNo,
    at: verdict.at,
    schemaVersion,
    seesAll: false,
    isEnd: true,
    isFirstLoad: false,
    mustWriteVersions: false,
    agentId: verdict.agentId,
    server: verdict.server,
  };
}

export function stagedRows(cycleId: string, verdict: Verdict): StagedRow[] {
  const { readNo } = verdict;
  return verdict.removals.flatMap((removal) => {
    const { objectGuid, classes, isAbsent, isStaged, keepsMissing, lacks, blindBecause } = removal;
    // Held is not staged: no admin decides on it, and the release judges it.
    const allow = verdict.isHeld ? classes : allowedFor(verdict, removal);
    return REMOVAL_CLASSES.filter((name) => classes.includes(name) && (isStaged || !allow.includes(name))).map(
      (name) => ({
        objectGuid,
        class: name,
        cycleId,
        reason: blindBecause ?? reasonFor(verdict, removal, name),
        stagedAt: verdict.at,
        ...(isAbsent ? { absentIn: readNo } : {}),
        ...(keepsMissing && lacks ? { missing: { readNo, lacks } } : {}),
      }),
    );
  });
}

/** Of users and of groups there may be a reason each. */
export function reasonFor({ staged }: Pick<Verdict, "staged">, { type = "user" }: Removal, name: RemovalClass): string {
  const own = staged.filter((one) => one.class === name);
  return (own.find((one) => one.reason.includes(`linked ${type}s`)) ?? own[0])?.reason ?? "";
}
