/**
 * The end of a read: who is absent, what would be removed, and how much of that may be.
 *
 * Absence counts only after a complete full read (N4 c); with partial visibility and no admin's trust it is staged
 * whatever the guard says. The verdict (N6) falls once, over all removals of the read and the last 24 hours, before the
 * first of them is carried out, and is written down with the set that it covers. Then the objects are mapped again with
 * the allowed classes: the evidence is checked anew at the moment of execution.
 */

import { readNoOf } from "../domain/change-version.ts";
import { addRemovals, judgeRemovals, NO_REMOVALS, type RemovalCounts } from "../domain/guard.ts";
import { REMOVAL_CLASSES, type RemovalClass } from "../domain/plan.ts";
import { chunksByShard } from "../domain/shard.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { RowStore } from "../ports/row-store.ts";
import {
  type ChunkFile,
  type ChunkHeader,
  type ChunkItem,
  FILES,
  readFile,
  readNeeded,
  writeOnce,
} from "./chunk-files.ts";
import type { JobContext } from "./export-chunk.ts";
import { cycleIdOf } from "./plan-chunks.ts";
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
import type { Removal, Removals, StagedRow } from "./state/removal-rows.ts";
import type { Fence, SyncRunInput } from "./wake-job.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

export interface Verdict {
  /** The batch id under which the allowed removals are mapped and exported. */
  readonly batchId: string;
  readonly chunks: number;
  readonly allowed: readonly RemovalClass[];
  readonly staged: readonly { readonly class: RemovalClass; readonly count: number; readonly reason: string }[];
  /** In the order of the items' indexes. `isStaged`: none of its classes was allowed. */
  readonly removals: readonly (Removal & { readonly isStaged: boolean })[];
  /** What will be removed, for the window of the next verdicts. */
  readonly removed: RemovalCounts;
  /** Milliseconds since 1970: when the read ended. */
  readonly at: number;
  /** 0 for work. */
  readonly readNo: number;
}

export interface ReadEnd {
  /** Whether absences have to be looked for, and in how many batches the read's objects were seen. */
  begin(run: SyncRunInput, readNo: number): Promise<{ readonly seeksAbsences: boolean }>;
  /** Notes the objects of some shards that the read did not see. */
  findAbsences(run: SyncRunInput, readNo: number, shards: readonly string[]): Promise<{ readonly absent: number }>;
  /** Judges the removals of a cycle: `readNo` for a read, `workId` for work. */
  decide(
    run: SyncRunInput,
    of: { readonly readNo: number } | { readonly workId: string },
  ): Promise<{ readonly batchId: string; readonly chunks: number }>;
}

export function verdictPath(cycleId: string): string {
  return `plans/${cycleId}-end/verdict.json.gz`;
}

export function readVerdict(blobs: BlobStore, cycleId: string): Promise<Verdict> {
  return readNeeded<Verdict>(blobs, verdictPath(cycleId));
}

