/** In, out, or undecided: how clauses make groups and groups a verdict, what is explained, and what always holds. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Scalar, Value } from "../../shared/domain/expression/value.ts";
import { compileScope, type Scope } from "../../shared/domain/scope.ts";
import type { ScopeFilter, ScopeFilterClause, ScopeFilterGroup } from "../../shared/domain/synchronization-schema.ts";

function clause(sourceOperandName: string, operatorName: string, ...values: string[]): ScopeFilterClause {
  return { sourceOperandName, operatorName, targetOperand: { values } };
}

function compiled(filter: ScopeFilter): Scope {
  const result = compileScope(filter);
  if (!result.ok) throw new Error(result.failures.map((failure) => failure.message).join(" "));
  return result.scope;
}

/** A security identifier of three bytes is none: it has no text, so no clause on it can be told. */
const NO_SID: Scalar = { kind: "binary", base64: "AQID", form: "sid" };
const source: Readonly<Record<string, Value>> = { sid: NO_SID, dept: "sales", country: "US" };
const read = (name: string): Value => source[name] ?? null;

const HOLDS = clause("dept", "EQUALS", "sales");
const FAILS = clause("country", "EQUALS", "FR");
const UNDECIDED = clause("sid", "EQUALS", "S-1-5-18");

describe("a filter of many patterns that try too many ways", () => {
  const slow: Value = `${"a".repeat(40)}b`;
  const readSlow = (name: string): Value => (name === "slow" ? slow : read(name));
  const many: ScopeFilterGroup[] = Array.from({ length: 40 }, () => ({
    clauses: [clause("slow", "REGEX MATCH", "(a+)+$")],
  }));

  it("has a bound for all of them together, the same for the next object", () => {
    const scope = compiled({ groups: many });
    for (let object = 0; object < 2; object++) {
      const { groups, verdict } = scope.explain(readSlow);
      expect(verdict.failure?.code).toBe("limit");
      expect(groups[0]?.clauses[0]?.message).toContain("after 2000000 steps");
      expect(groups[39]?.clauses[0]?.message).toContain("together");
    }
  });

  it("still lets in whom another group lets in", () => {
    const verdict = compiled({ groups: [...many, { clauses: [HOLDS] }] }).evaluate(readSlow);
    expect(verdict).toMatchObject({ inScope: true });
  });
});

describe("a clause that can't be told", () => {
  it.each([
    ["alone", [[UNDECIDED]], "undecided"],
    ["beside one that holds", [[HOLDS, UNDECIDED]], "undecided"],
    ["beside one that fails, before it", [[UNDECIDED, FAILS]], "out"],
    ["beside one that fails, after it", [[FAILS, UNDECIDED]], "out"],
    ["in a group before one that holds", [[UNDECIDED], [HOLDS]], "in"],
    ["in a group after one that holds", [[HOLDS], [UNDECIDED]], "in"],
    ["in a group before one that fails", [[UNDECIDED], [FAILS]], "undecided"],
    ["in a group after one that fails", [[FAILS], [UNDECIDED]], "undecided"],
  ] as const)("%s", (_, groups, expected) => {
    const verdict = compiled({ groups: groups.map((clauses) => ({ clauses: [...clauses] })) }).evaluate(read);
    expect(verdict.failure ? "undecided" : verdict.inScope ? "in" : "out").toBe(expected);
  });

  it("says which, and why, and is neither in nor out", () => {
    const verdict = compiled({ groups: [{ name: "System", clauses: [UNDECIDED] }] }).evaluate(read);
    expect(verdict).not.toHaveProperty("inScope");
    expect(verdict.failure).toMatchObject({ code: "conversion", group: "System", clause: "sid EQUALS 'S-1-5-18'" });
    expect(verdict.explanation).toContain("Neither in nor out of scope: System wants sid EQUALS 'S-1-5-18'.");
  });

  it("leaves an input filter undecided too, unless the groups keep the object out already", () => {
    const filter = (groups: ScopeFilterGroup[]): ScopeFilter => ({
      groups,
      inputFilterGroups: [{ clauses: [UNDECIDED] }],
    });
    expect(compiled(filter([{ clauses: [HOLDS] }])).evaluate(read).failure).toBeDefined();
    expect(compiled(filter([{ clauses: [FAILS] }])).evaluate(read)).toMatchObject({ inScope: false, mayRemove: true });
  });
});

