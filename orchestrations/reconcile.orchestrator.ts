/** A reconcile: step after step, until it is over, pauses, or has taken its turn; the lane then looks what else waits. */
import type { OrchestrationContext, OrchestrationHandler, Task } from "durable-functions";
import type { ReconcileStepped, StepResult, WorkRef } from "../shared/contracts/orchestration.ts";
import { ACTIVITY } from "./names.ts";
import { once } from "./patience.ts";

/** Replay costs the square of the history. */
const STEPS_A_TURN = 25;

export const reconcile: OrchestrationHandler = function* (
  context: OrchestrationContext,
): Generator<Task, StepResult, unknown> {
  const ref = context.df.getInput<WorkRef>();
  for (let step = 0; step < STEPS_A_TURN; step++) {
    const stepped = yield* once<ReconcileStepped>(context, ACTIVITY.reconcileStep, ref);
    if (stepped.kind !== "done") return stepped;
    if (stepped.values[0]?.isOver) break;
  }
  return { kind: "done" };
};
