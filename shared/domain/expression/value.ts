/**
 * The values that expressions work on, and how one kind becomes another.
 *
 * Null is an absent attribute, `""` a value. Integers are bigints: AD file times have 18 digits and do not fit a
 * double. A date is a count of 100-nanosecond ticks in UTC. Binary values know whether they are a GUID or a SID, so
 * that they have a text where one is asked for. A list is a multi-valued attribute; an empty list doesn't exist, it is
 * null. Where a single value is asked for, a list gives its first.
 */

import { decodeBase64 } from "../base64.ts";
import { guidFromBytes, sidFromBytes } from "../values.ts";
import { formatCanonical } from "./dates/calendar.ts";
import { ExpressionError } from "./failure.ts";

export interface DateTime {
  readonly kind: "date";
  /** 100-nanosecond intervals since 0001-01-01T00:00:00Z, as .NET counts them. */
  readonly ticks: bigint;
}

export interface Binary {
  readonly kind: "binary";
  readonly base64: string;
  readonly form: "guid" | "sid" | "bytes";
}

/** A structured value: an app role assignment and what the role functions make of it. */
export interface Structure {
  readonly kind: "structure";
  readonly fields: Readonly<Record<string, string | boolean | null>>;
}

export type Scalar = string | bigint | boolean | DateTime | Binary | Structure;
export type Value = Scalar | readonly Scalar[] | null;

export function isList(value: Value): value is readonly Scalar[] {
  return Array.isArray(value);
}

/** A list of values as a value: none is null. One stays a list, for functions such as Split promise lists. */
export function listValue(values: readonly Scalar[]): Value {
  return values.length === 0 ? null : values;
}

/** Every value, none for null. */
export function allOf(value: Value): readonly Scalar[] {
  if (value === null) return [];
  return isList(value) ? value : [value];
}

/** The first value of a list, or the value itself. */
export function firstOf(value: Value): Scalar | null {
  return isList(value) ? (value[0] ?? null) : value;
}

export function isEmpty(value: Value): boolean {
  const first = firstOf(value);
  return first === null || first === "";
}

/** The canonical text: `True`, `False`, decimal integers, `M/d/yyyy h:mm:ss tt`, a GUID's or SID's text form. */
export function textOfScalar(value: Scalar): string {
  if (typeof value === "string") return value;
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "boolean") return value ? "True" : "False";
  if (value.kind === "date") return formatCanonical(value.ticks);
  if (value.kind === "structure") return JSON.stringify(value.fields);
  return textOfBinary(value);
}

/** The text of a value; null stays null. */
export function textOf(value: Value): string | null {
  const first = firstOf(value);
  return first === null ? null : textOfScalar(first);
}

function textOfBinary({ base64, form }: Binary): string {
  if (form === "bytes") return base64;
  const bytes = bytesOf(base64);
  if (form === "guid") return bytes.length === 16 ? guidFromBytes(bytes) : base64;
  try {
    return sidFromBytes(bytes);
  } catch (cause) {
    throw new ExpressionError("conversion", `A value of ${bytes.length} bytes is not a security identifier. ${cause}`);
  }
}

/** None for what is no base64: nothing may be thrown for an object but an `ExpressionError`. */
function bytesOf(base64: string): Uint8Array {
  try {
    return decodeBase64(base64);
  } catch {
    return new Uint8Array();
  }
}

/** No more digits than 64 bits can have, and zeros before them: a text of a million digits is no number here. */
const INTEGER = /^\s*[+-]?\d{1,40}\s*$/;

const LEAST_INTEGER = -(2n ** 63n);
/** Of 64 bits without a sign. */
const MOST_INTEGER = 2n ** 64n - 1n;

const isOf64Bits = (integer: bigint): boolean => integer >= LEAST_INTEGER && integer <= MOST_INTEGER;

/** The integer that a scalar stands for, or undefined. Text counts when it is nothing but a decimal of 64 bits. */
export function integerOf(value: Scalar): bigint | undefined {
  if (typeof value === "bigint") return value;
  if (typeof value !== "string" || !INTEGER.test(value)) return undefined;
  const integer = BigInt(value.trim().replace(/^\+/, ""));
  return isOf64Bits(integer) ? integer : undefined;
}

/** The integer of an argument; null stays null; anything else is an error that names the argument. */
export function requireInteger(value: Value, what: string): bigint | null {
  const first = firstOf(value);
  if (first === null) return null;
  const integer = integerOf(first);
  if (integer !== undefined && isOf64Bits(integer)) return integer;
  if (integer !== undefined) throw new ExpressionError("range", `${what} doesn't fit in 64 bits.`);
  throw new ExpressionError(misfitCode(first), `${what} must be an integer, not ${described(first)}.`);
}

/** The code of a value that isn't what is asked for: only a text could have been. */
export function misfitCode(value: Scalar): "conversion" | "type" {
  return typeof value === "string" ? "conversion" : "type";
}

/** Like `requireInteger`, for counts and positions: clamped to what a double holds exactly. */
export function requireNumber(value: Value, what: string): number | null {
  const integer = requireInteger(value, what);
  if (integer === null) return null;
  const limit = 9_007_199_254_740_991n;
  return Number(integer > limit ? limit : integer < -limit ? -limit : integer);
}

/** A value as it may be shown in a message: its kind, never its content, which may be personal. */
export function described(value: Scalar): string {
  if (typeof value === "string") return value === "" ? "an empty text" : `a text of ${value.length} characters`;
  if (typeof value === "bigint") return "a number";
  if (typeof value === "boolean") return "a Boolean";
  return value.kind === "date" ? "a date" : value.kind === "binary" ? "a binary value" : "a structured value";
}