describe("a pattern that tries too many ways", () => {
  const many: Readonly<Record<string, Value>> = { a: `${"a".repeat(60)}!`, country: "US" };
  const readMany = (name: string): Value => many[name] ?? null;
  const COSTLY = clause("a", "REGEX MATCH", "^(a+)+$");

  it.each([
    [COSTLY, undefined],
    [clause("a", "NOT REGEX MATCH", "^(a|aa)+$"), undefined],
    [clause("a", "REGEX MATCH", "^(?=(a+)+b)"), undefined],
    [clause("country", "REGEX MATCH", "^(a+)+$"), false],
  ])("leaves that object undecided, and no other: %j", (own, expected) => {
    const verdict = compiled({ groups: [{ clauses: [own] }] }).evaluate(readMany);
    if (expected !== undefined) expect(verdict).toMatchObject({ inScope: expected });
    else expect(verdict.failure).toMatchObject({ code: "limit", message: expect.stringContaining("steps") });
  });

  it("takes nothing from the clauses after it", () => {
    const clauses = [COSTLY, clause("a", "REGEX MATCH", "!$"), COSTLY, clause("country", "REGEX MATCH", "^US$")];
    const [group] = compiled({ groups: [{ clauses }] }).explain(readMany).groups;
    expect(group?.clauses.map(({ answer }) => answer)).toEqual(["undecided", "holds", "undecided", "holds"]);
  });
});

describe("an explanation", () => {
  const filter: ScopeFilter = {
    groups: [
      { name: "France", clauses: [HOLDS, FAILS, clause("dept", "IS NULL")] },
      { name: "Sales", clauses: [HOLDS, clause("mail", "IS NULL")] },
    ],
    inputFilterGroups: [{ clauses: [clause("country", "IS NOT NULL")] }],
  };

  it("has every clause of every group, with its value, and marks what decided", () => {
    const { verdict, groups } = compiled(filter).explain(read);
    expect(verdict).toMatchObject({ inScope: true });
    expect(groups.map(({ name, list, answer }) => [name, list, answer])).toEqual([
      ["France", "groups", "fails"],
      ["Sales", "groups", "holds"],
      ["input group 1", "inputFilterGroups", "holds"],
    ]);
    expect(groups.flatMap(({ clauses }) => clauses.map((one) => [one.clause, one.value, one.answer]))).toEqual([
      ["dept EQUALS 'sales'", "sales", "holds"],
      ["country EQUALS 'FR'", "US", "fails"],
      ["dept IS NULL", "sales", "fails"],
      ["dept EQUALS 'sales'", "sales", "holds"],
      ["mail IS NULL", null, "holds"],
      ["country IS NOT NULL", "US", "holds"],
    ]);
    expect(groups.map(({ clauses }) => clauses.map(({ isDecisive }) => isDecisive))).toEqual([
      [false, false, false],
      [true, true],
      [true],
    ]);
  });

  it("marks the first failing clause of each group of an object that is out", () => {
    const { verdict, groups } = compiled({ groups: filter.groups?.slice(0, 1) }).explain(read);
    expect(verdict).toMatchObject({ inScope: false });
    expect(groups[0]?.clauses.map(({ isDecisive }) => isDecisive)).toEqual([false, true, false]);
  });

  it("tells why a clause can't be told, and shows no more of a value than a line holds", () => {
    const [group] = compiled({ groups: [{ clauses: [UNDECIDED, HOLDS] }] }).explain(read).groups;
    expect(group?.clauses[0]).toMatchObject({ answer: "undecided", value: "(no text)", isDecisive: true });
    expect(group?.clauses[0]?.message).toContain("security identifier");
    expect(group?.clauses[1]).toMatchObject({ answer: "holds", isDecisive: false });
    const [long] = compiled({ groups: [{ clauses: [HOLDS] }] }).explain(() => "x".repeat(100_000)).groups;
    expect(long?.clauses[0]?.value?.length).toBeLessThan(300);
  });
});

describe("a clause that is refused", () => {
  it.each([
    [clause("memberOf", "EQUALS", "CN=g"), "objectGUID IS_MEMBER_OF"],
    [clause("department", "IsMemberOf", "g"), "objectGUID IS_MEMBER_OF"],
    [clause("department", "STARTS_WITH", "g"), "GREATER_THAN_OR_EQUALS, INCLUDES, ENDS_WITH"],
    [clause("accountExpires", "GREATER_THAN", "0"), "single-valued"],
  ])("says what to write instead: %j", (own, remedy) => {
    const result = compileScope({ groups: [{ clauses: [own] }] });
    expect(result.ok ? [] : result.failures.map((failure) => failure.remedy)).toEqual([
      expect.stringContaining(remedy),
    ]);
  });

  it("doesn't offer what is refused too", () => {
    const result = compileScope({ groups: [{ clauses: [clause("a", "no such operator", "x")] }] });
    const [, list = ""] = /one of (.*)\.$/.exec(result.ok ? "" : (result.failures[0]?.remedy ?? "")) ?? [];
    const offered = list.split(", ");
    expect(offered.length).toBeGreaterThan(10);
    for (const operator of offered) {
      const values = /^IS/.test(operator) ? [] : ["5"];
      expect(compileScope({ groups: [{ clauses: [clause("a", operator, ...values)] }] })).toMatchObject({ ok: true });
    }
  });
});

