/** No pattern holds a worker: whatever it is and whatever it meets, it ends after a number of steps, always the same. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ExpressionError } from "../../../shared/domain/expression/failure.ts";
import { compileNetRegex } from "../../../shared/domain/expression/net-regex/net-regex.ts";
import { RegexRefusal } from "../../../shared/domain/expression/net-regex/tree.ts";
import { createWork, WORK_LIMIT } from "../../../shared/domain/expression/work.ts";

const MEBI = 1 << 20;
const a = (count: number) => "a".repeat(count);

/** What a test ends with, and the steps it took. */
function outcome(pattern: string, input: string, limit = WORK_LIMIT): { result: boolean | "limit"; steps: number } {
  const work = createWork(limit);
  try {
    return { result: compileNetRegex(pattern).test(input, work), steps: limit - work.remaining };
  } catch (error) {
    if (!(error instanceof ExpressionError) || error.code !== "limit") throw error;
    return { result: "limit", steps: limit - work.remaining };
  }
}

describe("patterns that try too many ways", () => {
  it.each([
    ["(a+)+$", `${a(40)}!`],
    ["^(a+)+$", `${a(40)}!`],
    ["(a|aa)+$", `${a(60)}!`],
    ["(a|a|ab)*c", a(60)],
    ["(?i)(A+)+$", `${a(40)}!`],
    ["(.*a){20}$", `${a(60)}!`],
    ["(x+x+)+y", "x".repeat(60)],
    ["(\\w+\\s?)+:", "word ".repeat(30)],
    ["^(([a-z])+.)+[A-Z]([a-z])+$", a(50)],
    ["((?=a+)a+)+b", a(50)],
    ["(?=(a+)+b)a", a(50)],
    ["(?!(a+)+c)x|(?:(?<!b)a+)+c", a(50)],
    ["(?<=(?:a+)+?(b|c)(a+)+)!", `${a(50)}!`],
    ["(?(?=(?:(?<q>a+))+b)x|y)", a(50)],
    ["(a?){30}a{30}c", a(60)],
    ["(?:(a{1,30}){1,30}){1,30}b", a(60)],
    ["(a*?)*?$", `${a(40)}!`],
    ["(a)(\\1+)+b", a(60)],
    ["(.*)(.*)(.*)(.*)(.*)(.*)[^a]x", a(400)],
    ["\\w*\\d", a(50_000)],
    ["[a-z]*[a-z]*[a-z]*\\d", a(2000)],
    ["(){2000000000}x", "x"],
    ["(?:\\b){2000000000}", "x"],
  ])("%j ends after the same steps each time", (pattern, input) => {
    const first = outcome(pattern, input);
    expect(first.result).toBe("limit");
    expect(first.steps).toBeLessThan(WORK_LIMIT * 1.2);
    expect(outcome(pattern, input)).toEqual(first);
  });

  it("counts the same after a run that needed a large stack", () => {
    const before = outcome("^(?:(a)|b)*$", a(3000));
    outcome("^(?:(a)|b)*$", a(60_000));
    expect(outcome("^(?:(a)|b)*$", a(3000))).toEqual(before);
  });

  it("matches again after it ended in the middle of a match", () => {
    const regex = compileNetRegex("^(?<n>(a+)+)$");
    expect(() => regex.test(`${a(40)}!`, createWork())).toThrow("ended after 2000000 steps");
    expect(regex.read("aaa", "n", createWork())).toBe("aaa");
  });

  it("spends one limit on all matches of a replacement", () => {
    const regex = compileNetRegex("a|bc");
    expect(regex.replace(a(1000), "x", createWork(20_000))).toBe("x".repeat(1000));
    expect(() => regex.replace(a(100_000), "x", createWork(20_000))).toThrow(ExpressionError);
  });
});

