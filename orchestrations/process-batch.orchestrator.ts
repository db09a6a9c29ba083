/** One batch: plan chunks, map them, export them, commit. It removes nothing: removals wait for the end of the read. */
import type { OrchestrationContext, OrchestrationHandler, Task } from "durable-functions";
import type { BatchRef, StepResult, WorkRef } from "../shared/contracts/orchestration.ts";
import { ACTIVITY } from "./names.ts";
import { inWaves, once } from "./patience.ts";

interface Chunks {
  readonly batchId: string;
  readonly chunks: number;
  /** How many chunks, in their order, go out together; absent: all. */
  readonly phases?: readonly number[];
}

export const processBatch: OrchestrationHandler = function* (
  context: OrchestrationContext,
): Generator<Task, StepResult, unknown> {
  const ref = context.df.getInput<BatchRef>();
  const planned = yield* once<Chunks>(context, ACTIVITY.planChunks, ref);
  if (planned.kind !== "done") return planned;
  const [plan] = planned.values;
  if (!plan) return { kind: "done" };
  const worked = yield* workChunks(context, ref, plan);
  if (worked.kind !== "done") return worked;
  const { kind } = yield* once(context, ACTIVITY.commitBatch, { ...ref, chunks: plan.chunks });
  return { kind };
};

/** Work that the cloud gave itself: mapped from images, and its removals judged at once. */
export const processWork: OrchestrationHandler = function* (
  context: OrchestrationContext,
): Generator<Task, StepResult, unknown> {
  const ref = context.df.getInput<WorkRef>();
  for (const activity of [ACTIVITY.planWork, ACTIVITY.decideRemovals]) {
    const planned = yield* once<Chunks>(context, activity, ref);
    if (planned.kind !== "done") return planned;
    const [plan] = planned.values;
    const worked = plan ? yield* workChunks(context, ref, plan) : undefined;
    if (worked && worked.kind !== "done") return worked;
  }
  const { kind } = yield* once(context, ACTIVITY.commitWork, ref);
  return { kind };
};

/**
 * Maps all chunks, then exports them phase by phase: every claim of a batch is made before its first object goes out, and
 * what others refer to goes before them.
 */
export function* workChunks(
  context: OrchestrationContext,
  ref: { readonly jobId: string; readonly lane: string; readonly epoch: number },
  plan: Chunks,
): Generator<Task, StepResult, unknown> {
  const { jobId, lane, epoch } = ref;
  const chunks = Array.from({ length: plan.chunks }, (_, chunk) => ({
    jobId,
    lane,
    epoch,
    batchId: plan.batchId,
    chunk,
  }));
  const mapped = yield* inWaves(context, ACTIVITY.mapChunk, chunks);
  if (mapped.kind !== "done") return mapped;
  let first = 0;
  for (const count of plan.phases ?? [plan.chunks]) {
    const exported = yield* inWaves(context, ACTIVITY.exportChunk, chunks.slice(first, first + count));
    if (exported.kind !== "done") return exported;
    first += count;
  }
  return { kind: "done" };
}
