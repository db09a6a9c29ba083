/**
 * The schedule of a timer trigger: an NCRONTAB expression (six fields, or five without seconds), or a TimeSpan as an
 * interval. Times are UTC unless WEBSITE_TIME_ZONE says otherwise.
 *
 * NCRONTAB is stricter than cron: only digits, names, `*`, `,`, `-` and `/`; and a day must fit both the day-of-month
 * and the day-of-week field.
 */

import { Cron } from "croner";
import { timeSpanMs } from "./settings.ts";

export type Schedule = {
  /** The first occurrence after a moment (both epoch milliseconds), or undefined when there is none. */
  nextAfter(atMs: number): number | undefined;
};

const fields = [
  { name: "second", max: 59, words: "" },
  { name: "minute", max: 59, words: "" },
  { name: "hour", max: 23, words: "" },
  { name: "day", max: 31, words: "" },
  { name: "month", max: 12, words: "jan feb mar apr may jun jul aug sep oct nov dec" },
  { name: "day of the week", max: 6, words: "sun mon tue wed thu fri sat" },
] as const;

/** NCRONTAB reads `5/15` as "from 5 to the end by 15"; croner wants the end written out. */
function normalise(field: string, max: number): string {
  return field
    .split(",")
    .map((part) => part.replace(/^(\d+)\/(\d+)$/, `$1-${max}/$2`))
    .join(",");
}

/** Throws an error that says which field of which expression can't be read. */
export function parseSchedule(expression: string, timeZone = "UTC"): Schedule {
  const interval = timeSpanMs(expression);
  if (interval !== undefined && expression.includes(":")) {
    if (interval <= 0) throw new Error(`The schedule '${expression}' is no interval: it must be longer than zero.`);
    return { nextAfter: (atMs) => atMs + interval };
  }
  const given = expression.trim().split(/\s+/);
  const parts = given.length === 5 ? ["0", ...given] : given;
  if (parts.length !== fields.length) {
    throw new Error(
      `The schedule '${expression}' has ${given.length} fields. Write six: {second} {minute} {hour} {day} {month} {day-of-week}.`,
    );
  }
  const pattern = fields.map(({ name, max, words }, index) => {
    const part = parts[index] ?? "";
    const known = part.match(/[A-Za-z]+/g)?.every((word) => words.split(" ").includes(word.toLowerCase())) ?? true;
    if (!known || !/^[\dA-Za-z*,/-]+$/.test(part)) {
      throw new Error(`The schedule '${expression}' cannot be read: its ${name} is '${part}'.`);
    }
    return normalise(part, max);
  });
  try {
    const cron = new Cron(pattern.join(" "), { mode: "6-part", domAndDow: true, timezone: timeZone, paused: true });
    return { nextAfter: (atMs) => cron.nextRun(new Date(atMs))?.getTime() };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`The schedule '${expression}' cannot be read: ${reason}`, { cause });
  }
}
