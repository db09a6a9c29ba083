/** What the documentation leaves open, as decided in docs/adr/0015-mapping-language.md: a case for every line of it. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Value } from "../../../shared/domain/expression/value.ts";
import { compileScope } from "../../../shared/domain/scope.ts";
import type { ScopeFilter } from "../../../shared/domain/synchronization-schema.ts";
import { jsonValue, type Source, type Surroundings, text } from "./support.ts";

type Case = readonly [expression: string, source: Source, expected: string, around?: Surroundings];
type ScopeCase = readonly [filter: ScopeFilter, value: unknown, expected: boolean | "refused"];

const clause = (operatorName: string, value?: string): ScopeFilter => ({
  groups: [
    {
      clauses: [
        { sourceOperandName: "a", operatorName, targetOperand: { values: value === undefined ? [] : [value] } },
      ],
    },
  ],
});

const EXPRESSIONS: Readonly<Record<string, readonly Case[]>> = {
  "null-in-text": [
    ['Append([n], "x")', {}, "null"],
    ["ToLower([n])", {}, "null"],
    ["ToUpper([n])", {}, "null"],
    ["PCase([n])", {}, "null"],
    ["StripSpaces([n])", {}, "null"],
    ["NormalizeDiacritics([n])", {}, "null"],
    ["ConvertToBase64([n])", {}, "null"],
    ["ConvertToUTF8Hex([n])", {}, "null"],
    ['Split([n], ",")', {}, "null"],
    ['Replace([n], "a", , , "b", , )', {}, "null"],
    ['Replace([n], , "a", , "b", , )', {}, "null"],
    ["Mid([n], 1, 1)", {}, "null"],
    ["Trim([n])", {}, "null"],
    ["CStr([n])", {}, "null"],
    ["Left([n], 1)", {}, ""],
    ['Word([n], 1, " ")', {}, ""],
  ],
  "null-in-second-place": [
    ['Append("x", [n])', {}, "x"],
    ['Replace("xax", "a", , , [n], , )', {}, "xx"],
    ['Word("a b", 1, [n])', {}, "a b"],
    ['Join([n], "a", "b")', {}, "ab"],
  ],
  "null-in-dates": [
    ["CDate([n])", {}, "null"],
    ["CDate([n])", { n: "" }, "null"],
    ['DateAdd("d", 1, [n])', {}, "null"],
    ['DateAdd("d", 1, [n])', { n: "" }, "null"],
    ['DateDiff("d", [n], Now())', {}, "null"],
    ['DateDiff("d", [n], Now())', { n: "" }, "null"],
    ["DateFromNum([n])", {}, "null"],
    ["DateFromNum([n])", { n: "" }, "null"],
    ["NumFromDate([n])", {}, "null"],
    ["NumFromDate([n])", { n: "" }, "null"],
    ['FormatDateTime([n], , "yyyy", "dd")', {}, "null"],
    ['FormatDateTime([n], , "yyyy", "dd")', { n: "" }, "null"],
  ],
  "null-in-numbers": [
    ["BitAnd([n], 1)", {}, "null"],
    ["BitAnd([n], 1)", { n: "" }, "error: conversion"],
  ],
  "null-in-instr": [
    ['InStr([n], "a")', {}, "0"],
    ['InStr("abc", "")', {}, "1"],
    ['InStr("abc", [n], 2)', {}, "2"],
  ],
  "join-without-null": [
    ['Join(",", [n], "b")', {}, "b"],
    ['Join(",", "", "b")', {}, "b"],
    ['Join(",", [n])', {}, ""],
  ],
  "concatenation-with-null": [
    ['"x" & [n]', {}, "x"],
    ["[n] & [n]", {}, "null"],
  ],
  "empty-constant-is-null": [
    ['""', {}, "null"],
    ['Coalesce([n], "")', {}, ""],
    ['IIF("a" = "a", "", "b")', {}, ""],
  ],
  "empty-is-a-value": [
    ['Append([n], "")', { n: "" }, ""],
    ['Trim(" ")', {}, ""],
    ['IgnoreFlowIfNullOrEmpty("")', {}, "ignored"],
    ["IgnoreFlowIfNullOrEmpty([n])", {}, "ignored"],
    ['Append(IgnoreFlowIfNullOrEmpty([n]), "x")', {}, "ignored"],
  ],
  "comparison-with-null": [
    ['IIF([n] = "x", "a", "b")', {}, "b"],
    ['IIF([n] <> "x", "a", "b")', {}, "b"],
    ['IIF([n] = [n], "a", "b")', {}, "b"],
    ['IIF([n] <> "x", "a", "b")', { n: "" }, "b"],
    ['IIF([n], "a", "b")', {}, "b"],
  ],
  "comparison-with-empty-constant": [
    ['IIF([n] = "", "a", "b")', { n: "" }, "a"],
    ['IIF("" = [n], "a", "b")', { n: "" }, "a"],
    ['IIF([n] = "", "a", "b")', {}, "b"],
  ],
  "comparison-case": [
    ['IIF("a" = "A", "y", "n")', {}, "n"],
    ['IIF("a" <> "A", "y", "n")', {}, "y"],
  ],
  "comparison-kinds": [
    ['IIF(BitAnd(2, 2) = "2", "y", "n")', {}, "y"],
    ['IIF("10" > "9", "y", "n")', {}, "y"],
    ['IIF("01" = 1, "y", "n")', {}, "y"],
    ['IIF("01" = "1", "y", "n")', {}, "n"],
    ['IIF("b" > "a", "y", "n")', {}, "y"],
  ],
  "lazy-branches": [
    ['IIF("a" = "a", "y", Error("no"))', {}, "y"],
    ['Switch("k", Error("no"), "k", "v")', {}, "v"],
    ['Coalesce("a", Error("no"))', {}, "a"],
  ],
  "condition-of-presence": [
    ['IIF(IsPresent([a]), "y", "n")', { a: "x" }, "y"],
    ['IIF(IsNullOrEmpty([a]), "y", "n")', { a: "x" }, "n"],
  ],
  "switch-over-presence": [
    ['Switch(IsPresent([a]), "d", "True", "y")', { a: "x" }, "y"],
    ['Switch(IsPresent([a]), "d", "False", "y")', {}, "y"],
  ],
  "switch-duplicate-keys": [['Switch("a", , "a", "1", "a", "2")', {}, "1"]],
  "not-in-any-case": [
    ['Not("true")', {}, "False"],
    ['Not("TRUE")', {}, "False"],
    ["Not([n])", {}, "True"],
    ['Not("x")', {}, "True"],
  ],
  "cbool-of-texts": [
    ['CBool("true")', {}, "True"],
    ['CBool("2")', {}, "True"],
    ['CBool("0")', {}, "False"],
    ["CBool([n])", {}, "False"],
    ["CBool([a])", { a: "x" }, "error: conversion"],
  ],
  isstring: [
    ["IsString([a])", { a: 5 }, "True"],
    ["IsString([a])", { a: "" }, "True"],
    ["IsString([a])", {}, "False"],
  ],
  "instr-defaults": [
    ['InStr("ABC", "b")', {}, "0"],
    ['InStr("abc", "b", 0)', {}, "failure: range"],
    ['InStr("abc", "b", [s])', { s: 0 }, "error: range"],
    ['InStr("abc", "c", 4)', {}, "0"],
  ],
  "mid-edges": [
    ['Mid("abc", 0, 1)', {}, "failure: range"],
    ['Mid("abc", 9, 1)', {}, ""],
    ['Mid("abc", 1, 0)', {}, ""],
    ['Mid("abc", 1, -1)', {}, ""],
  ],
  "mid-arguments": [['Mid("abc", 2)', {}, "failure: arity"]],
  "word-delimiters": [
    ['Word("a,,b", 2, ",")', {}, "b"],
    ['Word("abc", 1, ",")', {}, "abc"],
    ['Word("abc", 2, ",")', {}, ""],
  ],
  "word-of-several-values": [
    ['Word([m], 1, " ")', { m: ["a b", "B", "a b"] }, "a"],
    ["Left([m], 1)", { m: ["a b", "B", "a b"] }, "a"],
  ],
  "texts-of-several-values": [
    ["Trim([m])", { m: [" a", "b "] }, "a | b"],
    ["PCase([m])", { m: ["ADA LOVELACE", "king"] }, "Ada Lovelace | King"],
    ["ToUpper([m])", { m: ["a", "b"] }, "A | B"],
    ['Append([m], "!")', { m: ["a", "b"] }, "a!"],
  ],
  "pcase-apostrophe": [
    ['PCase("o\'neil")', {}, "O'neil"],
    ['PCase("o\'neil", "\'")', {}, "O'Neil"],
  ],
  "pcase-digits": [['PCase("3RD FLOOR")', {}, "3Rd Floor"]],
  "pcase-no-separators": [
    ['PCase("ann marie", "")', {}, "Ann marie"],
    ['PCase("ann marie", )', {}, "Ann Marie"],
  ],
  "diacritics-outside-the-table": [
    ['NormalizeDiacritics("œđþ")', {}, "œđþ"],
    ['NormalizeDiacritics("ệ")', {}, "e"],
  ],
  "culture-names": [
    ['ToLower("I", "tr-TR")', {}, "ı"],
    ['ToLower("A", "xx-YY")', {}, "a"],
    ['ToLower("A", "no culture")', {}, "failure: culture"],
  ],
  "count-of-one": [
    ['Count("a")', {}, "1"],
    ["Count([n])", {}, "0"],
    ["Count([n])", { n: "" }, "1"],
  ],
  "split-trims": [
    ['Split("a, b", ",")', {}, "a | b"],
    ['Split("a::b", "::")', {}, "a | b"],
    ['Split("a,b", "")', {}, "a,b"],
    ['Split("", ",")', {}, "null"],
    ['Split("a,,b", ",")', {}, "a |  | b"],
  ],
  "remove-duplicates": [
    ["RemoveDuplicates([m])", { m: ["a b", "B", "a b"] }, "a b | B"],
    ["RemoveDuplicates([m])", { m: ["a", "A"] }, "a | A"],
  ],
  "item-out-of-bounds": [
    ["Item([m], 4)", { m: ["a b", "B", "a b"] }, "error: range"],
    ["Item([m], 0)", { m: ["a b", "B", "a b"] }, "failure: range"],
    ['Item("a", 1)', {}, "a"],
  ],
  "cdate-without-zone": [
    ['CDate("2026-01-31T10:00:00")', {}, "1/31/2026 10:00:00 AM"],
    ['CDate("2021-06-30+08:00")', {}, "6/29/2021 4:00:00 PM"],
  ],
  "generalized-time": [
    ["CDate([a])", { a: "20260115102030.0Z" }, "1/15/2026 10:20:30 AM"],
    ['DateDiff("d", [a], Now())', { a: "20260114102030.0Z" }, "1"],
    ["CDate([a])", { a: "20261315102030.0Z" }, "error: date"],
  ],
  "format-shifts-to-utc": [['FormatDateTime("2021-06-30+08:00", , "yyyy-MM-ddzzz", "yyyy-MM-dd")', {}, "2021-06-29"]],
  "format-styles-and-names": [
    ['FormatDateTime("2020-12-31 ", "allowtrailingwhite", "yyyy-MM-dd", "MMMM")', {}, "December"],
    ['FormatDateTime("2020-12-31", "Foo", "yyyy-MM-dd", "dd")', {}, "failure: date"],
    ['FormatDateTime("x", , "yyyy", "dd")', {}, "error: date"],
  ],
  "format-with-three-arguments": [
    ['FormatDateTime("2020-12-31", "yyyy-MM-dd", "dd")', {}, "31"],
    ['FormatDateTime("2020-12-31", , "yyyy-MM-dd", "dd")', {}, "31"],
  ],
  "datediff-partial": [
    ['DateDiff("d", "2026-01-01T23:00:00", "2026-01-02T01:00:00")', {}, "0"],
    ['DateDiff("ww", "2026-01-03", "2026-01-04")', {}, "1"],
    ['DateDiff("m", "2026-01-31", "2026-02-01")', {}, "1"],
    ['DateDiff("yyyy", "2025-12-31", "2026-01-01")', {}, "1"],
  ],
  "dateadd-fractions": [
    ['DateAdd("d", "1.5", "2026-01-01")', {}, "failure: type"],
    ['DateAdd("m", 1, "2026-01-31")', {}, "2/28/2026 12:00:00 AM"],
  ],
  "datefromnum-of-numbers": [
    ["DateFromNum(132223104000000000)", {}, "1/1/2020 12:00:00 AM"],
    ["DateFromNum([a])", { a: "132223104000000000" }, "1/1/2020 12:00:00 AM"],
  ],
  "numfromdate-of-both": [
    ['NumFromDate("2020-01-01 00:00:00-08:00")', {}, "132223392000000000"],
    ['NumFromDate("2020-01-01T00:00:00Z")', {}, "132223104000000000"],
    ['NumFromDate(CDate("2020-01-01"))', {}, "132223104000000000"],
  ],
  "dates-are-texts-too": [
    ["Left(Now(), 9)", {}, "1/15/2026"],
    ['FormatDateTime(Now(), , , "yyyy")', {}, "2026"],
  ],
  "replace-is-dotnet": [['Replace("+1 (999) 888-7777", , "[()\\\\s-]+", , "", , )', {}, "+19998887777"]],
  "replace-from-other-attribute": [
    ['Replace([a], , "(?<u>.*)@", "u", , [m], )', { a: "x", m: "y@z" }, "x"],
    ['Replace([a], , "(?<u>.*)@", "u", , [m], )', { m: "y@z" }, "y"],
  ],
  "replace-without-match": [['Replace([a], , "(?<u>.*)@", "u", , [m], )', { m: "y" }, "null"]],
  "replace-trailing-arguments": [
    ['Replace("abc", "b", , , "x")', {}, "axc"],
    ['Replace("abc", "b")', {}, "failure: unsupported"],
    ['Replace("abc", "b", "c", , "d", , )', {}, "failure: unsupported"],
  ],
  "unique-values": [
    ['SelectUniqueValue([n], "b")', {}, "b"],
    ['SelectUniqueValue("a", "b")', {}, "b", { existing: ["a"] }],
    ['SelectUniqueValue("a", "a")', {}, "error: unique-exhausted", { existing: ["a"] }],
  ],
  "unique-values-anywhere": [['ToLower(SelectUniqueValue("a", "b"))', {}, "failure: nesting"]],
  "random-lengths": [
    ["RandomString(3, 1, 1, 1, 1)", {}, "error: range"],
    ["RandomString(257, 1, 1, 1, 1)", {}, "failure: range"],
    ["RandomString(0, 0, 0, 0, 0)", {}, "failure: range"],
    ["RandomString(6, -1, 0, 0, 3)", {}, "error: range"],
  ],
  "role-form": [
    [
      "AppRoleAssignmentsComplex([r])",
      {
        r: [
          { id: "1", value: "v", displayName: "D" },
          { id: "2", value: "w", displayName: "E" },
        ],
      },
      '{"primary":false,"type":"WindowsAzureActiveDirectoryRole","displayName":"D","value":"v"} | {"primary":false,"type":"WindowsAzureActiveDirectoryRole","displayName":"E","value":"w"}',
    ],
    [
      "SingleAppRoleAssignment([r])",
      {
        r: [
          { id: "1", value: "v", displayName: "D" },
          { id: "2", value: "w", displayName: "E" },
        ],
      },
      "D",
    ],
  ],
  "bitand-of-hex": [
    ["BitAnd(&HF, &HF7)", {}, "7"],
    ["BitAnd(&HF, 255)", {}, "15"],
  ],
  misprints: [
    ['Join("", "Smith, John", "(CHI)")', {}, "Smith, John(CHI)"],
    ['Join("", 1000, "5")', {}, "10005"],
    ['IIF([a] = "x" > "y", "b", "c")', { a: "x" }, "failure: parse"],
  ],
  "signatures-only": [
    ["IsNothing([n])", {}, "True"],
    ['Prepend("a", "b")', {}, "ab"],
    ["DefaultDomain()", {}, "failure: unsupported"],
    ["AppRoleAssignments([r])", {}, "failure: unsupported"],
  ],
  "function-case": [['switch("a", , "a", "b")', {}, "failure: unknown-function"]],
  "single-quotes": [["Trim('a')", {}, "failure: parse"]],
  "attribute-case-at-run-time": [["[Mail]", { mail: "x", Mail: "y" }, "y"]],
  "blanks-in-brackets": [
    ["[ a ]", { a: "1" }, "1"],
    ["[ first name ]", { "first name": "1" }, "1"],
  ],
  "other-escapes": [['Replace("a1", , "\\d", , "", , )', {}, "a"]],
  "comparison-places": [
    ['Not([a] = "b")', { a: "b" }, "False"],
    ['[a] = "b"', { a: "b" }, "failure: parse"],
  ],
  "no-connect-operators": [
    ["1 + 2", {}, "failure: unsupported"],
    ['Contains([m], "a")', { m: ["a b", "B", "a b"] }, "failure: unknown-function"],
  ],
  "kinds-and-content": [
    ['BitAnd("x", 1)', {}, "failure: type"],
    ["BitAnd([a], 1)", { a: "x" }, "error: conversion"],
    ["BitAnd([a], 1)", { a: true }, "error: type"],
  ],
  "missing-parameter": [
    ['Append("a@", %Domain%)', {}, "error: parameter"],
    ['Append("a@", %Domain%)', {}, "a@b", { parameters: { Domain: "b" } }],
  ],
};

const SCOPES: Readonly<Record<string, readonly ScopeCase[]>> = {
  "is-null-by-itself": [
    [clause("IS NULL"), undefined, true],
    [clause("IS NULL"), "", true],
    [clause("IS NOT NULL"), undefined, false],
    [clause("NOT EQUALS", "x"), undefined, false],
    [clause("NOT REGEX MATCH", "x"), "", false],
    [clause("IS FALSE"), undefined, false],
    [clause("!&", "6"), undefined, false],
  ],
  "regex-searches": [
    [clause("REGEX MATCH", "[1-9][0-9]"), "x1234", true],
    [clause("REGEX MATCH", "^[1-9][0-9]$"), "1234", false],
  ],
  "several-values": [
    [clause("EQUALS", "x"), ["y", "x"], false],
    [clause("EQUALS", "x"), ["x", "x"], true],
    [clause("NOT EQUALS", "x"), ["y", "x"], false],
    [clause("NOT EQUALS", "z"), ["y", "x"], true],
    [clause("IS NOT NULL"), ["y", "x"], true],
  ],
  "refused-operators": [
    [clause("IsMemberOf", "x"), "x", "refused"],
    [clause("VALID CERT MATCH"), "x", "refused"],
    [clause("STARTS_WITH", "x"), "x", "refused"],
    [clause("PRESENT"), "x", true],
    [clause("PRESENT"), undefined, false],
    [clause("!&L", "6"), "8", true],
  ],
  "case-of-texts": [
    [clause("ENDS_WITH", "COM"), "x.com", false],
    [clause("ENDS_WITH", ".com"), "x.com", true],
    [clause("&", "Sales,HR"), "sales", false],
    [clause("&", "Sales,HR"), "Sales", true],
  ],
  "ampersand-of-numbers": [
    [clause("&", "10"), "2", true],
    [clause("&", "10"), "1", false],
    [clause("!&", "10"), "1", true],
    [clause("&", "10 or 12"), "1", true],
  ],
  "equals-of-booleans": [
    [clause("EQUALS", "True"), true, true],
    [clause("EQUALS", "true"), true, true],
    [clause("EQUALS", "TRUE"), "TRUE", true],
    [clause("EQUALS", "True"), "TRUE", false],
  ],
  "greater-than-integers": [
    [clause("Greater_Than", "5"), "x", false],
    [clause("Greater_Than", "5"), "5.5", false],
    [clause("Greater_Than", "5"), "10", true],
    [clause("Greater_Than", "x"), "5", "refused"],
  ],
  "blank-is-a-value": [
    [clause("IS NULL"), " ", false],
    [clause("IS NOT NULL"), " ", true],
    [clause("EQUALS", " "), " ", true],
  ],
  "group-without-clauses": [
    [{ groups: [{ clauses: [] }] }, "x", true],
    [{ groups: [] }, "x", true],
  ],
};

function inScope(filter: ScopeFilter, value: unknown): boolean | "refused" {
  const compiled = compileScope(filter);
  if (!compiled.ok) return "refused";
  const verdict = compiled.scope.evaluate((name): Value => (name === "a" ? jsonValue(value) : null));
  if (verdict.failure) throw new Error(verdict.explanation);
  return verdict.inScope;
}

describe("decisions on the mapping language", () => {
  it.each(Object.entries(EXPRESSIONS))("%s", (_, cases) => {
    for (const [expression, source, expected, around] of cases) {
      expect(text(expression, source, around), expression).toBe(expected);
    }
  });
});

describe("decisions on scoping filters", () => {
  it.each(Object.entries(SCOPES))("%s", (_, cases) => {
    for (const [filter, value, expected] of cases)
      expect(inScope(filter, value), JSON.stringify(filter)).toBe(expected);
  });
});

describe("the record of the decisions", () => {
  it("has a line for every case here, and a case for every line", () => {
    const url = new URL("../../../docs/adr/0015-mapping-language.md", import.meta.url);
    const lines = readFileSync(url, "utf8").split("\n");
    const rows = lines.filter((line) => /^\| (contradicted|open|grammar) \|/.test(line));
    const names = rows.map((row) => /`([a-z0-9-]+)` \|$/.exec(row)?.[1]);
    expect(rows.length).toBeGreaterThan(60);
    expect(names.toSorted()).toEqual([...Object.keys(EXPRESSIONS), ...Object.keys(SCOPES)].toSorted());
  });
});
