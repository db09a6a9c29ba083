/** Objects of the memory target as a projection of the directory names them. */
import type { MemoryTargetDirectory } from "../../shared/adapters/memory/target-directory.ts";
import type { MemoryObject } from "../../shared/adapters/memory/target-object.ts";
import { type Expected, type ExpectedGroup, groupKey } from "./directory.ts";

/** What a reader of the target sees of an object, by the names of the source. */
export function shownOf(target: MemoryTargetDirectory, { id, type, values }: MemoryObject): Expected | ExpectedGroup {
  const named = (other: string) => {
    const object = target.object(other);
    return object ? keyOf(object) : other;
  };
  if (type === "group") {
    const members = target.membersOf(id).map(named).sort();
    return { description: values["description"] as string | undefined, members };
  }
  const { userPrincipalName, displayName, department, accountEnabled, manager } = values;
  return {
    userPrincipalName: String(userPrincipalName),
    displayName: String(displayName),
    department: department as string | undefined,
    accountEnabled: accountEnabled === true,
    manager: typeof manager === "string" ? named(manager) : undefined,
  };
}

/** What is given to one object for life. */
export function anchorOf({ values }: MemoryObject): string {
  return String(values["uniqueName"] ?? values["onPremisesImmutableId"]);
}

export function keyOf({ type, values }: MemoryObject): string {
  return type === "group" ? groupKey(String(values["displayName"])) : String(values["onPremisesImmutableId"]);
}

export function byKey([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : 1;
}