describe("several values", () => {
  it.each([
    ["none of them empty", "EQUALS", ["a", "a"], true],
    ["one of another value", "EQUALS", ["a", "b"], false],
    ["none that is the operand", "NOT EQUALS", ["b", "c"], true],
    ["one that is the operand", "NOT EQUALS", ["a", "b"], false],
    ["one of them empty", "EQUALS", ["", "a"], true],
    ["all of them empty", "EQUALS", ["", ""], false],
    ["all of them empty, wanted", "IS NULL", ["", ""], true],
    ["one of them empty, none wanted", "IS NULL", ["", "a"], false],
  ] as const)("%s", (_, operator, values, expected) => {
    const scope = compiled({
      groups: [{ clauses: [clause("x", operator, ...(operator === "IS NULL" ? [] : ["a"]))] }],
    });
    expect(scope.evaluate(() => values)).toMatchObject({ inScope: expected });
  });
});

describe("a group that excludes", () => {
  it.each([
    ["DefaultUserExclusions", true],
    ["DefaultGroupExclusions", true],
    ["DefaultUserExclusions.0.UX-OrganizationalGroup-Scope", true],
    ["DefaultUserExclusions.17.UX-OrganizationalGroup-Scope", true],
    ["DefaultUserExclusionsOfMine", false],
    ["MyDefaultUserExclusions", false],
    ["Exclusions", false],
  ])("is known by its name: %s", (name, expected) => {
    const scope = compiled({
      groups: [{ name, clauses: [clause("flag", "IS FALSE"), clause("nick", "NOT EQUALS", "x")] }],
    });
    expect(scope.evaluate(() => null)).toMatchObject({ inScope: expected });
  });

  it("takes the units of an export as any of them, each with the template's clauses", () => {
    const unit = (index: number, dn: string): ScopeFilterGroup => ({
      name: `DefaultUserExclusions.${index}.UX-OrganizationalGroup-Scope`,
      clauses: [
        clause("isCriticalSystemObject", "IS FALSE"),
        clause("sAMAccountName", "NOT REGEX MATCH", "^AAD_"),
        clause("distinguishedName", "ENDS_WITH", dn),
      ],
    });
    const scope = compiled({ groups: [unit(0, "OU=Sales,DC=corp,DC=example"), unit(1, "OU=HR,DC=corp,DC=example")] });
    const verdict = (distinguishedName: string, more: Readonly<Record<string, Value>> = {}) =>
      scope.evaluate((name) => ({ distinguishedName, sAMAccountName: "ada", ...more })[name] ?? null);
    expect(verdict("CN=Ada,OU=Sales,DC=corp,DC=example")).toMatchObject({ inScope: true });
    expect(verdict("CN=Ada,OU=Team,OU=HR,DC=corp,DC=example")).toMatchObject({ inScope: true });
    expect(verdict("CN=Ada,OU=IT,DC=corp,DC=example")).toMatchObject({ inScope: false });
    expect(verdict("CN=Ada,OU=HR,DC=corp,DC=example", { sAMAccountName: "AAD_1" })).toMatchObject({ inScope: false });
    expect(verdict("", { distinguishedName: null })).toMatchObject({ inScope: false });
  });
});

