/** One batch: plan chunks, fold links, map chunks, export them, commit. It removes nothing: removals wait for the end of the read. */
import type { OrchestrationContext, OrchestrationHandler, Task } from "durable-functions";
import type { BatchRef, StepResult, WorkRef } from "../shared/contracts/orchestration.ts";
import { exportLinks } from "./links.orchestrator.ts";
import { ACTIVITY } from "./names.ts";
import { once } from "./patience.ts";
import { type Chunks, workChunks } from "./work-chunks.orchestrator.ts";

export const processBatch: OrchestrationHandler = function* (
  context: OrchestrationContext,
): Generator<Task, StepResult, unknown> {
  const ref = context.df.getInput<BatchRef>();
  const planned = yield* once<Chunks>(context, ACTIVITY.planChunks, ref);
  if (planned.kind !== "done") return planned;
  const [plan] = planned.values;
  if (!plan) return { kind: "done" };
  const folded = yield* once(context, ACTIVITY.foldLinks, ref);
  if (folded.kind !== "done") return folded;
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
  const linked = yield* exportLinks(context, ref);
  if (linked.kind !== "done") return linked;
  const { kind } = yield* once(context, ACTIVITY.commitWork, ref);
  return { kind };
};
