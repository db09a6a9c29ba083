/**
 * What a target object holds against what was exported for it, property by property.
 *
 * Only what was exported is compared (and what an admin let the target keep, which is then expected); nested properties by
 * key. Values are the same by the target's own rules: names and addresses in any case, lists in any order. What is in
 * doubt is no drift: it is sent again anyway.
 */
import type { Link } from "./object-record.ts";
import { isNested, type TargetScalar, type TargetValue, type TargetValues } from "./target-value.ts";
import { sameUpn } from "./values.ts";

export interface Drift {
  /** `property`, or `property.key`. */
  readonly property: string;
  /** Null: none. */
  readonly expected: TargetScalar;
  readonly actual: TargetScalar;
}

/** Given for life, or given once and never sent again: whoever finds them changed can say so, and no more. */
export const FIXED_PROPERTIES: readonly string[] = ["uniqueName"];
/** Unique values: what was exported is what the index says, whatever the target shows. */
export const CLAIMED_PROPERTIES: readonly string[] = ["onPremisesImmutableId", "userPrincipalName", "mail"];

/** `names`: properties that follow the source at all times (nested: `property.key`). In the order of names. */
export function driftOf(link: Link, actual: TargetValues, names: readonly string[]): Drift[] {
  const inDoubt = link.doubt?.properties ?? [];
  return [...names].sort().flatMap((property): Drift[] => {
    const expected = scalarAt(link.exported, property);
    const isKnown = expected !== null || Object.hasOwn(link.waived ?? {}, property);
    if (!isKnown || inDoubt.includes(property)) return [];
    const held = scalarAt(actual, property);
    return sameHeld(property, expected, held) ? [] : [{ property, expected, actual: held }];
  });
}

/** The value of a property or of a key; null: none. */
export function scalarAt(values: TargetValues, property: string): TargetScalar {
  const own = Object.hasOwn(values, property) ? values[property] : undefined;
  if (own !== undefined) return isNested(own) ? null : withoutNothing(own);
  const dot = property.indexOf(".");
  const outer = dot < 0 ? undefined : values[property.slice(0, dot)];
  return outer !== undefined && isNested(outer) ? withoutNothing(outer[property.slice(dot + 1)] ?? null) : null;
}

/** `values` with one property or key changed; nested ones side by side. */
export function valuesWith(drifts: readonly Drift[]): TargetValues {
  const values: Record<string, TargetValue> = {};
  for (const { property, actual } of drifts) {
    const dot = property.indexOf(".");
    if (dot < 0) {
      values[property] = actual;
      continue;
    }
    const outer = property.slice(0, dot);
    const before = values[outer];
    const key = { [property.slice(dot + 1)]: typeof actual === "string" ? actual : null };
    values[outer] = before !== undefined && isNested(before) ? { ...before, ...key } : key;
  }
  return values;
}

export function sameScalar(left: TargetScalar, right: TargetScalar): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

function sameHeld(property: string, expected: TargetScalar, actual: TargetScalar): boolean {
  if (Array.isArray(expected) && Array.isArray(actual)) return sameScalar(expected.toSorted(), actual.toSorted());
  const isName = property === "userPrincipalName" || property === "mail";
  if (isName && typeof expected === "string" && typeof actual === "string") return sameUpn(expected, actual);
  return sameScalar(expected, actual);
}

function withoutNothing(value: Exclude<TargetValue, Readonly<Record<string, string | null>>>): TargetScalar {
  return value === "" || (Array.isArray(value) && value.length === 0) ? null : value;
}
