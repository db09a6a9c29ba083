import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  civilOfTicks,
  dayOfWeek,
  formatCanonical,
  ticksOfCivil,
  ticksOfEpochMilliseconds,
} from "../../../shared/domain/expression/dates/calendar.ts";
import { formatDate } from "../../../shared/domain/expression/dates/format.ts";
import { parseAny } from "../../../shared/domain/expression/dates/parse.ts";
import { parseExact } from "../../../shared/domain/expression/dates/parse-exact.ts";

/** Whole milliseconds in the years 1 to 9999. */
const instant = fc.date({
  min: new Date("0001-01-01T00:00:00Z"),
  max: new Date("9999-12-31T23:59:59.999Z"),
  noInvalidDate: true,
});
const EXACT = { allowLeadingWhite: false, allowTrailingWhite: false, now: 0n };

describe("dates", () => {
  it("agree with the platform's calendar", () => {
    fc.assert(
      fc.property(instant, (date) => {
        const ticks = ticksOfEpochMilliseconds(date.getTime());
        const civil = civilOfTicks(ticks);
        expect([civil.year, civil.month, civil.day]).toEqual([
          date.getUTCFullYear(),
          date.getUTCMonth() + 1,
          date.getUTCDate(),
        ]);
        expect([civil.hour, civil.minute, civil.second]).toEqual([
          date.getUTCHours(),
          date.getUTCMinutes(),
          date.getUTCSeconds(),
        ]);
        expect(civil.fraction).toBe(date.getUTCMilliseconds() * 10_000);
        expect(dayOfWeek(ticks)).toBe(date.getUTCDay());
        expect(ticksOfCivil(civil)).toBe(ticks);
      }),
    );
  });

  it("come back from their own texts", () => {
    fc.assert(
      fc.property(instant, (date) => {
        const ticks = ticksOfEpochMilliseconds(date.getTime());
        const seconds = ticks - (ticks % 10_000_000n);
        expect(parseAny(formatCanonical(ticks))).toBe(seconds);
        expect(parseAny(date.toISOString())).toBe(ticks);
        for (const format of ["yyyyMMddHHmmss.fffffff", "o", "dddd, d MMMM yyyy h:m:s.fff tt"]) {
          expect(parseExact(formatDate(ticks, format), format, EXACT)?.ticks).toBe(ticks);
        }
      }),
    );
  });

  it.each([
    ["2020-02-30"],
    ["2020-13-01"],
    ["2020-01-01T25:00:00Z"],
    ["2020-01-01+15:00"],
    ["13/1/2020"],
    ["1/1/2020 13:00:00 PM"],
    ["0001-01-01+01:00"],
    ["20200101"],
  ])("are not made out of %s", (text) => expect(parseAny(text)).toBeUndefined());

  it.each([
    ["1/1/2020", "dd/MM/yyyy"],
    ["01/01/20", "dd/MM/yyyy"],
    ["01/01/2020 ", "dd/MM/yyyy"],
    ["31/04/2020", "dd/MM/yyyy"],
    ["13:00 PM", "hh:mm tt"],
    ["Foo 2020", "MMM yyyy"],
  ])("%s doesn't have the format %s", (text, format) => expect(parseExact(text, format, EXACT)).toBeUndefined());

  it.each(["f".repeat(8), "'open", "a\\", "x"])("refuse the format %s", (format) => {
    expect(() => formatDate(0n, format)).toThrow();
  });
});
