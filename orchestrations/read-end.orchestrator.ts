/** The end of a read: absences, the guard's verdict, what it allows, links, and the cycle's account. */
import type { OrchestrationContext, OrchestrationHandler, Task } from "durable-functions";
import type { ReadRef, StepResult } from "../shared/contracts/orchestration.ts";
import { exportLinks } from "./links.orchestrator.ts";
import { ACTIVITY } from "./names.ts";
import { inWaves, once } from "./patience.ts";
import { workChunks } from "./work-chunks.orchestrator.ts";

/** Four activities of four shards: each reads the lists of seen objects once. */
const SHARD_GROUPS = ["0123", "4567", "89ab", "cdef"];

export const readEnd: OrchestrationHandler = function* (
  context: OrchestrationContext,
): Generator<Task, StepResult, unknown> {
  const ref = context.df.getInput<ReadRef>();
  const begun = yield* once<{ readonly seeksAbsences: boolean }>(context, ACTIVITY.beginReadEnd, ref);
  if (begun.kind !== "done") return begun;
  if (begun.values[0]?.seeksAbsences) {
    const found = yield* inWaves(
      context,
      ACTIVITY.findAbsences,
      SHARD_GROUPS.map((shards) => ({ ...ref, shards: shards.split("") })),
    );
    if (found.kind !== "done") return found;
  }
  const decided = yield* once<{ readonly batchId: string; readonly chunks: number }>(
    context,
    ACTIVITY.decideRemovals,
    ref,
  );
  if (decided.kind !== "done") return decided;
  const [verdict] = decided.values;
  const worked = verdict ? yield* workChunks(context, ref, verdict) : undefined;
  if (worked && worked.kind !== "done") return worked;
  const linked = yield* exportLinks(context, ref);
  if (linked.kind !== "done") return linked;
  const { kind } = yield* once(context, ACTIVITY.commitCycle, ref);
  return { kind };
};
