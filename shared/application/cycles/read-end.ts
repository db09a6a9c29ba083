/**
 * The end of a read: who is absent, what would be removed, and how much of that may be.
 *
 * Absence counts only after a complete full read (N4 c); with partial visibility and no admin's trust it is staged
 * whatever the guard says. The verdict (N6, `verdict.ts`) falls once, over all removals of the read and the last 24
 * hours, before the first of them is carried out. Then the objects are mapped again with the classes allowed to each: the
 * evidence is checked anew at the moment of execution.
 */
import { readNoOf } from "../../domain/change-version.ts";
import { removalOf } from "../../domain/lifecycle.ts";
import { REMOVAL_CLASSES } from "../../domain/plan.ts";
import { chunksByShard } from "../../domain/shard.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import type { Excluded } from "../exclusions/excluded.ts";
import type { JobContext } from "../export/export-chunk.ts";
import type { RecentRemovals } from "../guard/recent-removals.ts";
import { createVerdicts, headerOf, itemsOf, stagedRows, type Verdict, verdictPath } from "../guard/verdict.ts";
import { type ChunkFile, type ChunkHeader, FILES, readFile, readNeeded, writeOnce } from "../lanes/chunk-files.ts";
import { cycleIdOf, type WorkFile } from "../lanes/plan-chunks.ts";
import type { Fence, SyncRunInput } from "../lanes/wake-job.ts";
import { effectiveVersion } from "../schemas/covered-schema.ts";
import {
  type JobRow,
  jobTable,
  mappedVersionOf,
  pack,
  type ReadRow,
  ROW,
  readRow,
  type WorkRow,
} from "../state/job-rows.ts";
import type { ObjectSummary } from "../state/object-row.ts";
import type { Removals, StagedRow } from "../state/removal-rows.ts";

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