export function createReadEnd(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly fence: Fence;
  readonly clock: Clock;
  readonly log: Log;
  readonly removals: Removals;
  readonly chunkObjects: number;
  readonly contextOf: (jobId: string) => Promise<JobContext>;
}): ReadEnd {
  const jobs = jobTable(deps.rows);

  return {
    async begin(run, readNo) {
      await deps.fence.check(run);
      const read = await readOf(run.jobId, readNo);
      if (read.kind !== "full" || !read.complete) return { seeksAbsences: false };
      const seen = await seenLists(run.jobId, readNo);
      // Before the first read nothing was known, so nothing can be missing from it; and its rows need not be read back.
      if (seen.length >= read.batches) return { seeksAbsences: readNo > 1 };
      // A batch that was parked before its objects were noted: they would all look absent.
      await doubt(run.jobId, readNo, `the objects of ${read.batches - seen.length} batches are not known`);
      return { seeksAbsences: false };
    },

    async findAbsences(run, readNo, shards) {
      await deps.fence.check(run);
      const job = await jobOf(run.jobId);
      const read = await readOf(run.jobId, readNo);
      const isTrusted = read.visibility === "complete" || job.settings.trustVisibility !== null;
      const { objects } = await deps.contextOf(run.jobId);
      const seen = await seenIn(run.jobId, readNo, shards);
      let absent = 0;
      for (const shard of shards) {
        for await (const page of objects.summaries(job.configurationId, shard)) {
          // A newer version means that a later read saw it, in the other lane.
          const unseen = page.filter((object) => !seen.has(object.objectGuid) && readNoOf(object.version) <= readNo);
          const missing = unseen.filter((object) => object.state === "live");
          // Known to be gone, and still in the target: staged, or its end failed. It is judged again.
          const overdue = unseen.filter((object) => object.state !== "live" && object.linked);
          const linked = missing.filter((object) => object.linked).map((object) => object.objectGuid);
          // Without link nothing is removed: the row only learns that its object is gone, so that no retry creates it.
          const unlinked = isTrusted
            ? missing.filter((object) => !object.linked).map((object) => object.objectGuid)
            : [];
          absent += linked.length;
          await deps.removals.addOverdue(
            cycleIdOf(run.jobId, readNo),
            overdue.map((object) => object.objectGuid),
            ["deletes"],
          );
          await deps.removals.addAbsences(cycleIdOf(run.jobId, readNo), linked, ["deletes"]);
          await deps.removals.addAbsences(cycleIdOf(run.jobId, readNo), unlinked, []);
        }
      }
      return { absent };
    },

    async decide(run, of) {
      await deps.fence.check(run);
      const cycleId = "workId" in of ? of.workId : cycleIdOf(run.jobId, of.readNo);
      const job = await jobOf(run.jobId);
      const verdict =
        (await readFile<Verdict>(deps.blobs, verdictPath(cycleId))) ??
        (await decideOnce(job, cycleId, "readNo" in of ? await readOf(run.jobId, of.readNo) : undefined));
      // All of this follows from the verdict that is written down: a repetition writes the same.
      const chunks = chunksByShard(itemsOf(verdict), deps.chunkObjects);
      const header = headerOf(job, cycleId, verdict);
      await Promise.all(
        chunks.map((own, index) =>
          writeOnce(deps.blobs, FILES.chunk(verdict.batchId, index), { header, items: own } satisfies ChunkFile),
        ),
      );
      await deps.removals.stage(job.jobId, stagedRows(cycleId, verdict));
      return verdict;
    },
  };

  /** The verdict, written once; what it lets pass is booked first, so that the other lane's verdict counts it. */
  async function decideOnce(job: JobRow, cycleId: string, read: ReadRow | undefined): Promise<Verdict> {
    const removals = await deps.removals.list(cycleId);
    const trusted = read?.visibility === "complete" || job.settings.trustVisibility !== null;
    for (;;) {
      const recent = await readRow<RecentRow>(jobs, job.jobId, ROW.recent);
      const since = deps.clock.now() - DAY_MS;
      const others = (recent?.value.entries ?? []).filter((entry) => entry.at > since && entry.cycleId !== cycleId);
      const sum = others.reduce((total, entry) => addRemovals(total, entry.removed), NO_REMOVALS);
      const verdict: Verdict = {
        ...(await judge(job, cycleId, removals, trusted, sum)),
        at: read?.endedAt ?? deps.clock.now(),
        readNo: read?.readNo ?? 0,
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
  }

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
    removals: readonly Removal[],
    trusted: boolean,
    recent: RemovalCounts,
  ): Promise<Omit<Verdict, "at" | "readNo">> {
    const isBlind = (removal: Removal) => removal.isAbsent && removal.origins.length === 0 && !trusted;
    const wanted = countByClass(removals.filter((removal) => !isBlind(removal)));
    // Counting links reads every row of the job: only where the floor doesn't decide already.
    const isSmall = totalOf(wanted) + totalOf(recent) <= job.settings.guard.floor;
    const linked = isSmall ? 0 : await (await deps.contextOf(job.jobId)).objects.countLinked(job.configurationId);
    const verdict = judgeRemovals({ settings: job.settings.guard, wanted, recent, linked });
    const blind = removals.filter(isBlind);
    const reason =
      "the agent's account may not see everything: an object that it can't see looks as if it weren't there";
    const staged = [
      ...verdict.staged,
      ...(blind.length > 0 ? [{ class: "deletes" as const, count: blind.length, reason }] : []),
    ];
    const judged = removals.map((removal) => ({
      ...removal,
      isStaged:
        isBlind(removal) ||
        (removal.classes.length > 0 && !removal.classes.some((name) => verdict.allowed.includes(name))),
    }));
    const passing = judged
      .filter((removal) => !removal.isStaged)
      .map((removal) => ({ ...removal, classes: removal.classes.filter((name) => verdict.allowed.includes(name)) }));
    return {
      batchId: `${cycleId}-end`,
      chunks: chunksByShard(passing, deps.chunkObjects).length,
      allowed: verdict.allowed,
      staged,
      removals: judged,
      removed: countByClass(passing),
    };
  }

  async function doubt(jobId: string, readNo: number, because: string): Promise<void> {
    const read = await readRow<ReadRow>(jobs, jobId, ROW.read(readNo));
    if (!read) return;
    const doubted: ReadRow = { ...read.value, complete: false, incompleteBecause: because };
    const written = await jobs.transact(jobId, [
      { op: "replace", row: read.row, values: pack(doubted), etag: read.etag },
    ]);
    if (!written.ok) throw new Error(`Read ${readNo} of job ${jobId} changed while it was looked at.`);
  }

  async function seenLists(jobId: string, readNo: number): Promise<string[]> {
    const paths: string[] = [];
    for await (const path of deps.blobs.list(FILES.seenOf(jobId, readNo))) paths.push(path);
    return paths;
  }

  async function seenIn(jobId: string, readNo: number, shards: readonly string[]): Promise<Set<string>> {
    const seen = new Set<string>();
    for (const path of await seenLists(jobId, readNo)) {
      const byShard = await readNeeded<Record<string, string[]>>(deps.blobs, path);
      for (const shard of shards) for (const objectGuid of byShard[shard] ?? []) seen.add(objectGuid);
    }
    return seen;
  }

  async function jobOf(jobId: string): Promise<JobRow> {
    const job = await readRow<JobRow>(jobs, jobId, ROW.job);
    if (!job) throw new Error(`Job ${jobId} is gone.`);
    return job.value;
  }

  async function readOf(jobId: string, readNo: number): Promise<ReadRow> {
    const read = await readRow<ReadRow>(jobs, jobId, ROW.read(readNo));
    if (!read) throw new Error(`Read ${readNo} of job ${jobId} has not ended.`);
    return read.value;
  }
}

function countByClass(removals: readonly { readonly classes: readonly RemovalClass[] }[]): RemovalCounts {
  const count = (name: RemovalClass) => removals.filter((removal) => removal.classes.includes(name)).length;
  return { deletes: count("deletes"), disables: count("disables"), blanks: count("blanks") };
}

function totalOf(counts: RemovalCounts): number {
  return counts.deletes + counts.disables + counts.blanks;
}

function itemsOf(verdict: Verdict): ChunkItem[] {
  return verdict.removals.flatMap(({ objectGuid, isAbsent, isStaged }, index) =>
    isStaged ? [] : [{ objectGuid, index, isAbsent }],
  );
}

function headerOf(job: JobRow, cycleId: string, verdict: Verdict): ChunkHeader {
  return {
    batchId: verdict.batchId,
    jobId: job.jobId,
    configurationId: job.configurationId,
    cycleId,
    readNo: verdict.readNo,
    at: verdict.at,
    schemaVersion: job.schemaVersion,
    blankMissing: false,
    allow: verdict.allowed,
    isEnd: true,
    isFirstLoad: false,
    mustWriteVersions: false,
    agentId: "",
    server: "",
  };
}

function stagedRows(cycleId: string, verdict: Verdict): StagedRow[] {
  const reasons = new Map(verdict.staged.map((staged) => [staged.class, staged.reason]));
  return verdict.removals.flatMap((removal) =>
    REMOVAL_CLASSES.filter(
      (name) => removal.classes.includes(name) && (removal.isStaged || !verdict.allowed.includes(name)),
    ).map((name) => ({
      objectGuid: removal.objectGuid,
      class: name,
      cycleId,
      reason: reasons.get(name) ?? "",
      stagedAt: verdict.at,
    })),
  );
}
