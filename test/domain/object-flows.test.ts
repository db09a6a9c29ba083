import { describe, expect, it } from "vitest";
import { GRAPH_TARGETS } from "../../shared/domain/graph-target.ts";
import { ALL_FLOWS, chooseMappings, objectFlowsOf } from "../../shared/domain/object-flows.ts";
import { compileScope } from "../../shared/domain/scope.ts";
import { attributeReader } from "../../shared/domain/source-object.ts";
import type { ObjectMapping } from "../../shared/domain/synchronization-schema.ts";

describe("flowTypes", () => {
  it.each([
    [undefined, ALL_FLOWS],
    ["", ALL_FLOWS],
    ["Add, Update, Delete", ALL_FLOWS],
    ["Add,Update,Delete", ALL_FLOWS],
    ["Add, Update", { adds: true, updates: true, deletes: false }],
    [" update ", { adds: false, updates: true, deletes: false }],
    ["None", { adds: false, updates: false, deletes: false }],
  ])("'%s'", (flowTypes, flows) => {
    expect(objectFlowsOf(flowTypes)).toEqual({ flows, unknown: [] });
  });

  it("names words that mean nothing", () => {
    expect(objectFlowsOf("Add, Remove").unknown).toEqual(["Remove"]);
  });
});

describe("the mapping of a class", () => {
  const mapping = (targetObjectName: string, more: Partial<ObjectMapping> = {}): ObjectMapping => ({
    sourceObjectName: "user",
    targetObjectName,
    attributeMappings: [],
    ...more,
  });
  const choose = (...objectMappings: ObjectMapping[]) =>
    chooseMappings({ synchronizationRules: [{ objectMappings }] }, GRAPH_TARGETS);

  it("is the first enabled one that the target can hold", () => {
    const [contact, off, user, other] = [
      mapping("Contact"),
      mapping("User", { enabled: false }),
      mapping("User"),
      mapping("Group"),
    ];
    const { byClass, unused } = choose(contact, off, user, other);
    expect(byClass.get("user")).toMatchObject({ mapping: user, targetName: "User", holds: { type: "user" } });
    expect(unused).toEqual([
      { mapping: contact, clashes: false },
      { mapping: other, clashes: true },
    ]);
  });

  it("is one that can't be held where there is no other, and none where all are disabled", () => {
    expect(choose(mapping("Contact")).byClass.get("user")).toEqual({
      mapping: mapping("Contact"),
      targetName: "Contact",
    });
    expect(choose(mapping("User", { enabled: false })).byClass.size).toBe(0);
  });

  it("is found by the directory's own spelling of the class, however the schema writes it", () => {
    const [first, second] = [mapping("User", { sourceObjectName: "User" }), mapping("User")];
    const { byClass, unused } = choose(first, second, mapping("Group", { sourceObjectName: "GROUP" }));
    expect([...byClass.keys()]).toEqual(["user", "group"]);
    expect(unused).toEqual([{ mapping: second, clashes: true }]);
  });

  it("is that of its own class", () => {
    const { byClass } = choose(mapping("User"), mapping("Group", { sourceObjectName: "group" }));
    expect([...byClass.keys()]).toEqual(["user", "group"]);
  });
});

