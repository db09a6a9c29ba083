/** Clauses that ask for units and groups by objectGUID, told by facts alone. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ScopeFacts } from "../../shared/domain/object-record.ts";
import {
  type Answer,
  type AskFacts,
  askRecord,
  commonCondition,
  compilePlaceClause,
  GROUPS_IN_DOUBT,
  namedIn,
  PLACES_IN_DOUBT,
} from "../../shared/domain/scope/places.ts";
import { compileScope, type Scope } from "../../shared/domain/scope.ts";
import type { ScopeFilter, ScopeFilterClause } from "../../shared/domain/synchronization-schema.ts";

const guid = (digit: string) => `${digit.repeat(8)}-0000-4000-8000-000000000000`;
const [A, B, C] = [guid("a"), guid("b"), guid("c")];

function clause(operatorName: string, values: readonly string[], sourceOperandName?: string): ScopeFilterClause {
  const attribute = sourceOperandName ?? (operatorName.includes("MEMBER") ? "objectGUID" : "distinguishedName");
  return { sourceOperandName: attribute, operatorName, targetOperand: { values: [...values] } };
}

const filterOf = (...groups: ScopeFilterClause[][]): ScopeFilter => ({
  groups: groups.map((clauses, index) => ({ name: `way ${index + 1}`, clauses })),
});

function compiled(filter: ScopeFilter): Scope {
  const result = compileScope(filter);
  if (!result.ok) throw new Error(result.failures.map((failure) => failure.message).join("\n"));
  return result.scope;
}

/** `answers`: by objectGUID, for units and groups alike. */
const facts = (answers: Readonly<Record<string, Answer>>): AskFacts => ({
  isBelow: (unit) => answers[unit],
  isMemberOf: (group) => answers[group],
});

const MEMBER_A = clause("IS_MEMBER_OF", [A]);
const BELOW_B = clause("IS_DESCENDANT_OF", [B]);
const IS_IT: ScopeFilterClause = {
  sourceOperandName: "department",
  operatorName: "EQUALS",
  targetOperand: { values: ["IT"] },
};
const read = (values: Readonly<Record<string, string>>) => (name: string) => values[name] ?? null;
const shown = (scope: Scope, answers: Readonly<Record<string, Answer>>, department = "HR") => {
  const verdict = scope.evaluate(read({ department }), facts(answers));
  if (!verdict.failure) return verdict.inScope;
  expect(verdict.failure.code).toBe("unknown");
  return "undecided";
};

describe("a clause by objectGUID", () => {
  it.each([
    [clause("IS_MEMBER_OF", [A, B]), { [A]: false, [B]: true }, true],
    [clause("IS_MEMBER_OF", [A, B]), { [A]: false, [B]: false }, false],
    [clause("IS_MEMBER_OF", [A, B]), { [A]: undefined, [B]: true }, true],
    [clause("IS_MEMBER_OF", [A, B]), { [A]: undefined, [B]: false }, "undecided"],
    [clause("NOT IS_MEMBER_OF", [A, B]), { [A]: false, [B]: true }, false],
    [clause("NOT IS_MEMBER_OF", [A, B]), { [A]: false, [B]: false }, true],
    [clause("NOT IS_DESCENDANT_OF", [A]), {}, "undecided"],
    [clause("is_descendant_of", [A.toUpperCase()]), { [A]: true }, true],
    [clause("IS_DESCENDANT_OF", [`{${A}}`], "parentGuid"), { [A]: true }, true],
  ] as const)("%o says of %o: %s", (own, answers, expected) => {
    expect(shown(compiled(filterOf([own])), answers)).toBe(expected);
  });

  it.each([
    ["a DN", clause("IS_MEMBER_OF", ["CN=Staff,DC=corp,DC=example"]), "scope-operand", /objectGUID of each group/],
    ["nothing named", clause("IS_DESCENDANT_OF", []), "scope-operand", /names no organizational unit/],
    ["another attribute", clause("IS_MEMBER_OF", [A], "memberOf"), "scope-operator", /objectGUID IS_MEMBER_OF/],
    [
      "a group's attribute for a unit",
      clause("IS_DESCENDANT_OF", [A], "objectGUID"),
      "scope-operator",
      /distinguished/,
    ],
  ])("refuses %s, and says what to write", (_, own, code, text) => {
    const result = compileScope(filterOf([own]));
    const [failure] = result.ok ? [] : result.failures;
    expect(failure?.code).toBe(code);
    expect(`${failure?.message} ${failure?.remedy}`).toMatch(text);
  });

  it("takes as many objects as there are", () => {
    const many = Array.from(
      { length: 2_000 },
      (_, at) => `${at.toString(16).padStart(8, "0")}-0000-4000-8000-000000000000`,
    );
    const scope = compiled(filterOf([clause("IS_DESCENDANT_OF", many)]));
    expect(scope.named.organizationalUnits).toHaveLength(2_000);
    const last = many.at(-1) ?? "";
    const no = Object.fromEntries(many.map((own) => [own, false]));
    expect(shown(scope, { ...no, [last]: true })).toBe(true);
    expect(shown(scope, no)).toBe(false);
  });
});

