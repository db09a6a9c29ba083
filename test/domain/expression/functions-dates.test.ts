/** CDate, Now, DateAdd, DateDiff, DateFromNum and NumFromDate. */

import { describe, expect, it } from "vitest";
import { type Source, text } from "./support.ts";

type Row = readonly [expression: string, source: Source, expected: string];
const decide = (rows: readonly Row[]) =>
  it.each(rows)("%s over %j gives %s", (expression, source, expected) => {
    expect(text(expression, source)).toBe(expected);
  });
const MIDNIGHT = "12:00:00 AM";

describe("CDate", () => {
  it.each([
    ["2020-03-16-07:00", "3/16/2020 7:00:00 AM"],
    ["2021-06-30+08:00", "6/29/2021 4:00:00 PM"],
    ["2009-06-15T01:45:30-07:00", "6/15/2009 8:45:30 AM"],
    ["2009-06-15T01:45:30.1234567Z", "6/15/2009 1:45:30 AM"],
    ["2009-06-15T01:45:30+0530", "6/14/2009 8:15:30 PM"],
    ["2009-06-15T01:45Z", "6/15/2009 1:45:00 AM"],
    ["2009-06-15 01:45:30", "6/15/2009 1:45:30 AM"],
    ["2009-06-15 01:45:30 PM", "6/15/2009 1:45:30 PM"],
    ["2009-06-15 01:45:30 -07:00", "6/15/2009 8:45:30 AM"],
    ["2009-06-15Z", `6/15/2009 ${MIDNIGHT}`],
    ["2009/6/15", `6/15/2009 ${MIDNIGHT}`],
    ["9999-12-31", `12/31/9999 ${MIDNIGHT}`],
    ["0001-01-01", `1/1/0001 ${MIDNIGHT}`],
    ["2000-02-29", `2/29/2000 ${MIDNIGHT}`],
    ["6/15/2009", `6/15/2009 ${MIDNIGHT}`],
    ["06/15/2009 1:45 PM", "6/15/2009 1:45:00 PM"],
    ["6/15/2009 13:45:30", "6/15/2009 1:45:30 PM"],
    ["6/15/2009 12:00:00 AM", `6/15/2009 ${MIDNIGHT}`],
    ["6/15/2009 12:00:00 PM", "6/15/2009 12:00:00 PM"],
    ["6/15/2009 1:45:30 AM +02:00", "6/14/2009 11:45:30 PM"],
    ["6/15/09", `6/15/2009 ${MIDNIGHT}`],
    ["15 June 2009", `6/15/2009 ${MIDNIGHT}`],
    ["15-Jun-2009", `6/15/2009 ${MIDNIGHT}`],
    ["June 15, 2009", `6/15/2009 ${MIDNIGHT}`],
    ["Monday, June 15, 2009 1:45 PM", "6/15/2009 1:45:00 PM"],
    ["Mon, 15 Jun 2009 20:45:30 GMT", "6/15/2009 8:45:30 PM"],
    ["  2009-06-15  ", `6/15/2009 ${MIDNIGHT}`],
  ])("reads %j", (value, expected) => expect(text("CDate([d])", { d: value })).toBe(expected));

  it.each([
    "tomorrow",
    "2009-13-01",
    "2009-02-29",
    "2009-06-31",
    "2009-06-15T24:00:00Z",
    "2009-06-15T10:60:00Z",
    "15/6/2009",
    "2009-06-15+15:00",
    "2009-06/15",
    "15 Juno 2009",
    "132538892400000000",
    "2009",
    "-",
  ])("doesn't read %j", (value) => {
    expect(text("CDate([d])", { d: value })).toBe("error: date");
    expect(text(`DateAdd("d", 1, "${value}")`)).toBe("failure: date");
  });

  decide([
    ["CDate([d])", {}, "null"],
    ["CDate([d])", { d: "" }, "null"],
    ["CDate([d])", { d: 5 }, "error: type"],
    ["CDate([d])", { d: true }, "error: type"],
    ['CDate(CDate("2009-06-15"))', {}, `6/15/2009 ${MIDNIGHT}`],
    ["CDate(Now())", {}, "1/15/2026 10:20:30 AM"],
    ["CDate()", {}, "failure: arity"],
  ]);
});

