/**
 * Dates. Results are dates in UTC, written `M/d/yyyy h:mm:ss tt` where a text is asked for; a text argument is read in
 * the shapes that `parseAny` knows, so CDate around it may be left out. Null and "" give null.
 *
 * DateDiff counts as Visual Basic's does: days, hours, minutes and seconds truncate the elapsed time, weeks (ww) count
 * Sundays passed, months and years subtract the calendar's fields.
 */

import {
  addMonths,
  checkedTicks,
  civilOfTicks,
  dayOfWeek,
  FILE_TIME_EPOCH,
  TICKS_PER_DAY,
  TICKS_PER_HOUR,
  TICKS_PER_MINUTE,
  TICKS_PER_SECOND,
  ticksOfEpochMilliseconds,
} from "../dates/calendar.ts";
import { type FunctionDefinition, number, text, textArgument } from "../definition.ts";
import { ExpressionError } from "../failure.ts";
import { type DateTime, firstOf, requireInteger, textOf } from "../value.ts";
import { checkConstant } from "./constants.ts";
import { ticksOf } from "./date-argument.ts";
import { formatDateTime } from "./format-date-time.ts";

const date = (ticks: bigint): DateTime => ({ kind: "date", ticks: checkedTicks(ticks) });

const now: FunctionDefinition = {
  name: "Now",
  parameters: [],
  returns: "date",
  compile: () => (context) => date(ticksOfEpochMilliseconds(context.now)),
};

const cDate: FunctionDefinition = {
  name: "CDate",
  parameters: [{ name: "expression", type: "date" }],
  returns: "date",
  compile: (call) => {
    const expression = call.required(0);
    return (context) => {
      const ticks = ticksOf(expression(context), "The argument of CDate");
      return ticks === null ? null : date(ticks);
    };
  },
};

const ADD: Readonly<Record<string, (ticks: bigint, count: bigint) => bigint>> = {
  yyyy: (ticks, count) => addMonths(ticks, Number(count) * 12),
  m: (ticks, count) => addMonths(ticks, Number(count)),
  d: (ticks, count) => ticks + count * TICKS_PER_DAY,
  ww: (ticks, count) => ticks + count * TICKS_PER_DAY * 7n,
  h: (ticks, count) => ticks + count * TICKS_PER_HOUR,
  n: (ticks, count) => ticks + count * TICKS_PER_MINUTE,
  s: (ticks, count) => ticks + count * TICKS_PER_SECOND,
};

const weekStart = (ticks: bigint) => ticks - BigInt(dayOfWeek(ticks)) * TICKS_PER_DAY;
const monthOf = (ticks: bigint) => civilOfTicks(ticks).year * 12 + civilOfTicks(ticks).month - 1;

/** BigInt division truncates toward zero, which is what Visual Basic does. */
const DIFFERENCE: Readonly<Record<string, (from: bigint, to: bigint) => bigint>> = {
  yyyy: (from, to) => BigInt(civilOfTicks(to).year - civilOfTicks(from).year),
  m: (from, to) => BigInt(monthOf(to) - monthOf(from)),
  d: (from, to) => (to - from) / TICKS_PER_DAY,
  ww: (from, to) => (weekStart(to) - weekStart(from)) / TICKS_PER_DAY / 7n,
  h: (from, to) => (to - from) / TICKS_PER_HOUR,
  n: (from, to) => (to - from) / TICKS_PER_MINUTE,
  s: (from, to) => (to - from) / TICKS_PER_SECOND,
};

function byInterval<T>(table: Readonly<Record<string, T>>, interval: string | null, name: string): T {
  const found = interval !== null && Object.hasOwn(table, interval) ? table[interval] : undefined;
  if (found) return found;
  throw new ExpressionError(
    "range",
    `${name} knows the intervals yyyy, m, d, ww, h, n and s, not '${interval ?? ""}'.`,
  );
}

const dateAdd: FunctionDefinition = {
  name: "DateAdd",
  parameters: [text("interval"), number("value"), { name: "dateTime", type: "date" }],
  returns: "date",
  compile: (call) => {
    checkConstant(call, 0, "Write one of them.", (value) => byInterval(ADD, textOf(value), "DateAdd"));
    const interval = textArgument(call, 0);
    const value = call.required(1);
    const dateTime = call.required(2);
    return (context) => {
      const add = byInterval(ADD, interval(context), "DateAdd");
      const count = requireInteger(value(context), "The value of DateAdd");
      const ticks = ticksOf(dateTime(context), "The date of DateAdd");
      return ticks === null || count === null ? null : date(add(ticks, count));
    };
  },
};

const dateDiff: FunctionDefinition = {
  name: "DateDiff",
  parameters: [text("interval"), { name: "date1", type: "date" }, { name: "date2", type: "date" }],
  returns: "number",
  compile: (call) => {
    checkConstant(call, 0, "Write one of them.", (value) => byInterval(DIFFERENCE, textOf(value), "DateDiff"));
    const interval = textArgument(call, 0);
    const from = call.required(1);
    const to = call.required(2);
    return (context) => {
      const difference = byInterval(DIFFERENCE, interval(context), "DateDiff");
      const first = ticksOf(from(context), "The first date of DateDiff");
      const second = ticksOf(to(context), "The second date of DateDiff");
      return first === null || second === null ? null : difference(first, second);
    };
  },
};

const dateFromNum: FunctionDefinition = {
  name: "DateFromNum",
  parameters: [number("value")],
  returns: "date",
  compile: (call) => {
    const value = call.required(0);
    return (context) => {
      const first = firstOf(value(context));
      if (first === "") return null;
      const fileTime = requireInteger(first, "The argument of DateFromNum");
      return fileTime === null ? null : date(FILE_TIME_EPOCH + fileTime);
    };
  },
};

const numFromDate: FunctionDefinition = {
  name: "NumFromDate",
  parameters: [{ name: "value", type: "date" }],
  returns: "number",
  compile: (call) => {
    const value = call.required(0);
    return (context) => {
      const ticks = ticksOf(value(context), "The argument of NumFromDate");
      return ticks === null ? null : ticks - FILE_TIME_EPOCH;
    };
  },
};

export const DATE_FUNCTIONS: readonly FunctionDefinition[] = [
  now,
  cDate,
  dateAdd,
  dateDiff,
  dateFromNum,
  numFromDate,
  formatDateTime,
];
