/**
 * Dates read by a .NET format string, by the rules of ParseExact for the invariant culture.
 *
 * Nothing is guessed: one letter takes one or two digits, two letters exactly two, and so on; a field that stands twice
 * must say the same twice, a weekday must be the day's own. Besides the ticks there is an answer to where the text
 * stood in time, which decides what the specifier K writes: nowhere, in UTC, or at an offset, which the service's
 * machines turn to their local time, UTC.
 */

import { civilOfTicks, dayOfWeek } from "./calendar.ts";
import { fullYear, offsetOf, toUtc, twelveHours } from "./parse.ts";
import { DAYS, type DateToken, datePattern, MONTHS } from "./pattern.ts";

/** Where a text stood: it didn't say, in UTC, or elsewhere. .NET's DateTimeKind. */
export type Zone = "none" | "utc" | "local";

export interface Moment {
  readonly ticks: bigint;
  readonly zone: Zone;
}

export interface ExactOptions {
  readonly allowLeadingWhite: boolean;
  readonly allowTrailingWhite: boolean;
  readonly allowInnerWhite?: boolean;
  /** A time without a day is on the first day of all, not on today's. */
  readonly noCurrentDate?: boolean;
  /** Ticks of now: the day of a text that holds a time only, the year of one that holds a day only. */
  readonly now: bigint;
}

type NumberField = "year" | "month" | "day" | "hour" | "minute" | "second" | "fraction" | "weekday" | "offset";

interface Reading {
  readonly fields: Partial<Record<NumberField, number>>;
  isTwelve: boolean;
  isZulu: boolean;
  afternoon: boolean | undefined;
  /** A field stood twice and said two things. */
  isContradictory: boolean;
}

const WHITE = /^\s+/;
const ZONES = [/^[+-]\d{1,2}/, /^[+-]\d{2}/, /^(?:Z|[+-]\d{2}(?::?\d{2})?)/];
const ROUND_TRIP_ZONE = /^(?:Z|[+-]\d{2}:?\d{2})?/;

/** Undefined for a text that doesn't have the format. Throws ExpressionError for what is no format. */
export function parseExact(text: string, format: string, options: ExactOptions): Moment | undefined {
  let rest = options.allowLeadingWhite ? text.trimStart() : text;
  if (options.allowTrailingWhite) rest = rest.trimEnd();
  const fields = {};
  const reading: Reading = { fields, isTwelve: false, isZulu: false, afternoon: undefined, isContradictory: false };
  const tokens = datePattern(format);
  for (const [index, token] of tokens.entries()) {
    if (options.allowInnerWhite) rest = rest.replace(WHITE, "");
    const next = tokens[index + 1];
    const isBeforeFraction = next?.kind === "field" && next.letter === "F";
    const length =
      token.kind === "text"
        ? readText(rest, options.allowInnerWhite ? token.text.replaceAll(/\s/g, "") : token.text, isBeforeFraction)
        : readField(rest, token, reading);
    if (length === undefined) return undefined;
    rest = rest.slice(length);
  }
  return rest === "" && !reading.isContradictory ? momentOf(reading, options) : undefined;
}

/** The point before an optional fraction is as optional as the fraction. */
function readText(rest: string, expected: string, isBeforeFraction: boolean): number | undefined {
  if (rest.startsWith(expected)) return expected.length;
  const short = expected.slice(0, -1);
  return isBeforeFraction && expected.endsWith(".") && rest.startsWith(short) ? short.length : undefined;
}

function setField(reading: Reading, field: NumberField, value: number): void {
  const before = reading.fields[field];
  if (before !== undefined && before !== value) reading.isContradictory = true;
  reading.fields[field] = value;
}

