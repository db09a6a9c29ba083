/** Texts that nobody would write: the lexer, the parser and the checker answer all of them, and soon. */

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isSameTree } from "../../../shared/domain/expression/ast.ts";
import { checkExpression } from "../../../shared/domain/expression/check.ts";
import { compileExpression } from "../../../shared/domain/expression/compile.ts";
import { explainExpression } from "../../../shared/domain/expression/explain.ts";
import { FUNCTIONS } from "../../../shared/domain/expression/functions/index.ts";
import { parse } from "../../../shared/domain/expression/parser.ts";
import { printExpression } from "../../../shared/domain/expression/print.ts";
import { CLASS } from "./generated.ts";
import { contextOf } from "./support.ts";

const LIMIT = 10_000;
const url = new URL("../../fixtures/vectors/expressions.json", import.meta.url);
const VALID = (JSON.parse(readFileSync(url, "utf8")) as { expression: string; dialect: string }[])
  .filter(({ dialect, expression }) => dialect !== "connect" && expression.length <= LIMIT)
  .map(({ expression }) => expression);

const PIECES = [
  ...[...FUNCTIONS.keys()].map((name) => `${name}(`),
  ...'( ) , [ ] [a] [a b] " "" "x" \\ \\" % %P% %% & &H &HFF && = <> < <= > >= - -1 1 99999999999 + * / | \' . ; { } \t \n \u00a0 \u2028 \ufeff \ud800 \u0000 é AND OR vbTextCompare UTF8'.split(
    " ",
  ),
];

/** A valid expression with a few places cut out, doubled, swapped or written over. */
const mutated = fc
  .tuple(
    fc.constantFrom(...VALID),
    fc.array(
      fc.tuple(fc.nat(), fc.nat({ max: 12 }), fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 4 }))),
      {
        minLength: 1,
        maxLength: 5,
      },
    ),
  )
  .map(([text, changes]) =>
    changes.reduce((changed, [place, length, piece]) => {
      const at = place % (changed.length + 1);
      return changed.slice(0, at) + piece + changed.slice(at + length);
    }, text),
  );

const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.array(fc.constantFrom(...PIECES), { maxLength: 30 }).map((pieces) => pieces.join("")),
  mutated,
);

/** Checks, compiles, evaluates and explains a text; whatever it is, each of them answers. */
function answer(text: string): void {
  const { findings, node, program } = checkExpression(text, { source: CLASS, parameters: new Set() });
  for (const { position, excerpt } of findings) {
    expect(position).toBeGreaterThanOrEqual(0);
    expect(position).toBeLessThanOrEqual(text.length);
    expect(excerpt.split("\n")).toHaveLength(2);
  }
  const compiled = compileExpression(text);
  if (program) expect(compiled.ok).toBe(true);
  const printed = node ? printExpression(node) : "";
  if (node && printed.length <= LIMIT) expect(isSameTree(parse(printed), node)).toBe(true);
  if (compiled.ok) compiled.program.evaluate(contextOf({ a: "x", mail: ["a@b", "c"] }));
  else expect(findings.length).toBeGreaterThan(0);
  expect(explainExpression(text, contextOf({ a: "x" })).ok).toBe(compiled.ok);
}

describe("any text at all", () => {
  it("is answered", () => {
    fc.assert(fc.property(anyText, answer), { numRuns: 2500 });
  });

  const fill = (piece: string): string => piece.repeat(Math.ceil(LIMIT / piece.length)).slice(0, LIMIT);

  it.each<[string, string]>([
    ...PIECES.map((piece): [string, string] => [piece, fill(piece)]),
    ["a chain", fill("[a]&").slice(0, -1)],
    ["a chain of texts", `${fill('"a"&').slice(0, -4)}"a"`],
    ["a chain of comparisons", `CBool(${fill("[a]=").slice(0, LIMIT - 10)}[a])`],
    ["arguments", `Join(${"[a],".repeat(2490)}"x")`],
    ["no arguments", `Coalesce(${",".repeat(LIMIT - 10)})`],
    ["calls", `Join(${'Trimm("x"),'.repeat(900)}"x")`],
    ["names nobody knows", `Join(${Array.from({ length: 900 }, (_, index) => `[attr${index}]`).join(",")})`],
    ["brackets", `[${"[".repeat(LIMIT / 2 - 2)}a${"]".repeat(LIMIT / 2 - 2)}]`],
    ["backslashes", `"${"\\".repeat(LIMIT - 2)}"`],
    ["digits", "9".repeat(LIMIT)],
    ["hexadecimal digits", `&H${"F".repeat(LIMIT - 2)}`],
    ["blanks", `${" ".repeat(LIMIT - 3)}[a]`],
    ["line breaks", `${"\n".repeat(LIMIT - 4)}Tri`],
    ["an end of a parameter that never comes", `%${"a".repeat(LIMIT - 1)}`],
    ["the deepest nesting", `${"Trim(".repeat(500)}[a]${")".repeat(500)}`],
    ["deeper nesting", `${"Trim(".repeat(501)}[a]${")".repeat(501)}`],
    ["nesting on both sides", `${'Append("a",'.repeat(400)}"b"${")".repeat(400)}`],
    ["constants that double", `${"Replace(".repeat(200)}"aa"${', "a", , , "aaaa", , )'.repeat(200)}`],
    [
      "constant patterns",
      `Join("", ${Array.from({ length: 150 }, () => 'Replace("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", , "(a+)+$", , "", , )').join(",")})`,
    ],
  ])("is answered at full length: %s", (_, text) => {
    expect(text.length).toBeLessThanOrEqual(LIMIT);
    answer(text);
  });

  it("is refused for its length before anything else", () => {
    for (const text of ["(".repeat(LIMIT + 1), "x".repeat(1_000_000), `"${"a".repeat(LIMIT)}"`]) {
      expect(checkExpression(text).findings).toMatchObject([{ code: "length", position: LIMIT }]);
    }
    expect(checkExpression(`"${"a".repeat(LIMIT - 2)}"`).findings).toEqual([]);
  });
});
