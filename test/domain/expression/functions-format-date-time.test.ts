/** FormatDateTime: .NET's format strings, one specifier at a time, written and read. */

import { describe, expect, it } from "vitest";
import { text } from "./support.ts";

const INPUT = "yyyy-MM-ddTHH:mm:ss.fffffff";
/** A Monday afternoon with a different digit in every place. */
const AFTERNOON = "2009-06-15T13:45:30.6175425";
const MORNING = "0009-01-02T00:05:07.0500000";

const quoted = (constant: string) => `"${constant.replace(/[\\"]/g, "\\$&")}"`;
const written = (date: string, output: string) =>
  text(`FormatDateTime([d], , ${quoted(INPUT)}, ${quoted(output)})`, { d: date });
const read = (value: string, input: string, styles = "", output = "yyyy-MM-ddTHH:mm:ss.FFFFFFF") =>
  text(`FormatDateTime([d], ${quoted(styles)}, ${quoted(input)}, ${quoted(output)})`, { d: value });

describe("a date is written by a format", () => {
  it.each([
    ["%d", "15", "2"],
    ["dd", "15", "02"],
    ["ddd", "Mon", "Fri"],
    ["dddd", "Monday", "Friday"],
    ["ddddd", "Monday", "Friday"],
    ["%M", "6", "1"],
    ["MM", "06", "01"],
    ["MMM", "Jun", "Jan"],
    ["MMMM", "June", "January"],
    ["%y", "9", "9"],
    ["yy", "09", "09"],
    ["yyy", "2009", "009"],
    ["yyyy", "2009", "0009"],
    ["yyyyy", "02009", "00009"],
    ["%h", "1", "12"],
    ["hh", "01", "12"],
    ["hhh", "01", "12"],
    ["%H", "13", "0"],
    ["HH", "13", "00"],
    ["%m", "45", "5"],
    ["mm", "45", "05"],
    ["%s", "30", "7"],
    ["ss", "30", "07"],
    ["%f", "6", "0"],
    ["ff", "61", "05"],
    ["fff", "617", "050"],
    ["ffff", "6175", "0500"],
    ["fffff", "61754", "05000"],
    ["ffffff", "617542", "050000"],
    ["fffffff", "6175425", "0500000"],
    ["%F", "6", ""],
    ["FF", "61", "05"],
    ["FFF", "617", "05"],
    ["FFFFFFF", "6175425", "05"],
    ["s.F", "30.6", "7"],
    ["s.FF", "30.61", "7.05"],
    ["%t", "P", "A"],
    ["tt", "PM", "AM"],
    ["ttt", "PM", "AM"],
    ["%g", "A.D.", "A.D."],
    ["%z", "+0", "+0"],
    ["zz", "+00", "+00"],
    ["zzz", "+00:00", "+00:00"],
    ["zzzz", "+00:00", "+00:00"],
    ["HHK", "13", "00"],
    ["h:mm tt", "1:45 PM", "12:05 AM"],
    ["MM/dd/yyyy", "06/15/2009", "01/02/0009"],
    ["d.M.yy", "15.6.09", "2.1.09"],
    ["'d' d", "d 15", "d 2"],
    ['"day" d', "day 15", "day 2"],
    ["\\d d", "d 15", "d 2"],
    ["h 'o''clock'", "1 oclock", "12 oclock"],
    ["h %h", "1 1", "12 12"],
    ["yyyy-MM-ddTHH:mm:ssZ", "2009-06-15T13:45:30Z", "0009-01-02T00:05:07Z"],
    ["yyyyMMddHHmmss.0Z", "20090615134530.0Z", "00090102000507.0Z"],
    ["Week: d, €", "Week: 15, €", "Week: 2, €"],
  ])("%s", (format, afternoon, morning) => {
    expect([written(AFTERNOON, format), written(MORNING, format)]).toEqual([afternoon, morning]);
  });

  it.each([
    ["d", "06/15/2009"],
    ["D", "Monday, 15 June 2009"],
    ["f", "Monday, 15 June 2009 13:45"],
    ["F", "Monday, 15 June 2009 13:45:30"],
    ["g", "06/15/2009 13:45"],
    ["G", "06/15/2009 13:45:30"],
    ["m", "June 15"],
    ["M", "June 15"],
    ["o", "2009-06-15T13:45:30.6175425"],
    ["O", "2009-06-15T13:45:30.6175425"],
    ["r", "Mon, 15 Jun 2009 13:45:30 GMT"],
    ["R", "Mon, 15 Jun 2009 13:45:30 GMT"],
    ["s", "2009-06-15T13:45:30"],
    ["t", "13:45"],
    ["T", "13:45:30"],
    ["u", "2009-06-15 13:45:30Z"],
    ["U", "Monday, 15 June 2009 13:45:30"],
    ["y", "2009 June"],
    ["Y", "2009 June"],
  ])("of the standard letter %s", (format, expected) => expect(written(AFTERNOON, format)).toBe(expected));

  it.each(["x", "h", "Z", "%", "%%", "d%", "yyyy'''MM", "ffffffff", "FFFFFFFF", "'open", '"open', "a\\"])(
    "but not by %s, which is none",
    (format) => expect(written(AFTERNOON, format)).toBe("failure: date"),
  );

  it("and an attribute may say which format, if it is one", () => {
    const source = { d: AFTERNOON, f: "yyyy", bad: "x" };
    expect(text(`FormatDateTime([d], , "${INPUT}", [f])`, source)).toBe("2009");
    expect(text(`FormatDateTime([d], , "${INPUT}", [bad])`, source)).toBe("error: date");
  });
});