function readField(
  rest: string,
  { letter, count }: Extract<DateToken, { kind: "field" }>,
  reading: Reading,
): number | undefined {
  const setNumber = (
    field: NumberField,
    read: string | undefined,
    numberOf: (read: string) => number = Number,
  ): number | undefined => {
    if (read !== undefined) setField(reading, field, numberOf(read));
    return read?.length;
  };
  const short = (field: NumberField) => setNumber(field, digits(rest, Math.min(count, 2), 2));
  switch (letter) {
    case "y": {
      if (count > 2) return setNumber("year", digits(rest, count, count));
      return setNumber("year", digits(rest, count, 2), (read) => fullYear(Number(read)));
    }
    case "M":
      return count <= 2
        ? short("month")
        : readName(rest, MONTHS, count, (index) => setField(reading, "month", index + 1));
    case "d":
      return count <= 2 ? short("day") : readName(rest, DAYS, count, (index) => setField(reading, "weekday", index));
    case "H":
      return short("hour");
    case "h":
      reading.isTwelve = true;
      return short("hour");
    case "m":
      return short("minute");
    case "s":
      return short("second");
    case "f":
      return setNumber("fraction", digits(rest, count, count), (read) => Number(read.padEnd(7, "0")));
    case "F":
      return setNumber("fraction", digits(rest, 0, count), (read) => Number(read.padEnd(7, "0")));
    case "t":
      return readHalf(rest, count, reading);
    case "z":
    case "K":
      return readZone(rest, letter === "K" ? ROUND_TRIP_ZONE : (ZONES[Math.min(count, 3) - 1] ?? /$^/), reading);
    case "Z":
      return readZone(rest, /^(?:GMT|Z)/i, reading);
    default:
      return readText(rest, "A.D.", false);
  }
}

function digits(rest: string, least: number, most: number): string | undefined {
  let length = 0;
  while (length < most && rest.charCodeAt(length) >= 48 && rest.charCodeAt(length) <= 57) length++;
  return length < least ? undefined : rest.slice(0, length);
}

function readHalf(rest: string, count: number, reading: Reading): number | undefined {
  const read = (count === 1 ? /^[AP]/i : /^[AP]M/i).exec(rest)?.[0];
  if (read !== undefined) reading.afternoon = read.toUpperCase().startsWith("P");
  return read?.length;
}

function readZone(rest: string, shape: RegExp, reading: Reading): number | undefined {
  const read = shape.exec(rest)?.[0];
  if (read === undefined || read === "") return read?.length;
  const offset = offsetOf(read.replace(/^([+-])(\d)$/, "$10$2"));
  if (offset === undefined) return undefined;
  if (/^[a-z]/i.test(read)) reading.isZulu = true;
  setField(reading, "offset", offset);
  return read.length;
}

function readName(
  rest: string,
  names: readonly string[],
  count: number,
  use: (index: number) => void,
): number | undefined {
  const lower = rest.toLowerCase();
  const candidates = names.map((name) => (count === 3 ? name.slice(0, 3) : name).toLowerCase());
  const index = candidates.findIndex((name) => lower.startsWith(name));
  if (index < 0) return undefined;
  use(index);
  return candidates[index]?.length;
}

/** The hour of 24, undefined when morning or afternoon says otherwise. */
function hourOf({ fields, isTwelve, afternoon }: Reading): number | undefined {
  const hour = fields.hour ?? 0;
  if (isTwelve) return twelveHours(hour, afternoon ?? false);
  if (afternoon === undefined || fields.hour === undefined) return afternoon ? 12 : hour;
  return afternoon === hour >= 12 ? hour : undefined;
}

function momentOf(reading: Reading, options: ExactOptions): Moment | undefined {
  const { fields } = reading;
  const hour = hourOf(reading);
  if (hour === undefined) return undefined;
  const today = options.noCurrentDate ? { year: 1, month: 1, day: 1 } : civilOfTicks(options.now);
  const hasDay = fields.year !== undefined || fields.month !== undefined || fields.day !== undefined;
  const civil = {
    year: fields.year ?? today.year,
    month: fields.month ?? (hasDay ? 1 : today.month),
    day: fields.day ?? (hasDay ? 1 : today.day),
    hour,
    minute: fields.minute ?? 0,
    second: fields.second ?? 0,
    fraction: fields.fraction ?? 0,
  };
  const local = toUtc(civil, 0);
  if (local === undefined || (fields.weekday !== undefined && dayOfWeek(local) !== fields.weekday)) return undefined;
  const ticks = toUtc(civil, fields.offset ?? 0);
  if (ticks === undefined) return undefined;
  return { ticks, zone: reading.isZulu ? "utc" : fields.offset === undefined ? "none" : "local" };
}
