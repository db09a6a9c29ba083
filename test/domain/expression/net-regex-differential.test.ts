/**
 * Against JavaScript's own engine, on generated patterns of the part in which both languages say the same: nothing that
 * may be empty is repeated, and no group lies in a round that can pass it by. Places are written for each in its way.
 */

import fc from "fast-check";
import { expect, it } from "vitest";
import { ExpressionError } from "../../../shared/domain/expression/failure.ts";
import { compileNetRegex } from "../../../shared/domain/expression/net-regex/net-regex.ts";
import { createWork } from "../../../shared/domain/expression/work.ts";

interface Pattern {
  readonly net: string;
  readonly js: string;
  readonly canBeEmpty: boolean;
}

const same = (text: string, canBeEmpty = false): Pattern => ({ net: text, js: text, canBeEmpty });
const around = (open: string, inner: Pattern, close: string, canBeEmpty: boolean): Pattern => ({
  net: open + inner.net + close,
  js: open + inner.js + close,
  canBeEmpty,
});

const unit = fc
  .constantFrom("a", "b", "c", "1", "[ab]", "[^a]", "[a-c1]", "[^\\n]", ".", "\\d", "\\W", "\\s", "ab", "\\x61", "\\.")
  .map((text) => same(text));

const place = fc.constantFrom<Pattern>(
  same("^", true),
  same("\\b", true),
  same("\\B", true),
  { net: "\\A", js: "^", canBeEmpty: true },
  { net: "\\z", js: "$", canBeEmpty: true },
  { net: "$", js: "(?=\\n?$)", canBeEmpty: true },
  { net: "(?m:^)", js: "(?<=^|\\n)", canBeEmpty: true },
  { net: "(?m:$)", js: "(?=\\n|$)", canBeEmpty: true },
);

const quantifier = fc.constantFrom("*", "+", "?", "{2}", "{1,2}", "{0,3}", "{2,}", "*?", "+?", "??", "{1,3}?", "{2,}?");

function repeated(body: fc.Arbitrary<Pattern>, open: string): fc.Arbitrary<Pattern> {
  return fc.tuple(body, fc.option(quantifier)).map(([inner, sign]) => {
    const group = around(open, inner, ")", inner.canBeEmpty);
    if (sign === null || inner.canBeEmpty) return group;
    return around("", group, sign, /^(?:[*?]|\{0)/.test(sign));
  });
}

function oneAfterAnother(parts: fc.Arbitrary<Pattern>, most: number): fc.Arbitrary<Pattern> {
  return fc.array(parts, { minLength: 1, maxLength: most }).map((items) => ({
    net: items.map(({ net }) => net).join(""),
    js: items.map(({ js }) => js).join(""),
    canBeEmpty: items.every(({ canBeEmpty }) => canBeEmpty),
  }));
}

function oneOf(parts: fc.Arbitrary<Pattern>): fc.Arbitrary<Pattern> {
  return fc.array(parts, { minLength: 1, maxLength: 3 }).map((items) => ({
    net: items.map(({ net }) => net).join("|"),
    js: items.map(({ js }) => js).join("|"),
    canBeEmpty: items.some(({ canBeEmpty }) => canBeEmpty),
  }));
}

const look = (body: fc.Arbitrary<Pattern>): fc.Arbitrary<Pattern> =>
  fc.tuple(fc.constantFrom("(?=", "(?!", "(?<=", "(?<!"), body).map(([open, inner]) => around(open, inner, ")", true));

/** Without captures. */
const { plain } = fc.letrec<{ plain: Pattern }>((tie) => ({
  plain: oneAfterAnother(
    fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      unit,
      { arbitrary: place, weight: 1 },
      { arbitrary: repeated(unit, "(?:"), weight: 2 },
      { arbitrary: repeated(oneOf(tie("plain")), "(?:"), weight: 2 },
      { arbitrary: look(oneOf(tie("plain"))), weight: 1 },
    ),
    4,
  ),
}));

const capture = repeated(oneOf(plain), "(");

const pattern = oneAfterAnother(
  fc.oneof(
    plain,
    capture,
    fc
      .tuple(fc.constantFrom("(?=", "(?<="), oneAfterAnother(fc.oneof(plain, capture), 3))
      .map(([open, inner]) => around(open, inner, ")", true)),
  ),
  4,
);

const input = fc.string({
  unit: fc.constantFrom("a", "a", "b", "b", "c", "A", "B", "1", ".", " ", "\n"),
  maxLength: 14,
});

function compare({ net, js }: Pattern, text: string, ignoreCase: boolean): void {
  const regex = compileNetRegex(ignoreCase ? `(?i)${net}` : net);
  const other = new RegExp(js, ignoreCase ? "gi" : "g");
  const groups = new RegExp(`${js}|`).exec("")?.length ?? 0;
  const shown = Array.from({ length: groups }, (_, group) => `$${group}`).join("|");
  const given = boundedly(() => regex.replace(text, `<${shown}>`, createWork()));
  // What ours gives up, the other one might try for hours.
  if (given === undefined) return;
  const expected = text.replace(other, (...found) => `<${found.slice(0, groups).join("|")}>`);
  expect(given).toBe(expected);
  compared++;
}

let compared = 0;
const RUNS = 1200;

/** Undefined where it takes more steps than an evaluation has. */
function boundedly(run: () => string): string | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof ExpressionError && error.code === "limit") return undefined;
    throw error;
  }
}

it("finds and captures what JavaScript's engine does", () => {
  fc.assert(fc.property(pattern, input, fc.boolean(), compare), { numRuns: RUNS });
  expect(compared).toBeGreaterThan(0.98 * RUNS);
});
