/** The one activity of a reconcile: its next step. */
import type { Reconcile } from "../../shared/application/reconcile/reconcile.ts";
import { WorkRef } from "../../shared/contracts/orchestration.ts";
import { ACTIVITY } from "../names.ts";
import { type Activity, type ActivityDeps, activity } from "./answer.ts";

export function reconcileActivities(deps: ActivityDeps & { readonly reconcile: Reconcile }): Record<string, Activity> {
  return {
    [ACTIVITY.reconcileStep]: activity(deps, WorkRef, ({ workId, ...run }) => deps.reconcile.step(run, workId)),
  };
}
