/**
 * What a mapping says that has no effect here, or another one than somebody may expect. Told by the check and when the
 * schema is compiled; nothing of it keeps a job from starting.
 */

import type { AttributeMapping } from "../synchronization-schema.ts";
import type { TargetEntry, TargetProperty, TargetTable } from "../target-table.ts";
import type { MappingFailure } from "./mappings.ts";

export function warningsOf(mapping: AttributeMapping, entry: TargetEntry | undefined): MappingFailure[] {
  const attribute = mapping.targetAttributeName ?? "";
  const warnings: MappingFailure[] = [];
  const warn = (code: string, message: string, remedy: string) => warnings.push({ code, attribute, message, remedy });
  if ((mapping.matchingPriority ?? 0) > 0 && entry?.matchedAs === undefined) {
    const message = `${attribute} has a matching priority, and objects of this target are not looked for by it.`;
    warn("matching-priority", message, "Set its priority to 0: the target decides what it is searched by.");
  }
  if (mapping.exportMissingReferences) {
    const message = `${attribute} asks for references to objects that aren't in the target; they wait until those appear.`;
    warn("export-missing-references", message, "Nothing: leave it false to be rid of this warning.");
  }
  if (!entry || "notSettable" in entry) return warnings;
  const isReference = entry.type === "reference";
  if (isReference && mapping.flowBehavior === "FlowAlways")
    warn("flow-behavior", `${attribute} is a reference, which is sent when it changes.`, "Use FlowWhenChanged.");
  if (isReference && mapping.defaultValue)
    warn("default-value", `${attribute} is a reference, which has no default value.`, "Leave the default value out.");
  if (mapping.flowType === "MultiValueAddOnly" && !takesSeveral(entry)) {
    const message = `${attribute} takes one value: MultiValueAddOnly gives it one where it has none, as AttributeAddOnly does.`;
    warn("flow-type", message, "Use AttributeAddOnly, or ValueAddOnly for a value that is replaced and never cleared.");
  }
  return warnings;
}

/** Whether the priorities name another order than the one in which objects are looked for. */
export function warningOfOrder(mappings: readonly AttributeMapping[], target: TargetTable): MappingFailure[] {
  const matched = mappings.flatMap(({ targetAttributeName, matchingPriority }) => {
    const name = targetAttributeName ?? "";
    const at = target.get(name)?.matchedAs;
    return at === undefined || (matchingPriority ?? 0) <= 0 ? [] : [{ name, at, priority: matchingPriority ?? 0 }];
  });
  const asked = [...matched].sort((one, other) => one.priority - other.priority || one.at - other.at);
  const real = [...matched].sort((one, other) => one.at - other.at);
  const at = asked.findIndex((own, index) => own !== real[index]);
  const first = asked[at];
  if (!first) return [];
  const order = real.map((own) => own.name).join(", then ");
  return [
    {
      code: "matching-priority",
      attribute: first.name,
      message: `The matching priorities name another order than the target's own: objects are looked for by ${order}.`,
      remedy: "Number the priorities in that order.",
    },
  ];
}

function takesSeveral(entry: TargetProperty): boolean {
  return entry.isList === true || (entry.type === "list" && entry.maximumItems !== 1);
}
