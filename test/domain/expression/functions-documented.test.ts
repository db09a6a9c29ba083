/** Expressions that the tutorials print, over objects of our own. */

import { describe, expect, it } from "vitest";
import { type Source, type Surroundings, text } from "./support.ts";

/** The account name of the Workday tutorial: no character that AD refuses, 20 at most, no full stop at the end. */
const accountName = (source: string) =>
  String.raw`Replace(Mid(Replace(${source}, , "([\\/\\\\\\[\\]\\:\\;\\|\\=\\,\\+\\*\\?\\<\\>])", , "", , ), 1, 20), , "(\\.)*$", , "", , )`;
const ofName = (letters: number) =>
  accountName(`NormalizeDiacritics(StripSpaces(Join("", Mid([FirstName],1,${letters}), [LastName])))`);
const PHONE = String.raw`"\\+(?<isdCode>\\d* )(?<phoneNumber>\\d{10})"`;
const UNIT = String.raw`IIF(IsNullOrEmpty([dn]), "OU=Cloud", Replace([dn], , "^.*?,(?=(?:CN|OU|DC)=)", , "", , ))`;
const LOOKAHEAD = `Switch([LastDay],
  Switch([Active], "False",
"0", "True",
"1", IIF(DateDiff("d", DateAdd("h","9",Now()),CDate(
    Switch([LastDay],[LastDay],"","9999-12-31")
    )
  ) <= 0, "True", "False")
  ),
"", Switch([Active], , "1", "False", "0", "True")
)`;

describe("documented expressions", () => {
  it.each<{ expression: string; source: Source; expected: string; around?: Surroundings }>([
    { expression: accountName("[UserID]"), source: { UserID: "a/b\\c[d]e:f;g" }, expected: "abcdefg" },
    {
      expression: accountName("[UserID]"),
      source: { UserID: "ada.lovelace.of.london.." },
      expected: "ada.lovelace.of.lond",
    },
    { expression: accountName("[UserID]"), source: { UserID: "a...........................b" }, expected: "a" },
    { expression: accountName("[UserID]"), source: {}, expected: "null" },
    { expression: ofName(1), source: { FirstName: "Zoë", LastName: "O Núñez" }, expected: "ZONunez" },
    {
      expression: `SelectUniqueValue(${ofName(1)}, ${ofName(2)}, ${ofName(3)})`,
      source: { FirstName: "John", LastName: "Smith" },
      around: { existing: ["JSmith", "JoSmith"] },
      expected: "JohSmith",
    },
    {
      expression: `Replace([t], , ${PHONE}, , "\${phoneNumber}", , )`,
      source: { t: "+91 9998887777" },
      expected: "9998887777",
    },
    { expression: `Replace([t], , ${PHONE}, , "\${phoneNumber}", , )`, source: { t: "none" }, expected: "none" },
    {
      expression: `Replace([t], , ${PHONE}, "phoneNumber", , [m], )`,
      source: { t: "", m: "+91 8887779999" },
      expected: "8887779999",
    },
    {
      expression: String.raw`Replace([t], , "[()\\s-]+", , "", , )`,
      source: { t: "1 (999) 888-7777" },
      expected: "19998887777",
    },
    {
      expression: UNIT,
      source: { dn: "CN=Doe\\, Ann,OU=Sales,DC=contoso,DC=com" },
      expected: "OU=Sales,DC=contoso,DC=com",
    },
    { expression: UNIT, source: {}, expected: "OU=Cloud" },
    { expression: 'ToUpper(Word([u], 1, "@"), )', source: { u: "ada@contoso.com" }, expected: "ADA" },
    {
      expression: 'Join("", "CN=", Word([u], 1, "@"), ",DC=Contoso,DC=lab")',
      source: { u: "ada@contoso.com" },
      expected: "CN=ada,DC=Contoso,DC=lab",
    },
    {
      expression: 'Append(Join(", ",[l],[f]), Join(""," (",[o],"-",[c],")"))',
      source: { l: "Smith", f: "John", o: "Marketing", c: "US" },
      expected: "Smith, John (Marketing-US)",
    },
    {
      expression: "Left(Trim([description]),448)",
      source: { description: ` ${"x".repeat(500)}` },
      expected: "x".repeat(448),
    },
    { expression: "Left(Trim([description]),448)", source: {}, expected: "" },
    { expression: 'Switch(IsPresent([j]), "DefaultValue", "True", [j])', source: { j: "Boss" }, expected: "Boss" },
    { expression: 'Switch(IsPresent([j]), "DefaultValue", "True", [j])', source: {}, expected: "DefaultValue" },
    { expression: LOOKAHEAD, source: { Active: "1" }, expected: "False" },
    { expression: LOOKAHEAD, source: { LastDay: "2026-02-28", Active: "0" }, expected: "True" },
    { expression: LOOKAHEAD, source: { LastDay: "2026-02-28", Active: "1" }, expected: "False" },
    { expression: LOOKAHEAD, source: { LastDay: "2026-01-15", Active: "1" }, expected: "True" },
    {
      expression: 'Switch([Active], , "1", IIF(DateDiff("d", Now(), CDate([h])) > 5, "False", "True"), "0", "False")',
      source: { Active: "1", h: "2026-01-25-08:00" },
      expected: "False",
    },
  ])("$expression over $source gives $expected", ({ expression, source, expected, around }) => {
    expect(text(expression, source, around)).toBe(expected);
  });
});

