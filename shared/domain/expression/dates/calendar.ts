/**
 * Dates as .NET counts them: 100-nanosecond ticks since 0001-01-01 in the proleptic Gregorian calendar, UTC, up to the
 * end of the year 9999. No clock, no time zone, no `Date`: the same answer on every machine.
 */

import { ExpressionError } from "../failure.ts";

export const TICKS_PER_SECOND = 10_000_000n;
export const TICKS_PER_MINUTE = TICKS_PER_SECOND * 60n;
export const TICKS_PER_HOUR = TICKS_PER_MINUTE * 60n;
export const TICKS_PER_DAY = TICKS_PER_HOUR * 24n;

export interface Civil {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** Ticks within the second, 0 to 9,999,999. */
  readonly fraction: number;
}

/** 1601-01-01, where Active Directory's times begin. */
export const FILE_TIME_EPOCH = ticksOfCivil({ year: 1601, month: 1, day: 1 });
const UNIX_EPOCH = ticksOfCivil({ year: 1970, month: 1, day: 1 });
const END_OF_TIME = ticksOfCivil({ year: 9999, month: 12, day: 31 }) + TICKS_PER_DAY;

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return isLeapYear(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days since 0001-01-01, which was a Monday. */
function daysOfCivil(year: number, month: number, day: number): number {
  const before = year - 1;
  let days = before * 365 + Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400);
  for (let index = 1; index < month; index++) days += daysInMonth(year, index);
  return days + day - 1;
}

export function ticksOfCivil(civil: Partial<Civil> & Pick<Civil, "year" | "month" | "day">): bigint {
  const { year, month, day, hour = 0, minute = 0, second = 0, fraction = 0 } = civil;
  const seconds = hour * 3600 + minute * 60 + second;
  const days = BigInt(daysOfCivil(year, month, day));
  return days * TICKS_PER_DAY + BigInt(seconds) * TICKS_PER_SECOND + BigInt(fraction);
}

/** True when the fields name a day and a time that exist. */
export function isValidCivil({ year, month, day, hour, minute, second }: Civil): boolean {
  if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return false;
  return hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60;
}

export function civilOfTicks(ticks: bigint): Civil {
  const days = Number(ticks / TICKS_PER_DAY);
  const ofDay = ticks % TICKS_PER_DAY;
  const seconds = Number(ofDay / TICKS_PER_SECOND);
  // A first guess by the mean length of a year, then at most one step either way.
  let year = Math.floor(days / 365.2425) + 1;
  while (daysOfCivil(year, 1, 1) > days) year--;
  while (daysOfCivil(year + 1, 1, 1) <= days) year++;
  let day = days - daysOfCivil(year, 1, 1);
  let month = 1;
  while (day >= daysInMonth(year, month)) day -= daysInMonth(year, month++);
  return {
    year,
    month,
    day: day + 1,
    hour: Math.floor(seconds / 3600),
    minute: Math.floor(seconds / 60) % 60,
    second: seconds % 60,
    fraction: Number(ofDay % TICKS_PER_SECOND),
  };
}

/** 0 for Sunday to 6 for Saturday. */
export function dayOfWeek(ticks: bigint): number {
  return (Number(ticks / TICKS_PER_DAY) + 1) % 7;
}

/** The ticks, or an error when they lie outside the years 1 to 9999. */
export function checkedTicks(ticks: bigint): bigint {
  if (ticks < 0n || ticks >= END_OF_TIME) {
    throw new ExpressionError("date", "The date lies outside the years 1 to 9999.");
  }
  return ticks;
}

export function ticksOfEpochMilliseconds(milliseconds: number): bigint {
  return UNIX_EPOCH + BigInt(Math.trunc(milliseconds)) * 10_000n;
}

/** Calendar months, clamped to the end of a shorter month. */
export function addMonths(ticks: bigint, months: number): bigint {
  const civil = civilOfTicks(ticks);
  const count = civil.year * 12 + civil.month - 1 + months;
  const year = Math.floor(count / 12);
  const month = count - year * 12 + 1;
  if (!(year >= 1 && year <= 9999)) throw new ExpressionError("date", "The date lies outside the years 1 to 9999.");
  return ticksOfCivil({ ...civil, year, month, day: Math.min(civil.day, daysInMonth(year, month)) });
}

/** `M/d/yyyy h:mm:ss tt`: the text of a date wherever the language shows one. */
export function formatCanonical(ticks: bigint): string {
  const { year, month, day, hour, minute, second } = civilOfTicks(ticks);
  const two = (part: number) => String(part).padStart(2, "0");
  const time = `${hour % 12 === 0 ? 12 : hour % 12}:${two(minute)}:${two(second)} ${hour < 12 ? "AM" : "PM"}`;
  return `${month}/${day}/${String(year).padStart(4, "0")} ${time}`;
}
