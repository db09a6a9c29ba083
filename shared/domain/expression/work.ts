/**
 * How much an evaluation may do before it ends with an error: a count of steps, not a clock, so that a busy machine
 * decides as an idle one does.
 *
 * Matching a pattern charges its steps. Functions charge the text that they make: each of a few nested calls can
 * multiply its source, and a text that outgrew the memory would take everybody else's objects with it. An evaluation
 * that runs out fails with the code `limit`, for its object alone.
 */

import { ExpressionError } from "./failure.ts";
import { isList, type Scalar, type Value } from "./value.ts";

/** A mutable meter: one for each context, filled anew for every evaluation. */
export interface Work {
  readonly limit: number;
  remaining: number;
}

/** Some 20 ms of matching. The usual patterns need less than a step for each character of their source. */
export const WORK_LIMIT = 2_000_000;

/** Characters (UTF-16 units) of one value, or of all values of a list together. */
export const MAXIMUM_TEXT = 1_048_576;

/** Values this short are free: an expression is too short itself to make many of them. */
const FREE_TEXT = 256;

export function createWork(limit: number = WORK_LIMIT): Work {
  return { limit, remaining: limit };
}

export function refill(work: Work): void {
  work.remaining = work.limit;
}

/** Takes `steps` off the meter. Throws `ExpressionError` with the code `limit` when there aren't as many left. */
export function charge(work: Work, steps: number): void {
  work.remaining -= steps;
  if (work.remaining < 0) throw outOfWork(work);
}

export function outOfWork(work: Work): ExpressionError {
  const message = `The evaluation was ended after ${work.limit} steps: a pattern tries too many ways, or the texts are too long.`;
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