describe("the units of a rule", () => {
  const PEOPLE = "OU=People,DC=corp,DC=example";
  const STAFF = "OU=Staff,DC=corp,DC=example";
  const clause = (operatorName: string, sourceOperandName: string, value?: string) => ({
    operatorName,
    sourceOperandName,
    ...(value === undefined ? {} : { targetOperand: { values: [value] } }),
  });
  const below = (container: string) => clause("ENDS_WITH", "distinguishedName", container);
  const user: ObjectMapping = { sourceObjectName: "user", targetObjectName: "User", attributeMappings: [] };
  const chosen = (objectMappings: ObjectMapping[], ...includedContainers: string[]) =>
    chooseMappings(
      {
        synchronizationRules: [
          { objectMappings, containerFilter: { includedContainers } },
          { objectMappings: [{ ...user, sourceObjectName: "group", targetObjectName: "Group" }] },
        ],
      },
      GRAPH_TARGETS,
    );
  const verdictOf = (mapping: ObjectMapping | undefined, dn: string, bag: Record<string, string[]> = {}) => {
    const compiled = compileScope(mapping?.scope);
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.failures));
    return compiled.scope.evaluate(attributeReader({ bag, dn, objectGuid: "" }));
  };

  it("are a condition of its own mappings and no other's, beside the mapping's groups", () => {
    const groups = [{ name: "some", clauses: [clause("IS NOT NULL", "mail")] }];
    const { byClass } = chosen([{ ...user, scope: { groups } }], PEOPLE, STAFF);
    expect(byClass.get("user")?.mapping.scope).toEqual({
      groups,
      inputFilterGroups: [
        { name: "container 1", clauses: [below(PEOPLE)] },
        { name: "container 2", clauses: [below(STAFF)] },
      ],
    });
    expect(byClass.get("group")?.mapping.scope).toBeUndefined();
  });

  it("change nothing where none is named", () => {
    expect(chosen([user]).byClass.get("user")?.mapping).toBe(user);
  });

  it("keep out who is elsewhere, whatever the case of a name, and remove nobody", () => {
    const mapping = chosen([user], PEOPLE, STAFF).byClass.get("user")?.mapping;
    expect(verdictOf(mapping, `CN=a,OU=East,${PEOPLE.toLowerCase()}`)).toMatchObject({ inScope: true });
    expect(verdictOf(mapping, `CN=a,${STAFF}`)).toMatchObject({ inScope: true });
    for (const dn of ["CN=a,OU=Other,DC=corp,DC=example", `CN=a,OU=Not${PEOPLE.slice(3)}`])
      expect(verdictOf(mapping, dn)).toMatchObject({ inScope: false, mayRemove: false });
  });

  it("go with each group of the input filter, which keeps its clauses and what its name means", () => {
    const inputFilterGroups = [
      { name: "DefaultUserExclusions", clauses: [clause("IS FALSE", "isCriticalSystemObject")] },
      { clauses: [clause("IS NOT NULL", "mail")] },
      { name: "all", clauses: null },
    ];
    const narrowed = (...own: typeof inputFilterGroups) =>
      chosen([{ ...user, scope: { inputFilterGroups: own } }], PEOPLE, STAFF).byClass.get("user")?.mapping;
    expect(narrowed(...inputFilterGroups)?.scope?.inputFilterGroups?.map(({ name }) => name)).toEqual([
      "DefaultUserExclusions.1.container",
      "DefaultUserExclusions.2.container",
      "input group 2.1.container",
      "input group 2.2.container",
      "all.1.container",
      "all.2.container",
    ]);
    const [first, second, third] = inputFilterGroups.map((group) => narrowed(group));
    // Absent, the flag doesn't exclude: only in a group of that name.
    expect(verdictOf(first, `CN=a,${STAFF}`)).toMatchObject({ inScope: true });
    expect(verdictOf(first, `CN=a,${STAFF}`, { isCriticalSystemObject: ["TRUE"] })).toMatchObject({ inScope: false });
    expect(verdictOf(second, `CN=a,${STAFF}`)).toMatchObject({ inScope: false });
    expect(verdictOf(third, `CN=a,${STAFF}`)).toMatchObject({ inScope: true });
    expect(verdictOf(third, "CN=a,DC=corp,DC=example")).toMatchObject({ inScope: false });
  });

  it("leave alone which mapping is chosen", () => {
    const off = { ...user, enabled: false };
    const other = { ...user, name: "second" };
    const { byClass, unused } = chosen([off, user, other], PEOPLE);
    expect(byClass.get("user")?.mapping.name).toBeUndefined();
    expect(unused).toEqual([{ mapping: other, clashes: true }]);
    expect(unused[0]?.mapping).toBe(other);
  });
});