const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom("", "a", "5", "-7", "True", "false", "CN=a,DC=b", "=,\\"),
);
const bytes = fc.oneof(
  fc.constantFrom("", "AQID", "AQIAAAAAAAUgAAAAIAIAAA==", "AAAAAAAAAAAAAAAAAAAAAA=="),
  fc.base64String(),
);
const scalar: fc.Arbitrary<Scalar> = fc.oneof(
  text,
  fc.bigInt(),
  fc.boolean(),
  fc.record({ kind: fc.constant("date" as const), ticks: fc.bigInt({ min: 0n, max: 3_155_378_975_999_999_999n }) }),
  fc.record({ kind: fc.constant("binary" as const), base64: bytes, form: fc.constantFrom("guid", "sid", "bytes") }),
  fc.record({ kind: fc.constant("structure" as const), fields: fc.dictionary(fc.string(), text) }),
);
const value: fc.Arbitrary<Value> = fc.oneof(
  fc.constant(null),
  scalar,
  fc.array(scalar, { minLength: 1, maxLength: 4 }),
);
const ATTRIBUTES = ["a", "b", "distinguishedName"];
const anyClause = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(...ATTRIBUTES),
      fc.constantFrom("EQUALS", "NOT EQUALS", "INCLUDES", "ENDS WITH", "&", "!&"),
      text,
    )
    .map(([attribute, operator, operand]) => clause(attribute, operator, operand)),
  fc
    .tuple(
      fc.constantFrom(...ATTRIBUTES),
      fc.constantFrom("REGEX MATCH", "NOT REGEX MATCH"),
      fc.constantFrom("^a", "a+$", "[0-9]{2}", ".*"),
    )
    .map(([attribute, operator, operand]) => clause(attribute, operator, operand)),
  fc
    .tuple(fc.constantFrom(...ATTRIBUTES), fc.constantFrom("GREATER_THAN", "GREATER_THAN_OR_EQUALS"), fc.integer())
    .map(([attribute, operator, operand]) => clause(attribute, operator, String(operand))),
  fc
    .tuple(fc.constantFrom(...ATTRIBUTES), fc.constantFrom("IS NULL", "IS NOT NULL", "IS TRUE", "IS FALSE"))
    .map(([attribute, operator]) => clause(attribute, operator)),
);
const anyGroup = fc.record({
  name: fc.constantFrom("DefaultUserExclusions", "DefaultUserExclusions.1.x", "Mine", null),
  clauses: fc.array(anyClause, { maxLength: 4 }),
});
const anyFilter = fc.record({
  groups: fc.array(anyGroup, { maxLength: 3 }),
  inputFilterGroups: fc.array(anyGroup, { maxLength: 2 }),
});
const anyObject = fc.record({ a: value, b: value, distinguishedName: value });

describe("laws", () => {
  it("every filter has an answer for every object, and its explanation has the same one", () => {
    fc.assert(
      fc.property(anyFilter, anyObject, (filter, object) => {
        const scope = compiled(filter);
        const reader = (name: string): Value => object[name as keyof typeof object] ?? null;
        const verdict = scope.evaluate(reader);
        const explanation = scope.explain(reader);
        expect(explanation.verdict).toEqual(verdict);
        for (const group of explanation.groups) {
          const answers = group.clauses.map(({ answer }) => answer);
          const expected = answers.includes("fails") ? "fails" : answers.includes("undecided") ? "undecided" : "holds";
          expect(group.answer).toBe(expected);
        }
        const answerOf = (list: string) => {
          const answers = explanation.groups.filter((group) => group.list === list).map(({ answer }) => answer);
          if (answers.length === 0 || answers.includes("holds")) return "in";
          return answers.includes("undecided") ? "undecided" : "out";
        };
        const main = answerOf("groups");
        const expected = main === "in" ? answerOf("inputFilterGroups") : main;
        expect(verdict.failure ? "undecided" : verdict.inScope ? "in" : "out").toBe(expected);
        if (!verdict.failure && !verdict.inScope) expect(verdict.mayRemove).toBe(main === "out");
        const decisive = explanation.groups.flatMap(({ clauses }) => clauses.filter(({ isDecisive }) => isDecisive));
        if (!verdict.failure && !verdict.inScope) expect(decisive.length).toBeGreaterThan(0);
      }),
      { numRuns: 1000 },
    );
  });

  it("neither the order of groups nor that of clauses changes the answer", () => {
    const answer = (filter: ScopeFilter, object: Readonly<Record<string, Value>>) => {
      const verdict = compiled(filter).evaluate((name) => object[name] ?? null);
      return verdict.failure ? "undecided" : verdict.inScope ? "in" : `out ${verdict.mayRemove}`;
    };
    fc.assert(
      fc.property(anyFilter, anyObject, ({ groups, inputFilterGroups }, object) => {
        const reversed = (list: typeof groups) =>
          list.map(({ name, clauses }) => ({ name, clauses: clauses.toReversed() })).toReversed();
        const other = { groups: reversed(groups), inputFilterGroups: reversed(inputFilterGroups) };
        expect(answer(other, object)).toBe(answer({ groups, inputFilterGroups }, object));
      }),
      { numRuns: 500 },
    );
  });
});
