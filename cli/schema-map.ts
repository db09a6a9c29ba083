/**
 * What a schema would send for objects of a file: for each one its values, its references, and everything that isn't
 * sent, with the reason. Nothing is asked of a service: the flow is the one that a job runs, the target is imagined
 * empty, so every object is new.
 */
import { type AttributeFlow, compileAttributeFlow } from "../shared/domain/attribute-flow.ts";
import { textOf } from "../shared/domain/expression/value.ts";
import { chooseMappings } from "../shared/domain/object-flows.ts";
import { attributeReader, type SourceObject } from "../shared/domain/source-object.ts";
import type { SynchronizationSchema } from "../shared/domain/synchronization-schema.ts";
import type { TargetType } from "../shared/domain/target-table.ts";
import { isNested, type TargetValue, type TargetValues } from "../shared/domain/target-value.ts";
import type { Target } from "../shared/domain/targets.ts";
import type { AttributeValue } from "../shared/domain/values.ts";
import { isGuid } from "../shared/domain/values.ts";
import { longInteger, parseExactJson } from "./exact-json.ts";
import { isRecord, kindOf, ShapeError } from "./json-source.ts";

export interface MapSettings {
  readonly target: Target;
  readonly parameters: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly random: () => number;
}

interface Dropped {
  /** The target attribute or property. */
  readonly name: string;
  readonly because: string;
}

export interface MappedObject {
  readonly objectGuid: string;
  readonly objectClass: string;
  /** `User`, `Group` …; null where nothing is sent. */
  readonly target: string | null;
  readonly inScope: boolean;
  /** Why it is in or out of scope, or is nothing that is sent. */
  readonly because: string;
  /** The body of a creation. */
  readonly sends: Readonly<Record<string, unknown>>;
  /** Properties that are links, by the source attribute's values. */
  readonly references: Readonly<Record<string, readonly string[]>>;
  readonly dropped: readonly Dropped[];
  readonly warnings: readonly string[];
  /** Any of them, and the object isn't sent at all. */
  readonly failures: readonly string[];
}

interface ClassMap {
  readonly targetName: string;
  readonly type?: TargetType;
  readonly flow?: AttributeFlow;
}

/** Throws an error for a schema that doesn't compile: check it first. */
export function createObjectMapper(schema: SynchronizationSchema, settings: MapSettings) {
  const classes = new Map<string, ClassMap>();
  for (const [name, { mapping, targetName, holds }] of chooseMappings(schema, settings.target.objects).byClass) {
    const compiled = holds && compileAttributeFlow(mapping, holds.table, settings.parameters);
    if (compiled && !compiled.ok) throw new Error(compiled.failures[0]?.message ?? "The schema doesn't compile.");
    const flow = compiled ? { type: holds.type, flow: compiled.flow } : {};
    classes.set(name.toLowerCase(), { targetName, ...flow });
  }
  return (object: FileObject): MappedObject => mapObject(object, classes, settings);
}

function mapObject(object: FileObject, classes: ReadonlyMap<string, ClassMap>, settings: MapSettings): MappedObject {
  const { source, objectClass } = object;
  const nothing: MappedObject = {
    objectGuid: source.objectGuid,
    objectClass,
    target: null,
    inScope: false,
    because: "",
    sends: {},
    references: {},
    dropped: [],
    warnings: [],
    failures: [],
  };
  const own = classes.get(objectClass.toLowerCase());
  if (!own) return { ...nothing, because: `Class ${objectClass} has no mapping.` };
  if (!own.flow || !own.type)
    return { ...nothing, because: `${settings.target.label} can't hold a ${own.targetName}.` };
  const { flow, type } = own;
  const read = attributeReader(source);
  const verdict = flow.scope.evaluate(read);
  if (verdict.failure) return { ...nothing, because: verdict.explanation, failures: [verdict.failure.message] };
  if (!verdict.inScope) return { ...nothing, because: verdict.explanation };
  const result = flow.map({
    ...source,
    creating: true,
    now: settings.now(),
    random: settings.random,
    isTaken: () => false,
  });
  const references: Record<string, readonly string[]> = {};
  for (const { property, sourceAttribute } of result.references) {
    const value = read(sourceAttribute);
    if (value === null) continue;
    references[property] = Array.isArray(value) ? value.map((one) => textOf(one) ?? "") : [textOf(value) ?? ""];
  }
  const { full, empty } = divided(result.values);
  return {
    ...nothing,
    target: own.targetName,
    inScope: true,
    because: verdict.explanation,
    sends: settings.target.resource(type, full),
    references,
    dropped: [
      ...flow.unsettable.map(({ target, reason }) => ({ name: target, because: reason })),
      ...empty.map((name) => ({ name, because: "The source has no value." })),
      ...result.uncleared.map((name) => ({ name, because: "The source has no value, and the target can't clear it." })),
    ],
    warnings: result.warnings.map(({ attribute, message }) => `${attribute}: ${message}`),
    failures: result.failures.map(({ attribute, message }) => `${attribute}: ${message}`),
  };
}