describe("a date is read by a format", () => {
  it.each([
    ["2009-06-15", "yyyy-MM-dd", "2009-06-15T00:00:00"],
    ["5/6/2009", "d/M/yyyy", "2009-06-05T00:00:00"],
    ["15/12/2009", "d/M/yyyy", "2009-12-15T00:00:00"],
    ["12/31/2020 12:00:00 AM", "M/d/yyyy hh:mm:ss tt", "2020-12-31T00:00:00"],
    ["12/31/2020 12:00:00 PM", "M/d/yyyy hh:mm:ss tt", "2020-12-31T12:00:00"],
    ["1/2/2020 01:02:03 pm", "M/d/yyyy hh:mm:ss tt", "2020-01-02T13:02:03"],
    ["1/2/2020 1P", "M/d/yyyy ht", "2020-01-02T13:00:00"],
    ["20150123105347.1Z", "yyyyMMddHHmmss.fZ", "2015-01-23T10:53:47.1"],
    ["20150123105347Z", "yyyyMMddHHmmss.FZ", "2015-01-23T10:53:47"],
    ["20150123105347.12Z", "yyyyMMddHHmmss.FFFZ", "2015-01-23T10:53:47.12"],
    ["15 Jun 2009", "dd MMM yyyy", "2009-06-15T00:00:00"],
    ["15 JUNE 2009", "dd MMMM yyyy", "2009-06-15T00:00:00"],
    ["Mon 15 June 2009", "ddd d MMMM yyyy", "2009-06-15T00:00:00"],
    ["Monday, 15 June 2009", "D", "2009-06-15T00:00:00"],
    ["2009-06-15T13:45:30.6175425Z", "o", "2009-06-15T13:45:30.6175425"],
    ["Mon, 15 Jun 2009 13:45:30 GMT", "r", "2009-06-15T13:45:30"],
    ["31.12.20", "dd.MM.yy", "2020-12-31T00:00:00"],
    ["31.12.49", "dd.MM.yy", "2049-12-31T00:00:00"],
    ["31.12.50", "dd.MM.yy", "1950-12-31T00:00:00"],
    ["2020-12-31-08:00", "yyyy-MM-ddzzz", "2020-12-31T08:00:00"],
    ["2020-12-31+05:30", "yyyy-MM-ddzzz", "2020-12-30T18:30:00"],
    ["2020-12-31+2", "yyyy-MM-ddz", "2020-12-30T22:00:00"],
    ["2020-12-31+02", "yyyy-MM-ddzz", "2020-12-30T22:00:00"],
    ["2020-12-31-08:00", "yyyy-MM-ddK", "2020-12-31T08:00:00"],
    ["2020-12-31Z", "yyyy-MM-ddK", "2020-12-31T00:00:00"],
    ["2020-12-31", "yyyy-MM-ddK", "2020-12-31T00:00:00"],
    ["year 2020", "'year' yyyy", "2020-01-01T00:00:00"],
    ["2020.07", "yyyy.MM", "2020-07-01T00:00:00"],
    ["13:45", "HH:mm", "2026-01-15T13:45:00"],
    ["06-15", "MM-dd", "2026-06-15T00:00:00"],
    ["2020 2020", "yyyy yyyy", "2020-01-01T00:00:00"],
    ["2/29/2020", "M/d/yyyy", "2020-02-29T00:00:00"],
    ["  2009-06-15 ", "yyyy-MM-dd", "2009-06-15T00:00:00"],
  ])("%s by %s", (value, input, expected) => expect(read(value, input)).toBe(expected));

  it.each([
    ["2009-6-15", "yyyy-MM-dd"],
    ["2009-06-15", "yyyy/MM/dd"],
    ["2009-06-15T00:00:00", "yyyy-MM-dd"],
    ["2009-06", "yyyy-MM-dd"],
    ["15/06/2009", "MM/dd/yyyy"],
    ["2/29/2021", "M/d/yyyy"],
    ["13:00 PM", "hh:mm tt"],
    ["13:00 AM", "HH:mm tt"],
    ["24:00", "HH:mm"],
    ["10:60", "HH:mm"],
    ["15 Foo 2009", "dd MMM yyyy"],
    ["Tue 15 June 2009", "ddd d MMMM yyyy"],
    ["2020 2021", "yyyy yyyy"],
    ["20150123105347.12Z", "yyyyMMddHHmmss.fZ"],
    ["20150123105347Z", "yyyyMMddHHmmss.fZ"],
    ["2020-12-31+15:00", "yyyy-MM-ddzzz"],
    ["20-12-31", "yyyy-MM-dd"],
    ["today", "yyyy-MM-dd"],
  ])("%s hasn't the format %s", (value, input) => expect(read(value, input)).toBe("error: date"));

  it.each([
    ["None", " 2009-06-15", "yyyy-MM-dd", "error: date"],
    ["None", "2009-06-15", "yyyy-MM-dd", "2009-06-15T00:00:00"],
    ["AllowLeadingWhite", " 2009-06-15", "yyyy-MM-dd", "2009-06-15T00:00:00"],
    ["AllowLeadingWhite", "2009-06-15 ", "yyyy-MM-dd", "error: date"],
    ["AllowTrailingWhite", "2009-06-15 ", "yyyy-MM-dd", "2009-06-15T00:00:00"],
    ["AllowInnerWhite", "2009 - 06 -15", "yyyy-MM-dd", "2009-06-15T00:00:00"],
    ["AllowInnerWhite", "15  June 2009", "d MMMM yyyy", "2009-06-15T00:00:00"],
    ["AllowWhiteSpaces", " 2009- 06-15 ", "yyyy-MM-dd", "2009-06-15T00:00:00"],
    ["AllowWhiteSpaces, AssumeUniversal", " 2009-06-15", "yyyy-MM-dd", "2009-06-15T00:00:00"],
    ["DateTimeStyles.AllowLeadingWhite", " 2009-06-15", "yyyy-MM-dd", "2009-06-15T00:00:00"],
    ["NoCurrentDateDefault", "13:45", "HH:mm", "0001-01-01T13:45:00"],
    ["Whatever", "2009-06-15", "yyyy-MM-dd", "failure: date"],
    ["RoundtripKind, AssumeLocal", "2009-06-15", "yyyy-MM-dd", "failure: date"],
    ["AssumeLocal AssumeUniversal", "2009-06-15", "yyyy-MM-dd", "failure: date"],
  ])("with the styles %s: %j", (styles, value, input, expected) => {
    expect(read(value, input, styles)).toBe(expected);
  });

  it.each([
    ["", "2009-06-15", "yyyy-MM-dd", ""],
    ["", "2009-06-15Z", "yyyy-MM-ddK", "Z"],
    ["", "2009-06-15Z", "yyyy-MM-ddZ", "Z"],
    ["", "2009-06-15Z", "yyyy-MM-dd'Z'", ""],
    ["", "2009-06-15+02:00", "yyyy-MM-ddK", "+00:00"],
    ["None", "2009-06-15Z", "yyyy-MM-ddK", "+00:00"],
    ["AdjustToUniversal", "2009-06-15+02:00", "yyyy-MM-ddzzz", "Z"],
    ["AdjustToUniversal", "2009-06-15", "yyyy-MM-dd", ""],
    ["AssumeUniversal", "2009-06-15", "yyyy-MM-dd", "+00:00"],
    ["AssumeLocal", "2009-06-15", "yyyy-MM-dd", "+00:00"],
    ["AssumeUniversal, AdjustToUniversal", "2009-06-15", "yyyy-MM-dd", "Z"],
  ])("and remembers its zone for K: styles %j, %s by %s", (styles, value, input, expected) => {
    expect(read(value, input, styles, "%K")).toBe(expected);
  });
});

