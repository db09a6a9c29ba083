/**
 * A source object as people write it in a file: attribute name to text, number, Boolean, null, array (several values),
 * `{"$binary": base64}` or an object (an app role assignment). What is missing, null or an empty array is absent.
 *
 * Names are looked up as written first, then without regard to case, as the engine does with what a directory sends;
 * directory extensions (`extension_…`) as written only. Binary values of GUID and SID attributes have their text form.
 */

import { decodeBase64 } from "../shared/domain/base64.ts";
import { listValue, type Scalar, type Structure, type Value } from "../shared/domain/expression/value.ts";
import { binaryForm, type ReadAttribute } from "../shared/domain/source-object.ts";
import { longInteger } from "./exact-json.ts";

/** What was read is JSON, and not what was wanted. The message says where and what. */
export class ShapeError extends Error {}

const EXTENSION = /^extension_/i;

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Throws `ShapeError`, naming the attribute, for what no attribute can hold. */
export function jsonSource(json: unknown): ReadAttribute {
  if (!isRecord(json)) throw new ShapeError(`source must be an object, not ${kindOf(json)}.`);
  const values = new Map<string, Value>();
  for (const [name, value] of Object.entries(json)) values.set(name, attributeValue(name, value));
  let byLowerCase: Map<string, Value> | undefined;
  return (name) => {
    const exact = values.get(name);
    if (exact !== undefined || EXTENSION.test(name)) return exact ?? null;
    byLowerCase ??= lowerCased(values);
    return byLowerCase.get(name.toLowerCase()) ?? null;
  };
}

/** Of names that differ in case only, the first in code unit order, whatever their order in the file. */
function lowerCased(values: ReadonlyMap<string, Value>): Map<string, Value> {
  const index = new Map<string, Value>();
  for (const name of [...values.keys()].sort().reverse()) index.set(name.toLowerCase(), values.get(name) ?? null);
  return index;
}

function attributeValue(name: string, json: unknown): Value {
  if (json === null || json === undefined) return null;
  if (!Array.isArray(json)) return scalarOf(name, json);
  return listValue(json.filter((item) => item !== null).map((item) => scalarOf(name, item)));
}

function scalarOf(name: string, json: unknown): Scalar {
  if (typeof json === "string" || typeof json === "boolean") return json;
  if (typeof json === "number") return numberOf(name, json);
  if (!isRecord(json)) throw new ShapeError(`source.${name} holds ${kindOf(json)} inside an array.`);
  const integer = longInteger(json);
  if (integer !== undefined) return BigInt(integer);
  return "$binary" in json ? binaryOf(name, json["$binary"]) : structureOf(name, json);
}

/** The language has integers and texts: a fraction is the text that it was written as. */
function numberOf(name: string, json: number): Scalar {
  if (Number.isInteger(json)) return BigInt(json);
  if (Number.isFinite(json)) return String(json);
  throw new ShapeError(`source.${name} is a number that is too large.`);
}

function binaryOf(name: string, base64: unknown): Scalar {
  if (typeof base64 !== "string") throw new ShapeError(`source.${name}.$binary must be base64 text.`);
  try {
    decodeBase64(base64);
  } catch (error) {
    throw new ShapeError(`source.${name}.$binary: ${error instanceof Error ? error.message : String(error)}`);
  }
  return { kind: "binary", base64, form: binaryForm(name) };
}

function structureOf(name: string, json: Readonly<Record<string, unknown>>): Structure {
  const fields = Object.entries(json).map(([key, value]) => {
    if (value === null || typeof value === "string" || typeof value === "boolean") return [key, value] as const;
    if (typeof value === "number") return [key, String(value)] as const;
    const integer = longInteger(value);
    if (integer !== undefined) return [key, integer] as const;
    throw new ShapeError(`source.${name}.${key} must be a text, a number, a Boolean or null, not ${kindOf(value)}.`);
  });
  return { kind: "structure", fields: Object.fromEntries(fields) };
}

/** The kind of a JSON value for messages, never its content. */
export function kindOf(json: unknown): string {
  if (json === undefined) return "missing";
  if (json === null) return "null";
  if (Array.isArray(json)) return "an array";
  return typeof json === "object" ? "an object" : `a ${typeof json}`;
}
