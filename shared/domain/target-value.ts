/**
 * Values as the target holds them, by the target's own property names, and their comparison.
 *
 * `null` means "has no value". A nested property (`onPremisesExtensionAttributes`) is a flat record of texts. What was
 * exported is kept in the same form without nulls, so that a difference is a comparison of two records.
 */
export type TargetScalar = string | boolean | null | readonly string[];
export type TargetValue = TargetScalar | Readonly<Record<string, string | null>>;
export type TargetValues = Readonly<Record<string, TargetValue>>;

export interface ValueDifference {
  /** What has to be sent: changed properties, cleared ones as null; nested ones with their changed keys only. */
  readonly changed: TargetValues;
  /** The part of `changed` that takes a value away, by property (nested: `property.key`). */
  readonly blanked: readonly string[];
}

/**
 * What turns `exported` into `desired`. A property that `desired` doesn't name is left alone; a null where nothing was
 * exported is no difference: only what we wrote is ever cleared. What is `inDoubt` (nested: `property.key`) differs
 * whatever was exported; as null it counts as blanked, for it may have a value.
 */
export function differenceOf(
  exported: TargetValues,
  desired: TargetValues,
  inDoubt: readonly string[] = [],
): ValueDifference {
  const changed: Record<string, TargetValue> = {};
  const blanked: string[] = [];
  const names: string[] = [];
  for (const name in desired) if (inDoubt.length > 0 || !isSame(exported[name], desired[name])) names.push(name);
  for (const name of names.sort()) {
    const wanted = desired[name] ?? null;
    const had = exported[name] ?? null;
    if (isNested(wanted)) {
      const doubtful = inDoubt.filter((own) => own.startsWith(`${name}.`)).map((own) => own.slice(name.length + 1));
      const part = differenceOf(isNested(had) ? had : {}, wanted, doubtful);
      if (Object.keys(part.changed).length > 0) changed[name] = part.changed as Readonly<Record<string, string | null>>;
      blanked.push(...part.blanked.map((key) => `${name}.${key}`));
    } else if (inDoubt.includes(name) || !sameValue(had, wanted)) {
      changed[name] = wanted;
      if (isEmpty(wanted)) blanked.push(name);
    }
  }
  return { changed, blanked };
}

/** `exported` after `changed` was written: nulls and empty records disappear. */
export function applyDifference(exported: TargetValues, changed: TargetValues): TargetValues {
  const result: Record<string, TargetValue> = { ...exported };
  for (const [name, value] of Object.entries(changed)) {
    if (isNested(value)) {
      const before = exported[name] ?? null;
      const merged = applyDifference(isNested(before) ? before : {}, value);
      if (Object.keys(merged).length > 0) result[name] = merged as Readonly<Record<string, string | null>>;
      else delete result[name];
    } else if (isEmpty(value)) delete result[name];
    else result[name] = value;
  }
  return result;
}

/** `changed` without the given properties (nested: `property.key`). */
export function withoutProperties(changed: TargetValues, names: readonly string[]): TargetValues {
  if (names.length === 0) return changed;
  const result: Record<string, TargetValue> = {};
  for (const [name, value] of Object.entries(changed)) {
    if (names.includes(name)) continue;
    if (!isNested(value)) {
      result[name] = value;
      continue;
    }
    const kept = Object.entries(value).filter(([key]) => !names.includes(`${name}.${key}`));
    if (kept.length > 0) result[name] = Object.fromEntries(kept);
  }
  return result;
}

export function isNested(value: TargetValue): value is Readonly<Record<string, string | null>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** For most properties of most objects: there is no difference to work out. */
function isSame(had: TargetValue = null, wanted: TargetValue = null): boolean {
  if (!isNested(wanted)) return sameValue(had, wanted);
  const before: TargetValues = isNested(had) ? had : {};
  for (const key in wanted) if (!isSame(before[key], wanted[key])) return false;
  return true;
}

function isEmpty(value: TargetValue): boolean {
  return value === null || (Array.isArray(value) && value.length === 0);
}

function sameValue(left: TargetValue, right: TargetValue): boolean {
  if (left === right) return true;
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, index) => item === right[index]);
  }
  return isEmpty(left) && isEmpty(right);
}
