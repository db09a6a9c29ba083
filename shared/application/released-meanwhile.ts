/**
 * Exports were released while a batch, a read's end or work was under way: what its chunks held before that may have been
 * written after the release listed every object. So whoever closes it looks once more, after all of its rows were written:
 * if exports are released by now, what it held is mapped again; if they aren't, their release finds the rows.
 */
import type { BlobStore } from "../ports/blob-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { RowStore } from "../ports/row-store.ts";
import { addWork } from "./add-work.ts";
import { FILES, type OutcomeFile, readNeeded } from "./chunk-files.ts";
import { type LinkOutcomeFile, linksIdOf, refsIdOf } from "./link-files.ts";
import { heldBecause, type JobRow, jobTable, ROW, readRow } from "./state/job-rows.ts";
import type { SyncRunInput } from "./wake-job.ts";

/** Of the clocks of two hosts. */
const SKEW_MS = 600_000;

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

  return async (run, id, begunAt) => {
    const job = await readRow<JobRow>(jobs, run.jobId, ROW.job);
    const releasedAt = job?.value.exportsReleasedAt;
    if (!job || releasedAt === undefined || begunAt > releasedAt + SKEW_MS || heldBecause(job.value)) return;
    const files = await Promise.all([id, `${id}-end`, refsIdOf(id)].map((own) => filesUnder<OutcomeFile>(own)));
    const links = await filesUnder<LinkOutcomeFile>(linksIdOf(id));
    const objectGuids = [...new Set(files.flat().flatMap((file) => file.held ?? []))];
    if (objectGuids.length === 0 && !links.some((file) => file.isHeld)) return;
    const kind = objectGuids.length === 0 ? "links" : "reevaluate";
    await addWork(deps, run.jobId, kind, { objectGuids }, `${id}-released`, run.lane);
  };
}
