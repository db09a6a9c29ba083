/** Work that the cloud gives itself: handed out by `nextBatch` like a batch, so it holds the lane's epoch. */
import { randomUUID } from "node:crypto";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Lane } from "../../ports/doorbell.ts";
import type { RowOperation, RowStore } from "../../ports/row-store.ts";
import { jobTable, pack, ROW, type WorkRow } from "../state/job-rows.ts";
import { gzipJson } from "../state/packing.ts";
import type { WorkFile } from "./plan-chunks.ts";

/** Objects that the cloud wants mapped again from their images. With an id of the caller's, asking twice is asking once. */
export async function addWork(
  deps: { readonly rows: RowStore; readonly blobs: BlobStore; readonly clock: Clock },
  jobId: string,
  kind: WorkRow["kind"],
  file: WorkFile,
  workId = `${jobId}-work-${randomUUID()}`,
  lane: Lane = "live",
  attempts = 0,
): Promise<string> {
  await jobTable(deps.rows).transact(jobId, await workOperations(deps, jobId, kind, file, workId, lane, attempts));
  return workId;
}

/** Work that begins with what else is written in the same transaction. Its file is there before. */
export async function workOperations(
  deps: { readonly blobs: BlobStore; readonly clock: Clock },
  jobId: string,
  kind: WorkRow["kind"],
  file: WorkFile,
  workId: string,
  lane: Lane,
  attempts = 0,
): Promise<RowOperation[]> {
  const blob = `plans/${workId}/work.json.gz`;
  await deps.blobs.put(blob, gzipJson(file));
  const row: WorkRow = {
    workId,
    jobId,
    lane,
    kind,
    blob,
    objects: file.objectGuids.length,
    createdAt: deps.clock.now(),
    attempts,
  };
  return [
    { op: "insert", row: ROW.work(lane, workId), values: pack(row) },
    { op: "upsert", row: ROW.inbox(lane), values: { n: deps.clock.now() } },
  ];
}
