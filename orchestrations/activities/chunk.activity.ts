/** Activities that work chunks: plan, map, export. */
import type { ExportChunk } from "../../shared/application/export/export-chunk.ts";
import type { PlanChunks } from "../../shared/application/lanes/plan-chunks.ts";
import type { MapChunk } from "../../shared/application/mapping/map-chunk.ts";
import { type Answer, BatchRef, ChunkRefInput, WorkRef } from "../../shared/contracts/orchestration.ts";
import { ACTIVITY } from "../names.ts";
import { type Activity, type ActivityDeps, activity } from "./answer.ts";

export function chunkActivities(
  deps: ActivityDeps & {
    readonly planChunks: PlanChunks;
    readonly mapChunk: MapChunk;
    readonly exportChunk: ExportChunk;
  },
): Record<string, Activity> {
  const exportOne = activity(deps, ChunkRefInput, deps.exportChunk);
  return {
    [ACTIVITY.planChunks]: activity(deps, BatchRef, ({ readNo, sequence, ...run }) =>
      deps.planChunks.batch(run, readNo, sequence),
    ),
    [ACTIVITY.planWork]: activity(deps, WorkRef, ({ workId, ...run }) => deps.planChunks.work(run, workId)),
    [ACTIVITY.mapChunk]: activity(deps, ChunkRefInput, deps.mapChunk),
    [ACTIVITY.exportChunk]: async (input) => patient(await exportOne(input)),
  };
}

/** A chunk that the target throttled is not done: nobody sleeps in an activity. */
function patient(answer: Answer<unknown>): Answer<unknown> {
  if (answer.kind !== "done") return answer;
  const { done, notBefore } = answer.value as Awaited<ReturnType<ExportChunk>>;
  return done ? answer : { kind: "wait", notBefore: notBefore ?? 0, reason: "throttled" };
}