describe("the arguments of FormatDateTime", () => {
  it.each([
    ['FormatDateTime([d], "yyyyMMdd", "dd.MM.yyyy")', { d: "20090615" }, "15.06.2009"],
    ['FormatDateTime([d], , "yyyyMMdd", "dd.MM.yyyy")', { d: null }, "null"],
    ['FormatDateTime([d], , "yyyyMMdd", "dd.MM.yyyy")', { d: "" }, "null"],
    ['FormatDateTime([d], , "yyyyMMdd", "dd.MM.yyyy")', { d: 20090615 }, "15.06.2009"],
    ['FormatDateTime(CDate([d]), , , "yyyy K")', { d: "2009-06-15" }, "2009 Z"],
    ['FormatDateTime(CDate([d]), , "whatever", "yyyy")', { d: "2009-06-15" }, "2009"],
    ['FormatDateTime(Now(), , "M/d/yyyy h:mm:ss tt", "yyyy-MM-dd")', {}, "2026-01-15"],
    ['FormatDateTime([d], "yyyyMMdd")', { d: "20090615" }, "failure: arity"],
    ['FormatDateTime([d], , "yyyyMMdd", )', { d: "20090615" }, "failure: arity"],
    ['FormatDateTime([d], , "yyyyMMdd", "dd", "x")', { d: "20090615" }, "failure: arity"],
    ["FormatDateTime()", {}, "failure: arity"],
  ] as const)("%s over %j gives %s", (expression, source, expected) => {
    expect(text(expression, source)).toBe(expected);
  });
});
