/**
 * Dates read from text. `parseExact` goes by a .NET format string; `parseAny` takes the shapes that directories and HR
 * systems send: ISO 8601 with or without time and offset, and `M/d/yyyy h:mm:ss tt`. A text without a zone is UTC; one
 * with an offset is moved to UTC, as the service's machines do, which stand in UTC themselves.
 *
 * Both answer undefined for a text that is no date; the caller knows how to say that.
 */

import { type Civil, civilOfTicks, isValidCivil, TICKS_PER_MINUTE, ticksOfCivil } from "./calendar.ts";
import { DAYS, type DateToken, datePattern, MONTHS } from "./pattern.ts";

const ISO =
  /^\s*(\d{4})-(\d{1,2})-(\d{1,2})(?:[Tt ]\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,16}))?)?)?\s*([Zz]|[+-]\d{2}(?::?\d{2})?)?\s*$/;
const AMERICAN = /^\s*(\d{1,2})\/(\d{1,2})\/(\d{4})(?:\s+(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\s*([AaPp])[Mm])?)?\s*$/;

/** Ticks in UTC. */
export function parseAny(text: string): bigint | undefined {
  const iso = ISO.exec(text);
  if (iso) {
    const fraction = Number((iso[7] ?? "").padEnd(7, "0").slice(0, 7));
    const part = (index: number) => Number(iso[index] ?? 0);
    const civil = { year: part(1), month: part(2), day: part(3), hour: part(4), minute: part(5), second: part(6) };
    return toUtc({ ...civil, fraction }, offsetOf(iso[8]));
  }
  const american = AMERICAN.exec(text);
  if (!american) return undefined;
  const part = (index: number) => Number(american[index] ?? 0);
  const half = american[7]?.toUpperCase();
  const hour = half ? twelveHours(part(4), half === "P") : part(4);
  if (hour === undefined) return undefined;
  const civil = { year: part(3), month: part(1), day: part(2), hour, minute: part(5), second: part(6), fraction: 0 };
  return toUtc(civil, 0);
}

/** Minutes east of UTC. */
function offsetOf(zone: string | undefined): number | undefined {
  if (zone === undefined || zone.toUpperCase() === "Z") return 0;
  const digits = zone.slice(1).replace(":", "").padEnd(4, "0");
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2));
  // .NET knows offsets of up to 14 hours.
  if (Number(digits.slice(2)) > 59 || minutes > 14 * 60) return undefined;
  return zone.startsWith("-") ? -minutes : minutes;
}

function toUtc(civil: Civil, offset: number | undefined): bigint | undefined {
  if (offset === undefined || !isValidCivil(civil)) return undefined;
  const ticks = ticksOfCivil(civil) - BigInt(offset) * TICKS_PER_MINUTE;
  return ticks < 0n ? undefined : ticks;
}

function twelveHours(hour: number, afternoon: boolean): number | undefined {
  if (hour > 12 || hour < 0) return undefined;
  return (hour % 12) + (afternoon ? 12 : 0);
}

export interface ExactOptions {
  readonly allowLeadingWhite: boolean;
  readonly allowTrailingWhite: boolean;
  /** Ticks of now: the day of a text that holds a time only, the year of one that holds a day only. */
  readonly now: bigint;
}

interface Reading {
  year?: number;
  month?: number;
  day?: number;
  hour?: number;
  twelve?: boolean;
  minute?: number;
  second?: number;
  fraction?: number;
  afternoon?: boolean;
  weekday?: number;
  offset?: number;
}

/** Ticks in UTC. */
export function parseExact(text: string, format: string, options: ExactOptions): bigint | undefined {
  let rest = options.allowLeadingWhite ? text.trimStart() : text;
  if (options.allowTrailingWhite) rest = rest.trimEnd();
  const reading: Reading = {};
  for (const token of datePattern(format)) {
    const length = token.kind === "text" ? readText(rest, token.text) : readField(rest, token, reading);
    if (length === undefined) return undefined;
    rest = rest.slice(length);
  }
  return rest === "" ? ticksOfReading(reading, options.now) : undefined;
}

