/**
 * What is done with a target object that a source object turned out to be: found as it was planned, or met by a create
 * that was refused for it. Pure.
 */
import { flowingToTakenOver, keptByTakenOver, NO_RULES } from "../../domain/attribute-flow/flow-types.ts";
import { ALL_FLOWS, filteredBySwitch } from "../../domain/object-flows.ts";
import { type RemovalClass, withoutNulls } from "../../domain/plan.ts";
import { type TargetValues, withoutProperties } from "../../domain/target-value.ts";
import type { PlannedObject } from "../lanes/chunk-files.ts";
import type { Evaluation, JobMapping } from "../mapping/job-mapping.ts";
import type { MatchAnswer } from "./match-candidates.ts";
import { withClaims } from "./object-claims.ts";

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

/** What the flow types leave to an object that a create met: properties that it keeps, or everything. */
export function leftToWhomItMet(
  { record, creationOnly = [] }: PlannedObject,
  mapping: Pick<JobMapping, "flowsOf" | "rulesOf">,
): { readonly keeps: readonly string[]; readonly isLeftAlone: boolean } {
  const { updates } = mapping.flowsOf(record.objectClass) ?? ALL_FLOWS;
  const rules = mapping.rulesOf(record.objectClass) ?? NO_RULES;
  return { keeps: [...creationOnly, ...keptByTakenOver(rules)], isLeftAlone: !updates };
}

/**
 * The create of an object that met one which may not be taken over: nothing is done, and nothing is claimed for it. Told once,
 * though every full read may try it again.
 */
export function leftAlone(planned: PlannedObject): PlannedObject {
  const { references: _, resendsReferences: __, members: ___, memberGuids: ____, lacks: _____, ...rest } = planned;
  return {
    ...rest,
    record: withClaims(planned.record, []),
    abandoned: [...planned.abandoned, ...(planned.record.claims ?? [])],
    action: { kind: "none" },
    waiting: [],
    warnings: [],
    outcome: "filtered",
    switchedOff: "Update",
    filteredBy: filteredBySwitch("Update"),
    scopeChanged: planned.record.last?.leftAlone !== true,
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
