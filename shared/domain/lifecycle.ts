/**
 * What becomes of a target object whose source object ended: deleted, disabled, or kept as it is.
 *
 * A tombstone deletes. Whoever exists and left the scope, or is missing from a complete full read (he may have moved where
 * the agent doesn't look), goes by the job's setting. A group can't be disabled: it is kept, for deleting it is what the
 * setting was chosen to avoid. Pure.
 */

import type { ObjectFlows } from "./object-flows.ts";
import type { ObjectState } from "./object-record.ts";
import type { RemovalClass } from "./plan.ts";
import type { TargetType } from "./target-table.ts";

export type Fate = "delete" | "disable" | "keep";

/** `state` live: out of scope by the job's own filters. */
export function fateOf(outOfScope: Fate | undefined, state: ObjectState, type: TargetType | undefined): Fate {
  if (state === "deleted" || outOfScope === undefined) return "delete";
  return outOfScope === "disable" && type === "group" ? "keep" : outOfScope;
}

/** For how long a deletion waits, in milliseconds: of groups only, where the target can't restore them. */
export function deleteDelayMs(groupDays: number | undefined, type: TargetType | undefined): number {
  return type === "group" ? (groupDays ?? 0) * 86_400_000 : 0;
}

/** The class of removal that it takes, where that isn't done already or switched off. */
export function removalOf(fate: Fate, flows: ObjectFlows, isDisabled: boolean): RemovalClass | undefined {
  if (fate === "keep") return undefined;
  if (fate === "delete") return flows.deletes ? "deletes" : undefined;
  return flows.updates && !isDisabled ? "disables" : undefined;
}
