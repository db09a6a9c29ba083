/** Activities of a what-if: begin, try slices, settle what they want of each other, tally, finish. */
import type { RunWhatIf } from "../../shared/application/what-if/run-what-if.ts";
import { SettleInput, SliceInput, TallyInput, WorkRef } from "../../shared/contracts/orchestration.ts";
import { ACTIVITY } from "../names.ts";
import { type Activity, type ActivityDeps, activity } from "./answer.ts";

export function whatIfActivities(deps: ActivityDeps & { readonly runWhatIf: RunWhatIf }): Record<string, Activity> {
  const { runWhatIf } = deps;
  return {
    [ACTIVITY.beginWhatIf]: activity(deps, WorkRef, ({ workId, ...run }) => runWhatIf.begin(run, workId)),
    [ACTIVITY.mapWhatIf]: activity(deps, SliceInput, ({ workId, start, ...run }) => runWhatIf.map(run, workId, start)),
    [ACTIVITY.settleWhatIf]: activity(deps, SettleInput, ({ workId, part, parts, ...run }) =>
      runWhatIf.settle(run, workId, part, parts),
    ),
    [ACTIVITY.tallyWhatIf]: activity(deps, TallyInput, ({ workId, shard, parts, ...run }) =>
      runWhatIf.tally(run, workId, shard, parts),
    ),
    [ACTIVITY.finishWhatIf]: activity(deps, WorkRef, ({ workId, ...run }) => runWhatIf.finish(run, workId)),
  };
}
