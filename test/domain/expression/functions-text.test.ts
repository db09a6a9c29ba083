/** Functions that make a text of a text, at the edges of what they are documented to do. */

import { describe, expect, it } from "vitest";
import { type Source, text } from "./support.ts";

type Row = readonly [expression: string, source: Source, expected: string];
const decide = (rows: readonly Row[]) =>
  it.each(rows)("%s over %j gives %s", (expression, source, expected) => {
    expect(text(expression, source)).toBe(expected);
  });

describe("Append and Prepend", () => {
  decide([
    ['Append([a], ".test")', { a: "John.Doe@contoso.com" }, "John.Doe@contoso.com.test"],
    ['Append([a], " ")', { a: " x" }, " x "],
    ['Append([a], "")', { a: "" }, ""],
    ['Append("a", [b])', {}, "a"],
    ['Append([a], "b")', {}, "null"],
    ['Append([n], "b")', { n: 5 }, "5b"],
    ['Append([t], "!")', { t: true }, "True!"],
    ["Append([a])", {}, "failure: arity"],
    ['Append([a], "b", "c")', {}, "failure: arity"],
    ['Append(, "b")', {}, "failure: arity"],
    ['Prepend("SMTP:", [mail])', { mail: "a@x.org" }, "SMTP:a@x.org"],
    ['Prepend("SMTP:", [mail])', {}, "null"],
    ['Prepend("SMTP:", [mail])', { mail: "" }, "SMTP:"],
  ]);
});

describe("Left and Mid", () => {
  decide([
    ['Left("John Doe", 3)', {}, "Joh"],
    ['Left("John Doe", 0)', {}, ""],
    ['Left("John Doe", -5)', {}, "John Doe"],
    ['Left("John Doe", 100)', {}, "John Doe"],
    ['Left("John Doe", "3")', {}, "Joh"],
    ["Left([a], [n])", { a: "abc", n: 2 }, "ab"],
    ["Left([a], [n])", { a: "abc", n: "x" }, "error: conversion"],
    ['Left("abc", "x")', {}, "failure: type"],
    ["Left([a], 3)", { a: null }, ""],
    ['Left("", 3)', {}, ""],
    ["Left([n], 2)", { n: 12345 }, "12"],
    ['Left("abc", BitAnd(3, 2))', {}, "ab"],
    ['Left("abc")', {}, "failure: arity"],
    ['Mid("abcdef", 1, 3)', {}, "abc"],
    ['Mid("abcdef", 6, 1)', {}, "f"],
    ['Mid("abcdef", 7, 1)', {}, ""],
    ['Mid("abcdef", 1, 100)', {}, "abcdef"],
    ['Mid("abcdef", "2", "3")', {}, "bcd"],
    ["Mid([a], 25, 12)", { a: "00aa00aa-bb11-cc22-dd33-44ee44ee44ee" }, "44ee44ee44ee"],
    ['Mid("abcdef", 2)', {}, "failure: arity"],
    ['Mid("abcdef", 2, )', {}, "failure: arity"],
    ['Mid("abcdef", "two", 1)', {}, "failure: type"],
    ['Mid("abcdef", [n], 1)', { n: 0 }, "error: range"],
    ["Mid([a], 1, 3)", {}, "null"],
    ['Mid("abcdef", 9223372036854775807, 1)', {}, ""],
    ['Mid("abcdef", 99999999999999999999, 1)', {}, "failure: range"],
  ]);
});

describe("InStr", () => {
  decide([
    ['InStr("The quick brown fox","quick")', {}, "5"],
    ['InStr("repEated","e",3,vbBinaryCompare)', {}, "7"],
    ['InStr("repEated","e",3,vbTextCompare)', {}, "4"],
    ['InStr("repEated","E")', {}, "4"],
    ['InStr("abcabc","abc",5)', {}, "0"],
    ['InStr("abcabc","abc",4)', {}, "4"],
    ['InStr("abc","abc",99)', {}, "0"],
    ['InStr("abc","c","3")', {}, "3"],
    ['InStr("abc","b",,vbTextCompare)', {}, "2"],
    ['InStr("ÄRGER","ärger",1,vbTextCompare)', {}, "1"],
    ['InStr("abc","b",1,"vbTextCompare")', {}, "2"],
    ['InStr("abc","b",1,vbSomething)', {}, "failure: parse"],
    ['InStr("abc","b",1,"vbSomething")', {}, "failure: range"],
    ['InStr("abc","b",0)', {}, "failure: range"],
    ['InStr("abc")', {}, "failure: arity"],
    ['InStr("abc","b",1,vbTextCompare,1)', {}, "failure: arity"],
    ['InStr("","x")', {}, "0"],
  ]);
});