describe("Now", () => {
  decide([
    ["Now()", {}, "1/15/2026 10:20:30 AM"],
    ['Append("at ", Now())', {}, "at 1/15/2026 10:20:30 AM"],
    ["Now(1)", {}, "failure: arity"],
  ]);
});

describe("DateAdd", () => {
  decide([
    ['DateAdd("d", 7, CDate([d]))', { d: "2012-03-16-07:00" }, "3/23/2012 7:00:00 AM"],
    ['DateAdd("ww", 2, CDate([d]))', { d: "2012-03-16-07:00" }, "3/30/2012 7:00:00 AM"],
    ['DateAdd("yyyy", 2, CDate([d]))', { d: "2012-03-16-07:00" }, "3/16/2014 7:00:00 AM"],
    ['DateAdd("h", -8, CDate([d]))', { d: "2012-03-16-07:00" }, "3/15/2012 11:00:00 PM"],
    ['DateAdd("n", 90, CDate([d]))', { d: "2012-03-16-07:00" }, "3/16/2012 8:30:00 AM"],
    ['DateAdd("s", -1, CDate([d]))', { d: "2012-03-16T00:00:00Z" }, "3/15/2012 11:59:59 PM"],
    ['DateAdd("h", "9", Now())', {}, "1/15/2026 7:20:30 PM"],
    ['DateAdd("m", -1, CDate("2024-03-31"))', {}, `2/29/2024 ${MIDNIGHT}`],
    ['DateAdd("m", 12, CDate("2024-02-29"))', {}, `2/28/2025 ${MIDNIGHT}`],
    ['DateAdd("yyyy", 1, CDate("2024-02-29"))', {}, `2/28/2025 ${MIDNIGHT}`],
    ['DateAdd("yyyy", 4, CDate("2024-02-29"))', {}, `2/29/2028 ${MIDNIGHT}`],
    ['DateAdd("d", 0, CDate("2024-02-29"))', {}, `2/29/2024 ${MIDNIGHT}`],
    ['DateAdd("d", 365, CDate("2023-03-01"))', {}, `2/29/2024 ${MIDNIGHT}`],
    ['DateAdd("d", 1, DateAdd("m", 1, CDate("2024-01-31")))', {}, `3/1/2024 ${MIDNIGHT}`],
    ['DateAdd([i], 1, CDate("2024-01-31"))', { i: "d" }, `2/1/2024 ${MIDNIGHT}`],
    ['DateAdd([i], 1, CDate("2024-01-31"))', { i: "D" }, "error: range"],
    ['DateAdd([i], 1, CDate("2024-01-31"))', {}, "error: range"],
    ['DateAdd("q", 1, CDate("2024-01-31"))', {}, "failure: range"],
    ['DateAdd("y", 1, CDate("2024-01-31"))', {}, "failure: range"],
    ['DateAdd("w", 1, CDate("2024-01-31"))', {}, "failure: range"],
    ['DateAdd("M", 1, CDate("2024-01-31"))', {}, "failure: range"],
    ['DateAdd("", 1, CDate("2024-01-31"))', {}, "failure: range"],
    ['DateAdd("d", "one", CDate("2024-01-31"))', {}, "failure: type"],
    ['DateAdd("d", [n], CDate("2024-01-31"))', { n: "one" }, "error: conversion"],
    ['DateAdd("yyyy", 9223372036854775807, CDate("2024-01-31"))', {}, "error: date"],
    ['DateAdd("d", -9223372036854775808, CDate("2024-01-31"))', {}, "error: date"],
    ['DateAdd("yyyy", -2024, CDate("2024-01-31"))', {}, "error: date"],
    ['DateAdd("d", 1, CDate([d]))', {}, "null"],
    ['DateAdd("d", 1)', {}, "failure: arity"],
  ]);
});

