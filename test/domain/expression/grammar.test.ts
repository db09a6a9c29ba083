import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileExpression } from "../../../shared/domain/expression/compile.ts";
import { contextOf, run, text } from "./support.ts";

function failureOf(expression: string) {
  const result = compileExpression(expression);
  if (result.ok) throw new Error(`'${expression}' compiles.`);
  return result.failure;
}

describe("the grammar", () => {
  it.each([
    ['"a\\"b\\\\c"', {}, 'a"b\\c'],
    ['"a\\d"', {}, "a\\d"],
    ['"(,)[x]\'"', {}, "(,)[x]'"],
    [" [a] ", { a: "1" }, "1"],
    ["[a b.c]", { "a b.c": "1" }, "1"],
    ['[phones[type eq "work"].value]', { 'phones[type eq "work"].value': "1" }, "1"],
    ['"a" & [x] & "c"', { x: "b" }, "abc"],
    ['[x] & "c"', {}, "c"],
    ["[x] & [y]", {}, "null"],
    ['Left ( \n\t"abc" , 2 )', {}, "ab"],
    ["BitAnd(&hFF, -1)", {}, "255"],
    ['Left("abc","2")', {}, "ab"],
    ["%Domain%", {}, "contoso.com"],
    ['Join("@", "a", %Domain%)', {}, "a@contoso.com"],
    ['""', {}, "null"],
    ['IIF([a]="x","y",)', { a: "z" }, "null"],
    ['Switch([a], , "k", "v")', { a: "q" }, "null"],
    ['Coalesce([a], "")', {}, ""],
    ['Join\n(\r\n"," \t,\u00a0\n[a] ,\n"b"\n)\n', { a: "x" }, "x,b"],
    ['\r\nIIF\t(\n[a]\n=\n"x"\n,\n"y"\n,\n"n"\n)\n', { a: "x" }, "y"],
    ['[a]\n&\n"b"\n&\n[c]', { a: "x", c: "y" }, "xby"],
    ["[ a ]", { a: "1" }, "1"],
    ["5", {}, "5"],
    ["-5", {}, "-5"],
    ["&HfF", {}, "255"],
    ['"x" & &HF', {}, "x15"],
    ["Guid( )", {}, "a087eaf3-00b3-49c9-b706-c4ebfb2627fd"],
    ['Join(",",,"a",)', {}, "a"],
    ['Replace("a","a", , ,"b", ,)', {}, "b"],
    ['Replace("a","a",,,"",,)', {}, ""],
    ['CBool("a" = "a")', {}, "True"],
    ['IIF(Not([a] <> "x"), "y", "n")', { a: "x" }, "y"],
    ['IIF([a] >= "2", "y", "n")', { a: "10" }, "y"],
    ['InStr("ABC", "b", 1, vbTextCompare)', {}, "2"],
    ['Word("it\'s, (so) [far]", 2, ",")', {}, " (so) [far]"],
  ])("reads %s", (expression, source, expected) => {
    expect(text(expression, source as Record<string, unknown>, { parameters: { Domain: "contoso.com" } })).toBe(
      expected,
    );
  });

  it.each([
    ["", "parse", 0],
    ["Trim([a]) x", "parse", 10],
    ["Trim([a]", "parse", 4],
    ["Trim([a", "parse", 5],
    ['Trim("a)', "parse", 5],
    ["Trim([])", "parse", 5],
    ["Trim(a)", "parse", 5],
    ["Trim('a')", "parse", 5],
    ["Trim([a] [b])", "parse", 9],
    ['[a] = "b"', "parse", 4],
    ["5 + 6", "unsupported", 2],
    [" \n ", "parse", 3],
    ['IIF([a]="1" && [b]="2","x","y")', "unsupported", 12],
    ['IIF([a]="1" || [b]="2","x","y")', "unsupported", 12],
    ['IIF([a]=="1","x","y")', "parse", 7],
    ['IIF([a]!="1","x","y")', "parse", 7],
    ['IIF([a]="1"="2","x","y")', "parse", 11],
    ['IIF(("a"="a"),"x","y")', "parse", 4],
    ['IIF([a]=True,"x","y")', "parse", 8],
    ["IIF(NULL,1,2)", "parse", 4],
    ["\u201cx\u201d", "parse", 0],
    ["&HG", "parse", 0],
    ['Left("abc",1.5)', "parse", 12],
    ["[[a]", "parse", 0],
    ["[a]]", "parse", 3],
    ['"x\\"', "parse", 0],
    ['Append("a",,"b")', "arity", 12],
    ["Append(,)", "arity", 0],
    ["Guid(,)", "arity", 0],
    ["Now", "parse", 0],
    ["switch([a],,1,2)", "unknown-function", 0],
    [`"${"a".repeat(9999)}"`, "length", 10_000],
    ['IIF([a]="1" OR [b]="2","x","y")', "unsupported", 12],
    ['IIF(And([a]="1",[b]="2"),"x","y")', "unsupported", 4],
    ["Trim(Frobnicate([a]))", "unknown-function", 5],
    ["Guid(1)", "arity", 5],
    ["Left(,2)", "arity", 0],
    ["Trim()", "arity", 0],
    ['IIF([a]="b","c")', "arity", 0],
    ['Switch([a],"d")', "arity", 0],
    ['Trim(SelectUniqueValue("a","b"))', "nesting", 5],
    ['Replace([a], , "(?y) b", , "c", , )', "regex", 15],
    ['Replace([a], "b", "c", , "d", , )', "unsupported", 0],
  ])("refuses %j", (expression, code, position) => {
    expect(failureOf(expression)).toMatchObject({ code, position });
  });

  it("puts a caret below the place, on its line", () => {
    const failure = failureOf('Join(", ",\n  [a],\n  Frobnicate([b]))');
    expect(failure.excerpt).toBe("  Frobnicate([b]))\n  ^");
    expect(failureOf('Join("\t",\r\n\tTrimm([a]),\r\n"x")').excerpt).toBe(" Trimm([a]), \n ^");
    const long = failureOf(`${" ".repeat(200)}Frobnicate([b])`);
    expect(long.excerpt.split("\n")[0]!.length).toBeLessThanOrEqual(72);
    expect(long.excerpt.split("\n")[0]![long.excerpt.split("\n")[1]!.length - 1]).toBe("F");
  });

  it("says how a name is really written", () => {
    expect(failureOf('switch([a], "", "b", "c")').remedy).toBe("Write Switch: names are case-sensitive.");
  });

  it("takes deep nesting, and refuses too deep before the stack is exhausted", () => {
    const nested = (depth: number) => `${"Trim(".repeat(depth)}[a]${")".repeat(depth)}`;
    expect(text(nested(500), { a: " x " })).toBe("x");
    expect(failureOf(nested(501)).code).toBe("nesting");
    expect(failureOf("Now(".repeat(2400)).code).toBe("nesting");
  });

  it("knows what a program reads", () => {
    const result = compileExpression('IIF([b]="1", Join("-", [a], %P%), Redact([b]))');
    expect(result.ok && result.program).toMatchObject({
      attributes: ["a", "b"],
      parameters: ["P"],
      redacted: true,
      selectsUniqueValue: false,
      directAttribute: undefined,
    });
    const direct = compileExpression(" [manager] ");
    expect(direct.ok && direct.program.directAttribute).toBe("manager");
  });

  it("fails where the job lacks a parameter", () => expect(text("%Nothing%")).toBe("error: parameter"));

  it("answers any text with a program or a failure, never by throwing", () => {
    const piece = fc.constantFrom(
      ...'Trim( Left( IIF( Replace( Switch( Join( Item( CDate( Word( ) , [a] [b] "x" "" 1 -2 &H1 & = <> %P% " [ \\ AND'.split(
        " ",
      ),
    );
    const source = fc.oneof(
      fc.string(),
      fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(" ")),
    );
    fc.assert(
      fc.property(source, (expression) => {
        const result = compileExpression(expression);
        if (!result.ok) expect(result.failure.excerpt).toContain("^");
        else expect(() => result.program.evaluate(contextOf({ a: "x", b: ["1", "2"] }))).not.toThrow();
      }),
      { numRuns: 2000 },
    );
  });

  it("gives back any text that is written as a constant", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 50 }), (constant) => {
        const written = `"${constant.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
        expect(run(written)).toEqual({ kind: "value", value: constant });
      }),
    );
  });
});
