/** What one object's plan takes away, by the classes of the guard. */
import { propertyNames } from "../../domain/doubt.ts";
import { REMOVAL_CLASSES, type RemovalClass } from "../../domain/plan.ts";
import { differenceOf } from "../../domain/target-value.ts";
import type { PlannedObject } from "../lanes/chunk-files.ts";

/** Those that it carries out, and those that it waits for. */
export function removesOf({ action, waiting }: Pick<PlannedObject, "action" | "waiting">): RemovalClass[] {
  const values = action.kind === "update" ? action.values : {};
  const done: Readonly<Record<RemovalClass, boolean>> = {
    deletes: action.kind === "delete",
    disables: values["accountEnabled"] === false,
    blanks: differenceOf({}, values, propertyNames(values)).blanked.length > 0,
  };
  return REMOVAL_CLASSES.filter((name) => done[name] || waiting.includes(name));
}
