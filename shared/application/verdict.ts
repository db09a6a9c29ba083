/**
 * The guard's verdict (N6) over the removals of a read or of work: what is judged, what is let pass, what is staged and
 * why, written down with the very set that it covers.
 *
 * Each object carries out the classes that were counted for it, and no other: what another lane brings between verdict
 * and execution is judged by its own. What a full read did not bring of an object is gone only after a read that is
 * complete and sees everything (N4 c); and a read that brought nobody at all is taken for a mistake, not for an exodus.
 */
import { addRemovals, judgeRemovals, NO_REMOVALS, type RemovalCounts } from "../domain/guard.ts";
import { REMOVAL_CLASSES, type RemovalClass } from "../domain/plan.ts";
import { chunksByShard } from "../domain/shard.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { RowStore } from "../ports/row-store.ts";
import { type ChunkHeader, type ChunkItem, readNeeded, writeOnce } from "./chunk-files.ts";
import type { Excluded } from "./excluded.ts";
import type { JobContext } from "./export-chunk.ts";
import {
  type JobRow,
  jobTable,
  pack,
  type ReadRow,
  type RecentRow,
  ROW,
  readRow,
  type Stored,
} from "./state/job-rows.ts";
import { type Removal, type Removals, type StagedRow, unionOf } from "./state/removal-rows.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const NOT_SEEN = "the agent's account may not see everything: an object that it can't see looks as if it weren't there";
const EMPTY_READ = "the read brought nobody at all: everybody missing at once looks like a wrong export or search base";

export interface JudgedRemoval extends Removal {
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
  readonly allowed: readonly RemovalClass[];
  readonly staged: readonly { readonly class: RemovalClass; readonly count: number; readonly reason: string }[];
  /** In the order of the items' indexes. */
  readonly removals: readonly JudgedRemoval[];
  /** What will be removed, for the window of the next verdicts. */
  readonly removed: RemovalCounts;
  /** Milliseconds since 1970: when the read ended. */
  readonly at: number;
  /** 0 for work. */
  readonly readNo: number;
  /** Who read, and where; empty for work. */
  readonly agentId: string;
  readonly server: string;
}

export function verdictPath(cycleId: string): string {
  return `plans/${cycleId}-end/verdict.json.gz`;
}

export function readVerdict(blobs: BlobStore, cycleId: string): Promise<Verdict> {
  return readNeeded<Verdict>(blobs, verdictPath(cycleId));
}

export type Decide = (job: JobRow, cycleId: string, read: ReadRow | undefined) => Promise<Verdict>;

