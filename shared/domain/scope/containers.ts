/**
 * The units that a rule of a schema names by distinguished name (`containerFilter`), as a condition of each of its
 * object mappings.
 *
 * The condition stands among the input filter's: it keeps out who is elsewhere and removes nobody. A name tells nothing of
 * a unit that was renamed, and everybody below would seem to have left it. Who is to go when he leaves a unit is told by
 * objectGUID (`IS_DESCENDANT_OF`), which isn't done here.
 */

import type {
  ObjectMapping,
  ScopeFilterClause,
  ScopeFilterGroup,
  SynchronizationRule,
} from "../synchronization-schema.ts";

/** The units' distinguished names; empty: the rule is for the whole directory. */
export function containersOf({ containerFilter }: SynchronizationRule): readonly string[] {
  return containerFilter?.includedContainers ?? [];
}

/**
 * The mapping with its rule's units in the scope: each group of the input filter once for every unit, with one clause
 * more. The mapping itself where the rule names none.
 */
export function withinContainers(mapping: ObjectMapping, rule: SynchronizationRule): ObjectMapping {
  const clauses = containersOf(rule).map(
    (container): ScopeFilterClause => ({
      sourceOperandName: "distinguishedName",
      operatorName: "ENDS_WITH",
      targetOperand: { values: [container] },
    }),
  );
  if (clauses.length === 0) return mapping;
  const own = mapping.scope?.inputFilterGroups ?? [];
  const inputFilterGroups =
    own.length === 0
      ? clauses.map((clause, at): ScopeFilterGroup => ({ name: `container ${at + 1}`, clauses: [clause] }))
      : own.flatMap((group, index) => clauses.map((clause, at) => withClause(group, index, clause, at)));
  return { ...mapping, scope: { ...mapping.scope, inputFilterGroups } };
}

/** The name goes on as it began: that of a group that excludes says how its clauses take an absent value. */
function withClause(group: ScopeFilterGroup, index: number, clause: ScopeFilterClause, at: number): ScopeFilterGroup {
  const name = `${group.name || `input group ${index + 1}`}.${at + 1}.container`;
  return { ...group, name, clauses: [...(group.clauses ?? []), clause] };
}
