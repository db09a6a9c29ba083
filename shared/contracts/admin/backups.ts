/**
 * The admin API of backups of rows: which there are, and putting a job's lost rows back from one of them, or finding their target
 * objects again without one. Both tell first what they would do.
 */
import { z } from "zod";
import { operation } from "../operation.ts";
import { Identifier } from "../path-params.ts";
import { TARGET_REFUSALS } from "../target-refusals.ts";
import { listOf, ShortPage } from "./paging.ts";

/** A whole one; what was never finished isn't listed. */
export const BackupReply = z.strictObject({
  id: z.string(),
  /** Rows are as they were at some moment between the two. */
  startedAt: z.string(),
  finishedAt: z.string(),
  /** Rows of each table, of all jobs. */
  objects: z.number(),
  claims: z.number(),
  parts: z.number(),
});
export type BackupReply = z.infer<typeof BackupReply>;

const Conflict = z.strictObject({
  objectGuid: z.string(),
  kind: z.string(),
  value: z.string(),
  heldBy: z.string(),
});

export const RestoreRequest = z.strictObject({
  backupId: Identifier,
  part: z.number().int().min(0).max(1_000_000),
  /** Left out: it is only told what would be done. */
  apply: z.boolean().default(false),
});

export const RestoreReply = z.strictObject({
  backupId: z.string(),
  takenAt: z.string(),
  part: z.number(),
  /** How many there are: the last one is `parts` - 1. */
  parts: z.number(),
  applied: z.boolean(),
  /** Of the job, in this part of the backup. */
  rows: z.number(),
  /** There, and left as they are. */
  present: z.number(),
  /** Not there; with `applied`: put back. */
  missing: z.number(),
  /** There, and not to be read; with `applied`: replaced. */
  damaged: z.number(),
  /** Not to be read in the backup either. */
  unusable: z.number(),
  /** Of those to be written: somebody else wrote them meanwhile. */
  contested: z.number(),
  /** Of those put back: without their link, for the index doesn't say any more that they have that target object. */
  unlinked: z.number(),
  /** Values that the index lacks; with `applied`: entered. */
  values: z.number(),
  /** Values that somebody else has by the index: left with whom they are. */
  conflicts: z.array(Conflict),
});
export type RestoreReply = z.infer<typeof RestoreReply>;

export const listBackups = operation({
  id: "ListBackups",
  method: "GET",
  path: "v1.0/uplink/backups",
  guard: "admin-read",
  summary: "The whole backups of object rows and index, newest first.",
  query: z.strictObject(ShortPage),
  reply: listOf(BackupReply),
});

export const restoreRows = operation({
  id: "RestoreRows",
  method: "POST",
  path: "v1.0/uplink/jobs/{jobId}/restoreRows",
  guard: "admin-write",
  summary: "Puts a part of a job's lost rows back from a backup, or tells what that would do.",
  body: RestoreRequest,
  reply: RestoreReply,
  refusals: {
    "job-not-found": 404,
    "backup-not-found": 404,
    "backup-damaged": 409,
    "job-not-paused": 409,
    "job-busy": 409,
  },
});

export const SeekRequest = z.strictObject({
  type: z.enum(["user", "group"]),
  /** 0, then the `next` of the page before. */
  page: z.number().int().min(0).max(1_000_000),
  /** Left out: it is only told what would be done. */
  apply: z.boolean().default(false),
});

export const SeekReply = z.strictObject({
  type: z.enum(["user", "group"]),
  page: z.number(),
  /** Null: this was the last one. */
  next: z.number().nullable(),
  applied: z.boolean(),
  /** Objects of the target; those that a row links, of any job, and those that none does. */
  read: z.number(),
  linked: z.number(),
  free: z.number(),
  /**
   * Values that the index lacks, or has in the name of who has no row any more; with `applied`: noted for matching. Told beforehand, a value
   * that objects of several pages have counts on each of them, for nothing of the pages before was noted.
   */
  values: z.number(),
});
export type SeekReply = z.infer<typeof SeekReply>;

export const seekTargets = operation({
  id: "SeekTargets",
  method: "POST",
  path: "v1.0/uplink/jobs/{jobId}/seekTargets",
  guard: "admin-write",
  summary: "Reads a page of the target for matching, for a job whose rows were lost, or tells what that would do.",
  body: SeekRequest,
  reply: SeekReply,
  refusals: {
    "job-not-found": 404,
    "target-page-lost": 409,
    "job-not-paused": 409,
    "job-busy": 409,
    ...TARGET_REFUSALS,
  },
});
