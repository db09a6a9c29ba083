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
import { type ChunkFile, type ChunkHeader, FILES, readFile, readNeeded, writeOnce } from "./chunk-files.ts";
import type { JobContext } from "./export-chunk.ts";
import { cycleIdOf } from "./plan-chunks.ts";
import { type JobRow, jobTable, type ReadRow, type RecentRow, ROW, readRow } from "./state/job-rows.ts";
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
      return { seeksAbsences: read.kind === "full" && read.complete };
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
          const missing = page.filter(
            (object) => object.state === "live" && !seen.has(object.objectGuid) && readNoOf(object.version) <= readNo,
          );
          const linked = missing.filter((object) => object.linked).map((object) => object.objectGuid);
          // Without link nothing is removed: the row only learns that its object is gone, so that no retry creates it.
          const unlinked = isTrusted
            ? missing.filter((object) => !object.linked).map((object) => object.objectGuid)
            : [];
          absent += linked.length;
          await deps.removals.addAbsences(cycleIdOf(run.jobId, readNo), linked, ["deletes"]);
          await deps.removals.addAbsences(cycleIdOf(run.jobId, readNo), unlinked, []);
        }
      }
      return { absent };
    },

    async decide(run, of) {
      await deps.fence.check(run);
      const cycleId = "workId" in of ? of.workId : cycleIdOf(run.jobId, of.readNo);
      const before = await readFile<Verdict>(deps.blobs, verdictPath(cycleId));
      if (before) return before;
      const job = await jobOf(run.jobId);
      const read = "readNo" in of ? await readOf(run.jobId, of.readNo) : undefined;
      const removals = await deps.removals.list(cycleId);
      const trusted = read?.visibility === "complete" || job.settings.trustVisibility !== null;
      const verdict = await judge(run, job, cycleId, removals, trusted);
      const items = verdict.removals.flatMap((removal, index) =>
        removal.isStaged ? [] : [{ objectGuid: removal.objectGuid, index, isAbsent: removal.isAbsent }],
      );
      const chunks = chunksByShard(items, deps.chunkObjects);
      const header: ChunkHeader = {
        batchId: verdict.batchId,
        jobId: job.jobId,
        configurationId: job.configurationId,
        cycleId,
        readNo: read?.readNo ?? 0,
        at: read?.endedAt ?? deps.clock.now(),
        schemaVersion: job.schemaVersion,
        blankMissing: false,
        allow: verdict.allowed,
        isEnd: true,
        isFirstLoad: false,
        mustWriteVersions: false,
        agentId: "",
        server: "",
      };
      await Promise.all(
        chunks.map((own, index) =>
          writeOnce(deps.blobs, FILES.chunk(verdict.batchId, index), { header, items: own } satisfies ChunkFile),
        ),
      );
      await deps.removals.stage(job.jobId, stagedRows(cycleId, verdict, deps.clock.now()));
      const written = { ...verdict, chunks: chunks.length };
      await writeOnce(deps.blobs, verdictPath(cycleId), written);
      for (const staged of verdict.staged)
        deps.log.error("removals-staged", {
          jobId: job.jobId,
          cycleId,
          class: staged.class,
          count: staged.count,
          reason: staged.reason,
        });
      return readVerdict(deps.blobs, cycleId);
    },
  };

  async function judge(
    run: SyncRunInput,
    job: JobRow,
    cycleId: string,
    removals: readonly Removal[],
    trusted: boolean,
  ): Promise<Verdict> {
    const isBlind = (removal: Removal) => removal.isAbsent && removal.origins.length === 0 && !trusted;
    const wanted = countByClass(removals.filter((removal) => !isBlind(removal)));
    const total = wanted.deletes + wanted.disables + wanted.blanks;
    const recent = await recentRemovals(run.jobId);
    // Counting links reads every row of the job: only where the floor doesn't decide already.
    const isSmall = total + recent.deletes + recent.disables + recent.blanks <= job.settings.guard.floor;
    const linked = isSmall ? 0 : await (await deps.contextOf(run.jobId)).objects.countLinked(job.configurationId);
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
      chunks: 0,
      allowed: verdict.allowed,
      staged,
      removals: judged,
      removed: countByClass(passing),
    };
  }

  async function recentRemovals(jobId: string): Promise<RemovalCounts> {
    const recent = await readRow<RecentRow>(jobs, jobId, ROW.recent);
    const since = deps.clock.now() - DAY_MS;
    return (recent?.value.entries ?? [])
      .filter((entry) => entry.at > since)
      .reduce((sum, entry) => addRemovals(sum, entry.removed), NO_REMOVALS);
  }

  async function seenIn(jobId: string, readNo: number, shards: readonly string[]): Promise<Set<string>> {
    const seen = new Set<string>();
    for await (const path of deps.blobs.list(`seen/${jobId}/${readNo}/`)) {
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

function stagedRows(cycleId: string, verdict: Verdict, stagedAt: number): StagedRow[] {
  const reasons = new Map(verdict.staged.map((staged) => [staged.class, staged.reason]));
  return verdict.removals.flatMap((removal) =>
    REMOVAL_CLASSES.filter(
      (name) => removal.classes.includes(name) && (removal.isStaged || !verdict.allowed.includes(name)),
    ).map((name) => ({
      objectGuid: removal.objectGuid,
      class: name,
      cycleId,
      reason: reasons.get(name) ?? "",
      stagedAt,
    })),
  );
}
