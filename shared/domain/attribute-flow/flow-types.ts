/**
 * What a mapping's `flowType` and `flowBehavior` keep from a target object that exists, and what they send again.
 *
 * Microsoft's words are short ("only flows Add operations", "only if no current value exists at all") and speak of the
 * target's current value. What is known of it here is what was exported: all there is for an object that we made, nothing
 * for one that was taken over. So what must not overwrite is never sent to an object that was taken over, as long as
 * nothing of ours is known to stand there. ADR 0016 has the table.
 */

import type { Link } from "../object-record.ts";
import {
  isNested,
  type TargetScalar,
  type TargetValue,
  type TargetValues,
  withoutProperties,
} from "../target-value.ts";

export const FLOW_TYPES = ["Always", "ObjectAddOnly", "MultiValueAddOnly", "ValueAddOnly", "AttributeAddOnly"] as const;
export type FlowType = (typeof FLOW_TYPES)[number];

export const FLOW_BEHAVIORS = ["FlowWhenChanged", "FlowAlways"] as const;

/** Properties that don't simply follow the source, by name (nested: `property.key`). */
export interface FlowRules {
  /** A value is given and replaced, never taken away. */
  readonly neverClears: readonly string[];
  /** Lists that get values and lose none. */
  readonly grows: readonly string[];
  /** A value is given only where there is none. */
  readonly fillsOnly: readonly string[];
  /** Goes with every update, changed or not. */
  readonly always: readonly string[];
  /** What a new object gets where the source has nothing: it stays as long as the source has nothing. */
  readonly defaults: Readonly<Record<string, TargetScalar>>;
}

export const NO_RULES: FlowRules = { neverClears: [], grows: [], fillsOnly: [], always: [], defaults: {} };

export function flowTypeOf(text: string | null | undefined): FlowType | undefined {
  const name = text || "Always";
  return FLOW_TYPES.find((own) => own === name);
}

/** `desired` as far as it may flow to the link's target object. */
export function flowingTo(link: Link, desired: TargetValues, rules: FlowRules): TargetValues {
  if (rules === NO_RULES) return desired;
  const { neverClears, grows, fillsOnly } = rules;
  const grown = grows.flatMap((name): [string, TargetValue][] => {
    const [had, wanted] = [textsAt(link.exported, name), textsAt(desired, name)];
    return wanted.length === 0 ? [] : [[name, [...new Set([...had, ...wanted])]]];
  });
  const held = [
    ...[...neverClears, ...grows, ...fillsOnly].filter((name) => isEmpty(valueAt(desired, name))),
    // A list that replaced one which nobody knows would take values away.
    ...grows.filter((name) => isEmpty(valueAt(link.exported, name)) && link.origin !== "created"),
    ...fillsOnly.filter((name) => !isEmpty(valueAt(link.exported, name)) || link.origin !== "created"),
    ...Object.entries(rules.defaults).flatMap(([name, value]) =>
      isEmpty(valueAt(desired, name)) && sameScalar(valueAt(link.exported, name), value) ? [name] : [],
    ),
  ];
  return withoutProperties({ ...desired, ...Object.fromEntries(grown) }, held);
}

/** What of `values` may go to a target object that is taken over: nobody knows what it holds. */
export function flowingToTakenOver(values: TargetValues, rules: FlowRules): TargetValues {
  return withoutProperties(values, keptByTakenOver(rules));
}

/** What a target object that is taken over keeps as it is. */
export function keptByTakenOver({ grows, fillsOnly }: FlowRules): readonly string[] {
  return [...grows, ...fillsOnly];
}

/** Of the values that an update leaves out because they are as they were, those that go with it all the same. */
export function sentAgain(desired: TargetValues, changed: TargetValues, rules: FlowRules): TargetValues {
  const again: Record<string, TargetValue> = {};
  for (const name of rules.always) {
    const value = valueAt(desired, name);
    // What waits for the guard is among the changed; and a disable goes out by its own rules only.
    if (isEmpty(value) || valueAt(changed, name) !== undefined || (name === "accountEnabled" && value === false))
      continue;
    const at = nestingOf(desired, name);
    if (!at) again[name] = value ?? null;
    else again[at.outer] = { ...nestedOf(again[at.outer]), [at.key]: typeof value === "string" ? value : null };
  }
  return again;
}

/** `one` and `other`, keys of nested properties side by side. */
export function mergedValues(one: TargetValues, other: TargetValues): TargetValues {
  const merged: Record<string, TargetValue> = { ...one };
  for (const [name, value] of Object.entries(other)) {
    const before = merged[name];
    merged[name] = before !== undefined && isNested(before) && isNested(value) ? { ...before, ...value } : value;
  }
  return merged;
}

function textsAt(values: TargetValues, name: string): readonly string[] {
  const value = values[name];
  return Array.isArray(value) ? value : [];
}

function valueAt(values: TargetValues, name: string): TargetValue | undefined {
  const at = nestingOf(values, name);
  return at ? nestedOf(values[at.outer])[at.key] : values[name];
}

function nestingOf(values: TargetValues, name: string): { readonly outer: string; readonly key: string } | undefined {
  const dot = name.indexOf(".");
  if (dot < 0 || Object.hasOwn(values, name)) return undefined;
  const outer = name.slice(0, dot);
  const value = values[outer];
  return value !== undefined && isNested(value) ? { outer, key: name.slice(dot + 1) } : undefined;
}

function nestedOf(value: TargetValue | undefined): Readonly<Record<string, string | null>> {
  return value !== undefined && isNested(value) ? value : {};
}

function sameScalar(one: TargetValue | undefined, other: TargetScalar): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function isEmpty(value: TargetValue | undefined): boolean {
  return value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);
}
