/** Activities of a run: the next step, the target's existing objects, and the note of a step that failed. */
import type { NextBatch } from "../../shared/application/lanes/next-batch.ts";
import type { NoteFailure } from "../../shared/application/lanes/note-failure.ts";
import type { PrepareTarget } from "../../shared/application/matching/prepare-target.ts";
import { FailureInput, type NextStep, SyncRunRef } from "../../shared/contracts/orchestration.ts";
import { ACTIVITY } from "../names.ts";
import { type Activity, type ActivityDeps, activity } from "./answer.ts";

export function runActivities(
  deps: ActivityDeps & {
    readonly nextBatch: NextBatch;
    readonly prepareTarget: PrepareTarget;
    readonly noteFailure: NoteFailure;
  },
): Record<string, Activity> {
  return {
    [ACTIVITY.nextBatch]: activity(deps, SyncRunRef, deps.nextBatch),
    [ACTIVITY.prepareTarget]: activity(deps, SyncRunRef, deps.prepareTarget),
    [ACTIVITY.noteFailure]: activity(deps, FailureInput, ({ step, message, ...run }) =>
      deps.noteFailure(run, JSON.parse(step) as NextStep, message),
    ),
  };
}