export function createReadEnd(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly fence: Fence;
  readonly clock: Clock;
  readonly log: Log;
  readonly recent: RecentRemovals;
  readonly removals: Removals;
  readonly chunkObjects: number;
  readonly contextOf: (jobId: string, schemaVersion?: number) => Promise<JobContext>;
  readonly excluded: () => Promise<Excluded>;
}): ReadEnd {
  const jobs = jobTable(deps.rows);
  const decideOnce = createVerdicts(deps);

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
      const { objects, mapping } = await deps.contextOf(run.jobId, versionFor(job, read));
      const excluded = await deps.excluded();
      const now = deps.clock.now();
      const seen = await seenIn(run.jobId, readNo, shards);
      let absent = 0;
      for (const shard of shards) {
        for await (const page of objects.summaries(job.configurationId, shard)) {
          // A newer version means that a later read saw it, in the other lane.
          const unseen = page.filter((object) => !seen.has(object.objectGuid) && readNoOf(object.version) <= readNo);
          // A class that isn't mapped any more wasn't read: what it brought to the target stays, and says so nowhere.
          const mapped = unseen.filter((object) => !object.linked || mapping.flowsOf(object.objectClass));
          /** What takes its target object away, or disables it; undefined: it stays as it is. */
          const takes = ({ linked, objectGuid, objectClass, state, disabled, expiresAt = 0 }: ObjectSummary) => {
            const flows = mapping.flowsOf(objectClass);
            if (!linked || !flows || excluded(objectGuid)) return undefined;
            const fate = mapping.fateOf(objectClass, state === "live" ? "absent" : state);
            // Its row learns that it is gone, and its deletion is judged when it has waited.
            const waits = mapping.deleteDelayOf(objectClass) > 0 && (state === "live" ? isTrusted : expiresAt > now);
            return fate === "delete" && waits ? undefined : removalOf(fate, flows, disabled);
          };
          const missing = mapped.filter((object) => object.state === "live");
          // Known to be gone, and still in the target: staged, or its end failed. It is judged again.
          const overdue = mapped.filter((object) => object.state !== "live" && takes(object));
          const linked = missing.filter((object) => takes(object));
          // Nothing is removed of these: the row only learns that its object is gone, so that no retry creates it.
          const others = missing.filter((object) => !takes(object));
          const unlinked = isTrusted && read.upserts > 0 ? others : [];
          absent += linked.length;
          for (const name of REMOVAL_CLASSES) {
            const of = (own: readonly ObjectSummary[]) => own.filter((object) => takes(object) === name);
            await deps.removals.addOverdue(cycleIdOf(run.jobId, readNo), of(overdue), [name]);
            await deps.removals.addAbsences(cycleIdOf(run.jobId, readNo), of(linked), [name]);
          }
          // Of one whose create got no answer a target object may be found, and then it goes: the guard counts it.
          const mayGo = (object: ObjectSummary) =>
            object.marked &&
            !object.linked &&
            !excluded(object.objectGuid) &&
            mapping.flowsOf(object.objectClass)?.deletes !== false;
          for (const counts of [true, false])
            await deps.removals.addAbsences(
              cycleIdOf(run.jobId, readNo),
              unlinked.filter((object) => mayGo(object) === counts),
              counts ? ["deletes"] : [],
            );
        }
      }
      return { absent };
    },

    async decide(run, of) {
      await deps.fence.check(run);
      const cycleId = "workId" in of ? of.workId : cycleIdOf(run.jobId, of.readNo);
      const job = await jobOf(run.jobId);
      const read = "readNo" in of ? await readOf(run.jobId, of.readNo) : undefined;
      const work = "workId" in of ? await readRow<WorkRow>(jobs, run.jobId, ROW.work(run.lane, of.workId)) : undefined;
      const isPartial = work !== undefined && work.value.kind !== "all";
      const verdict =
        (await readFile<Verdict>(deps.blobs, verdictPath(cycleId))) ??
        (await decideOnce(job, cycleId, read, isPartial));
      // All of this follows from the verdict that is written down: a repetition writes the same.
      const chunks = chunksByShard(itemsOf(verdict), deps.chunkObjects);
      const asked = work?.value.kind === "provision" ? await askedFor(work.value) : {};
      const header = {
        ...headerOf(job, cycleId, verdict, versionFor(job, read) ?? mappedVersionOf(job)),
        ...asked,
      };
      await Promise.all(
        chunks.map((own, index) =>
          writeOnce(deps.blobs, FILES.chunk(verdict.batchId, index), { header, items: own } satisfies ChunkFile),
        ),
      );
      await deps.removals.stage(job.jobId, stagedRows(cycleId, verdict));
      await forgetPassing(job.jobId, cycleId, verdict);
      return verdict;
    },
  };

  /** What is let pass now, and was staged before, is no longer staged. */
  async function forgetPassing(jobId: string, cycleId: string, verdict: Verdict): Promise<void> {
    const passing = new Map(itemsOf(verdict).map(({ objectGuid, allow = [] }) => [objectGuid, allow]));
    const rows = [...(await deps.removals.stagedRemovals(jobId, [...passing.keys()])).values()].flat();
    const isPassing = (row: StagedRow) => (passing.get(row.objectGuid) ?? []).some((name) => name === row.class);
    await deps.removals.forget(
      jobId,
      rows.filter((row) => row.cycleId !== cycleId && isPassing(row)),
    );
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

  async function askedFor({ blob }: WorkRow): Promise<Pick<ChunkHeader, "asked">> {
    const { asked } = await readNeeded<WorkFile>(deps.blobs, blob);
    return asked ? { asked: { by: asked.by, commandId: asked.commandId } } : {};
  }

  async function seenLists(jobId: string, readNo: number): Promise<string[]> {
    const paths: string[] = [];
    for await (const path of deps.blobs.list(FILES.seenOf(jobId, readNo))) paths.push(path);
    return paths;
  }

  async function seenIn(jobId: string, readNo: number, shards: readonly string[]): Promise<Set<string>> {
    const seen = new Set<string>();
    const paths = await seenLists(jobId, readNo);
    for await (const path of deps.blobs.list(FILES.seenNowIn(jobId, readNo))) paths.push(path);
    for (const path of paths) {
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

/** By which an end of a read is mapped; undefined: rows of before there were versions don't say. */
function versionFor(job: JobRow, read: ReadRow | undefined): number | undefined {
  return read?.schemaVersion === undefined ? undefined : effectiveVersion(job, read.schemaVersion);
}
