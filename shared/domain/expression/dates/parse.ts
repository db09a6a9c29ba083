/**
 * Dates read from text that says for itself how it is written: the shapes that directories and HR systems send and
 * .NET's own parser takes for the invariant culture. ISO 8601 with or without time and offset, `M/d/yyyy h:mm:ss tt`,
 * and English month names. A text without a zone is UTC; one with an offset is moved to UTC, as the service's machines
 * do, which stand in UTC themselves.
 */

import { type Civil, isValidCivil, TICKS_PER_MINUTE, ticksOfCivil } from "./calendar.ts";
import { MONTHS } from "./pattern.ts";

const MONTH_NAME = "(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)([a-z]*)\\.?";
const WEEKDAY = "(?:(?:Sun|Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?)(?:day)?\\.?,?\\s+)?";

interface Day {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

type Groups = readonly (string | undefined)[];

/** How a text may begin: with which day. */
const DAY_SHAPES: readonly { readonly shape: RegExp; readonly read: (groups: Groups) => Day | undefined }[] = [
  { shape: /^\s*(\d{4})([-/])(\d{1,2})\2(\d{1,2})(?!\d)/, read: ([, y, , m, d]) => dayOf(y, m, d) },
  { shape: /^\s*(\d{1,2})([-/])(\d{1,2})\2(\d{4}|\d{2})(?!\d)/, read: ([, m, , d, y]) => dayOf(y, m, d) },
  {
    shape: new RegExp(`^\\s*${WEEKDAY}(\\d{1,2})[-\\s]+${MONTH_NAME}[-,\\s]+(\\d{4}|\\d{2})(?!\\d)`, "i"),
    read: ([, d, short, rest, y]) => dayOf(y, monthOf(short, rest), d),
  },
  {
    shape: new RegExp(`^\\s*${WEEKDAY}${MONTH_NAME}\\s+(\\d{1,2})(?:,\\s*|\\s+)(\\d{4})(?!\\d)`, "i"),
    read: ([, short, rest, d, y]) => dayOf(y, monthOf(short, rest), d),
  },
];

/** What may follow the day: a time, and a zone. */
const REST =
  /^(?:(?:[Tt]|,?\s+)(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,16}))?)?(?:\s*([AaPp])[Mm])?)?\s*([Zz]|GMT|UTC|[+-]\d{2}(?::?\d{2})?)?\s*$/;

/** Blanks around it included. Nothing longer is looked at, however many blanks a directory may hold. */
const LONGEST_DATE = 200;

function dayOf(year: string | undefined, month: string | undefined, day: string | undefined): Day | undefined {
  if (month === undefined) return undefined;
  const read = Number(year);
  return { year: year?.length === 2 ? fullYear(read) : read, month: Number(month), day: Number(day) };
}

function monthOf(short: string | undefined, rest: string | undefined): string | undefined {
  const index = MONTHS.findIndex((name) => name.slice(0, 3).toLowerCase() === short?.toLowerCase());
  const isWhole = rest === "" || rest?.toLowerCase() === MONTHS[index]?.slice(3).toLowerCase();
  return isWhole ? String(index + 1) : undefined;
}

/** Two digits: .NET's window ends in 2049 for the invariant culture. */
export function fullYear(twoDigits: number): number {
  return twoDigits + (twoDigits > 49 ? 1900 : 2000);
}

/** The generalized time of LDAP, as AD writes whenCreated. .NET doesn't read it; directories write nothing else. */
const GENERALIZED = /^\s*(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(?:\.(\d{1,16}))?(Z)\s*$/;

/** Ticks in UTC; undefined for a text that is no date, the caller knows how to say that. */
export function parseAny(text: string): bigint | undefined {
  if (text.length > LONGEST_DATE) return undefined;
  const ldap = GENERALIZED.exec(text);
  const written = ldap ? dayOf(ldap[1], ldap[2], ldap[3]) : undefined;
  if (ldap && written)
    return ticksOfParts(written, [undefined, ldap[4], ldap[5], ldap[6], ldap[7], undefined, ldap[8]]);
  for (const { shape, read } of DAY_SHAPES) {
    const found = shape.exec(text);
    const day = found ? read(found) : undefined;
    const rest = found && day ? REST.exec(text.slice(found[0].length)) : null;
    if (day && rest) return ticksOfParts(day, rest);
  }
  return undefined;
}

function ticksOfParts(day: Day, [, hours, minutes, seconds, fraction, half, zone]: Groups): bigint | undefined {
  const given = Number(hours ?? 0);
  const hour = half === undefined ? given : twelveHours(given, half.toUpperCase() === "P");
  if (hour === undefined) return undefined;
  const civil = { ...day, hour, minute: Number(minutes ?? 0), second: Number(seconds ?? 0) };
  return toUtc({ ...civil, fraction: Number((fraction ?? "").padEnd(7, "0").slice(0, 7)) }, offsetOf(zone));
}

/** Minutes east of UTC. */
export function offsetOf(zone: string | undefined): number | undefined {
  if (zone === undefined || /^[A-Za-z]/.test(zone)) return 0;
  const digits = zone.slice(1).replace(":", "").padEnd(4, "0");
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2));
  // .NET knows offsets of up to 14 hours.
  if (Number(digits.slice(2)) > 59 || minutes > 14 * 60) return undefined;
  return zone.startsWith("-") ? -minutes : minutes;
}

export function toUtc(civil: Civil, offset: number | undefined): bigint | undefined {
  if (offset === undefined || !isValidCivil(civil)) return undefined;
  const ticks = ticksOfCivil(civil) - BigInt(offset) * TICKS_PER_MINUTE;
  return ticks < 0n ? undefined : ticks;
}

export function twelveHours(hour: number, afternoon: boolean): number | undefined {
  if (hour > 12 || hour < 0) return undefined;
  return (hour % 12) + (afternoon ? 12 : 0);
}
