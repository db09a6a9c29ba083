/**
 * The comparisons of IIF and CBool.
 *
 * Numbers compare as numbers, dates as dates, texts by their characters, case-sensitively. A number against a text
 * compares as numbers when the text is one; two texts compare as numbers only for < and >, and only when both are.
 * Texts may have digits behind a point.
 * A comparison with null or an empty attribute is false whatever the operator: the documentation says that such a
 * check fails, and only a comparison with the constant "" asks for emptiness on purpose.
 */

import type { Comparison } from "./ast.ts";
import { parseAny } from "./dates/parse.ts";
import type { Evaluate } from "./definition.ts";
import { firstOf, integerOf, type Scalar, textOfScalar } from "./value.ts";

const HOLDS: Readonly<Record<Comparison, (order: number) => boolean>> = {
  "=": (order) => order === 0,
  "<>": (order) => order !== 0,
  "<": (order) => order < 0,
  "<=": (order) => order <= 0,
  ">": (order) => order > 0,
  ">=": (order) => order >= 0,
};

/** An operand; `isConstant` when it is a constant of the expression, which may be "" on purpose. */
export interface Operand {
  readonly evaluate: Evaluate;
  readonly isConstant: boolean;
}

export function compileComparison(operator: Comparison, left: Operand, right: Operand): Evaluate {
  const holds = HOLDS[operator];
  const isOrdering = operator !== "=" && operator !== "<>";
  return (context) => {
    const a = firstOf(left.evaluate(context));
    const b = firstOf(right.evaluate(context));
    if (a === null || b === null) return false;
    if (a === "" && b !== "" && !left.isConstant) return false;
    if (b === "" && a !== "" && !right.isConstant) return false;
    return holds(compareScalars(a, b, isOrdering));
  };
}

function compareScalars(a: Scalar, b: Scalar, isOrdering: boolean): number {
  const mayBeNumbers = typeof a === "bigint" || typeof b === "bigint" || isOrdering;
  if (mayBeNumbers) {
    const left = integerOf(a) ?? decimalOf(a);
    const right = integerOf(b) ?? decimalOf(b);
    if (typeof left === "bigint" && typeof right === "bigint") return order(left, right);
    if (left !== undefined && right !== undefined) return order(scaled(left), scaled(right));
  }
  const left = ticksOf(a, b);
  const right = ticksOf(b, a);
  if (left !== undefined && right !== undefined) return order(left, right);
  if (typeof a === "boolean" || typeof b === "boolean") {
    return order(textOfScalar(a).toLowerCase(), textOfScalar(b).toLowerCase());
  }
  return order(textOfScalar(a), textOfScalar(b));
}

/** Digits behind the point that are looked at: exact, and far more than anybody writes. */
const FRACTION_DIGITS = 40;
const DECIMAL = /^\s*([+-]?)(\d{1,40})\.(\d{1,40})\s*$/;

interface Decimal {
  /** The number times ten to the power of FRACTION_DIGITS. */
  readonly scaled: bigint;
}

function decimalOf(value: Scalar): Decimal | undefined {
  const found = typeof value === "string" ? DECIMAL.exec(value) : null;
  if (!found) return undefined;
  const digits = BigInt(`${found[2]}${(found[3] ?? "").padEnd(FRACTION_DIGITS, "0")}`);
  return { scaled: found[1] === "-" ? -digits : digits };
}

function scaled(value: bigint | Decimal): bigint {
  return typeof value === "bigint" ? value * 10n ** BigInt(FRACTION_DIGITS) : value.scaled;
}

/** The ticks of a date, or of a text that stands against a date. */
function ticksOf(value: Scalar, other: Scalar): bigint | undefined {
  if (typeof value === "object" && value.kind === "date") return value.ticks;
  const isAgainstDate = typeof other === "object" && other.kind === "date";
  return isAgainstDate && typeof value === "string" ? parseAny(value) : undefined;
}

function order<T extends bigint | string>(left: T, right: T): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