/** The verdict, written once; what it lets pass is booked first, so that the other lane's verdict counts it. */
export function createVerdicts(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly removals: Removals;
  readonly chunkObjects: number;
  readonly contextOf: (jobId: string) => Promise<JobContext>;
  readonly excluded: () => Promise<Excluded>;
}): Decide {
  const jobs = jobTable(deps.rows);

  return async (job, cycleId, read) => {
    const listed = await deps.removals.list(cycleId);
    const excluded = await deps.excluded();
    const removals = listed.map((removal) =>
      excluded(removal.objectGuid) ? leftAlone(removal) : weighed(removal, job, read),
    );
    for (;;) {
      const recent = await readRow<RecentRow>(jobs, job.jobId, ROW.recent);
      const since = deps.clock.now() - DAY_MS;
      const others = (recent?.value.entries ?? []).filter((entry) => entry.at > since && entry.cycleId !== cycleId);
      const sum = others.reduce((total, entry) => addRemovals(total, entry.removed), NO_REMOVALS);
      const verdict: Verdict = {
        ...(await judge(job, cycleId, removals, sum)),
        at: read?.endedAt ?? deps.clock.now(),
        readNo: read?.readNo ?? 0,
        agentId: read?.agentId ?? "",
        server: read?.server ?? "",
      };
      if (!(await book(job.jobId, recent, others, { cycleId, at: deps.clock.now(), removed: verdict.removed })))
        continue;
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

  async function book(
    jobId: string,
    recent: Stored<RecentRow> | undefined,
    others: RecentRow["entries"],
    own: RecentRow["entries"][number],
  ): Promise<boolean> {
    if (totalOf(own.removed) === 0) return true;
    const values = pack({ entries: [...others, own] } satisfies RecentRow);
    const written = await jobs.transact(jobId, [
      recent
        ? { op: "replace", row: ROW.recent, values, etag: recent.etag }
        : { op: "insert", row: ROW.recent, values },
    ]);
    return written.ok;
  }

  async function judge(
    job: JobRow,
    cycleId: string,
    removals: readonly Weighed[],
    recent: RemovalCounts,
  ): Promise<Pick<Verdict, "batchId" | "chunks" | "allowed" | "staged" | "removals" | "removed">> {
    const blind = removals.filter((removal) => removal.blindBecause !== undefined);
    const wanted = countByClass(removals.filter((removal) => removal.blindBecause === undefined));
    // Counting links reads every row of the job: only where the floor doesn't decide already.
    const isSmall = totalOf(wanted) + totalOf(recent) <= job.settings.guard.floor;
    const linked = isSmall ? 0 : await (await deps.contextOf(job.jobId)).objects.countLinked(job.configurationId);
    const { allowed, staged } = judgeRemovals({ settings: job.settings.guard, wanted, recent, linked });
    const judged = removals.map((removal) => judgedBy(allowed, removal));
    const passing = judged.filter((removal) => !removal.isStaged && !removal.isIdle);
    const reason = blind[0]?.blindBecause;
    return {
      batchId: `${cycleId}-end`,
      chunks: chunksByShard(passing, deps.chunkObjects).length,
      allowed,
      staged: reason === undefined ? staged : [...staged, { class: "deletes", count: blind.length, reason }],
      removals: judged,
      removed: countByClass(passing.map((removal) => ({ classes: within(allowed, removal.classes) }))),
    };
  }
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

/** Nothing is taken from what is on the exclusion list, and the guard doesn't count it: its change gets its outcome. */
function leftAlone(removal: Removal): Weighed {
  return { ...removal, classes: [], isIdle: false, losesMissing: false };
}

function judgedBy(allowed: readonly RemovalClass[], removal: Weighed): JudgedRemoval {
  const { classes } = removal;
  const isStaged = removal.blindBecause !== undefined || (classes.length > 0 && within(allowed, classes).length === 0);
  // Else its image would forget what the target has to keep.
  const losesMissing = removal.losesMissing && within(allowed, removal.lacks ?? []).length === removal.lacks?.length;
  const keepsMissing = removal.losesMissing && !losesMissing;
  return { ...removal, isStaged, losesMissing, ...(keepsMissing ? { keepsMissing } : {}) };
}

function within(allowed: readonly RemovalClass[], classes: readonly RemovalClass[]): RemovalClass[] {
  return classes.filter((name) => allowed.includes(name));
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
  return verdict.removals.flatMap(
    ({ objectGuid, isAbsent, isStaged, isIdle, losesMissing, classes, origins }, index) => {
      if (isStaged || isIdle) return [];
      const [last] = [...origins].sort((one, other) =>
        other.batchId.localeCompare(one.batchId, "en", { numeric: true }),
      );
      if (!last) return [{ objectGuid, index, isAbsent, losesMissing, allow: within(verdict.allowed, classes) }];
      const { outcome: _, ...origin } = last;
      return [{ objectGuid, index, isAbsent, losesMissing, allow: within(verdict.allowed, classes), origin }];
    },
  );
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
  const reasons = new Map(verdict.staged.map((staged) => [staged.class, staged.reason]));
  const { readNo } = verdict;
  return verdict.removals.flatMap(({ objectGuid, classes, isStaged, isAbsent, keepsMissing, lacks, blindBecause }) =>
    REMOVAL_CLASSES.filter((name) => classes.includes(name) && (isStaged || !verdict.allowed.includes(name))).map(
      (name) => ({
        objectGuid,
        class: name,
        cycleId,
        reason: blindBecause ?? reasons.get(name) ?? "",
        stagedAt: verdict.at,
        ...(isAbsent ? { absentIn: readNo } : {}),
        ...(keepsMissing && lacks ? { missing: { readNo, lacks } } : {}),
      }),
    ),
  );
}
