/**
 * A what-if: the slices of all shards in waves, a slice of each at a time; then what they want of each other, the tallies, the
 * verdict. After some waves it gives the lane back ("later") and is handed out again, so that batches that came meanwhile go
 * first and no history grows without end: where it stands is in its files.
 */
import type { OrchestrationContext, OrchestrationHandler, Task } from "durable-functions";
import type { StepResult, WorkRef } from "../shared/contracts/orchestration.ts";
import { ACTIVITY } from "./names.ts";
import { inWaves, once } from "./patience.ts";

/** Of 16 slices each. */
const WAVES_A_TURN = 10;

interface Start {
  readonly shard: string;
}

interface Shard extends Start {
  readonly next: Start | null;
  /** New values of it so far. */
  readonly fresh: number;
}

export const whatIf: OrchestrationHandler = function* (
  context: OrchestrationContext,
): Generator<Task, StepResult, unknown> {
  const ref = context.df.getInput<WorkRef>();
  const begun = yield* once<{ readonly shards: readonly Shard[] }>(context, ACTIVITY.beginWhatIf, ref);
  if (begun.kind !== "done") return begun;
  let shards = begun.values[0]?.shards ?? [];
  if (shards.length === 0) return { kind: "done" };
  for (let wave = 0; ; wave++) {
    const starts = shards.flatMap(({ next }) => next ?? []);
    if (starts.length === 0) break;
    if (wave === WAVES_A_TURN) return { kind: "later" };
    const inputs = starts.map((start) => ({ ...ref, start }));
    const mapped = yield* inWaves<Shard>(context, ACTIVITY.mapWhatIf, inputs);
    if (mapped.kind !== "done") return mapped;
    const byShard = new Map(mapped.values.map((own) => [own.shard, own]));
    shards = shards.map((own) => byShard.get(own.shard) ?? own);
  }
  const parts = partsOf(shards.reduce((sum, { fresh }) => sum + fresh, 0));
  const settling = Array.from({ length: parts }, (_, part) => ({ ...ref, part, parts }));
  const settled = yield* inWaves(context, ACTIVITY.settleWhatIf, settling);
  if (settled.kind !== "done") return settled;
  const tallied = yield* inWaves(
    context,
    ACTIVITY.tallyWhatIf,
    shards.map(({ shard }) => ({ ...ref, shard, parts })),
  );
  if (tallied.kind !== "done") return tallied;
  const { kind } = yield* once(context, ACTIVITY.finishWhatIf, ref);
  return { kind };
};

/** New values that one activity compares at once. */
const VALUES_AT_ONCE = 50_000;

function partsOf(fresh: number): number {
  return Math.max(1, Math.ceil(fresh / VALUES_AT_ONCE));
}
