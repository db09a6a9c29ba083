import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type AttributeFlow, compileAttributeFlow } from "../../shared/domain/attribute-flow.ts";
import { defaultSchema } from "../../shared/domain/default-schema.ts";
import { GRAPH_GROUP_TARGET, GRAPH_TARGETS } from "../../shared/domain/graph-target.ts";
import { attributeReader } from "../../shared/domain/source-object.ts";
import type { AttributeBag } from "../../shared/domain/values.ts";

const GUID = "11223344-5566-7788-99aa-bbccddeeff00";
const mappings = defaultSchema().synchronizationRules[0]!.objectMappings;
const group = mappings.find((own) => own.sourceObjectName === "group")!;

function compiled(): AttributeFlow {
  const result = compileAttributeFlow(group, GRAPH_GROUP_TARGET, { ConfigurationId: "c0ffee" });
  if (!result.ok) throw new Error(result.failures.map((failure) => failure.message).join("\n"));
  return result.flow;
}
const flow = compiled();
const GLOBAL_SECURITY = "-2147483646";

function map(bag: AttributeBag, creating = true) {
  return flow.map({ bag, dn: "CN=g,DC=x", objectGuid: GUID, creating, now: 0 });
}

function scope(bag: AttributeBag, dn = "CN=g,DC=x") {
  return flow.scope.evaluate(attributeReader({ bag, dn, objectGuid: GUID }));
}

describe("the default mapping of groups", () => {
  it("maps a group as the table says", () => {
    const rows = readFileSync(new URL("../fixtures/data/default-group-mapping.tsv", import.meta.url), "utf8")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .slice(1)
      .map((line) => line.split("\t")[0]!);
    const bag = { cn: ["Staff"], sAMAccountName: ["staff"], description: [` ${"x".repeat(500)} `] };
    const { values, failures, references, forCreationOnly } = map(bag);
    expect(failures).toEqual([]);
    expect(values).toEqual({
      displayName: "Staff",
      description: "x".repeat(448),
      mailNickname: "staff",
      mailEnabled: false,
      securityEnabled: true,
      uniqueName: `uplink-c0ffee-${GUID}`,
    });
    expect(references).toEqual([{ property: "members", sourceAttribute: "member", isList: true }]);
    // groupTypes stays empty by being left out.
    const ours = [...Object.keys(values), "groupTypes", "members"];
    expect(ours.sort()).toEqual([...rows].sort());
    expect(forCreationOnly).toEqual(["mailEnabled", "securityEnabled", "uniqueName"]);
    expect(Object.keys(map(bag, false).values)).toEqual(["description", "displayName", "mailNickname"]);
  });

  it.each([
    [{ mailNickname: ["Sales-DACH"], sAMAccountName: ["x"] }, "Sales-DACH"],
    [{ sAMAccountName: ['Größe @(a)\\[b]";:<c>, d'] }, "Grosseabcd"],
    [{ sAMAccountName: [`${"ä".repeat(70)}`] }, "a".repeat(64)],
    [{ sAMAccountName: ["部門"] }, GUID],
    [{}, GUID],
  ])("makes a mail nickname of %j", (bag, nickname) => {
    const { values, warnings } = map({ cn: ["g"], ...bag });
    expect(values["mailNickname"]).toBe(nickname);
    expect(warnings).toEqual([]);
  });

  it("clears a description, and reads what the links' engine and warnings need", () => {
    expect(map({ cn: ["g"], sAMAccountName: ["g"] }, false).values["description"]).toBeNull();
    expect(flow.sourceAttributes).toEqual(expect.arrayContaining(["member", "objectSid", "mail", "proxyAddresses"]));
  });
});

describe("the default scope of groups", () => {
  it.each<[string, AttributeBag, boolean]>([
    ["a global security group", { groupType: [GLOBAL_SECURITY] }, true],
    ["a universal security group", { groupType: ["-2147483640"] }, true],
    ["a domain local security group", { groupType: ["-2147483644"] }, true],
    ["an unsigned group type", { groupType: ["2147483650"] }, true],
    ["a global distribution group", { groupType: ["2"] }, false],
    ["a universal distribution group", { groupType: ["8"] }, false],
    ["a built-in group", { groupType: ["-2147483643"] }, false],
    ["a group without a type", {}, false],
    ["a critical group", { groupType: [GLOBAL_SECURITY], isCriticalSystemObject: ["TRUE"] }, false],
    ["a group that came from the cloud", { groupType: [GLOBAL_SECURITY], adminDescription: ["Group_1"] }, false],
    ["a group with a note", { groupType: [GLOBAL_SECURITY], adminDescription: ["mine"] }, true],
  ])("%s", (_, bag, inScope) => {
    expect(scope({ sAMAccountName: ["g"], ...bag })).toMatchObject({ inScope });
  });

  it("leaves replication conflicts out", () => {
    expect(scope({ groupType: [GLOBAL_SECURITY] }, `CN=g\\0ACNF:${GUID},DC=x`)).toMatchObject({ inScope: false });
  });
});

describe("the default schema", () => {
  it("maps people, groups and contacts; a contact to what Microsoft Graph can't hold", () => {
    expect(mappings.map((own) => own.sourceObjectName)).toEqual(["user", "inetOrgPerson", "group", "contact"]);
    expect(mappings.map((own) => GRAPH_TARGETS.get(own.targetObjectName ?? "")?.type)).toEqual([
      "user",
      "user",
      "group",
      undefined,
    ]);
  });
});
