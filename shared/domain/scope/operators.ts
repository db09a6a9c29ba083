/**
 * The operators of scoping clauses, each compiled with its operand into a test of one value.
 *
 * The documented rules: text compares case-sensitively; null and "" are false for every operator but IS NULL; numbers
 * compare as numbers; a pattern is searched for, not matched whole. `&` and `!&` look for a common bit when both sides
 * are integers, else for the attribute's text inside the operand. Only `distinguishedName` has rules of its own: a DN
 * compares as a DN, and "ends with" means at or below.
 */

import { compileConstantRegex } from "../expression/net-regex/net-regex.ts";
import { RegexRefusal } from "../expression/net-regex/tree.ts";
import { integerOf, type Scalar, textOfScalar } from "../expression/value.ts";
import { chargeSearch, type Work } from "../expression/work.ts";
import { isAtOrBelow, sameDn } from "../values.ts";

export interface Operator {
  /** True when the operator takes an operand. */
  readonly isBinary: boolean;
  /** What an absent or empty value gives. */
  readonly ofEmpty: boolean;
  /** True for operators that say what a value is not. */
  readonly isNegative: boolean;
  /** The test charges its steps to `work` and throws `ExpressionError` when it runs out. */
  readonly compile: (operand: string, attribute: string) => (value: Scalar, work: Work) => boolean;
}

/** The operand can't be used with the operator. */
export class OperandRefusal extends Error {}

const isDnAttribute = (attribute: string) => attribute.toLowerCase() === "distinguishedname";

function equals(operand: string, attribute: string): (value: Scalar) => boolean {
  if (isDnAttribute(attribute)) return (value) => sameDn(textOfScalar(value), operand);
  const lower = operand.toLowerCase();
  return (value) => (typeof value === "boolean" ? String(value) === lower : textOfScalar(value) === operand);
}

function matches(operand: string): (value: Scalar, work: Work) => boolean {
  try {
    const regex = compileConstantRegex(operand);
    return (value, work) => regex.test(textOfScalar(value), work);
  } catch (error) {
    if (error instanceof RegexRefusal) throw new OperandRefusal(error.message);
    throw error;
  }
}

function ordered(holds: (value: bigint, operand: bigint) => boolean) {
  return (operand: string): ((value: Scalar) => boolean) => {
    const bound = integerOf(operand);
    if (bound === undefined) throw new OperandRefusal(`'${operand}' is not an integer.`);
    return (value) => {
      const integer = integerOf(value);
      return integer !== undefined && holds(integer, bound);
    };
  };
}

function endsWith(operand: string, attribute: string): (value: Scalar) => boolean {
  if (!isDnAttribute(attribute) || !operand.includes("=")) return (value) => textOfScalar(value).endsWith(operand);
  const suffix = `,${operand}`.toLowerCase();
  return (value) => {
    const dn = textOfScalar(value);
    // The plain case first: normalising 10,000 DNs is what a scope would otherwise spend its time on.
    const at = dn.length - suffix.length;
    if (at > 0 && dn[at - 1] !== "\\" && dn.toLowerCase().endsWith(suffix)) return true;
    return isAtOrBelow(dn, operand);
  };
}

function found(text: string, wanted: string, work: Work): boolean {
  chargeSearch(work, text, wanted);
  return text.includes(wanted);
}

function sharesBits(operand: string): (value: Scalar, work: Work) => boolean {
  const mask = integerOf(operand);
  return (value, work) => {
    const integer = integerOf(value);
    if (mask !== undefined && integer !== undefined) return (mask & integer) !== 0n;
    return found(operand, textOfScalar(value), work);
  };
}

const not =
  (compile: Operator["compile"]): Operator["compile"] =>
  (operand, attribute) => {
    const test = compile(operand, attribute);
    return (value, work) => !test(value, work);
  };

const isBoolean =
  (wanted: boolean): Operator["compile"] =>
  () =>
  (value) =>
    textOfScalar(value).toLowerCase() === String(wanted);

const binary = (compile: Operator["compile"], isNegative = false): Operator => ({
  isBinary: true,
  ofEmpty: false,
  isNegative,
  compile,
});
const unary = (compile: Operator["compile"], ofEmpty: boolean, isNegative = false): Operator => ({
  isBinary: false,
  ofEmpty,
  isNegative,
  compile,
});

const IS_NOT_NULL = unary(() => () => true, false);
const SHARES_NO_BITS = binary(not(sharesBits), true);

/** By their names, as written in capitals with blanks. */
export const OPERATORS: ReadonlyMap<string, Operator> = new Map([
  ["EQUALS", binary(equals)],
  ["NOT EQUALS", binary(not(equals), true)],
  ["IS TRUE", unary(isBoolean(true), false)],
  ["IS FALSE", unary(isBoolean(false), false, true)],
  ["IS NULL", unary(() => () => false, true)],
  ["IS NOT NULL", IS_NOT_NULL],
  // The cloud sync page names PRESENT without a word on it, and writes IS NOT NULL in prose.
  ["PRESENT", IS_NOT_NULL],
  ["ISN'T NULL", IS_NOT_NULL],
  ["REGEX MATCH", binary(matches)],
  ["NOT REGEX MATCH", binary(not(matches), true)],
  ["GREATER THAN", binary(ordered((value, bound) => value > bound))],
  ["GREATER THAN OR EQUALS", binary(ordered((value, bound) => value >= bound))],
  ["INCLUDES", binary((operand) => (value, work) => found(textOfScalar(value), operand, work))],
  ["ENDS WITH", binary(endsWith)],
  ["&", binary(sharesBits)],
  ["!&", SHARES_NO_BITS],
  ["!&L", SHARES_NO_BITS],
]);

/** By name, in any case and with blanks or underscores: the documentation writes them all ways. */
export function operatorNamed(name: string): Operator | undefined {
  return OPERATORS.get(
    name
      .trim()
      .toUpperCase()
      .replace(/[\s_]+/g, " "),
  );
}
