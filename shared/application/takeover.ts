/** What is done with a target object that a source object turned out to be. Pure. */
import { flowingToTakenOver } from "../domain/attribute-flow/flow-types.ts";
import { type RemovalClass, withoutNulls } from "../domain/plan.ts";
import { type TargetValues, withoutProperties } from "../domain/target-value.ts";
import type { PlannedObject } from "./chunk-files.ts";
import type { Evaluation } from "./job-mapping.ts";
import type { MatchAnswer } from "./match-candidates.ts";

/** The action for a target object that this source object turned out to be. */
export function takeover(
  match: Extract<MatchAnswer, { targetId: string }>,
  evaluation: Extract<Evaluation, { kind: "present" }>,
  allow: readonly RemovalClass[],
): Pick<PlannedObject, "action" | "waiting" | "outcome" | "matchedBy"> {
  const { rules } = evaluation;
  const given = withoutNulls(evaluation.values);
  const mayFlow = rules ? flowingToTakenOver(given, rules) : given;
  const all = withoutProperties(mayFlow, evaluation.creationOnly);
  const waiting = match.restore ? [] : disablesOf(all, match.accountEnabled, allow);
  const values = waiting.length > 0 ? withoutProperties(all, ["accountEnabled"]) : all;
  const { targetId, by } = match;
  return {
    action: { kind: match.restore ? "restore" : "adopt", targetId, values },
    waiting,
    outcome: "exported",
    matchedBy: by,
  };
}

/** Taking over an account must not disable it past the guard: that waits for the end of the read, like every disable. */
export function disablesOf(
  values: TargetValues,
  enabledNow: boolean | undefined,
  allow: readonly RemovalClass[],
): RemovalClass[] {
  const isDisable = values["accountEnabled"] === false && enabledNow !== false;
  return isDisable && !allow.includes("disables") ? ["disables"] : [];
}
