/**
 * What is not known of a target object: the effect of calls whose answers never came.
 *
 * A doubt is written on the row before the call, together with the mark, and taken back by its answer. So whatever
 * becomes of the call (its answer lost, its activity dead, its batch given up) the next plan sees what may have been
 * applied: a property in doubt is sent again whatever was exported before, also as null; and whether an object that was
 * being deleted or restored is there is looked up.
 */
import { isNested, type TargetValues, withoutProperties } from "./target-value.ts";

export interface Doubt {
  /** Of the last call: milliseconds since 1970. */
  readonly at: number;
  /** Properties that may have another value than was exported (nested: `property.key`), sorted. */
  readonly properties: readonly string[];
  /** Of names in doubt: what the target shows instead, which is replaced when they are sent again. */
  readonly replaces?: TargetValues;
  /** A deletion or restoration that may have happened. */
  readonly presence?: "deleting" | "restoring";
}

/**
 * How long after a call an answer without its effect is not believed: a target shows its newest writes late. Graph says
 * seconds; the margin costs only those who wait for such an object.
 */
export const VISIBLE_AFTER_MS = 5 * 60_000;

/** The properties of some values by name, nested ones by `property.key`. */
export function propertyNames(values: TargetValues): string[] {
  return Object.entries(values).flatMap(([name, value]) =>
    isNested(value) ? Object.keys(value).map((key) => `${name}.${key}`) : [name],
  );
}

/** Both doubts in one; the presence of the later call stands. */
export function bothDoubts(before: Doubt | undefined, call: Doubt): Doubt {
  const presence = call.presence ?? before?.presence;
  const replaces = { ...before?.replaces, ...call.replaces };
  return {
    at: Math.max(before?.at ?? 0, call.at),
    properties: [...new Set([...(before?.properties ?? []), ...call.properties])].sort(),
    ...(Object.keys(replaces).length === 0 ? {} : { replaces }),
    ...(presence === undefined ? {} : { presence }),
  };
}

/** What is left of a doubt when the object is known to be there or gone, and the named properties to be as exported. */
export function withoutDoubt(doubt: Doubt | undefined, names: readonly string[]): { readonly doubt?: Doubt } {
  const properties = doubt?.properties.filter((name) => !names.includes(name)) ?? [];
  if (!doubt || properties.length === 0) return {};
  const replaces = withoutProperties(doubt.replaces ?? {}, names);
  return {
    doubt: { at: doubt.at, properties, ...(Object.keys(replaces).length === 0 ? {} : { replaces }) },
  };
}
