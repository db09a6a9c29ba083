/** Activities that work links: fold, plan, export. */
import type { ExportLinks } from "../../shared/application/members/export-links.ts";
import type { FoldLinks } from "../../shared/application/members/fold-links.ts";
import type { PlanLinks } from "../../shared/application/members/plan-links.ts";
import { type Answer, BatchRef, DecideInput, LinkChunkRefInput } from "../../shared/contracts/orchestration.ts";
import { ACTIVITY } from "../names.ts";
import { type Activity, type ActivityDeps, activity } from "./answer.ts";

export function linkActivities(
  deps: ActivityDeps & {
    readonly foldLinks: FoldLinks;
    readonly planLinks: PlanLinks;
    readonly exportLinks: ExportLinks;
  },
): Record<string, Activity> {
  const exportOne = activity(deps, LinkChunkRefInput, deps.exportLinks);
  return {
    [ACTIVITY.foldLinks]: activity(deps, BatchRef, ({ readNo, sequence, ...run }) =>
      deps.foldLinks(run, readNo, sequence),
    ),
    [ACTIVITY.planLinks]: activity(deps, DecideInput, (input) => {
      const { jobId, lane, epoch } = input;
      const of = "workId" in input ? { workId: input.workId } : { readNo: input.readNo };
      return deps.planLinks({ jobId, lane, epoch }, of);
    }),
    [ACTIVITY.exportLinks]: async (input) => patient(await exportOne(input)),
  };
}

/** A chunk that the target throttled is not done: nobody sleeps in an activity. */
function patient(answer: Answer<unknown>): Answer<unknown> {
  if (answer.kind !== "done") return answer;
  const { done, notBefore } = answer.value as Awaited<ReturnType<ExportLinks>>;
  return done ? answer : { kind: "wait", notBefore: notBefore ?? 0, reason: "throttled" };
}
