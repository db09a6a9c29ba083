/**
 * The units and groups that a whole rule names, by distinguished name. Units are carried out, and the warning says how far
 * that goes. Groups can't be: who is a member isn't told by a name, and without the condition everybody would come.
 */

import { containersOf } from "../scope/containers.ts";
import type { SynchronizationRule } from "../synchronization-schema.ts";
import type { Reporter } from "./finding.ts";

export function checkRuleFilters(rule: SynchronizationRule, path: string, report: Reporter): void {
  const name = rule.name || path;
  const containers = containersOf(rule);
  const strange = containers.filter((container) => !container.includes("="));
  if (strange.length > 0) {
    report.error({
      code: "container-filter",
      message: `Rule ${name} has ${strange.map((one) => `'${one}'`).join(", ")} in its containerFilter, which is no distinguished name.`,
      remedy: "Write it as OU=Sales,DC=corp,DC=example, or remove it.",
      path: `${path}.containerFilter`,
    });
  } else if (containers.length > 0) {
    report.warn({
      code: "container-filter",
      message: `Rule ${name} names ${containers.length === 1 ? "a unit" : `${containers.length} units`} by distinguished name (containerFilter). That keeps out who is elsewhere and lets nobody go: who leaves stays in the target as he was, and where a unit is renamed nobody new comes.`,
      remedy:
        "To have removed who leaves, and renames followed, name units by objectGUID: IS_DESCENDANT_OF in the object mappings' scope.groups, or uplink job scope. Then empty containerFilter.",
      path: `${path}.containerFilter`,
    });
  }
  const groups = rule.groupFilter?.includedGroups ?? [];
  if (groups.length > 0) {
    report.error({
      code: "group-filter",
      message: `Rule ${name} names ${groups.length === 1 ? "a group" : `${groups.length} groups`} by distinguished name (groupFilter). Who is a member can't be told by that here, so everybody would be taken in.`,
      remedy:
        "Name groups by objectGUID: IS_MEMBER_OF in the object mappings' scope.groups, or uplink job scope. Then empty groupFilter.",
      path: `${path}.groupFilter`,
    });
  }
}
