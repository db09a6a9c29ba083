/**
 * What a schema says of whole objects: which mapping a source class goes by, and which of creations, updates and
 * deletions are switched on for it (`flowTypes`, written by Graph as "Add, Update, Delete").
 *
 * A class has one mapping: the first that is enabled and whose target object the target can hold; without one the first
 * enabled, whose objects are then said to have no place. A class whose mappings are all disabled is skipped, as if it had
 * none: nothing of it is read, written or removed. The units that a rule names are a part of its mappings' scopes.
 */

import { ACTIVE_DIRECTORY } from "./active-directory.ts";
import { withinContainers } from "./scope/containers.ts";
import type { ObjectMapping, SynchronizationSchema } from "./synchronization-schema.ts";
import type { TargetObjects, TargetTable, TargetType } from "./target-table.ts";

/** What may be done in the target for the objects of a class. */
export interface ObjectFlows {
  /** New target objects, and deleted ones brought back. */
  readonly adds: boolean;
  /** Changes of target objects that are there: disables, blanks and memberships too, and taking one over. */
  readonly updates: boolean;
  readonly deletes: boolean;
}

export const ALL_FLOWS: ObjectFlows = { adds: true, updates: true, deletes: true };

/** What was left undone because it is switched off. */
export type SwitchedOff = "Add" | "Update" | "Delete";

/** `unknown`: words that are no flow type. Nothing said at all means all three. */
export function objectFlowsOf(flowTypes: string | null | undefined): {
  readonly flows: ObjectFlows;
  readonly unknown: readonly string[];
} {
  const words = (flowTypes ?? "").split(",").flatMap((word) => word.trim() || []);
  if (words.length === 0) return { flows: ALL_FLOWS, unknown: [] };
  const has = (name: string) => words.some((word) => word.toLowerCase() === name);
  const known = ["add", "update", "delete", "none"];
  return {
    flows: { adds: has("add"), updates: has("update"), deletes: has("delete") },
    unknown: words.filter((word) => !known.includes(word.toLowerCase())),
  };
}

/** The same as a log names it. */
export function filteredBySwitch(what: SwitchedOff): string {
  return `${what.toLowerCase()}-switched-off`;
}

/** In words, for whoever reads the log. */
export function explainSwitchedOff(what: SwitchedOff, objectClass: string): string {
  const undone = {
    Add: "no target object is made or brought back",
    Update: "the target object stays as it is",
    Delete: "the target object stays",
  }[what];
  return `The mapping of ${objectClass} has ${what} switched off (flowTypes): ${undone}.`;
}

/** How a class is mapped; without `holds`: to something that the target can't hold. */
export interface ChosenMapping {
  /** With the units of its rule in the scope. */
  readonly mapping: ObjectMapping;
  readonly targetName: string;
  readonly holds?: { readonly type: TargetType; readonly table: TargetTable };
}

export interface ChosenMappings {
  /** By source class. */
  readonly byClass: ReadonlyMap<string, ChosenMapping>;
  /**
   * Enabled, and never used: another mapping of the same class goes first. `clashes`: the target could hold it too. As
   * the schema has them.
   */
  readonly unused: readonly { readonly mapping: ObjectMapping; readonly clashes: boolean }[];
}

/** In the directory's own spelling: names of classes have no case there, and rows are found by them. */
function classNamed(name: string): string {
  return ACTIVE_DIRECTORY.get(name.toLowerCase())?.name ?? name;
}

export function chooseMappings(schema: SynchronizationSchema, target: TargetObjects): ChosenMappings {
  const enabled = schema.synchronizationRules
    .flatMap((rule) => rule.objectMappings.map((mapping) => ({ mapping, rule })))
    .filter(({ mapping }) => mapping.sourceObjectName && mapping.enabled !== false);
  const byClass = new Map<string, ChosenMapping>();
  const used = new Map<string, ObjectMapping>();
  for (const { mapping, rule } of enabled) {
    const name = classNamed(mapping.sourceObjectName ?? "");
    const targetName = mapping.targetObjectName ?? "User";
    const holds = target.get(targetName);
    const chosen = byClass.get(name);
    if (chosen && (chosen.holds || !holds)) continue;
    byClass.set(name, { mapping: withinContainers(mapping, rule), targetName, ...(holds ? { holds } : {}) });
    used.set(name, mapping);
  }
  const first = new Set(used.values());
  const unused = enabled
    .filter(({ mapping }) => !first.has(mapping))
    .map(({ mapping }) => ({ mapping, clashes: target.has(mapping.targetObjectName ?? "User") }));
  return { byClass, unused };
}
