/**
 * What-ifs of a job: row `whatif:{id}` in the job's partition, ids in the order in which they were asked for; beside it blobs
 * below `what-ifs/{job}/{id}/` (a new schema, the result). What lies below `plans/{workId}/` is gone when the run is over.
 */
import { randomUUID } from "node:crypto";
import type { WhatIfApprovalReply, WhatIfResult, WhatIfSubject } from "../../contracts/admin/what-ifs.ts";
import type { JobSettings, LifecycleSettings } from "../../contracts/configuration.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { RowTable } from "../../ports/row-store.ts";
import { readFile } from "../lanes/chunk-files.ts";
import { listRows, pack, readRow, type Stored } from "./job-rows.ts";

export interface WhatIfBase {
  readonly schemaVersion: number;
  readonly scopeVersion: number;
  /** By which images were read. */
  readonly mappedVersion: number;
  /** Absent in rows of before they were kept. */
  readonly settings?: DecidingSettings;
  /** A digest of who is on the exclusion list; absent in rows of before it was kept. */
  readonly excluded?: string;
}

/** What of a job's settings decides what becomes of people, with what counts where nothing was said. */
export interface DecidingSettings {
  readonly trustVisibility: boolean;
  readonly lifecycle: Required<LifecycleSettings>;
  readonly guard: JobSettings["guard"];
  readonly suffixPolicy: JobSettings["suffixPolicy"];
  readonly defaultUsageLocation: string | null;
}

export interface WhatIfRow {
  readonly id: string;
  readonly jobId: string;
  readonly workId: string;
  readonly of: WhatIfSubject;
  readonly state: "waiting" | "running" | "done" | "failed";
  readonly by: string;
  /** Milliseconds since 1970, as all times here. */
  readonly at: number;
  readonly endedAt: number | null;
  /** What the job had when it was asked for, and has had all along. */
  readonly base: WhatIfBase;
  readonly failure: string | null;
  readonly digest: string | null;
  readonly summary: Pick<WhatIfResult, "objects" | "counts" | "guard"> | null;
  /** `applied`: what followed, once it has. */
  readonly approved: {
    readonly by: string;
    readonly at: number;
    readonly applied: Pick<WhatIfApprovalReply, "effect" | "schemaVersion"> | null;
  } | null;
}

export const WHAT_IF_ROW = (id: string): string => `whatif:${id}`;

export const WHAT_IF_FILES = {
  folder: (jobId: string, id: string) => `what-ifs/${jobId}/${id}/`,
  schema: (jobId: string, id: string) => `what-ifs/${jobId}/${id}/schema.json.gz`,
  result: (jobId: string, id: string) => `what-ifs/${jobId}/${id}/result.json.gz`,
} as const;

/** Sorts by time. */
export function newWhatIfId(now: number): string {
  return `${String(now).padStart(14, "0")}-${randomUUID().slice(0, 8)}`;
}

export function whatIfWorkId(jobId: string, id: string): string {
  return `${jobId}-whatif-${id}`;
}

/** The what-if that a piece of work carries out. */
export function idOfWork(jobId: string, workId: string): string {
  return workId.slice(whatIfWorkId(jobId, "").length);
}

export function readWhatIf(jobs: RowTable, jobId: string, id: string): Promise<Stored<WhatIfRow> | undefined> {
  return readRow<WhatIfRow>(jobs, jobId, WHAT_IF_ROW(id));
}

/** Newest first. */
export async function listWhatIfs(jobs: RowTable, jobId: string): Promise<Stored<WhatIfRow>[]> {
  return (await listRows<WhatIfRow>(jobs, jobId, "whatif:")).reverse();
}

/** Until nobody else wrote in between; undefined: there is no such row, or nothing is to be changed. */
export async function changeWhatIf(
  jobs: RowTable,
  jobId: string,
  id: string,
  change: (row: WhatIfRow) => WhatIfRow | undefined,
): Promise<WhatIfRow | undefined> {
  for (;;) {
    const stored = await readWhatIf(jobs, jobId, id);
    const next = stored && change(stored.value);
    if (!stored || !next) return undefined;
    const written = await jobs.transact(jobId, [
      { op: "replace", row: stored.row, values: pack(next), etag: stored.etag },
    ]);
    if (written.ok) return next;
  }
}

/**
 * Of all of a job, newest first, those that may be dropped: they are over, and no approval needs them. The newest result is the one
 * that can be approved; the last one that was is why the job works as it does; one in the middle of it has to come to its end.
 */
export function droppableWhatIfs(all: readonly Stored<WhatIfRow>[]): Stored<WhatIfRow>[] {
  const newest = all.find(({ value }) => value.state === "done");
  const approved = all.find(({ value }) => value.approved?.applied);
  return all.filter((own) => {
    const { state, approved: approval } = own.value;
    if (state === "waiting" || state === "running") return false;
    return own !== newest && own !== approved && (approval === null || approval.applied !== null);
  });
}

/** Its blobs, then its row, unless that was changed since. */
export async function dropWhatIf(
  jobs: RowTable,
  blobs: BlobStore,
  { row, etag, value }: Stored<WhatIfRow>,
): Promise<void> {
  for await (const path of blobs.list(WHAT_IF_FILES.folder(value.jobId, value.id))) await blobs.delete(path);
  await jobs.transact(value.jobId, [{ op: "delete", row, etag }]);
}

export function readResult(blobs: BlobStore, jobId: string, id: string): Promise<WhatIfResult | undefined> {
  return readFile<WhatIfResult>(blobs, WHAT_IF_FILES.result(jobId, id));
}
