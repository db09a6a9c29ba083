/** The operators of scoping clauses, each with its cases and its spellings. */

import { describe, expect, it } from "vitest";
import { OperandRefusal, operatorNamed } from "../../shared/domain/scope/operators.ts";
import { compileScope } from "../../shared/domain/scope.ts";
import { jsonValue, type Source } from "./expression/support.ts";

/** One clause about the attribute `x`, as the whole filter. */
function decide(operatorName: string, operand: string | undefined, source: Source): boolean | string {
  const targetOperand = { values: operand === undefined ? [] : [operand] };
  const clauses = [{ sourceOperandName: "x", operatorName, targetOperand }];
  const result = compileScope({ groups: [{ clauses }] });
  if (!result.ok) return result.failures.map(({ code }) => code).join();
  const verdict = result.scope.evaluate((name) => jsonValue(source[name]));
  return "inScope" in verdict ? verdict.inScope : "undecided";
}

const BINARY = {
  EQUALS: "a",
  "NOT EQUALS": "a",
  "REGEX MATCH": ".*",
  "NOT REGEX MATCH": "a",
  GREATER_THAN: "-1",
  GREATER_THAN_OR_EQUALS: "0",
  INCLUDES: "a",
  ENDS_WITH: "a",
  "&": "1",
  "!&": "1",
};

describe("an absent or empty value", () => {
  const nothing: readonly Source[] = [{}, { x: null }, { x: "" }, { x: [] }];
  it.each(Object.entries(BINARY))("is never in scope by %s", (operator, operand) => {
    for (const source of nothing) expect(decide(operator, operand, source)).toBe(false);
  });
  it.each(["IS TRUE", "IS FALSE", "IS NOT NULL", "PRESENT"])("is never in scope by %s", (operator) => {
    for (const source of nothing) expect(decide(operator, undefined, source)).toBe(false);
  });
  it("is in scope by IS NULL alone", () => {
    for (const source of nothing) expect(decide("IS NULL", undefined, source)).toBe(true);
  });
});

describe("a clause", () => {
  it.each<[operator: string, operand: string | undefined, value: unknown, expected: boolean]>([
    ["EQUALS", "sales", "sales", true],
    ["EQUALS", "sales", "Sales", false],
    ["EQUALS", "sales", "sales ", false],
    ["EQUALS", "5", 5, true],
    ["EQUALS", "5", "5", true],
    ["EQUALS", "05", 5, false],
    ["EQUALS", "true", true, true],
    ["EQUALS", "True", true, true],
    ["EQUALS", "false", true, false],
    ["EQUALS", "9007199254740993", "9007199254740993", true],
    ["EQUALS", "9007199254740993", "9007199254740992", false],
    ["EQUALS", ".*", "sales", false],
    ["NOT EQUALS", "sales", "hr", true],
    ["NOT EQUALS", "sales", "Sales", true],
    ["NOT EQUALS", "sales", "sales", false],
    ["NOT EQUALS", "5", 6, true],
    ["NOT EQUALS", "true", false, true],
    ["IS TRUE", undefined, true, true],
    ["IS TRUE", undefined, false, false],
    ["IS TRUE", undefined, "True", true],
    ["IS TRUE", undefined, 1, false],
    ["IS FALSE", undefined, false, true],
    ["IS FALSE", undefined, true, false],
    ["IS FALSE", undefined, "FALSE", true],
    ["IS FALSE", undefined, 0, false],
    ["IS NULL", undefined, "x", false],
    ["IS NULL", undefined, 0, false],
    ["IS NULL", undefined, false, false],
    ["IS NULL", undefined, " ", false],
    ["IS NOT NULL", undefined, "x", true],
    ["IS NOT NULL", undefined, 0, true],
    ["IS NOT NULL", undefined, false, true],
    ["IS NOT NULL", undefined, { $binary: "AAAA" }, true],
    ["IS NOT NULL", undefined, ["x", "y"], true],
    ["PRESENT", undefined, "x", true],
    ["REGEX MATCH", ".*\\@domain.com", "ada@domain.com", true],
    ["REGEX MATCH", ".*\\@domain.com", "ada@other.com", false],
    ["REGEX MATCH", "([1-9][0-9])", 10, true],
    ["REGEX MATCH", "([1-9][0-9])", "9", false],
    ["REGEX MATCH", "(1[0-9][0-9][0-9][0-9][0-9][0-9])", "1500000", true],
    ["REGEX MATCH", "(1[0-9][0-9][0-9][0-9][0-9][0-9])", "2500000", false],
    ["REGEX MATCH", "(?:^|\\W)Sales|Marketing|Operations(?:$|\\W)", "Contoso-Marketing-US", true],
    ["REGEX MATCH", "(?:^|\\W)Sales|Marketing|Operations(?:$|\\W)", "Contoso-LT-US", false],
    ["REGEX MATCH", "sales", "Presales", true],
    ["REGEX MATCH", "sales", "SALES", false],
    ["REGEX MATCH", "(?i)sales", "SALES", true],
    ["REGEX MATCH", "^True$", true, true],
    ["NOT REGEX MATCH", ".*\\@domain.com", "ada@other.com", true],
    ["NOT REGEX MATCH", "^[0-9]+$", 12, false],
    ["GREATER_THAN", "4", 5, true],
    ["GREATER_THAN", "4", 4, false],
    ["GREATER_THAN", "4", 3, false],
    ["GREATER_THAN", "9", "10", true],
    ["GREATER_THAN", "-5", -4, true],
    ["GREATER_THAN", "9007199254740992", "9007199254740993", true],
    ["GREATER_THAN", "4", "5.5", false],
    ["GREATER_THAN", "4", "many", false],
    ["GREATER_THAN", "0", true, false],
    ["GREATER_THAN", "4", "99999999999999999999", false],
    ["GREATER_THAN_OR_EQUALS", "4", 4, true],
    ["GREATER_THAN_OR_EQUALS", "4", 3, false],
    ["GREATER_THAN_OR_EQUALS", "100", "99", false],
    ["INCLUDES", "Eng", "Engineering", true],
    ["INCLUDES", "ing", "Engineering", true],
    ["INCLUDES", "eng", "Engineering", false],
    ["INCLUDES", "Engineering", "Eng", false],
    ["INCLUDES", "23", 1234, true],
    ["ENDS_WITH", "@contoso.com", "ada@contoso.com", true],
    ["ENDS_WITH", "@contoso.com", "ada@contoso.com.au", false],
    ["ENDS_WITH", "@contoso.com", "ada@Contoso.com", false],
    ["ENDS_WITH", "34", 1234, true],
    ["&", "sales, marketing", "sales", true],
    ["&", "sales", "sales, marketing", false],
    ["&", "sales", "Sales", false],
    ["!&", "sales, marketing", "hr", true],
    ["!&", "sales, marketing", "sales", false],
    ["&", "512", 514, true],
    ["&", "2", 512, false],
    ["!&", "2", 512, true],
    ["&", "4611686018427387904", "6917529027641081856", true],
  ])("%s %s holds for %j: %s", (operator, operand, value, expected) => {
    expect(decide(operator, operand, { x: value })).toBe(expected);
  });
});