describe("patterns that look worse than they are", () => {
  it.each([
    ["(?>(a+)+)$", `${a(1000)}!`, false],
    ["(?:a*)*b", a(1000), false],
    ["(?:(?:a+)+)+$", `${a(1000)}!`, false],
    ["(?:(?:a{1000}){1000}){1000}", a(5000), false],
    [`b${a(9000)}`, a(100_000), false],
    ["^[^@]+@[^@]+\\.com$", `${a(500)}@${a(500)}.com`, true],
    ["^.*,OU=.*,DC=x$", `CN=${a(2000)},OU=b,DC=x`, true],
  ])("%j is cheap", (pattern, input, expected) => {
    const { result, steps } = outcome(pattern, input);
    expect(result).toBe(expected);
    expect(steps).toBeLessThan(WORK_LIMIT / 10);
  });

  it("takes no more than a step for each character of the usual patterns", () => {
    const usual = ["^User_", "^SystemMailbox{", "^CAS_([^{]*){", "^CN\\s*=", "OU=Users", "\\bsales\\b"];
    const input = `CN=${"Anna Svensson ".repeat(20)},OU=Staff`;
    for (const pattern of usual) expect(outcome(pattern, input).steps).toBeLessThan(input.length);
  });
});

describe("long texts and deep patterns", () => {
  const PLENTY = 100_000_000;

  it.each([
    ["^(?:a|bc)*$", "abc".repeat(MEBI / 3), true],
    ["^(?:(a)|(b))*c", "ab".repeat(MEBI / 2), false],
    ["^(?:ab?)+?$", a(MEBI), true],
    ["^.*?b", a(MEBI), false],
    ["$(?<=^(?:a|bc)*)", "abc".repeat(MEBI / 3), true],
    ["^((a)|b)*$", a(MEBI / 4), true],
    ["^(a{1,2}){1,1000000}$", a(MEBI), true],
    ["(?:a(?=a*$))*$", a(4000), true],
    ["^(\\w)\\1*$", a(MEBI), true],
  ])("%j goes through a mebi of characters", (pattern, input, expected) => {
    expect(outcome(pattern, input, PLENTY).result).toBe(expected);
  });

  it("takes patterns as deep and as long as they may be", () => {
    const deep = `${"(".repeat(199)}a${")".repeat(199)}`;
    expect(outcome(deep, "a").result).toBe(true);
    expect(outcome(`${"(?:".repeat(199)}a${")*".repeat(199)}b`, a(30)).result).not.toBe(true);
    expect(outcome(`${"(?=".repeat(150)}a${")".repeat(150)}`, "a").result).toBe(true);
    expect(outcome("a?".repeat(4999), a(5000)).result).toBe(true);
    expect(outcome("a|".repeat(4999), "b").result).toBe(true);
    expect(outcome(`(?:${"ab|".repeat(3000)}c)+$`, "ab".repeat(50)).result).toBe(true);
  });
});

describe("any pattern and any text", () => {
  const piece = fc.oneof(
    fc.constantFrom(..."abc.^$|()[]{}?*+\\-,<>=!:'#&k1290nimsx \n"),
    fc.constantFrom("(?", "(?:", "(?=", "(?<!", "(?<=", "(?>", "(?<n>", "(?<n-n>", "(?<-n>", "(?(n)", "(?(1)", "(?i)"),
    fc.constantFrom("\\d", "\\w", "\\b", "\\G", "\\1", "\\k<n>", "\\p{L}", "\\p{IsGreek}", "{2,3}", "{2}", "-[", "[^"),
    fc.string({ unit: "binary", maxLength: 2 }),
  );
  const pattern = fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join(""));
  const input = fc.string({ unit: fc.constantFrom("a", "b", "c", "1", "\n", "é", "λ", "\ud83d"), maxLength: 12 });

  it("is matched, refused or ended, never anything else", () => {
    let matched = 0;
    fc.assert(
      fc.property(pattern, input, (source, text) => {
        const work = createWork(20_000);
        try {
          const regex = compileNetRegex(source);
          matched++;
          expect(regex.replace(text, "$&", work)).toBe(text);
          for (const group of ["0", "1", "n"]) if (regex.hasGroup(group)) regex.read(text, group, work);
        } catch (error) {
          const isLimit = error instanceof ExpressionError && error.code === "limit";
          if (!isLimit && !(error instanceof RegexRefusal)) throw error;
        }
        // One instruction may go beyond what is left, by what it has to look at.
        expect(work.remaining).toBeGreaterThan(-20_000);
      }),
      { numRuns: 5000 },
    );
    expect(matched).toBeGreaterThan(500);
  });
});