describe("Join", () => {
  decide([
    ['Join(", ", "", [surname], [givenName])', { givenName: "John", surname: "Doe" }, "Doe, John"],
    ['Join(", ", [surname], [givenName])', { givenName: "John" }, "John"],
    ['Join(".", [a], [b], [c])', { a: "x", b: "", c: "z" }, "x.z"],
    ['Join(";", [m])', { m: ["a", "b", "c"] }, "a;b;c"],
    ['Join(";", "x", [m], "y")', { m: ["a", "b"] }, "x;a;b;y"],
    ['Join(";", [m])', { m: ["a", "", "c"] }, "a;c"],
    ['Join(";", [m])', { m: [] }, ""],
    ['Join("", 1000, "x")', {}, "1000x"],
    ['Join("-", 1, 2, 3)', {}, "1-2-3"],
    ['Join(" ", "a ", " b")', {}, "a   b"],
    ['Join(",", "a")', {}, "a"],
    ['Join(",")', {}, "failure: arity"],
    ["Join()", {}, "failure: arity"],
    ['Join(, "a")', {}, "failure: arity"],
    ['Join(",", CBool(1), CDate("2026-01-02"))', {}, "True,1/2/2026 12:00:00 AM"],
  ]);
});

describe("StripSpaces and Trim", () => {
  decide([
    ["StripSpaces([a])", { a: "  a b  c " }, "abc"],
    ["StripSpaces([a])", { a: "a\tb\nc\u00a0d" }, "a\tb\nc\u00a0d"],
    ["StripSpaces([a])", { a: "   " }, ""],
    ['StripSpaces("")', {}, ""],
    ["Trim([a])", { a: "\t x y \r\n" }, "x y"],
    ["Trim([a])", { a: "   " }, ""],
    ["Trim([m])", { m: [" SMTP:a ", "smtp:b"] }, "SMTP:a | smtp:b"],
    ['Trim("\u3000x\u2003")', {}, "x"],
    ["Trim()", {}, "failure: arity"],
  ]);
});

describe("Word", () => {
  decide([
    ['Word("The quick brown fox",3," ")', {}, "brown"],
    ['Word("This,string!has&many separators",3,",!&#")', {}, "has"],
    ['Word("This,string!has&many separators",4,",!&#")', {}, "many separators"],
    ['Word("The quick brown fox",1," ")', {}, "The"],
    ['Word("The quick brown fox",5," ")', {}, ""],
    ['Word("The quick brown fox",0," ")', {}, ""],
    ['Word("The quick brown fox",[n]," ")', {}, ""],
    ['Word("The quick brown fox","2"," ")', {}, "quick"],
    ['Word("", 1, " ")', {}, ""],
    ['Word([a], 1, "@")', { a: "ada@contoso.com" }, "ada"],
    ['Word([a], 2, "@")', { a: "ada@contoso.com" }, "contoso.com"],
    ['Word("a b", 1)', {}, "failure: arity"],
    ['Word("a]b[c", 3, "[]")', {}, "c"],
    ['Word("a b", "x", " ")', {}, "failure: type"],
  ]);
});

