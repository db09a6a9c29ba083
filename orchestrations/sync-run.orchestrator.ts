/**
 * One run of a lane: take the next step, do it, continue as new. It ends when nothing is left, and takes the newest code
 * because every run is a new instance.
 */
import type { OrchestrationContext, OrchestrationHandler, Task } from "durable-functions";
import type { NextStep, StepResult, SyncRunState } from "../shared/contracts/orchestration.ts";
import { ACTIVITY, ORCHESTRATOR, partId } from "./names.ts";
import { once, type Patient } from "./patience.ts";
import { replaySafeLog } from "./replay-safe-log.ts";

export const syncRun: OrchestrationHandler = function* (
  context: OrchestrationContext,
): Generator<Task, string, unknown> {
  const input = context.df.getInput<SyncRunState>();
  const run: SyncRunState = { ...input, turn: input.turn ?? 0 };
  const ref = { jobId: run.jobId, lane: run.lane, epoch: run.epoch };
  const next: Patient<NextStep> = yield* once<NextStep>(context, ACTIVITY.nextBatch, ref);
  if (next.kind === "fenced") return "superseded";
  const [step] = next.kind === "done" ? next.values : [];
  if (step?.kind === "idle" || step?.kind === "paused" || step?.kind === "superseded") return step.kind;
  if (step) {
    try {
      const result = yield* take(context, run, step);
      if (result.kind === "fenced") return "superseded";
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      replaySafeLog(context).warn("run-step-failed", { step: step.kind, message });
      yield* once(context, ACTIVITY.noteFailure, {
        ...ref,
        step: JSON.stringify(step),
        message: message.slice(0, 1_000),
      });
    }
  }
  context.df.continueAsNew({ ...ref, turn: run.turn + 1 });
  return "continued";
};

function* take(context: OrchestrationContext, run: SyncRunState, step: NextStep): Generator<Task, StepResult, unknown> {
  const ref = { jobId: run.jobId, lane: run.lane, epoch: run.epoch };
  switch (step.kind) {
    case "prepare": {
      const { kind } = yield* once(context, ACTIVITY.prepareTarget, ref);
      return { kind };
    }
    case "batch":
      return (yield context.df.callSubOrchestrator(
        ORCHESTRATOR.processBatch,
        { ...ref, readNo: step.readNo, sequence: step.sequence },
        partId("batch", run),
      )) as StepResult;
    case "read-end":
      return (yield context.df.callSubOrchestrator(
        ORCHESTRATOR.readEnd,
        { ...ref, readNo: step.readNo },
        partId("end", run),
      )) as StepResult;
    case "work":
      return (yield context.df.callSubOrchestrator(
        ORCHESTRATOR.processWork,
        { ...ref, workId: step.workId },
        partId("work", run),
      )) as StepResult;
    case "whatif":
      return (yield context.df.callSubOrchestrator(
        ORCHESTRATOR.whatIf,
        { ...ref, workId: step.workId },
        partId("whatif", run),
      )) as StepResult;
    case "reconcile":
      return (yield context.df.callSubOrchestrator(
        ORCHESTRATOR.reconcile,
        { ...ref, workId: step.workId },
        partId("reconcile", run),
      )) as StepResult;
    default:
      return { kind: "done" };
  }
}