describe("a filter with such clauses", () => {
  const scope = compiled(filterOf([BELOW_B, IS_IT], [MEMBER_A]));

  it("is undecided only where what isn't known decides", () => {
    expect(shown(scope, { [A]: false, [B]: undefined }, "HR")).toBe(false);
    expect(shown(scope, { [A]: false, [B]: undefined }, "IT")).toBe("undecided");
    expect(shown(scope, { [A]: undefined, [B]: true }, "IT")).toBe(true);
    expect(shown(scope, { [A]: true, [B]: undefined }, "HR")).toBe(true);
  });

  it("removes nobody by what isn't known, whatever the answers (law)", () => {
    const answer = fc.constantFrom<Answer>(true, false, undefined);
    const known = (own: Answer) => (own === undefined ? [true, false] : [own]);
    fc.assert(
      fc.property(answer, answer, fc.constantFrom("IT", "HR"), (a, b, department) => {
        const verdict = scope.evaluate(read({ department }), facts({ [A]: a, [B]: b }));
        // In or out only if it is so whatever the truth is.
        const possible = known(a).flatMap((left) =>
          known(b).map((right) => shown(scope, { [A]: left, [B]: right }, department)),
        );
        if (verdict.failure) expect([a, b]).toContain(undefined);
        else expect(new Set(possible)).toEqual(new Set([verdict.inScope]));
      }),
    );
  });

  it("says what it wants by GUID and name, and that nobody knows", () => {
    const named: AskFacts = {
      ...facts({ [A]: false, [B]: false }),
      nameOf: (own) => (own === A ? "Staff" : undefined),
    };
    const out = scope.evaluate(read({ department: "IT" }), named);
    expect(out.explanation).toBe(
      `Out of scope: way 1 wants distinguishedName IS_DESCENDANT_OF '${B}', and the value is 'not below ${B}'; way 2 wants objectGUID IS_MEMBER_OF '${A}', and the value is 'not in Staff (${A})'.`,
    );
    const open = scope.evaluate(read({ department: "IT" }));
    expect(open.explanation).toMatch(
      /^Neither in nor out of scope: .* Too little is known: whether it is below bbbbbbbb.*\.$/,
    );
  });

  it("holds an input filter to the same", () => {
    const input = compiled({ inputFilterGroups: filterOf([MEMBER_A]).groups });
    expect(input.evaluate(read({}), facts({ [A]: false }))).toMatchObject({ inScope: false, mayRemove: false });
    expect(input.evaluate(read({}), facts({})).failure?.code).toBe("unknown");
  });
});

describe("what a record knows", () => {
  const record = (own?: Partial<ScopeFacts>, parentGuid = "place") =>
    ({ parentGuid, ...(own ? { facts: { of: "now", parent: "place", holds: [], ...own } } : {}) }) as const;
  const ask = (own: ReturnType<typeof record>, missing: readonly string[] = []) =>
    askRecord(own, { of: "now", missing: new Set(missing) });

  it("is nothing before it was looked at", () => {
    expect(ask(record()).isBelow(A)).toBeUndefined();
    expect(ask(record()).isMemberOf(A)).toBeUndefined();
  });

  it("holds for what was named then, and a yes for longer", () => {
    expect(ask(record({ holds: [A] })).isMemberOf(A)).toBe(true);
    expect(ask(record({ holds: [A] })).isMemberOf(B)).toBe(false);
    expect(ask(record({ of: "before", holds: [A] })).isMemberOf(A)).toBe(true);
    expect(ask(record({ of: "before", holds: [A] })).isMemberOf(B)).toBeUndefined();
  });

  it("says nothing of places once the object has another parent", () => {
    expect(ask(record({ holds: [A, B] }, "elsewhere")).isBelow(A)).toBeUndefined();
    expect(ask(record({ holds: [A, B] }, "elsewhere")).isMemberOf(B)).toBe(true);
  });

  it("says nothing of what is missing or in doubt", () => {
    expect(ask(record({ holds: [A] }), [A]).isMemberOf(A)).toBeUndefined();
    expect(ask(record({ doubt: [B] })).isMemberOf(B)).toBeUndefined();
    expect(ask(record({ doubt: [B] })).isMemberOf(C)).toBe(false);
    expect(ask(record({ doubt: [GROUPS_IN_DOUBT] })).isMemberOf(C)).toBeUndefined();
    expect(ask(record({ doubt: [GROUPS_IN_DOUBT] })).isBelow(C)).toBe(false);
    expect(ask(record({ doubt: [PLACES_IN_DOUBT] })).isBelow(C)).toBeUndefined();
  });
});

describe("what all filters have in common", () => {
  const units = (...own: string[]) => ({ organizationalUnits: own, groups: [] as string[] });
  const groups = (...own: string[]) => ({ organizationalUnits: [] as string[], groups: own });

  it.each([
    ["units that every way asks for", [filterOf([BELOW_B, IS_IT], [clause("IS_DESCENDANT_OF", [C])])], units(B, C)],
    ["the fewest of several that hold together", [filterOf([clause("IS_DESCENDANT_OF", [A, C]), BELOW_B])], units(B)],
    ["groups, also where units are asked for beside them", [filterOf([BELOW_B, MEMBER_A])], groups(A)],
    ["nothing, when a way asks for neither", [filterOf([BELOW_B], [IS_IT])], undefined],
    ["nothing, when a mapping has no filter", [filterOf([BELOW_B]), null], undefined],
    [
      "nothing, when what is asked for is not to be there",
      [filterOf([clause("NOT IS_DESCENDANT_OF", [B])])],
      undefined,
    ],
    [
      "nothing, when units would keep groups away that others ask for",
      [filterOf([BELOW_B]), filterOf([BELOW_B, MEMBER_A])],
      undefined,
    ],
    ["nothing of an input filter", [{ inputFilterGroups: filterOf([BELOW_B]).groups }], undefined],
  ])("is %s", (_, filters, expected) => {
    expect(commonCondition(filters as (ScopeFilter | null)[])).toEqual(expected);
  });

  it("names nothing by a faulty clause", () => {
    expect(namedIn(filterOf([clause("IS_MEMBER_OF", ["CN=x"])]))).toEqual(groups());
    expect(compilePlaceClause(IS_IT)).toBeUndefined();
  });
});
