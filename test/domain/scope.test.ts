import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Value } from "../../shared/domain/expression/value.ts";
import { DEFAULT_USER_EXCLUSIONS } from "../../shared/domain/scope/default-exclusions.ts";
import type { DecidedScope, ScopeVerdict } from "../../shared/domain/scope/verdict.ts";
import { compileScope, type Scope } from "../../shared/domain/scope.ts";
import { attributeReader } from "../../shared/domain/source-object.ts";
import type { ScopeFilter } from "../../shared/domain/synchronization-schema.ts";
import type { AttributeBag } from "../../shared/domain/values.ts";
import { jsonValue, type Source } from "./expression/support.ts";

interface Vector {
  readonly id: string;
  readonly filter: { readonly groups: readonly { readonly clauses: readonly VectorClause[] }[] };
  readonly source: Source;
  readonly expected: boolean | null;
  readonly kind: "value" | "unsupported";
  readonly confidence: "high" | "medium";
}

interface VectorClause {
  readonly attribute: string;
  readonly operator: string;
  readonly value?: string;
}

const url = new URL("../fixtures/vectors/scoping.json", import.meta.url);
const vectors = JSON.parse(readFileSync(url, "utf8")) as Vector[];
const gated = vectors.filter(({ confidence, kind }) => confidence === "high" && kind === "value");

function filterOf(groups: Vector["filter"]["groups"]): ScopeFilter {
  return {
    groups: groups.map(({ clauses }) => ({
      clauses: clauses.map(({ attribute, operator, value }) => ({
        sourceOperandName: attribute,
        operatorName: operator,
        targetOperand: { values: value === undefined ? [] : [value] },
      })),
    })),
  };
}

function compiled(filter: ScopeFilter): Scope {
  const result = compileScope(filter);
  if (!result.ok) throw new Error(result.failures.map((failure) => failure.message).join(" "));
  return result.scope;
}

const one = (attribute: string, operator: string, value?: string) =>
  filterOf([{ clauses: [{ attribute, operator, ...(value === undefined ? {} : { value }) }] }]);

function decided(verdict: ScopeVerdict): DecidedScope {
  if (verdict.failure) throw new Error(verdict.explanation);
  return verdict;
}

const holds = (filter: ScopeFilter, source: Source): boolean =>
  decided(compiled(filter).evaluate((name): Value => jsonValue(source[name]))).inScope;

describe("documented scoping cases", () => {
  it("has cases to check", () => expect(gated.length).toBeGreaterThan(40));

  it.each(gated.map((vector) => [vector.id, vector] as const))("%s", (_, { filter, source, expected }) => {
    expect(holds(filterOf(filter.groups), source)).toBe(expected);
  });
});

describe("a scope", () => {
  it.each([
    ["a common bit", "&", "6", "2", true],
    ["no common bit", "&", "6", "8", false],
    ["no common bit, wanted", "!&", "6", "8", true],
    ["a text inside the operand", "&", "sales,marketing", "sales", true],
    ["a text not inside the operand", "!&", "sales,marketing", "hr", true],
    ["nothing", "!&", "6", null, false],
    ["a number out of a text", "GREATER_THAN", "9", "10", true],
    ["no number", "GREATER_THAN", "9", "ten", false],
    ["AD's TRUE", "IS TRUE", undefined, "TRUE", true],
    ["every one of several values", "EQUALS", "a", ["a", "a"], true],
    ["not all of several values", "EQUALS", "a", ["a", "b"], false],
  ] as const)("decides about %s", (_, operator, operand, value, expected) => {
    expect(holds(one("x", operator, operand), { x: value })).toBe(expected);
  });

  it.each([
    ["CN=Ann,OU=Sales,DC=contoso,DC=com", true],
    ["cn=Ann, ou=sales, dc=Contoso, dc=com", true],
    ["OU=Sales,DC=contoso,DC=com", true],
    ["CN=Ann,OU=PreSales,DC=contoso,DC=com", false],
    ["CN=Ann\\,OU=Sales,DC=contoso,DC=com", false],
  ])("takes ENDS_WITH on a DN as at or below: %s", (distinguishedName, expected) => {
    const filter = one("distinguishedName", "ENDS_WITH", "OU=Sales,DC=contoso,DC=com");
    expect(holds(filter, { distinguishedName })).toBe(expected);
  });

  it("says which clause of which group decided, and what it saw", () => {
    const scope = compiled({
      groups: [
        {
          name: "Sales",
          clauses: filterOf([{ clauses: [{ attribute: "department", operator: "EQUALS", value: "sales" }] }])
            .groups?.[0]?.clauses,
        },
        { clauses: [{ sourceOperandName: "country", operatorName: "IS NOT NULL" }] },
      ],
    });
    const verdict = decided(scope.evaluate((name) => (name === "department" ? "hr" : null)));
    expect(verdict).toMatchObject({ inScope: false, mayRemove: true });
    expect(verdict.findings).toEqual([
      { group: "Sales", clause: "department EQUALS 'sales'", value: "hr" },
      { group: "group 2", clause: "country IS NOT NULL", value: null },
    ]);
    expect(verdict.explanation).toContain("Sales wants department EQUALS 'sales', and the value is 'hr'");
    expect(scope.attributes).toEqual(["country", "department"]);
    expect(scope.evaluate(() => "sales").explanation).toBe("In scope: every clause of Sales holds.");
  });

  it("skips and doesn't remove what only an input filter keeps out", () => {
    const filter: ScopeFilter = { groups: [], inputFilterGroups: one("x", "EQUALS", "a").groups };
    const verdict = compiled(filter).evaluate(() => "b");
    expect(verdict).toMatchObject({ inScope: false, mayRemove: false });
  });

  it.each([
    ["an unknown operator", one("x", "STARTS_WITH", "a"), "scope-operator"],
    ["group membership", one("x", "IsMemberOf", "a"), "scope-operator"],
    ["an attribute that can't be filtered by", one("manager", "IS NOT NULL"), "scope-attribute"],
    ["a bound that is no integer", one("x", "GREATER_THAN", "many"), "scope-operand"],
    ["a pattern that .NET refuses", one("x", "REGEX MATCH", "(?y) a b"), "scope-operand"],
    ["no operand", one("x", "EQUALS"), "scope-operand"],
  ])("refuses %s", (_, filter, code) => {
    const result = compileScope(filter);
    expect(result.ok ? [] : result.failures.map((failure) => failure.code)).toEqual([code]);
  });

  it("names every fault at once", () => {
    const clauses = [{ operatorName: "EQUALS" }, { sourceOperandName: "a", operatorName: "IS_MEMBER_OF" }];
    const result = compileScope({ groups: [{ clauses }], categoryFilterGroups: [{ clauses: [] }] });
    expect(result.ok ? [] : result.failures.map((failure) => failure.code)).toEqual([
      "scope-group",
      "scope-attribute",
      "scope-operator",
    ]);
  });
});

