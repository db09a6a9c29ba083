/**
 * The exclusion list at the last moment: objects that were planned before they, or what they were about to take over, came on
 * it. Nothing is sent for them; they end as if they had been on it when they were planned. Pure.
 */
import type { PlannedObject } from "../lanes/chunk-files.ts";
import { EXCLUDED, EXCLUDED_SCOPE, type Excluded, targetExcluded } from "./excluded.ts";

export function withheld(planned: readonly PlannedObject[], excluded: Excluded): readonly PlannedObject[] {
  return planned.map((own) => {
    if (own.isSuperseded || own.filteredBy === EXCLUDED) return own;
    const { action, record } = own;
    if (excluded(own.objectGuid) || excluded(record.link?.targetId)) {
      const { failure: _, ...rest } = without(own);
      const scope = EXCLUDED_SCOPE;
      const marked = { isChanged: true, scopeChanged: true, scope, filteredBy: EXCLUDED };
      return { ...rest, ...marked, record: { ...record, scope }, outcome: "filtered" };
    }
    if (!("targetId" in action) || !excluded(action.targetId)) return own;
    const failure = targetExcluded(`Target object ${action.targetId} is on the exclusion list.`);
    return { ...without(own), isChanged: true, outcome: "escrowed", failure };
  });
}

/** Nothing is done for it, and nothing waits. */
function without(planned: PlannedObject): PlannedObject {
  const { references: _, resendsReferences: __, lacks: ___, switchedOff: ____, ...rest } = planned;
  return { ...rest, action: { kind: "none" }, waiting: [], warnings: [] };
}
