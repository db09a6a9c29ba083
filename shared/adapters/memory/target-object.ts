/** An object of the memory target, and the failures that it answers with. */

import type { FailureCode } from "../../domain/failure-codes.ts";
import type { TargetValues } from "../../domain/target-value.ts";
import type { TargetAction, TargetFailure, TargetObjectType } from "../../ports/target-directory.ts";

export interface MemoryObject {
  readonly id: string;
  readonly type: TargetObjectType;
  readonly values: TargetValues;
  readonly synchronized: boolean;
  readonly privileged: boolean;
  readonly deleted: boolean;
}

export function failure(
  action: TargetAction,
  code: FailureCode,
  why: string,
  more: Partial<TargetFailure> = {},
): TargetFailure {
  const message = `Cannot ${action.kind} ${action.type} ${action.key}: ${why}`;
  return { code, message, remedy: "See the test that ordered it.", retriable: false, ...more };
}

/** A unique value that another object has. */
export function conflictFailure(action: TargetAction, property: string): TargetFailure {
  const isTwin = property === "onPremisesImmutableId" || property === "uniqueName";
  const code = isTwin ? "EntryConflict" : "AttributeValueMustBeUnique";
  return failure(action, code, `another object has the same ${property}`, { properties: [property], status: 400 });
}

export function rightsFailure(action: TargetAction, properties: readonly string[]): TargetFailure {
  const named = properties.length > 0 ? { properties } : {};
  return failure(action, "InsufficientRights", "the object holds a directory role", { status: 403, ...named });
}

/** A reference to something that isn't there. */
export function unboundFailure(action: TargetAction, property: string): TargetFailure {
  const more = { retriable: true, properties: [property], status: 400 };
  return failure(action, "UnableToResolveReferenceAttributeValue", `${property} can't be bound`, more);
}