/** What a creation carries, and what it leaves out because there is nothing; nested ones as `property.key`. */
function divided(values: TargetValues): { readonly full: TargetValues; readonly empty: readonly string[] } {
  const full: Record<string, TargetValue> = {};
  const empty: string[] = [];
  for (const [name, value] of Object.entries(values)) {
    if (value === null || (Array.isArray(value) && value.length === 0)) empty.push(name);
    else if (!isNested(value)) full[name] = value;
    else {
      const keys = Object.entries(value);
      const own = keys.filter(([, inner]) => inner !== null);
      if (own.length > 0) full[name] = Object.fromEntries(own);
      empty.push(...keys.filter(([, inner]) => inner === null).map(([key]) => `${name}.${key}`));
    }
  }
  return { full, empty };
}

export interface FileObject {
  readonly source: SourceObject;
  readonly objectClass: string;
}

/**
 * One line of the file: `{ objectGUID, objectClass?, dn?, attributes }`, or the attributes alone. Of several object
 * classes the last counts. Throws `ShapeError`.
 */
export function objectOfLine(line: string): FileObject {
  const json = parsed(line);
  if (!isRecord(json)) throw new ShapeError(`an object is wanted, not ${kindOf(json)}.`);
  const attributes = json["attributes"];
  const isWhole = isRecord(attributes);
  const bag: Record<string, readonly AttributeValue[]> = {};
  for (const [name, value] of Object.entries(isWhole ? attributes : json)) bag[name] = valuesOf(name, value);
  const first = (...names: string[]): string | undefined => {
    for (const name of names) {
      const own = isWhole ? (json[name] ?? attributes[name]) : json[name];
      if (typeof own === "string") return own;
      if (Array.isArray(own) && typeof own.at(-1) === "string") return String(own.at(-1));
    }
    return undefined;
  };
  const guid = first("objectGUID", "objectGuid")?.toLowerCase() ?? NO_GUID;
  if (!isGuid(guid)) throw new ShapeError("objectGUID must be a GUID, 8-4-4-4-12.");
  return {
    source: { bag, dn: first("dn", "distinguishedName") ?? "", objectGuid: guid },
    objectClass: first("objectClass") ?? "user",
  };
}

const NO_GUID = "00000000-0000-0000-0000-000000000000";

function parsed(line: string): unknown {
  try {
    return parseExactJson(line);
  } catch (error) {
    throw new ShapeError(`it is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** As a directory has them: texts and bytes. */
function valuesOf(name: string, json: unknown): AttributeValue[] {
  if (json === null || json === undefined) return [];
  if (Array.isArray(json)) return json.flatMap((one) => valuesOf(name, one));
  const integer = longInteger(json);
  if (integer !== undefined) return [integer];
  if (typeof json === "boolean") return [json ? "TRUE" : "FALSE"];
  if (typeof json === "string" || typeof json === "number") return [String(json)];
  const base64 = isRecord(json) ? (json["$binary"] ?? json["base64"]) : undefined;
  if (typeof base64 === "string") return [{ base64 }];
  throw new ShapeError(`${name} must be a text, a number, a Boolean, {"$binary": base64} or an array of these.`);
}
