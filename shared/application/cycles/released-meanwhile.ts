/**
 * Exports were released, or another schema came into effect without a read, while a batch, a read's end or work was under
 * way: what its chunks held, or mapped by the schema before, may have been written after every object was listed. So whoever
 * closes it looks once more, after all of its rows were written: if that has happened by now, these objects are mapped again;
 * if it hasn't, whoever lists every object then finds the rows.
 */
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { addWork } from "../lanes/add-work.ts";
import { type ChunkFile, FILES, type OutcomeFile, readNeeded } from "../lanes/chunk-files.ts";
import type { SyncRunInput } from "../lanes/wake-job.ts";
import { type LinkOutcomeFile, linksIdOf, refsIdOf } from "../members/link-files.ts";
import { effectiveVersion } from "../schemas/covered-schema.ts";
import { heldBecause, type JobRow, jobTable, ROW, readRow } from "../state/job-rows.ts";

/** Of the clocks of two hosts. */
const SKEW_MS = 600_000;

/** A chunk's file among those of its batch. */
const CHUNK = /\/chunk-\d+\.json\.gz$/;

/**
 * `id`: of the batch, read's end or work; `begunAt`: the earliest moment at which a chunk of it ran, milliseconds since 1970. The
 * work has an id of its own, so doing this again is doing it once.
 */
export type ReleasedMeanwhile = (run: SyncRunInput, id: string, begunAt: number) => Promise<void>;

export function createReleasedMeanwhile(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
}): ReleasedMeanwhile {
  const jobs = jobTable(deps.rows);

  async function filesUnder<T>(batchId: string): Promise<T[]> {
    const files: T[] = [];
    for await (const path of deps.blobs.list(FILES.outcomes(batchId)))
      files.push(await readNeeded<T>(deps.blobs, path));
    return files;
  }

  /** Of chunks that were mapped by a version whose place the mapped one has taken. */
  async function mappedBefore(job: JobRow, batchId: string): Promise<string[]> {
    const guids: string[] = [];
    for await (const path of deps.blobs.list(FILES.folder(batchId))) {
      if (!CHUNK.test(path)) continue;
      const { header, items } = await readNeeded<ChunkFile>(deps.blobs, path);
      if (header.schemaVersion !== effectiveVersion(job, header.schemaVersion))
        guids.push(...items.map((item) => item.objectGuid));
    }
    return guids;
  }

  return async (run, id, begunAt) => {
    const job = (await readRow<JobRow>(jobs, run.jobId, ROW.job))?.value;
    if (!job) return;
    const isRecent = (at: number | undefined) => at !== undefined && begunAt <= at + SKEW_MS;
    const folders = [id, `${id}-end`, refsIdOf(id)];
    const guids: string[] = [];
    let hasLinks = false;
    if (isRecent(job.exportsReleasedAt) && !heldBecause(job)) {
      const files = await Promise.all(folders.map((own) => filesUnder<OutcomeFile>(own)));
      guids.push(...files.flat().flatMap((file) => file.held ?? []));
      hasLinks = (await filesUnder<LinkOutcomeFile>(linksIdOf(id))).some((file) => file.isHeld);
    }
    if (isRecent(job.coveredSchema?.at))
      guids.push(...(await Promise.all(folders.map((own) => mappedBefore(job, own)))).flat());
    const objectGuids = [...new Set(guids)];
    if (objectGuids.length === 0 && !hasLinks) return;
    const kind = objectGuids.length === 0 ? "links" : "reevaluate";
    await addWork(deps, run.jobId, kind, { objectGuids }, `${id}-released`, run.lane);
  };
}
