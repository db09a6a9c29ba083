/**
 * The links of a cycle, after its removals: plan what to look at, map again whose references can be bound now, then bring
 * memberships to the target.
 */
import type { OrchestrationContext, Task } from "durable-functions";
import type { StepResult } from "../shared/contracts/orchestration.ts";
import { ACTIVITY } from "./names.ts";
import { inWaves, once } from "./patience.ts";
import { type Chunks, workChunks } from "./work-chunks.orchestrator.ts";

interface PlannedLinks {
  readonly refs: Chunks;
  readonly linksId: string;
  readonly links: number;
}

type End = {
  readonly jobId: string;
  readonly lane: string;
  readonly epoch: number;
} & ({ readonly readNo: number } | { readonly workId: string });

export function* exportLinks(context: OrchestrationContext, end: End): Generator<Task, StepResult, unknown> {
  const { jobId, lane, epoch } = end;
  const planned = yield* once<PlannedLinks>(context, ACTIVITY.planLinks, end);
  if (planned.kind !== "done") return planned;
  const [plan] = planned.values;
  if (!plan) return { kind: "done" };
  const worked = yield* workChunks(context, end, plan.refs);
  if (worked.kind !== "done") return worked;
  const chunks = Array.from({ length: plan.links }, (_, chunk) => ({
    jobId,
    lane,
    epoch,
    linksId: plan.linksId,
    chunk,
  }));
  const { kind } = yield* inWaves(context, ACTIVITY.exportLinks, chunks);
  return { kind };
}
