import { describe, expect, it } from "vitest";
import { compileExpression } from "../../../shared/domain/expression/compile.ts";
import { ExpressionError } from "../../../shared/domain/expression/failure.ts";
import {
  charge,
  createWork,
  MAXIMUM_TEXT,
  refill,
  restart,
  WORK_LIMIT,
} from "../../../shared/domain/expression/work.ts";
import { contextOf, run, type Source, text } from "./support.ts";

const MEBI = "a".repeat(MAXIMUM_TEXT);
const HALF = "a".repeat(MAXIMUM_TEXT / 2);

describe("the work of an evaluation", () => {
  it("ends with an error when it runs out, and not before", () => {
    const work = createWork(10);
    charge(work, 10);
    expect(() => charge(work, 1)).toThrow(ExpressionError);
    refill(work);
    charge(work, 10);
    expect(() => charge(work, 1)).toThrow(expect.objectContaining({ code: "limit" }));
  });

  it("has a bound for all evaluations of an object together, and begins anew with the next object", () => {
    const work = createWork(10, 25);
    const spend = (steps: number) => {
      refill(work);
      charge(work, steps);
    };
    for (const steps of [10, 8, 7, 0]) spend(steps);
    expect(() => spend(1)).toThrow(
      expect.objectContaining({ code: "limit", message: expect.stringContaining("together") }),
    );
    restart(work, 25);
    spend(10);
    // What was refused counts as well: trying is what costs.
    expect(() => spend(11)).toThrow(expect.objectContaining({ code: "limit" }));
    expect(() => spend(10)).toThrow(expect.objectContaining({ message: expect.stringContaining("together") }));
  });

  it("begins anew with every evaluation of the same context", () => {
    const compiled = compileExpression('Replace([a], , "a", , "b", , )');
    if (!compiled.ok) throw new Error(compiled.failure.message);
    const context = contextOf({ a: "a".repeat(1000) });
    const left = [1, 2, 3].map(() => {
      expect(compiled.program.evaluate(context).kind).toBe("value");
      return context.work.remaining;
    });
    expect(new Set(left).size).toBe(1);
    expect(left[0]).toBeLessThan(WORK_LIMIT);
  });

  it("says how much it was, and nothing of the value", () => {
    expect(run('Replace([a], , "(a+)+$", , "b", , )', { a: `${"a".repeat(50)}!` })).toEqual({
      kind: "error",
      code: "limit",
      message: expect.stringMatching(/^The evaluation was ended after 2000000 steps: (?!.*aaa)/),
    });
  });
});

describe("text that functions make", () => {
  const many = (count: number, one: string) => Array.from({ length: count }, () => one).join(", ");
  const nested = (open: string, close: string, depth: number) => `${open.repeat(depth)}[a]${close.repeat(depth)}`;

  it.each([
    ["a copy of everything for every character", nested('Replace([a], "a", , , ', ", , )", 8), { a: "a".repeat(40) }],
    ["the same by a pattern", nested('Replace([a], , "a", , ', ", , )", 8), { a: "a".repeat(40) }],
    ["the whole source in every match", `Replace([a], , "a", , "${"$_".repeat(2000)}", , )`, { a: HALF }],
    ["the whole source in one match", `Replace([a], , "^", , "${"$_".repeat(4000)}", , )`, { a: HALF }],
    ["a template filled again and again", 'Replace([a], "a", , , , , [a])', { a: "a".repeat(2000) }],
    ["many long sources", `Join("", ${many(1900, "[a]")})`, { a: HALF }],
    ["a long separator", "Join([a], [b])", { a: HALF, b: ["x", "x", "x", "x"] }],
    ["a chain of &", many(40, "[a]").replaceAll(", ", " & "), { a: HALF }],
    ["Append", "Append(Append([a], [a]), [a])", { a: HALF }],
    ["a longer encoding", "ConvertToBase64([a])", { a: HALF }],
    ["hexadecimal digits", "ConvertToUTF8Hex(ToUpper([a]))", { a: HALF }],
    ["many short values", 'Split([a], ",")', { a: ",".repeat(MAXIMUM_TEXT) }],
    [
      "many long values to look at",
      `IIF(InStr([a], "b") = "1", [a], Coalesce(${many(30, "ToUpper([a])")}))`,
      { a: MEBI },
    ],
  ])("is bounded: %s", (_, expression, source) => {
    expect(text(expression, source)).toBe("error: limit");
  });

  it.each([
    ["InStr", "InStr([a], [b])"],
    ["Split", "Split([a], [b])"],
    ["Replace", 'Replace([a], [b], , , "x", , )'],
  ])("is searched only as long as it may take: %s", (_, expression) => {
    const source = { a: HALF, b: `b${"a".repeat(HALF.length / 2)}` };
    expect(text(expression, source)).toBe("error: limit");
    expect(text(expression, { a: "a".repeat(5000), b: `b${"a".repeat(2000)}` })).not.toBe("error: limit");
  });

  it("isn't bounded where nothing is made of it", () => {
    const long = MEBI.repeat(3);
    const flows = (expression: string, source: Source, value: string) => {
      const result = run(expression, source);
      return result.kind === "value" && result.value === value;
    };
    expect(flows("[a]", { a: long }, long)).toBe(true);
    expect(flows('IIF([b] = "1", [a], "x")', { a: HALF, b: "1" }, HALF)).toBe(true);
  });

  it("leaves room for what a directory holds", () => {
    const addresses = Array.from({ length: 2000 }, (_, index) => `smtp:person${index}@contoso.example`);
    expect(text('Left(Join(";", RemoveDuplicates(Split(Join(",", [a]), ","))), 20)', { a: addresses })).toBe(
      "smtp:person0@contoso",
    );
  });
});
