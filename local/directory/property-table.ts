/**
 * How a resource type's properties are described: which can be set, as what, and how long.
 *
 * A table must name every property of the published type, and no other, and give each settable one a rule of its own
 * value type; the compiler checks both (`PropertyTable`). So a new version of the types that adds, renames or retypes
 * a property stops the build instead of leaving the stand-in a version behind.
 */

export type ClosedRule = { kind: "read-only" | "relation" | "other-service"; list: boolean };
export type FlagRule = { kind: "flag" } & Common;
export type TextRule = { kind: "text"; max: number } & Common;
export type ListRule = { kind: "list"; maxItems: number; max: number } & Common;
export type StructureRule = { kind: "structure"; members: Readonly<Record<string, FlagRule | TextRule>> } & Common;
type Common = { clearable: boolean; atCreate: "required" | "optional"; sensitive: boolean };

export type PropertyRule = ClosedRule | FlagRule | TextRule | ListRule | StructureRule;
export type PropertyRules = Readonly<Record<string, PropertyRule>>;

type RuleFor<V> = [V] extends [boolean]
  ? FlagRule
  : [V] extends [string]
    ? TextRule
    : [V] extends [string[]]
      ? ListRule
      : StructureRule;

/** All properties of a published type T, each with a rule of its type or closed. */
export type PropertyTable<T> = { [K in keyof T]-?: RuleFor<NonNullable<T[K]>> | ClosedRule };

type Options = { clearable?: boolean; required?: boolean; sensitive?: boolean };

function common(options: Options): Common {
  const required = options.required ?? false;
  return {
    clearable: options.clearable ?? !required,
    atCreate: required ? "required" : "optional",
    sensitive: options.sensitive ?? false,
  };
}

export const flag = (options: Options = {}): FlagRule => ({ kind: "flag", ...common(options) });

export const text = (max: number, options: Options = {}): TextRule => ({ kind: "text", max, ...common(options) });

export const list = (maxItems: number, max: number, options: Options = {}): ListRule => ({
  kind: "list",
  maxItems,
  max,
  ...common({ clearable: false, ...options }),
});

/** A structured value; `members` must name all of the published type S. */
export const structure = <S>(members: PropertyTable<S>, options: Options = {}): StructureRule => ({
  kind: "structure",
  members: members as Readonly<Record<string, FlagRule | TextRule>>,
  ...common(options),
});

/** Rules for properties that nobody sets here; the names must be T's. */
export const closed =
  <T>() =>
  <K extends keyof T>(kind: ClosedRule["kind"], ...names: K[]): Record<K, ClosedRule> =>
    Object.fromEntries(names.map((name) => [name, { kind, list: false }])) as Record<K, ClosedRule>;

/** As `closed`, for collections: these read as [] when empty, never as null. */
export const closedLists =
  <T>() =>
  <K extends keyof T>(kind: ClosedRule["kind"], ...names: K[]): Record<K, ClosedRule> =>
    Object.fromEntries(names.map((name) => [name, { kind, list: true }])) as Record<K, ClosedRule>;

/** The rule of a name that came from outside, which may also be "constructor". */
export function ruleOf(rules: PropertyRules, name: string): PropertyRule | undefined {
  return Object.hasOwn(rules, name) ? rules[name] : undefined;
}