describe("DateDiff", () => {
  const dated = (interval: string, from: string, to: string) =>
    text(`DateDiff("${interval}", CDate([a]), CDate([b]))`, { a: from, b: to });

  it.each([
    ["d", "2021-08-18+08:00", "2021-08-31+08:00", "13"],
    ["d", "8/25/2021 5:41:18 PM", "2012-03-16-07:00", "-3449"],
    ["ww", "8/25/2021 5:41:18 PM", "2012-03-16-07:00", "-493"],
    ["m", "8/25/2021 5:41:18 PM", "2012-03-16-07:00", "-113"],
    ["yyyy", "8/25/2021 5:41:18 PM", "2012-03-16-07:00", "-9"],
    ["d", "2021-08-31+08:00", "2021-08-31+08:00", "0"],
    ["h", "2021-08-24", "2021-08-25", "24"],
    ["n", "2021-08-24", "2021-08-25", "1440"],
    ["s", "2021-08-24", "2021-08-25", "86400"],
    ["s", "2021-08-25", "2021-08-24", "-86400"],
    ["d", "2021-08-24T23:59:59Z", "2021-08-25T00:00:01Z", "0"],
    ["d", "2021-08-24T00:00:00Z", "2021-08-26T23:59:59Z", "2"],
    ["h", "2021-08-24T00:00:00Z", "2021-08-24T01:59:59Z", "1"],
    ["n", "2021-08-24T00:00:00Z", "2021-08-23T23:59:01Z", "0"],
    ["yyyy", "2020-12-31", "2021-01-01", "1"],
    ["m", "2020-12-31", "2021-01-01", "1"],
    ["m", "2021-01-31", "2020-01-31", "-12"],
    ["s", "0001-01-01", "9999-12-31", "315537811200"],
  ])("in %s from %s to %s is %s", (interval, from, to, expected) => {
    expect(dated(interval, from, to)).toBe(expected);
  });

  decide([
    ['DateDiff("d", Now(), CDate("2026-01-20"))', {}, "4"],
    ['IIF(DateDiff("d", Now(), CDate([d])) > 5, "False", "True")', { d: "2026-02-20" }, "False"],
    ['DateDiff("d", CDate([d]), Now())', {}, "null"],
    ['DateDiff("w", Now(), Now())', {}, "failure: range"],
    ['DateDiff("days", Now(), Now())', {}, "failure: range"],
    ['DateDiff("d", Now())', {}, "failure: arity"],
    ['DateDiff("d", [a], Now())', { a: 5 }, "error: type"],
  ]);
});

describe("file times", () => {
  decide([
    ["DateFromNum(129699324000000000)", {}, "1/1/2012 11:00:00 PM"],
    ["DateFromNum([a])", { a: "0" }, `1/1/1601 ${MIDNIGHT}`],
    ["DateFromNum([a])", { a: "9223372036854775807" }, "error: date"],
    ["DateFromNum([a])", { a: "soon" }, "error: conversion"],
    ["DateFromNum([a])", { a: "" }, "null"],
    ["DateFromNum([a])", {}, "null"],
    ['DateFromNum("x")', {}, "failure: type"],
    ["DateFromNum()", {}, "failure: arity"],
    ["NumFromDate(DateFromNum([a]))", { a: "132538892401234567" }, "132538892401234567"],
    ['NumFromDate("1601-01-01T00:00:00.0000001Z")', {}, "1"],
    ['NumFromDate("1601-01-01")', {}, "0"],
    ['NumFromDate("1600-12-31T23:59:59Z")', {}, "-10000000"],
    ['NumFromDate("2020-12-31 23:59:59-08:00")', {}, "132539615990000000"],
    ['NumFromDate("12/31/2020 11:59:59 PM")', {}, "132539327990000000"],
    ["NumFromDate(Now())", {}, "134129460300000000"],
    ["NumFromDate([a])", { a: "" }, "null"],
    ["NumFromDate([a])", { a: "never" }, "error: date"],
    ["NumFromDate([a])", { a: 5 }, "error: type"],
    [
      'NumFromDate(Join("", FormatDateTime([d], ,"yyyy-MM-ddzzz", "yyyy-MM-dd"), " 23:59:59-08:00"))',
      { d: "2020-12-31-08:00" },
      "132539615990000000",
    ],
    [
      'NumFromDate(Join("",FormatDateTime([d], ,"M/d/yyyy hh:mm:ss tt","yyyy-MM-dd"),"23:59:59-08:00"))',
      { d: "12/31/2020 12:00:00 AM" },
      "error: date",
    ],
  ]);
});
