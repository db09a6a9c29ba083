/**
 * What crosses the durable boundary: ids and counts, never payloads, never a secret. Times are milliseconds since 1970.
 */
import { z } from "zod";

export const SyncRunRef = z.strictObject({
  jobId: z.string().min(1),
  lane: z.enum(["bulk", "live"]),
  epoch: z.number().int().positive(),
});
export type SyncRunRef = z.infer<typeof SyncRunRef>;

/** `turn` counts the steps of a run: instance ids of its parts are made from it and never used twice. */
export const SyncRunState = SyncRunRef.extend({ turn: z.number().int().min(0) });
export type SyncRunState = z.infer<typeof SyncRunState>;

export const BatchRef = SyncRunRef.extend({
  readNo: z.number().int().positive(),
  sequence: z.number().int().positive(),
});
export type BatchRef = z.infer<typeof BatchRef>;
export const ReadRef = SyncRunRef.extend({ readNo: z.number().int().positive() });
export type ReadRef = z.infer<typeof ReadRef>;
export const WorkRef = SyncRunRef.extend({ workId: z.string().min(1) });
export type WorkRef = z.infer<typeof WorkRef>;
export const ChunkRefInput = SyncRunRef.extend({ batchId: z.string().min(1), chunk: z.number().int().min(0) });
export type ChunkRefInput = z.infer<typeof ChunkRefInput>;
export const LinkChunkRefInput = SyncRunRef.extend({ linksId: z.string().min(1), chunk: z.number().int().min(0) });
export const CommitBatchInput = BatchRef.extend({ chunks: z.number().int().min(0) });
export const DecideInput = z.union([ReadRef, WorkRef]);
export const FindAbsencesInput = ReadRef.extend({ shards: z.array(z.string().length(1)).min(1) });
export const SliceInput = WorkRef.extend({
  start: z.strictObject({
    shard: z.string().length(1),
    number: z.number().int().min(0),
    after: z.string(),
    fresh: z.number().int().min(0),
  }),
});
export const SettleInput = WorkRef.extend({ part: z.number().int().min(0), parts: z.number().int().positive() });
export const TallyInput = WorkRef.extend({ shard: z.string().length(1), parts: z.number().int().positive() });
export const FailureInput = SyncRunRef.extend({ step: z.string(), message: z.string() });

export const MigrationRef = z.strictObject({ jobId: z.string().min(1), epoch: z.number().int().positive() });
export type MigrationRef = z.infer<typeof MigrationRef>;

/** Every activity answers in one of three ways; a failure of the whole step is thrown and retried by Durable. */
export type Answer<T> =
  | { readonly kind: "done"; readonly value: T }
  /** The target asks for patience: nothing is wrong, call again. */
  | { readonly kind: "wait"; readonly notBefore: number; readonly reason: string }
  /** A newer run took the lane over, or the job is in quarantine: this one ends. */
  | { readonly kind: "fenced" };

export interface StepResult {
  readonly kind: "done" | "later" | "fenced";
}

/** Of a reconcile: `isOver`, nothing is left to do, or not for now. */
export interface ReconcileStepped {
  readonly isOver: boolean;
}

export interface MigrationStepped {
  readonly isOver: boolean;
}

/** What a lane does next. */
export type NextStep =
  | { readonly kind: "prepare" }
  | {
      readonly kind: "batch";
      readonly batchId: string;
      readonly readNo: number;
      readonly sequence: number;
      readonly attempt: number;
    }
  | { readonly kind: "read-end"; readonly readNo: number }
  | { readonly kind: "work" | "whatif" | "reconcile"; readonly workId: string; readonly attempt: number }
  | { readonly kind: "idle" | "paused" | "superseded" };
