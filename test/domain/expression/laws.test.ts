/** What holds for every expression and every object, whatever they are. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isSameTree, type Node } from "../../../shared/domain/expression/ast.ts";
import { checkExpression } from "../../../shared/domain/expression/check.ts";
import { compileExpression, type Outcome } from "../../../shared/domain/expression/compile.ts";
import type { EvaluationContext } from "../../../shared/domain/expression/definition.ts";
import { explainExpression } from "../../../shared/domain/expression/explain.ts";
import { FUNCTIONS } from "../../../shared/domain/expression/functions/index.ts";
import { parse } from "../../../shared/domain/expression/parser.ts";
import { printExpression } from "../../../shared/domain/expression/print.ts";
import type { StaticType } from "../../../shared/domain/expression/static-type.ts";
import type { Scalar } from "../../../shared/domain/expression/value.ts";
import { createWork } from "../../../shared/domain/expression/work.ts";
import {
  anySource,
  anyTree,
  CLASS,
  conformingSource,
  oddText,
  type Source,
  sensibleTree,
  wildTree,
} from "./generated.ts";
import { seededRandom } from "./support.ts";

function contextOf(source: Source, taken: readonly string[] = []): EvaluationContext {
  return {
    attribute: (name) => source[name] ?? null,
    parameter: (name) => (name === "Domain" ? "contoso.com" : undefined),
    now: Date.UTC(2026, 0, 15),
    random: seededRandom(),
    isTaken: (value) => taken.includes(value),
    work: createWork(200_000),
  };
}

/** JSON of everything, for comparisons. */
const plain = (outcome: Outcome): unknown =>
  JSON.parse(JSON.stringify(outcome, (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value)));

/** Directories give numbers, truths, times and references as texts. */
const GIVEN_AS_TEXT = ["text", "number", "Boolean", "time", "name"] as const;

function isOfType(value: Scalar, result: StaticType | undefined): boolean {
  const kinds = result?.kinds;
  if (!kinds) return true;
  if (typeof value === "string") return GIVEN_AS_TEXT.some((kind) => kinds.has(kind));
  if (typeof value === "bigint") return kinds.has("number");
  return kinds.has(typeof value === "boolean" ? "Boolean" : value.kind);
}

describe("laws of the language", () => {
  it("reads what it prints, for every tree", () => {
    fc.assert(
      fc.property(anyTree, (tree) => {
        const text = printExpression(tree);
        fc.pre(text.length <= 10_000);
        const read = parse(text);
        expect(isSameTree(read, tree), text).toBe(true);
        expect(printExpression(read)).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });

  it("makes a tree of every function, and trees that differ are not the same", () => {
    const seen = new Set<string>();
    const walk = (node: Node) => {
      if (node.type !== "call") return;
      seen.add(node.name);
      for (const arg of node.args) if (arg) walk(arg);
    };
    for (const tree of fc.sample(sensibleTree, { numRuns: 3000, seed: 1 })) walk(tree);
    expect([...FUNCTIONS.keys()].filter((name) => !seen.has(name))).toEqual([]);
    fc.assert(
      fc.property(anyTree, anyTree, (left, right) => {
        expect(isSameTree(left, right)).toBe(printExpression(left) === printExpression(right));
      }),
    );
  });

  it("evaluates every expression over every object without throwing, twice to the same", () => {
    let evaluated = 0;
    fc.assert(
      fc.property(wildTree, anySource, fc.array(oddText, { maxLength: 3 }), (tree, source, taken) => {
        const compiled = compileExpression(printExpression(tree));
        if (!compiled.ok) return;
        evaluated++;
        const outcome = compiled.program.evaluate(contextOf(source, taken));
        expect(plain(compiled.program.evaluate(contextOf(source, taken)))).toEqual(plain(outcome));
        if (outcome.kind === "error") expect(outcome.message).not.toBe("");
      }),
      { numRuns: 3000 },
    );
    expect(evaluated).toBeGreaterThan(500);
  });

  it("never fails with a type error what the checker accepts", () => {
    let accepted = 0;
    fc.assert(
      fc.property(sensibleTree, fc.array(conformingSource, { minLength: 3, maxLength: 3 }), (tree, sources) => {
        const { program, findings, result } = checkExpression(printExpression(tree), { source: CLASS });
        expect(program === undefined).toBe(findings.some(({ severity }) => severity === "error"));
        if (!program) return;
        accepted++;
        for (const source of sources) {
          const outcome = program.evaluate(contextOf(source));
          if (outcome.kind === "error") expect(outcome.code, outcome.message).not.toBe("type");
          if (outcome.kind === "value") expect(isOfType(outcome.value, result), "its kind is foretold").toBe(true);
          if (outcome.kind === "multi" && outcome.values.length > 1)
            expect(result?.many, "several values are foretold").toBe(true);
        }
      }),
      { numRuns: 3000 },
    );
    expect(accepted).toBeGreaterThan(500);
  });

  it("is checked and compiled with the same answer", () => {
    fc.assert(
      fc.property(fc.oneof(wildTree, anyTree), (tree) => {
        const text = printExpression(tree);
        const { program, findings } = checkExpression(text);
        const compiled = compileExpression(text);
        if (compiled.ok) return;
        expect(program).toBeUndefined();
        const errors = findings.filter(({ severity }) => severity === "error");
        expect(errors.map(({ position }) => position)).toContain(compiled.failure.position);
      }),
      { numRuns: 1000 },
    );
  });

  it("explains every expression with the outcome that it evaluates to", () => {
    fc.assert(
      fc.property(sensibleTree, conformingSource, (tree, source) => {
        const text = printExpression(tree);
        const compiled = compileExpression(text);
        const explained = explainExpression(text, contextOf(source));
        expect(explained.ok).toBe(compiled.ok);
        if (!compiled.ok || !explained.ok || compiled.program.redacted) return;
        expect(plain(explained.outcome as Outcome)).toEqual(plain(compiled.program.evaluate(contextOf(source))));
      }),
      { numRuns: 500 },
    );
  });
});
