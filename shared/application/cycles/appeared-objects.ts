/** Which objects came to be in the target in a cycle, or came back: told by the outcome files of its chunks. */
import type { BlobStore } from "../../ports/blob-store.ts";
import type { RowTable } from "../../ports/row-store.ts";
import { FILES, type OutcomeFile, readNeeded } from "../lanes/chunk-files.ts";
import { cycleIdOf } from "../lanes/plan-chunks.ts";
import { type BatchRow, LANES, listRows } from "../state/job-rows.ts";

export interface Appeared {
  readonly guids: readonly string[];
  readonly sids: readonly string[];
  /** Those that are groups. */
  readonly groups: readonly string[];
  /** Those that were deleted, and are there again. */
  readonly returned: readonly string[];
}

/** Of all batches of a read, closed or not, and of its end; or of work and of its end. */
export async function appearedIn(
  blobs: BlobStore,
  jobs: RowTable,
  jobId: string,
  of: { readonly readNo: number } | { readonly workId: string },
): Promise<Appeared> {
  const ids =
    "workId" in of
      ? [of.workId, `${of.workId}-end`]
      : [...(await batchesOf(jobs, jobId, of.readNo)), `${cycleIdOf(jobId, of.readNo)}-end`];
  return appearedUnder(blobs, ids);
}

export async function appearedUnder(blobs: BlobStore, batchIds: readonly string[]): Promise<Appeared> {
  const files: OutcomeFile[] = [];
  for (const batchId of batchIds) {
    for await (const path of blobs.list(FILES.outcomes(batchId)))
      files.push(await readNeeded<OutcomeFile>(blobs, path));
  }
  return {
    guids: files.flatMap((file) => file.appeared ?? []),
    sids: files.flatMap((file) => file.sids ?? []),
    groups: files.flatMap((file) => file.groups ?? []),
    returned: files.flatMap((file) => file.returned ?? []),
  };
}

async function batchesOf(jobs: RowTable, jobId: string, readNo: number): Promise<string[]> {
  const prefix = String(readNo).padStart(10, "0");
  const rows = await Promise.all(
    ["done:", ...LANES.map((lane) => `batch:${lane}:`)].map((kind) =>
      listRows<BatchRow>(jobs, jobId, `${kind}${prefix}:`),
    ),
  );
  return rows.flat().map((row) => row.value.batchId);
}
