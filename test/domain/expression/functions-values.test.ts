/** Lists, conversions, roles and chance. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileExpression } from "../../../shared/domain/expression/compile.ts";
import { contextOf, run, type Source, type Surroundings, seededRandom, text } from "./support.ts";

type Row = readonly [expression: string, source: Source, expected: string, around?: Surroundings];
const decide = (rows: readonly Row[]) =>
  it.each(rows.map(([expression, source, expected, around]) => ({ expression, source, expected, around })))(
    "$expression over $source gives $expected",
    ({ expression, source, expected, around }) => expect(text(expression, source, around)).toBe(expected),
  );
const binary = (bytes: readonly number[]) => ({ $binary: Buffer.from(bytes).toString("base64") });

describe("Count, Item, RemoveDuplicates and Split", () => {
  decide([
    ["Count([m])", { m: ["a", "b", "a"] }, "3"],
    ["Count([m])", { m: [] }, "0"],
    ["Count([m])", { m: [""] }, "1"],
    ['Count(Split("a,b", ","))', {}, "2"],
    ["Count()", {}, "failure: arity"],
    ["Item([m], 1)", { m: ["a", "b"] }, "a"],
    ['Item([m], "2")', { m: ["a", "b"] }, "b"],
    ["Item([m], 3)", { m: ["a", "b"] }, "error: range"],
    ["Item([m], [n])", { m: ["a", "b"], n: -1 }, "error: range"],
    ["Item([m], [n])", { m: ["a", "b"] }, "error: range"],
    ["Item([m], 1)", {}, "error: range"],
    ["Item([m], 0)", { m: ["a"] }, "failure: range"],
    ["Item([m], -1)", { m: ["a"] }, "failure: range"],
    ['Item([m], "x")', { m: ["a"] }, "failure: type"],
    ["Item([m])", { m: ["a"] }, "failure: arity"],
    ['Item(Split("a,b", ","), 2)', {}, "b"],
    ["Item([m], Count([m]))", { m: ["a", "b"] }, "b"],
    ["RemoveDuplicates([m])", { m: ["x", "y", "x", "z", "y"] }, "x | y | z"],
    ["RemoveDuplicates([m])", { m: [1, "1", 2] }, "1 | 2"],
    ["RemoveDuplicates([m])", {}, "null"],
    ["Count(RemoveDuplicates([m]))", {}, "0"],
    ['Split([a], ",")', { a: "PermissionSetOne, PermissionSetTwo" }, "PermissionSetOne | PermissionSetTwo"],
    ['Split([a], ";")', { a: "a,b;c" }, "a,b | c"],
    ['Split([a], ",")', { a: "a,,b" }, "a |  | b"],
    ['Split([a], ".")', { a: "a.b" }, "a | b"],
    ['Split([a], "|")', { a: "a|b" }, "a | b"],
    ['Split([a], " ")', { a: "a b" }, "a | b"],
    ['Split([a], ",")', {}, "null"],
    ["Split([a])", {}, "failure: arity"],
  ]);

  it("a list of one stays a list", () => {
    expect(run('Split("abc", ",")').kind).toBe("multi");
    expect(run("RemoveDuplicates([m])", { m: ["x", "x"] }).kind).toBe("multi");
  });
});

describe("SelectUniqueValue", () => {
  const rules = 'SelectUniqueValue([a], Append([a], "1"), Append([a], "2"))';
  decide([
    [rules, { a: "x" }, "x", { existing: [] }],
    [rules, { a: "x" }, "x1", { existing: ["x"] }],
    [rules, { a: "x" }, "x2", { existing: ["x1", "x"] }],
    [rules, { a: "x" }, "error: unique-exhausted", { existing: ["x", "x1", "x2"] }],
    [rules, {}, "error: unique-exhausted"],
    ['SelectUniqueValue([a], "y")', {}, "y"],
    ['SelectUniqueValue([a], "y")', { a: "" }, "y"],
    ["SelectUniqueValue([a])", { a: "x" }, "failure: arity"],
    ["SelectUniqueValue()", {}, "failure: arity"],
    ['Append(SelectUniqueValue([a],"y"), "z")', { a: "x" }, "failure: nesting"],
    ['SelectUniqueValue(SelectUniqueValue("a","b"),"c")', {}, "failure: nesting"],
  ]);

  it("asks nobody about rules that aren't reached", () => {
    const asked: string[] = [];
    const compiled = compileExpression('SelectUniqueValue("a", "b", Error("too far"))');
    const isTaken = (value: string) => asked.push(value) === 1;
    expect(compiled.ok && compiled.program.evaluate({ ...contextOf({}), isTaken })).toEqual({
      kind: "value",
      value: "b",
    });
    expect(asked).toEqual(["a", "b"]);
  });
});

describe("CStr and BitAnd", () => {
  decide([
    ["CStr([a])", { a: "cn=Joe,dc=contoso,dc=com" }, "cn=Joe,dc=contoso,dc=com"],
    ["CStr([a])", { a: 5 }, "5"],
    ["CStr(-7)", {}, "-7"],
    ["CStr([a])", { a: false }, "False"],
    ["CStr(BitAnd(6, 3))", {}, "2"],
    ["CStr([a])", {}, "null"],
    ["CStr()", {}, "failure: arity"],
    ["BitAnd(&HF, &HF7)", {}, "7"],
    ["BitAnd(&hf, &HF7)", {}, "7"],
    ['BitAnd("15", "7")', {}, "7"],
    ["BitAnd([a], 2)", { a: "514" }, "2"],
    ["BitAnd([a], 2)", { a: 512 }, "0"],
    ["BitAnd(-1, 255)", {}, "255"],
    ["BitAnd(9223372036854775807, 9223372036854775806)", {}, "9223372036854775806"],
    ["BitAnd(&HFFFFFFFFFFFFFFFF, 1)", {}, "1"],
    ["BitAnd(99999999999999999999, 1)", {}, "failure: range"],
    ["BitAnd([a], 1)", { a: "99999999999999999999" }, "error: conversion"],
    ["BitAnd([a], 1)", { a: true }, "error: type"],
    ["BitAnd([a], 1)", { a: "1.5" }, "error: conversion"],
    ["BitAnd([a], 1)", {}, "null"],
    ["BitAnd(1)", {}, "failure: arity"],
    ["BitAnd(1, 2, 3)", {}, "failure: arity"],
  ]);

  it("takes 9's by the million for no number, at once", () => {
    expect(text("BitAnd([a], 1)", { a: "9".repeat(900_000) })).toBe("error: conversion");
  });
});

describe("base64 and hexadecimal", () => {
  decide([
    ['ConvertToBase64("Hello world!")', {}, "SABlAGwAbABvACAAdwBvAHIAbABkACEA"],
    ['ConvertToBase64("")', {}, ""],
    ["ConvertToBase64([x])", { x: "é" }, "6QA="],
    ["ConvertToBase64([x])", { x: "a\ud800" }, "YQD9/w=="],
    ["ConvertToBase64([x])", {}, "null"],
    ["ConvertToBase64()", {}, "failure: arity"],
    ['ConvertToUTF8Hex("Hello world!")', {}, "48656C6C6F20776F726C6421"],
    ["ConvertToUTF8Hex([x])", { x: "€😀\u0001" }, "E282ACF09F988001"],
    ["ConvertToUTF8Hex([x])", { x: "\udc00" }, "EFBFBD"],
    ["ConvertToUTF8Hex([x])", {}, "null"],
    ['ConvertFromBase64("SGVsbG8gd29ybGQh", UTF8)', {}, "Hello world!"],
    ['ConvertFromBase64("SGVsbG8gd29ybGQh", ASCII)', {}, "Hello world!"],
    ['ConvertFromBase64("SABlAGwAbABvACAAdwBvAHIAbABkACEA", Unicode)', {}, "Hello world!"],
    ['ConvertFromBase64("SABlAGwAbABvACAAdwBvAHIAbABkACEA", )', {}, "Hello world!"],
    ['ConvertFromBase64("PdgA3g==")', {}, "😀"],
    ['ConvertFromBase64("Pdg=")', {}, "\ufffd"],
    ['ConvertFromBase64("w6k=", ASCII)', {}, "??"],
    ['ConvertFromBase64("4oI=", UTF8)', {}, "\ufffd"],
    ['ConvertFromBase64("4oJB", UTF8)', {}, "\ufffdA"],
    ['ConvertFromBase64("7aCA", UTF8)', {}, "\ufffd\ufffd\ufffd"],
    ['ConvertFromBase64("", UTF8)', {}, ""],
    ["ConvertFromBase64([x])", {}, "null"],
    ["ConvertFromBase64([x])", { x: "not base64!" }, "error: conversion"],
    ['ConvertFromBase64("SGk=", "Latin1")', {}, "failure: range"],
    ['ConvertFromBase64("SGk=", UTF7)', {}, "failure: parse"],
    ["ConvertFromBase64(ConvertToBase64([x]))", { x: "Ünïcødé 😀" }, "Ünïcødé 😀"],
  ]);

  it("agrees with the platform on any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        const x = Buffer.from(bytes).toString("base64");
        expect(text("ConvertFromBase64([x], UTF8)", { x })).toBe(
          new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes),
        );
        // Half a character behind half a pair is one U+FFFD to the one, two to the other.
        if (bytes.length % 2 === 1) return;
        const utf16 = new TextDecoder("utf-16le", { ignoreBOM: true }).decode(bytes);
        expect(text("ConvertFromBase64([x])", { x })).toBe(utf16);
      }),
    );
  });
});

describe("security identifiers and names", () => {
  decide([
    ["StringFromSid([s])", { s: binary([1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]) }, "S-1-5-18"],
    ["StringFromSid([s])", { s: binary([1, 1, 0, 0, 0, 0, 0, 5, 255, 255, 255, 255]) }, "S-1-5-4294967295"],
    ["StringFromSid([s])", { s: binary([1, 2, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]) }, "error: conversion"],
    ["StringFromSid([s])", { s: "S-1-5-18" }, "S-1-5-18"],
    ["StringFromSid([s])", {}, "null"],
    ["StringFromSid()", {}, "failure: arity"],
    ["DNComponent(CRef([dn]),1)", { dn: "cn=Joe,ou=Sales,dc=contoso,dc=com" }, "Joe"],
    ["DNComponent([dn],4)", { dn: "cn=Joe,ou=Sales,dc=contoso,dc=com" }, "com"],
    ['DNComponent([dn],"2")', { dn: "CN=Doe\\, Joe+OU=x,OU=R\\26D,DC=com" }, "R&D"],
    ["DNComponent([dn],9)", { dn: "cn=Joe" }, "null"],
    ["DNComponent([dn],1)", {}, "null"],
    ["DNComponent([dn],0)", { dn: "cn=Joe" }, "failure: range"],
    ["DNComponent([dn],[n])", { dn: "cn=Joe", n: 0 }, "error: range"],
    ["DNComponent([dn])", { dn: "cn=Joe" }, "failure: arity"],
  ]);
});

describe("role functions", () => {
  const assignments = [
    { id: "06b07648-ecfe-589f-9d2f-6325724a46ee", value: "25", displayName: "Role1234" },
    { id: "06b07648-ecfe-599f-9d2f-6325724a46ee", value: "26", displayName: "Reader" },
  ];
  const fields = (expression: string, a: unknown) => {
    const result = run(expression, { a });
    return result.kind === "multi" ? result.values.map((value) => (value as { fields: unknown }).fields) : result.kind;
  };
  const common = { primary: false, type: "WindowsAzureActiveDirectoryRole" };

  it("make a role object of every assignment", () => {
    expect(fields("AppRoleAssignmentsComplex([a])", assignments)).toEqual([
      { ...common, displayName: "Role1234", value: "25" },
      { ...common, displayName: "Reader", value: "26" },
    ]);
    expect(fields("AssertiveAppRoleAssignmentsComplex([a])", assignments)).toEqual([
      { ...common, display: "Role1234", value: "25" },
      { ...common, display: "Reader", value: "26" },
    ]);
    expect(fields("AppRoleAssignmentsComplex([a])", assignments[1])).toHaveLength(1);
  });

  it("make nothing of nothing, and fail on what is none", () => {
    for (const name of ["AppRoleAssignmentsComplex", "AssertiveAppRoleAssignmentsComplex", "SingleAppRoleAssignment"]) {
      expect(text(`${name}([a])`)).toBe("null");
      expect(text(`${name}([a])`, { a: [] })).toBe("null");
      expect(text(`${name}([a])`, { a: "Admin" })).toMatch(/^error: (type|conversion)$/);
      expect(text(`${name}()`)).toBe("failure: arity");
    }
    expect(text("SingleAppRoleAssignment([a])", { a: assignments.slice(0, 1) })).toBe("Role1234");
  });
});

describe("chance", () => {
  const drawn = (expression: string, seed: number) => {
    const compiled = compileExpression(expression);
    const context = { ...contextOf({}), random: seededRandom(seed) };
    const outcome = compiled.ok ? compiled.program.evaluate(context) : undefined;
    return outcome?.kind === "value" ? String(outcome.value) : JSON.stringify(outcome);
  };
  const counted = (value: string, kind: RegExp) => [...value].filter((character) => kind.test(character)).length;

  it("gives strings of the kinds, the length and without the characters that are asked for", () => {
    const least = fc.integer({ min: 0, max: 12 });
    const avoid = fc.constantFrom("", "?,", "0Oo1Il", "ABCDEFG!", "~#");
    fc.assert(
      fc.property(
        least,
        least,
        least,
        least,
        fc.nat(60),
        avoid,
        fc.nat(),
        (digits, special, upper, lower, more, off, seed) => {
          const length = Math.max(1, digits + special + upper + lower + more);
          const value = drawn(`RandomString(${length},${digits},${special},${upper},${lower},"${off}")`, seed);
          expect(value).toHaveLength(length);
          expect(counted(value, /\d/)).toBeGreaterThanOrEqual(digits);
          expect(counted(value, /[^A-Za-z0-9]/)).toBeGreaterThanOrEqual(special);
          expect(counted(value, /[A-Z]/)).toBeGreaterThanOrEqual(upper);
          expect(counted(value, /[a-z]/)).toBeGreaterThanOrEqual(lower);
          expect([...off].some((character) => value.includes(character))).toBe(false);
        },
      ),
    );
  });

  decide([
    ["Left(RandomString(256,0,0,0,0), 0)", {}, ""],
    ["RandomString(257,0,0,0,0)", {}, "failure: range"],
    ["RandomString(0,0,0,0,0)", {}, "failure: range"],
    ["RandomString([n],0,0,0,0)", { n: 1000 }, "error: range"],
    ["RandomString(5,2,2,2,0)", {}, "error: range"],
    ['RandomString(5,1,0,0,0,"0123456789")', {}, "error: range"],
    ['RandomString("x",1,0,0,0)', {}, "failure: type"],
    ["RandomString(5,1,1,1)", {}, "failure: arity"],
    ['RandomString(5,1,1,1,1,"","")', {}, "failure: arity"],
    ["Guid(1)", {}, "failure: arity"],
  ]);

  it("gives GUIDs in the usual form, another one each time", () => {
    const guids = Array.from({ length: 200 }, (_, seed) => drawn("Guid()", seed));
    for (const guid of guids) {
      expect(guid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
    expect(new Set(guids).size).toBe(200);
    expect(text('Join(",", Mid(Guid(), 9, 1), Mid(Guid(), 14, 1), Mid(Guid(), 19, 1), Mid(Guid(), 24, 1))')).toBe(
      "-,-,-,-",
    );
  });
});