describe("an operator's name", () => {
  it.each([
    ["Greater_Than", "GREATER_THAN"],
    ["GREATER THAN", "GREATER_THAN"],
    ["Greater_Than_OR_EQUALS", "GREATER_THAN_OR_EQUALS"],
    ["Includes", "INCLUDES"],
    ["ENDS WITH", "ENDS_WITH"],
    ["Equals", "EQUALS"],
    ["NOT_EQUALS", "NOT EQUALS"],
    ["not regex match", "NOT REGEX MATCH"],
    ["IS_NOT_NULL", "IS NOT NULL"],
    ["isn't NULL", "IS NOT NULL"],
    ["PRESENT", "IS NOT NULL"],
    [" is true ", "IS TRUE"],
    ["!&L", "!&"],
  ])("may be written %s", (name, plain) => {
    expect(operatorNamed(name)).toBe(operatorNamed(plain));
    expect(operatorNamed(name)).toBeDefined();
  });

  it.each([
    ["IsMemberOf", "is documented as not supported"],
    ["IS_MEMBER_OF", "is documented as not supported"],
    ["VALID CERT MATCH", "is only named"],
    ["STARTS_WITH", "is documented nowhere"],
    ["LIKE", "is none"],
    ["", "is none"],
  ])("%s is refused: it %s", (name) => {
    expect(operatorNamed(name)).toBeUndefined();
    expect(decide(name, "a", { x: "a" })).toBe("scope-operator");
  });
});

describe("an operand", () => {
  it.each([
    ["GREATER_THAN", "4.5"],
    ["GREATER_THAN", "four"],
    ["GREATER_THAN_OR_EQUALS", ""],
    ["GREATER_THAN", "99999999999999999999"],
    ["REGEX MATCH", "("],
  ])("of %s can't be %j", (operator, operand) => {
    expect(() => operatorNamed(operator)?.compile(operand, "x")).toThrow(OperandRefusal);
  });

  it.each(Object.keys(BINARY))("of %s must be there", (operator) => {
    expect(decide(operator, undefined, { x: "a" })).toBe("scope-operand");
  });
});
