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