/** The guide for HR systems prints these with input and output; outputs that lower-case by themselves are left out. */
const padded = (source: string, width: number) =>
  `Replace(Join("","${"0".repeat(width)}",${source}), ,"(.*?)(?<id>.{0,${width}})$", ,"\${id}", ,)`;
const proper = (source: string) => `Join("", Mid(${source}, 1, 1), ToLower(Mid(${source}, 2, 64), ))`;
const phone = (group: string) =>
  String.raw`Replace(Replace([m], , "\\+(?<isdCode>\\d* )(?<phoneNumber>.*)", , "${"$"}{${group}}", , ), ,"[()\\s-]+", ,"", , )`;
const HIDDEN = `IIF(DateDiff("d", CDate(IIF(IsPresent([start]), [start], DateAdd("d", "10", Now()))), Now()) >= -1,
  IIF(DateDiff("d", Now(), CDate(IIF(IsPresent([end]), [end], DateAdd("d", "1", Now())))) >= 0, "FALSE", "TRUE"), "TRUE")`;
const EXPIRES = `Switch([end],
  NumFromDate(Join("", FormatDateTime([end], "M/d/yyyy hh:mm:ss tt", "yyyy-MM-dd"), " 23:59:59-05:00")),
  "", "9223372036854775807")`;
const DELETED = `IIF(DateDiff("d", Now(), CDate(Switch([end], [end], "", "9999-01-01"))) <= -14, "OU=DELETED", "OU=Default")`;
const WRITEBACK = `IgnoreFlowIfNullOrEmpty(IIF(IsPresent([day]),IIF(DateDiff("d", Now(), CDate([day])) <> 1, "", [mail]),"noemail"))`;
const PRIMARY = `Switch(Join("+",Switch([b],[b],"","other"),Switch([c],[c],"","other")), "no primary phone",
  "true+false", "business phone is primary", "other+true", "cell phone is primary")`;
const summer = { now: "2025-07-30T00:00:00Z" };

describe("documented expressions for HR systems", () => {
  it.each<{ expression: string; source: Source; expected: string; around?: Surroundings }>([
    { expression: padded("[id]", 8), source: { id: "12345" }, expected: "00012345" },
    { expression: `Append("05",${padded("[id]", 6)})`, source: { id: 789 }, expected: "05000789" },
    {
      expression: `Join(", ", ${proper("[l]")}, ${proper("Coalesce([p], [f])")})`,
      source: { l: "JOHNSON", p: "Mike", f: "Michael" },
      expected: "Johnson, Mike",
    },
    { expression: phone("phoneNumber"), source: { m: "+1 (555) 123-4567" }, expected: "5551234567" },
    { expression: phone("isdCode"), source: { m: "+44 20 7946 0958" }, expected: "44" },
    { expression: HIDDEN, source: { start: "2025-01-15", end: "2025-12-31" }, around: summer, expected: "FALSE" },
    { expression: HIDDEN, source: { start: "2025-01-15", end: "2025-06-30" }, around: summer, expected: "TRUE" },
    { expression: HIDDEN, source: {}, around: summer, expected: "TRUE" },
    { expression: EXPIRES, source: { end: "12/31/2025 12:00:00 AM" }, expected: "134117171990000000" },
    { expression: EXPIRES, source: { end: "" }, expected: "9223372036854775807" },
    { expression: DELETED, source: { end: "2025-07-10" }, around: summer, expected: "OU=DELETED" },
    { expression: DELETED, source: { end: "2025-07-25" }, around: summer, expected: "OU=Default" },
    { expression: DELETED, source: {}, around: summer, expected: "OU=Default" },
    { expression: WRITEBACK, source: { day: "2025-07-31", mail: "u" }, around: summer, expected: "u" },
    { expression: WRITEBACK, source: { day: "2025-08-02", mail: "u" }, around: summer, expected: "ignored" },
    { expression: WRITEBACK, source: { day: "", mail: "u" }, around: summer, expected: "noemail" },
    { expression: PRIMARY, source: { b: "true", c: "false" }, expected: "business phone is primary" },
    { expression: PRIMARY, source: { c: "true" }, expected: "cell phone is primary" },
    {
      expression: 'IIF([gone]="True", Join("_",FormatDateTime(Now(), , "M/d/yyyy h:mm:ss tt", "yyyy-MM-dd"),[m]), [m])',
      source: { gone: true, m: "a@b.c" },
      around: summer,
      expected: "2025-07-30_a@b.c",
    },
  ])("$expression over $source gives $expected", ({ expression, source, expected, around }) => {
    expect(text(expression, source, around)).toBe(expected);
  });
});
