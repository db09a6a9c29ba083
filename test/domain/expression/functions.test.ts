import { describe, expect, it } from "vitest";
import { FUNCTIONS } from "../../../shared/domain/expression/functions/index.ts";
import { run, type Source, text } from "./support.ts";

describe("functions", () => {
  it("are all that the provisioning and cloud sync pages list", () => {
    const listed =
      "Append AppRoleAssignmentsComplex AssertiveAppRoleAssignmentsComplex BitAnd CBool CDate Coalesce ConvertToBase64 ConvertToUTF8Hex Count CStr DateAdd DateDiff DateFromNum FormatDateTime Guid IgnoreFlowIfNullOrEmpty IIF InStr IsNull IsNullOrEmpty IsPresent IsString Item Join Left Mid NormalizeDiacritics Not Now NumFromDate PCase RandomString Redact RemoveDuplicates Replace SelectUniqueValue SingleAppRoleAssignment Split StripSpaces Switch ToLower ToUpper Word ConvertFromBase64 DNComponent Error StringFromSid Trim CRef";
    for (const name of listed.split(" ")) expect([...FUNCTIONS.keys()]).toContain(name);
  });

  it.each<[string, Source, string]>([
    // presence and conditions
    ['IIF([a]="","empty","other")', { a: "" }, "empty"],
    ['IIF([a]<>"x","other","failed")', { a: "" }, "failed"],
    ['IIF([a]<>"x","other","failed")', {}, "failed"],
    ['IIF([a]<>"","filled","empty")', { a: "x" }, "filled"],
    ['IIF([a]=2,"y","n")', { a: "2" }, "y"],
    ['IIF([a]>9,"y","n")', { a: "10" }, "y"],
    ['IIF([a]>"9","y","n")', { a: "10" }, "y"],
    ['IIF([a]="05","y","n")', { a: "5" }, "n"],
    ['IIF([a]="USA","y","n")', { a: "usa" }, "n"],
    ['IIF(IsPresent([a])="True","y","n")', { a: "1" }, "y"],
    ['IIF(CDate("2026-01-02")>CDate("2026-01-01"),"y","n")', {}, "y"],
    ['IIF(Now()>"2030-01-01","y","n")', {}, "n"],
    ['IIF([a],"y","n")', { a: "TRUE" }, "y"],
    ['IIF([a],"y","n")', { a: "perhaps" }, "error: conversion"],
    ['IIF("1"="1","y",Error("no"))', {}, "y"],
    ['Error("no " & [a])', { a: "x" }, "error: custom"],
    ['Not("TRUE")', {}, "False"],
    ["CBool([a]=[b])", { a: "1", b: "1" }, "True"],
    ["CBool([a])", {}, "False"],
    ["IsString([a])", { a: 5 }, "True"],
    ['Coalesce([a],[b],"c")', { a: "" }, ""],
    ['Append(IgnoreFlowIfNullOrEmpty([a]),"x")', {}, "ignored"],
    // texts
    ["Trim([a])", { a: [" x ", "y\u00a0"] }, "x | y"],
    ["Trim([a])", {}, "null"],
    ["Trim([a])", { a: "\u0085x\ufeff" }, "x\ufeff"],
    ['Append([a],"x")', {}, "null"],
    ['Left("John",-1)', {}, "John"],
    ['Mid("abc",2,0)', {}, ""],
    ['Mid("abc",9,1)', {}, ""],
    ['Mid("abc",0,1)', {}, "failure: range"],
    ['InStr("abc","")', {}, "1"],
    ['InStr("ABC","b",1,vbTextCompare)', {}, "2"],
    ['InStr("ABC","b",,vbTextCompare)', {}, "2"],
    ['InStr([a],"b")', {}, "0"],
    ['Word("a,,b",2,",")', {}, "b"],
    ['Word("abc",1,",")', {}, "abc"],
    ['Word("a,b",3,",")', {}, ""],
    ['Join(",",[a],"",[b],5)', { a: ["x", "y"], b: null }, "x,y,5"],
    ['ToUpper("straße ﬁ")', {}, "STRAßE ﬁ"],
    ['ToLower("ΟΔΟΣ")', {}, "οδοσ"],
    ['ToUpper("ı")', {}, "ı"],
    ['ToUpper("title","tr-TR")', {}, "TİTLE"],
    ['ToLower("TITLE I","tr-TR")', {}, "tıtle ı"],
    ['ToLower("İI","en-US")', {}, "ii"],
    ['ToLower("A","not a culture")', {}, "failure: culture"],
    ['PCase("o\'neil")', {}, "O'neil"],
    ['PCase("JEAN-LUC PICARD"," ")', {}, "Jean-luc Picard"],
    ['PCase("3RD FLOOR")', {}, "3Rd Floor"],
    ['NormalizeDiacritics("Žižek Ångström œ й ä")', {}, "Zizek Angstrom œ й a"],
    ['NormalizeDiacritics("हिन्दी 한국")', {}, "हिन्दी 한국"],
    // lists
    ["Count([a])", {}, "0"],
    ["Count([a])", { a: "x" }, "1"],
    ["Item([a],1)", { a: "x" }, "x"],
    ["Item([a],3)", { a: ["x", "y"] }, "error: range"],
    ["RemoveDuplicates([a])", { a: ["x", "X", "x"] }, "x | X"],
    ['Split("a, b,c",",")', {}, "a | b | c"],
    // dates
    ['CDate("2020-03-16-07:00")', {}, "3/16/2020 7:00:00 AM"],
    ['CDate("3/16/2020 12:05:00 AM")', {}, "3/16/2020 12:05:00 AM"],
    ['CDate("2021-02-29")', {}, "failure: date"],
    ['CDate("soon")', {}, "failure: date"],
    ['CDate("")', {}, "null"],
    ['DateAdd("m",1,CDate("2024-01-31"))', {}, "2/29/2024 12:00:00 AM"],
    ['DateAdd("yyyy",-1,"2024-02-29")', {}, "2/28/2023 12:00:00 AM"],
    ['DateAdd("ww",1,"2024-02-29")', {}, "3/7/2024 12:00:00 AM"],
    ['DateAdd("n",1,"2024-02-29")', {}, "2/29/2024 12:01:00 AM"],
    ['DateAdd("d",1,"9999-12-31")', {}, "error: date"],
    ['DateAdd("fortnight",1,"2024-02-29")', {}, "failure: range"],
    ['DateDiff("ww","2026-01-03","2026-01-04")', {}, "1"],
    ['DateDiff("ww","2026-01-04","2026-01-10")', {}, "0"],
    ['DateDiff("d","2026-01-02","2026-01-01T12:00:00Z")', {}, "0"],
    ['DateDiff("m","2026-01-31","2026-02-01")', {}, "1"],
    ["DateFromNum([a])", { a: "132538892400000000" }, "12/31/2020 11:54:00 AM"],
    ['NumFromDate("2020-12-31 03:54:00-08:00")', {}, "132538892400000000"],
    ['FormatDateTime(DateFromNum([a]), , "yyyyMMddHHmmss.0Z")', { a: "132538892400000000" }, "20201231115400.0Z"],
    ['FormatDateTime([a], , "yyyy-MM-dd", "dd MMM yyyy")', { a: " 2020-12-31 " }, "31 Dec 2020"],
    ['FormatDateTime([a], "None", "yyyy-MM-dd", "dd")', { a: " 2020-12-31" }, "error: date"],
    ['FormatDateTime([a], , "yyyy-MM-dd", "dddd d MMMM yy")', { a: "2020-12-31" }, "Thursday 31 December 20"],
    [
      'FormatDateTime([a], , "yyyy-MM-ddTHH:mm:sszzz", "u")',
      { a: "2021-06-30T00:00:00+08:00" },
      "2021-06-29 16:00:00Z",
    ],
    ['FormatDateTime([a], , "yyyy-MM-dd", "yyyy")', { a: "2020-12-32" }, "error: date"],
    ['FormatDateTime([a], , "yyyy-MM-dd HH:mm:ss.FFF", "s\'.\'F %d")', { a: "2020-12-31 01:02:03.25" }, "3.2 31"],
    ['FormatDateTime([a], , "dd MMMM yyyy", "M/d")', { a: "31 december 2020" }, "12/31"],
    ['FormatDateTime([a], , "yyyy-MM-dd", "yyyy")', { a: "" }, "null"],
    // conversions
    ["BitAnd([a],2147483648)", { a: "-2147483646" }, "2147483648"],
    ['BitAnd("x",1)', {}, "failure: type"],
    ["CStr([a])", { a: true }, "True"],
    ['ConvertFromBase64("SGk=",ASCII)', {}, "Hi"],
    ['ConvertFromBase64("8J+YgA==","UTF8")', {}, "😀"],
    ['ConvertFromBase64("gICA",UTF8)', {}, "���"],
    ['ConvertFromBase64("*")', {}, "error: conversion"],
    ['DNComponent(CRef("CN=Doe\\\\, Ann,OU=\\\\C3\\\\A4,DC=x"),1)', {}, "Doe, Ann"],
    ['DNComponent(CRef("CN=Doe\\\\, Ann,OU=\\\\C3\\\\A4,DC=x"),2)', {}, "ä"],
    ['DNComponent("CN=a",2)', {}, "null"],
    ["StringFromSid([a])", { a: { $binary: "AAAA" } }, "error: conversion"],
    ["RandomString(300,0,0,0,0)", {}, "failure: range"],
    ["RandomString(3,2,2,0,0)", {}, "error: range"],
    ['RandomString(3,1,0,0,0,"0123456789")', {}, "error: range"],
  ])("%s over %j gives %s", (expression, source, expected) => {
    expect(text(expression, source)).toBe(expected);
  });

  it("reports an error with the text that the mapping gives", () => {
    expect(run('Error("AccountName is not present")')).toEqual({
      kind: "error",
      code: "custom",
      message: "AccountName is not present",
    });
  });

  it("makes role objects as a creation sends them", () => {
    const roles = [{ id: "1", value: "admin", displayName: "Admin" }];
    const fields = (expression: string) => {
      const result = run(expression, { roles });
      return result.kind === "multi" ? result.values.map((value) => (value as { fields: unknown }).fields) : [];
    };
    const common = { primary: false, type: "WindowsAzureActiveDirectoryRole", value: "admin" };
    expect(fields("AppRoleAssignmentsComplex([roles])")).toEqual([{ ...common, displayName: "Admin" }]);
    expect(fields("AssertiveAppRoleAssignmentsComplex([roles])")).toEqual([{ ...common, display: "Admin" }]);
    expect(text("SingleAppRoleAssignment([roles])", { roles })).toBe("Admin");
  });

  it("draws strings of the kinds and the length that are asked for", () => {
    const drawn = text('RandomString(40,5,6,7,8,"aA0!")');
    expect(drawn).toHaveLength(40);
    expect(drawn).not.toMatch(/[aA0!]/);
    expect(drawn.match(/\d/g)!.length).toBeGreaterThanOrEqual(5);
    expect(drawn.match(/[^A-Za-z0-9]/g)!.length).toBeGreaterThanOrEqual(6);
    expect(drawn.match(/[A-Z]/g)!.length).toBeGreaterThanOrEqual(7);
    expect(drawn.match(/[a-z]/g)!.length).toBeGreaterThanOrEqual(8);
  });

  it("makes GUIDs of version 4", () => {
    expect(text("Guid()")).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});