describe("the default exclusions", () => {
  const scope = compiled({ groups: [DEFAULT_USER_EXCLUSIONS] });
  const person: AttributeBag = { sAMAccountName: ["ada"], mailNickname: ["ada"] };
  const verdict = (bag: AttributeBag, dn = "CN=Ada,OU=People,DC=contoso,DC=com") =>
    decided(scope.evaluate(attributeReader({ bag, dn, objectGuid: "00000000-0000-0000-0000-000000000001" })));

  it.each([
    ["an ordinary person", person],
    ["a person without a mail nickname", { sAMAccountName: ["ada"] }],
    ["a mailbox user", { ...person, msExchRecipientTypeDetails: ["1"] }],
    ["a flag that says not critical", { ...person, isCriticalSystemObject: ["FALSE"] }],
  ])("let in %s", (_, bag) => expect(verdict(bag).inScope).toBe(true));

  it.each([
    ["a critical object", { ...person, isCriticalSystemObject: ["TRUE"] }, "isCriticalSystemObject IS FALSE"],
    ["an object that came from the cloud", { ...person, adminDescription: ["User_1"] }, "adminDescription"],
    ["an object without an account name", { mailNickname: ["x"] }, "sAMAccountName IS NOT NULL"],
    ["the support account", { sAMAccountName: ["SUPPORT_388945a0"] }, "NOT EQUALS"],
    ["a system mailbox", { ...person, mailNickname: ["SystemMailbox{1f05a927}"] }, "^SystemMailbox{"],
    ["a sync account", { sAMAccountName: ["AAD_1234"] }, "^AAD_"],
    ["an older sync account", { sAMAccountName: ["MSOL_1234"] }, "^MSOL_"],
    ["a client access mailbox", { sAMAccountName: ["CAS_a{1}"] }, "^CAS_"],
    ["a discovery mailbox", { ...person, msExchRecipientTypeDetails: ["536870912"] }, "msExchRecipientTypeDetails"],
  ])("keep out %s", (_, bag, clause) => {
    const { inScope, findings } = verdict(bag as AttributeBag);
    expect(inScope).toBe(false);
    expect(findings[0]?.clause).toContain(clause);
  });

  it.each([
    ["CN=Ada\\0ACNF:0b0a6f3c-5b0c-4d4b-8d3e-0c3a2f6f3f01,OU=People,DC=contoso,DC=com", false],
    ["CN=Doe\\, Ada\\0ACNF:0b0a6f3c-5b0c-4d4b-8d3e-0c3a2f6f3f01,OU=People,DC=contoso,DC=com", false],
    ["CN=Ada CNF,OU=People,DC=contoso,DC=com", true],
    ["CN=Ada,OU=Old\\0ACNF:0b0a6f3c-5b0c-4d4b-8d3e-0c3a2f6f3f01,DC=contoso,DC=com", true],
  ])("know a replication conflict by its name: %s", (dn, expected) => {
    expect(verdict(person, dn).inScope).toBe(expected);
  });
});
