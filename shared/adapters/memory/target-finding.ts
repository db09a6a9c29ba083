/** Which objects of the memory target answer a query, and how they look to the engine. */

import type { TargetValue } from "../../domain/target-value.ts";
import { normalUpn } from "../../domain/values.ts";
import type { TargetObject, TargetQuery, TargetState } from "../../ports/target-directory.ts";
import type { MemoryObject } from "./target-object.ts";

export function answers(object: MemoryObject, query: TargetQuery): boolean {
  if (query.value === "") return false;
  switch (query.by) {
    case "id":
      return object.id === query.value.toLowerCase() && object.type === (query.type ?? "user");
    case "uniqueName":
    case "deletedUniqueName": {
      const isWanted = object.deleted === (query.by === "deletedUniqueName") && object.type === "group";
      return isWanted && textOf(object, "uniqueName").toLowerCase() === query.value.toLowerCase();
    }
    case "immutableId":
      return !object.deleted && textOf(object, "onPremisesImmutableId") === query.value;
    case "deletedImmutableId":
      return object.deleted && textOf(object, "onPremisesImmutableId") === query.value;
    case "userPrincipalName":
    case "mail":
      if (object.deleted || object.type !== "user") return false;
      return normalUpn(textOf(object, query.by)) === normalUpn(query.value);
  }
}

export function toTargetObject(object: MemoryObject): TargetObject {
  const text = (name: string, as: string) => (textOf(object, name) === "" ? {} : { [as]: textOf(object, name) });
  const enabled = object.values["accountEnabled"];
  return {
    id: object.id,
    type: object.type,
    ...text("userPrincipalName", "userPrincipalName"),
    ...text("mail", "mail"),
    ...text("displayName", "displayName"),
    ...text("onPremisesImmutableId", "immutableId"),
    ...text("uniqueName", "uniqueName"),
    ...(typeof enabled === "boolean" ? { accountEnabled: enabled } : {}),
    synchronized: object.synchronized,
    deleted: object.deleted,
  };
}

/** A deleted one without values, as the port has it. */
export function toTargetState(object: MemoryObject, properties: readonly string[]): TargetState {
  const held = properties.flatMap((name): [string, TargetValue][] => {
    const value = object.values[name];
    const isEmpty =
      value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);
    return isEmpty ? [] : [[name, value]];
  });
  return { ...toTargetObject(object), values: object.deleted ? {} : Object.fromEntries(held) };
}

export function textOf(object: MemoryObject, name: string): string {
  const value = object.values[name];
  return typeof value === "string" ? value : "";
}