function readText(rest: string, expected: string): number | undefined {
  return rest.startsWith(expected) ? expected.length : undefined;
}

function readField(
  rest: string,
  { letter, count }: Extract<DateToken, { kind: "field" }>,
  reading: Reading,
): number | undefined {
  const digits = (least: number, most: number): string | undefined =>
    new RegExp(`^\\d{${least},${most}}`).exec(rest)?.[0];
  // One letter takes one or two digits, two letters take exactly two.
  const number = (): string | undefined => digits(Math.min(count, 2), 2);
  const setNumber = (key: "month" | "day" | "hour" | "minute" | "second"): number | undefined => {
    const read = number();
    if (read !== undefined) reading[key] = Number(read);
    return read?.length;
  };
  switch (letter) {
    case "y": {
      const read = count === 1 ? digits(1, 2) : digits(count, count);
      // Two digits: .NET's window ends in 2049 for the invariant culture.
      if (read !== undefined)
        reading.year = count <= 2 ? Number(read) + (Number(read) > 49 ? 1900 : 2000) : Number(read);
      return read?.length;
    }
    case "M":
      if (count <= 2) return setNumber("month");
      return readName(rest, MONTHS, count, (index) => {
        reading.month = index + 1;
      });
    case "d":
      if (count <= 2) return setNumber("day");
      return readName(rest, DAYS, count, (index) => {
        reading.weekday = index;
      });
    case "H":
      return setNumber("hour");
    case "h":
      reading.twelve = true;
      return setNumber("hour");
    case "m":
      return setNumber("minute");
    case "s":
      return setNumber("second");
    case "f":
    case "F": {
      const read = letter === "f" ? digits(count, count) : (digits(0, count) ?? "");
      if (read !== undefined) reading.fraction = Number(read.padEnd(7, "0"));
      return read?.length;
    }
    case "t": {
      const read = (count === 1 ? /^[AP]/i : /^[AP]M/i).exec(rest)?.[0];
      if (read !== undefined) reading.afternoon = read.toUpperCase().startsWith("P");
      return read?.length;
    }
    case "z":
    case "K": {
      const wanted = letter === "K" ? /^(?:Z|[+-]\d{2}:\d{2})?/ : ZONES[Math.min(count, 3) - 1];
      const read = wanted?.exec(rest)?.[0];
      if (read === undefined) return undefined;
      const padded = read.replace(/^([+-])(\d)$/, "$10$2");
      const offset = read === "" ? 0 : offsetOf(padded);
      if (offset === undefined) return undefined;
      reading.offset = offset;
      return read.length;
    }
    default:
      return readText(rest, "A.D.");
  }
}

const ZONES = [/^[+-]\d{1,2}/, /^[+-]\d{2}/, /^(?:Z|[+-]\d{2}:?\d{2})/];

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

function ticksOfReading(reading: Reading, now: bigint): bigint | undefined {
  const today = civilOfTicks(now);
  const hasDate = reading.year !== undefined || reading.month !== undefined || reading.day !== undefined;
  let hour = reading.hour ?? 0;
  if (reading.twelve || reading.afternoon !== undefined) {
    const twelve = reading.twelve ? twelveHours(hour, reading.afternoon ?? false) : hour;
    if (twelve === undefined) return undefined;
    hour = twelve;
  }
  const civil = {
    year: reading.year ?? today.year,
    month: reading.month ?? (hasDate ? 1 : today.month),
    day: reading.day ?? (hasDate ? 1 : today.day),
    hour,
    minute: reading.minute ?? 0,
    second: reading.second ?? 0,
    fraction: reading.fraction ?? 0,
  };
  return toUtc(civil, reading.offset ?? 0);
}
