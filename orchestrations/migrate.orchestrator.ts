/** A migration of rows: step after step until it is over, a turn of them in each history. It holds no lane: its writes are conditional. */
import type { OrchestrationContext, OrchestrationHandler, Task } from "durable-functions";
import type { MigrationRef, MigrationStepped } from "../shared/contracts/orchestration.ts";
import { ACTIVITY } from "./names.ts";
import { once } from "./patience.ts";

/** Replay costs the square of the history. */
const STEPS_A_TURN = 25;

export const migrate: OrchestrationHandler = function* (
  context: OrchestrationContext,
): Generator<Task, string, unknown> {
  const ref = context.df.getInput<MigrationRef>();
  for (let step = 0; step < STEPS_A_TURN; step++) {
    const stepped = yield* once<MigrationStepped>(context, ACTIVITY.migrateStep, ref);
    if (stepped.kind !== "done" || stepped.values[0]?.isOver !== false) return "over";
  }
  context.df.continueAsNew(ref);
  return "continued";
};
