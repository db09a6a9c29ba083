import { describe, expect, it } from "vitest";
import { GRAPH_TARGETS } from "../../shared/domain/graph-target.ts";
import { ALL_FLOWS, chooseMappings, objectFlowsOf } from "../../shared/domain/object-flows.ts";
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
