/** The chunks of a batch, of work or of an end: mapped, then exported. */
import type { OrchestrationContext, Task } from "durable-functions";
import type { StepResult } from "../shared/contracts/orchestration.ts";
import { ACTIVITY } from "./names.ts";
import { inWaves } from "./patience.ts";

export interface Chunks {
  readonly batchId: string;
  readonly chunks: number;
  /** How many chunks, in their order, go out together; absent: all. */
  readonly phases?: readonly number[];
}

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
