/**
 * A date written by a .NET format string, in UTC and by the invariant culture. Local time is UTC too: the machines of
 * the service stand there. Only K tells the three zones of a date apart.
 */

import { civilOfTicks, dayOfWeek } from "./calendar.ts";
import type { Zone } from "./parse-exact.ts";
import { DAYS, type DateToken, datePattern, MONTHS } from "./pattern.ts";

const ROUND_TRIP_ZONE: Readonly<Record<Zone, string>> = { none: "", utc: "Z", local: "+00:00" };

/** Throws ExpressionError for what is no format. */
export function formatDate(ticks: bigint, format: string, zone: Zone = "utc"): string {
  const civil = civilOfTicks(ticks);
  let text = "";
  for (const token of datePattern(format)) {
    if (token.kind === "text") {
      text += token.text;
      continue;
    }
    // F drops a fraction of zero, and the point before it.
    if (token.letter === "F" && text.endsWith(".") && optionalFraction(civil.fraction, token.count) === "") {
      text = text.slice(0, -1);
    }
    text += token.letter === "K" ? ROUND_TRIP_ZONE[zone] : fieldText(token, civil, ticks);
  }
  return text;
}

type Field = Extract<DateToken, { kind: "field" }>;

function fieldText({ letter, count }: Field, civil: ReturnType<typeof civilOfTicks>, ticks: bigint): string {
  const padded = (part: number) => String(part).padStart(Math.min(count, 2), "0");
  switch (letter) {
    case "d":
      if (count <= 2) return padded(civil.day);
      return name(DAYS, dayOfWeek(ticks), count);
    case "M":
      if (count <= 2) return padded(civil.month);
      return name(MONTHS, civil.month - 1, count);
    case "y":
      return count <= 2 ? padded(civil.year % 100) : String(civil.year).padStart(count, "0");
    case "H":
      return padded(civil.hour);
    case "h":
      return padded(civil.hour % 12 === 0 ? 12 : civil.hour % 12);
    case "m":
      return padded(civil.minute);
    case "s":
      return padded(civil.second);
    case "f":
      return String(civil.fraction).padStart(7, "0").slice(0, count);
    case "F":
      return optionalFraction(civil.fraction, count);
    case "t":
      return (civil.hour < 12 ? "AM" : "PM").slice(0, count);
    case "z":
      return count === 1 ? "+0" : count === 2 ? "+00" : "+00:00";
    case "Z":
      return "Z";
    default:
      return "A.D.";
  }
}

function name(names: readonly string[], index: number, count: number): string {
  const full = names[index] ?? "";
  return count === 3 ? full.slice(0, 3) : full;
}

function optionalFraction(fraction: number, count: number): string {
  return String(fraction).padStart(7, "0").slice(0, count).replace(/0+$/, "");
}
