/** An argument that is a date, or a text that says one: in the shapes of `parseAny`, so CDate around it may be left out. */

import { checkedTicks } from "../dates/calendar.ts";
import { parseAny } from "../dates/parse.ts";
import { ExpressionError } from "../failure.ts";
import { described, firstOf, type Value } from "../value.ts";

/** The ticks of a date argument, null for null and "". */
export function ticksOf(value: Value, what: string): bigint | null {
  const first = firstOf(value);
  if (first === null || first === "") return null;
  if (typeof first === "object" && first.kind === "date") return first.ticks;
  const ticks = typeof first === "string" ? parseAny(first) : undefined;
  if (ticks === undefined) {
    const code = typeof first === "string" ? "date" : "type";
    throw new ExpressionError(code, `${what} is not a date but ${described(first)}.`);
  }
  return checkedTicks(ticks);
}
