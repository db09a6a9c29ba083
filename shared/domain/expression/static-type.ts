/**
 * What is known of a part of an expression before any object is seen: which kinds of values it can give, whether it can
 * give several, and its value when that is the same for every object.
 *
 * Kinds are finer than those of values, for attributes say more: a reference and a point in time arrive as texts that
 * can never be numbers. Null is no kind; every part can be null. `kinds` is undefined where nothing is known.
 */

import type { AttributeDefinition, AttributeType } from "../object-definition.ts";
import type { FunctionDefinition } from "./definition.ts";
import { isList, type Scalar, type Value } from "./value.ts";

export type Kind = "text" | "number" | "Boolean" | "date" | "time" | "name" | "binary" | "structure";

export interface StaticType {
  readonly kinds: ReadonlySet<Kind> | undefined;
  /** It can give several values. */
  readonly many: boolean;
  /** The value, when it doesn't depend on the object. */
  readonly constant?: Value;
  /** The attribute that it is, and nothing else. */
  readonly attribute?: AttributeDefinition;
}

export const UNKNOWN: StaticType = { kinds: undefined, many: false };

const NOTHING: StaticType = { kinds: new Set(), many: false };

export function typeOf(kind: Kind, many = false): StaticType {
  return { kinds: new Set([kind]), many };
}

const KIND_OF_ATTRIBUTE: Readonly<Record<AttributeType, Kind>> = {
  String: "text",
  Integer: "number",
  Boolean: "Boolean",
  DateTime: "time",
  Reference: "name",
  Binary: "binary",
};

export function typeOfAttribute(attribute: AttributeDefinition): StaticType {
  return { ...typeOf(KIND_OF_ATTRIBUTE[attribute.type], attribute.multivalued), attribute };
}

export function typeOfConstant(constant: Value): StaticType {
  if (constant === null) return { ...NOTHING, constant };
  const scalars = isList(constant) ? constant : [constant];
  return { kinds: new Set(scalars.map(kindOf)), many: isList(constant), constant };
}

function kindOf(value: Scalar): Kind {
  if (typeof value === "string") return "text";
  if (typeof value === "bigint") return "number";
  return typeof value === "boolean" ? "Boolean" : value.kind;
}

function union(types: readonly StaticType[]): StaticType {
  const many = types.some((type) => type.many);
  if (types.some((type) => type.kinds === undefined)) return { kinds: undefined, many };
  return { kinds: new Set(types.flatMap((type) => [...(type.kinds ?? [])])), many };
}

type Args = readonly (StaticType | undefined)[];

const first = (args: Args): StaticType => withoutConstant(args[0] ?? NOTHING);
const given = (args: Args): StaticType[] => args.filter((arg) => arg !== undefined);
const changedTexts = (args: Args): StaticType => typeOf("text", args[0]?.many ?? false);

/** A value passed on is not a constant: whether it arrives depends on the function. */
function withoutConstant({ kinds, many }: StaticType): StaticType {
  return { kinds, many };
}

/** Functions whose result follows from their arguments. */
const RESULTS: Readonly<Record<string, (args: Args) => StaticType>> = {
  IIF: (args) => union(given(args.slice(1))),
  Switch: (args) => union(given(args.filter((_, index) => index % 2 === 1))),
  Coalesce: (args) => union(given(args)),
  Item: (args) => ({ ...first(args), many: false }),
  Redact: first,
  IgnoreFlowIfNullOrEmpty: first,
  RemoveDuplicates: first,
  Error: () => NOTHING,
  // With another attribute to fall back on, a source that has a value is passed on as it is.
  Replace: (args) => (args[5] ? union([first(args), typeOf("text")]) : typeOf("text")),
  Split: () => typeOf("text", true),
  SelectUniqueValue: () => typeOf("text"),
  AppRoleAssignmentsComplex: () => typeOf("structure", true),
  AssertiveAppRoleAssignmentsComplex: () => typeOf("structure", true),
  Trim: changedTexts,
  StripSpaces: changedTexts,
  NormalizeDiacritics: changedTexts,
  ToLower: changedTexts,
  ToUpper: changedTexts,
  PCase: changedTexts,
  ConvertToBase64: changedTexts,
  ConvertToUTF8Hex: changedTexts,
};

/** Functions that change every value of their first argument, and those that read them all. */
const OVER_ALL: ReadonlySet<string> = new Set([
  ...Object.keys(RESULTS).filter((name) => RESULTS[name] === changedTexts),
]);

/** Parameters of any type that take the first of several values all the same. */
const FIRST_OF_ANY: ReadonlySet<string> = new Set(["Switch 0", "CStr 0"]);
const SINGLE_VALUED: ReadonlySet<string> = new Set(["text", "number", "date", "condition", "Boolean", "sid"]);

/** Whether an argument of several values counts with its first only. */
export function takesFirstOnly(definition: FunctionDefinition, index: number, parameterType: string): boolean {
  const { name } = definition;
  if (name === "SelectUniqueValue" || FIRST_OF_ANY.has(`${name} ${index}`)) return true;
  return SINGLE_VALUED.has(parameterType) && !(index === 0 && OVER_ALL.has(name));
}

export function typeOfCall(definition: FunctionDefinition, args: Args): StaticType {
  const result = Object.hasOwn(RESULTS, definition.name) ? RESULTS[definition.name] : undefined;
  if (result) return result(args);
  switch (definition.returns) {
    case "any":
      return UNKNOWN;
    case "list":
      return { kinds: undefined, many: true };
    default:
      return typeOf(definition.returns);
  }
}
