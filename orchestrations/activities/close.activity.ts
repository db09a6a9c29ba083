/** Activities that close: batches, reads and work. */
import type { Commit } from "../../shared/application/cycles/commit-batch.ts";
import type { ReadEnd } from "../../shared/application/cycles/read-end.ts";
import {
  CommitBatchInput,
  DecideInput,
  FindAbsencesInput,
  ReadRef,
  WorkRef,
} from "../../shared/contracts/orchestration.ts";
import { ACTIVITY } from "../names.ts";
import { type Activity, type ActivityDeps, activity } from "./answer.ts";

export function closeActivities(
  deps: ActivityDeps & { readonly commit: Commit; readonly readEnd: ReadEnd },
): Record<string, Activity> {
  return {
    [ACTIVITY.commitBatch]: activity(deps, CommitBatchInput, async ({ readNo, sequence, chunks, ...run }) =>
      deps.commit.batch(run, readNo, sequence, chunks),
    ),
    [ACTIVITY.beginReadEnd]: activity(deps, ReadRef, ({ readNo, ...run }) => deps.readEnd.begin(run, readNo)),
    [ACTIVITY.findAbsences]: activity(deps, FindAbsencesInput, ({ readNo, shards, ...run }) =>
      deps.readEnd.findAbsences(run, readNo, shards),
    ),
    [ACTIVITY.decideRemovals]: activity(deps, DecideInput, async (input) => {
      const { jobId, lane, epoch } = input;
      const { batchId, chunks } = await deps.readEnd.decide(
        { jobId, lane, epoch },
        "workId" in input ? { workId: input.workId } : { readNo: input.readNo },
      );
      return { batchId, chunks };
    }),
    [ACTIVITY.commitCycle]: activity(deps, ReadRef, async ({ readNo, ...run }) => {
      const cycle = await deps.commit.cycle(run, readNo);
      return { received: cycle.received, outcomes: cycle.outcomes };
    }),
    [ACTIVITY.commitWork]: activity(deps, WorkRef, ({ workId, ...run }) => deps.commit.work(run, workId)),
  };
}
