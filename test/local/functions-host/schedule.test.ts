import { describe, expect, it } from "vitest";
import { parseSchedule } from "../../../local/functions-host/schedule.ts";

const next = (expression: string, from: string, zone?: string): string | undefined => {
  const at = parseSchedule(expression, zone).nextAfter(Date.parse(from));
  return at === undefined ? undefined : new Date(at).toISOString();
};

describe("an NCRONTAB schedule", () => {
  it.each([
    ["0 */5 * * * *", "2026-01-01T00:01:00Z", "2026-01-01T00:05:00.000Z"],
    ["*/10 * * * * *", "2026-01-01T00:00:01Z", "2026-01-01T00:00:10.000Z"],
    ["0 30 9 * * Mon-Fri", "2026-01-03T00:00:00Z", "2026-01-05T09:30:00.000Z"],
    ["0 0 2 1 Jan,Jul *", "2026-01-02T00:00:00Z", "2026-07-01T02:00:00.000Z"],
    ["0 5/20 * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:05:00.000Z"],
    ["0 5/20 * * * *", "2026-01-01T00:46:00Z", "2026-01-01T01:05:00.000Z"],
    ["0 0 9-17/4 * * *", "2026-01-01T10:00:00Z", "2026-01-01T13:00:00.000Z"],
    ["5 * * * *", "2026-01-01T00:06:00Z", "2026-01-01T01:05:00.000Z"],
    // 13 January 2026 is a Tuesday; the next 13th that is a Friday comes in February.
    ["0 0 0 13 * 5", "2026-01-01T00:00:00Z", "2026-02-13T00:00:00.000Z"],
  ])("%s after %s is %s", (expression, from, expected) => {
    expect(next(expression, from)).toBe(expected);
  });

  it("is read in the time zone that is set, over the change of clocks", () => {
    expect(next("0 30 9 * * *", "2026-03-28T12:00:00Z", "Europe/Berlin")).toBe("2026-03-29T07:30:00.000Z");
    expect(next("0 30 9 * * *", "2026-03-27T12:00:00Z", "Europe/Berlin")).toBe("2026-03-28T08:30:00.000Z");
  });

  it.each(["0 0 0 L * *", "0 0 0 ? * *", "@daily", "0 0 0 * *  * *", "61 * * * * *", "0 0 0 * * 8", ""])(
    "refuses %s",
    (expression) => {
      expect(() => parseSchedule(expression)).toThrow(/schedule/);
    },
  );
});

describe("a TimeSpan schedule", () => {
  it("is an interval from the end of the last run", () => {
    expect(next("01:30:00", "2026-01-01T00:00:00Z")).toBe("2026-01-01T01:30:00.000Z");
    expect(next("1.00:00:00", "2026-01-01T00:00:00Z")).toBe("2026-01-02T00:00:00.000Z");
  });

  it("refuses no interval at all", () => {
    expect(() => parseSchedule("00:00:00")).toThrow("longer than zero");
  });
});