describe("ToLower and ToUpper", () => {
  decide([
    ['ToUpper(Word([a], 1, "@"), )', { a: "ada@contoso.com" }, "ADA"],
    ['ToLower("TITLE", "tr-TR")', {}, "tıtle"],
    ['ToUpper("title", "tr-TR")', {}, "TİTLE"],
    ['ToUpper("diyarbakır", "tr")', {}, "DİYARBAKIR"],
    ['ToLower("IĞDIR", "az-Latn-AZ")', {}, "ığdır"],
    ['ToLower("İ", "tr-TR")', {}, "i"],
    ['ToUpper("ı", "tr-TR")', {}, "I"],
    ['ToUpper("ı", "en-US")', {}, "I"],
    ['ToLower("İ")', {}, "İ"],
    ['ToLower("TITLE", "en-US")', {}, "title"],
    ['ToUpper("title", "")', {}, "TITLE"],
    ['ToLower("Į̀Į̃", "lt-LT")', {}, "į̀į̃"],
    ['ToUpper("Άλφα", "el-GR")', {}, "ΆΛΦΑ"],
    ['ToUpper("ὀδός ᾳ ᾠ", "el")', {}, "ὈΔΌΣ ᾼ ᾨ"],
    ['ToLower("ΣΟΦΟΣ", "el-GR")', {}, "σοφοσ"],
    ['ToUpper("Straße", "de-DE")', {}, "STRAßE"],
    ['ToLower("STRAẞE", "de-DE")', {}, "straße"],
    ['ToUpper("ÿ œ ǆ µ", "fr-FR")', {}, "Ÿ Œ Ǆ Μ"],
    ['ToUpper("ﬁ ŉ ǰ", "ja-JP")', {}, "ﬁ ŉ ǰ"],
    ['ToUpper("𐐨")', {}, "𐐀"],
    ['ToUpper("привет")', {}, "ПРИВЕТ"],
    ['ToLower("a", "en_US")', {}, "failure: culture"],
    ["ToLower([a], [c])", { a: "A", c: "??" }, "error: culture"],
    ['ToLower("A", "en-US", "x")', {}, "failure: arity"],
    ["ToLower([m])", { m: ["A", "B"] }, "a | b"],
    ["ToLower([t])", { t: true }, "true"],
    ["ToUpper([a])", {}, "null"],
  ]);
});

describe("PCase", () => {
  decide([
    ['PCase([a]," \'-")', { a: "PINTO-DE'SILVA" }, "Pinto-De'Silva"],
    ['PCase(Join(" ",[a],[b]))', { a: "GREGORY", b: "JAMES" }, "Gregory James"],
    ["PCase([a])", { a: "ada\tlovelace\nking" }, "Ada\tLovelace\nKing"],
    ["PCase([a])", { a: "ADA_LOVELACE-KING–NOEL—X" }, "Ada_Lovelace-King–Noel—X"],
    ["PCase([a])", { a: "{ada}[b]<c>“d”‘e’«f»" }, "{Ada}[B]<C>“D”‘E’«F»"],
    ["PCase([a])", { a: "a!b#c%d&e*f,g.h:i;j?k@l\\m/n" }, "A!B#C%D&E*F,G.H:I;J?K@L\\M/N"],
    ["PCase([a])", { a: "a+b<c|d~e=f±g" }, "A+B<C|D~E=F±G"],
    ["PCase([a])", { a: "a$b¢c£d€e" }, "A$B¢C£D€E"],
    ["PCase([a])", { a: "a^b`c¨d¯e˄f" }, "A^B`C¨D¯E˄F"],
    ["PCase([a])", { a: "a©b°c®d" }, "A©B°C®D"],
    ["PCase([a])", { a: "a\u200bb\u00adc" }, "A\u200bB\u00adC"],
    ["PCase([a])", { a: "2nd room3b" }, "2Nd Room3b"],
    ["PCase([a])", { a: "ǆemal ﬁn ßa" }, "ǅemal ﬁn ßa"],
    ['PCase([a], " ")', { a: "O'NEIL mary-ann" }, "O'neil Mary-ann"],
    ['PCase([a], "-")', { a: "JEAN LUC-PICARD" }, "Jean luc-Picard"],
    ['PCase([a], "x")', { a: "AXBXC" }, "AxBxC"],
    ["PCase([a], )", { a: "A B" }, "A B"],
    ["PCase([a])", { a: "" }, ""],
    ["PCase()", {}, "failure: arity"],
  ]);
});

describe("a long run of blanks", () => {
  it("is nobody's work", () => {
    const a = `2020-01-01${" ".repeat(500_000)}x`;
    expect(text("IsPresent(Trim([a]))", { a })).toBe("True");
    expect(text('Count(Split([a], ","))', { a })).toBe("1");
    expect(text("CDate([a])", { a })).toBe("error: date");
    expect(text("Left([a], [a])", { a })).toBe("error: conversion");
    expect(text('IIF([a] > 5, "y", "n")', { a })).toBe("n");
    expect(text('FormatDateTime([a], "AllowWhiteSpaces", "yyyy-MM-dd", "yyyy")', { a })).toBe("error: date");
  }, 5_000);
});
