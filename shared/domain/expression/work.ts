/**
 * How much an evaluation may do before it ends with an error: a count of steps, not a clock, so that a busy machine
 * decides as an idle one does.
 *
 * Matching a pattern charges its steps. Functions charge the text that they make: each of a few nested calls can
 * multiply its source, and a text that outgrew the memory would take everybody else's objects with it. An evaluation
 * that runs out fails with the code `limit`, for its object alone.
 *
 * A schema has as many expressions and clauses as an admin likes, so those of one object have a bound together too.
 */

import { ExpressionError } from "./failure.ts";
import { isList, type Scalar, type Value } from "./value.ts";

/** A mutable meter: one for each context, filled anew for every evaluation. */
export interface Work {
  readonly limit: number;
  remaining: number;
  /** What the evaluation under way was given. */
  granted: number;
  /** What is left for all evaluations together, before what was granted last. */
  total: number;
}

/** Some 20 ms of matching. The usual patterns need less than a step for each character of their source. */
export const WORK_LIMIT = 2_000_000;

/** Some 300 ms: all expressions of an object's mapping together, or all clauses of its filter. */
export const OBJECT_LIMIT = 16 * WORK_LIMIT;

/** Characters (UTF-16 units) of one value, or of all values of a list together. */
export const MAXIMUM_TEXT = 1_048_576;

/** Values this short are free: an expression is too short itself to make many of them. */
const FREE_TEXT = 256;

/** `total` is the bound of all evaluations together. */
export function createWork(limit: number = WORK_LIMIT, total: number = Number.POSITIVE_INFINITY): Work {
  const granted = Math.min(limit, total);
  return { limit, remaining: granted, granted, total };
}

/** For the next evaluation: `limit` steps again, as far as the bound of all of them has so many left. */
export function refill(work: Work): void {
  work.total -= work.granted - work.remaining;
  work.granted = Math.max(0, Math.min(work.limit, work.total));
  work.remaining = work.granted;
}

/** For the next object: nothing is spent yet. */
export function restart(work: Work, total: number): void {
  work.total = total;
  work.granted = Math.min(work.limit, total);
  work.remaining = work.granted;
}

/** Takes `steps` off the meter. Throws `ExpressionError` with the code `limit` when there aren't as many left. */
export function charge(work: Work, steps: number): void {
  work.remaining -= steps;
  if (work.remaining < 0) throw outOfWork(work);
}

export function outOfWork(work: Work): ExpressionError {
  const many =
    work.granted < work.limit
      ? "the expressions or clauses of one object need too many together"
      : "the texts are too long";
  const message = `The evaluation was ended after ${work.granted} steps: a pattern tries too many ways, or ${many}.`;
  return new ExpressionError("limit", message);
}

/** Charges a text about to be made. Throws `ExpressionError` with the code `limit` when it would be too long. */
export function chargeText(work: Work, length: number): void {
  if (length <= FREE_TEXT) return;
  if (length > MAXIMUM_TEXT) {
    const message = `A text of ${length} characters is too long: ${MAXIMUM_TEXT} is the most that an expression makes.`;
    throw new ExpressionError("limit", message);
  }
  charge(work, length);
}

/** Charges a search for one text in another before it begins: at worst it compares each place with all of it. */
export function chargeSearch(work: Work, text: string, wanted: string): void {
  charge(work, Math.floor((text.length * Math.min(wanted.length, text.length)) / 128));
}

/** Charges what a function gave, and hands it on. */
export function metered(value: Value, work: Work): Value {
  if (typeof value === "string") {
    if (value.length > FREE_TEXT) chargeText(work, value.length);
  } else if (isList(value)) {
    chargeText(work, value.reduce(lengthWith, 0));
  }
  return value;
}

/** One more for each value, or a list of empty texts would be free. */
function lengthWith(sum: number, value: Scalar): number {
  return sum + 1 + (typeof value === "string" ? value.length : 0);
}
