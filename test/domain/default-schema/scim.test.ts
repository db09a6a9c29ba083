import { describe, expect, it } from "vitest";
import { compileAttributeFlow } from "../../../shared/domain/attribute-flow.ts";
import { defaultSchemaFor } from "../../../shared/domain/default-schema.ts";
import { SCIM_ENTERPRISE, SCIM_USER } from "../../../shared/domain/scim-target.ts";
import { SCIM } from "../../../shared/domain/targets.ts";
import type { AttributeBag } from "../../../shared/domain/values.ts";

const GUID = "11223344-5566-7788-99aa-bbccddeeff00";
const mappings = defaultSchemaFor("scim").synchronizationRules[0]!.objectMappings;

function flowOf(sourceObjectName: string) {
  const mapping = mappings.find((own) => own.sourceObjectName === sourceObjectName)!;
  const target = SCIM.objects.get(mapping.targetObjectName!)!;
  const result = compileAttributeFlow(mapping, target.table, { DomainFQDN: "contoso.com" });
  if (!result.ok) throw new Error(result.failures.map((failure) => failure.message).join("\n"));
  return { type: target.type, flow: result.flow };
}

function map(sourceObjectName: string, bag: AttributeBag, creating = true) {
  const { type, flow } = flowOf(sourceObjectName);
  const input = { bag, dn: "CN=Ada,DC=contoso,DC=com", objectGuid: GUID, creating, now: 0 };
  const result = flow.map(input);
  return { ...result, resource: SCIM.resource(type, result.values) };
}

const ADA: AttributeBag = {
  cn: ["Ada"],
  userPrincipalName: ["ada@contoso.com"],
  userAccountControl: ["514"],
  givenName: ["Ada"],
  sn: [" Lovelace"],
  mail: ["ada@contoso.com"],
  mobile: ["+44 2"],
  l: ["London"],
  c: ["GB"],
  employeeID: ["7"],
  department: ["Numbers"],
  manager: ["99999999-5566-7788-99aa-bbccddeeff00"],
};

describe("the default mapping to SCIM", () => {
  it("makes a resource of a person", () => {
    const { resource, failures, warnings, references } = map("user", ADA);
    expect({ failures, warnings }).toEqual({ failures: [], warnings: [] });
    expect(references).toEqual([{ property: `${SCIM_ENTERPRISE}:manager`, sourceAttribute: "manager" }]);
    expect(resource).toEqual({
      schemas: [SCIM_USER, SCIM_ENTERPRISE],
      userName: "ada@contoso.com",
      active: false,
      displayName: "Ada",
      externalId: GUID,
      emails: [{ primary: true, type: "work", value: "ada@contoso.com" }],
      name: { givenName: "Ada", familyName: "Lovelace", formatted: "Ada Lovelace" },
      addresses: [{ type: "work", locality: "London", country: "GB" }],
      phoneNumbers: [{ type: "mobile", value: "+44 2" }],
      [SCIM_ENTERPRISE]: { employeeNumber: "7", department: "Numbers" },
    });
  });

  it("keeps values by path, so that a difference is one of paths", () => {
    const { values } = map("user", { ...ADA, department: [] }, false);
    expect(values[`${SCIM_ENTERPRISE}:department`]).toBeNull();
    expect(values["name.givenName"]).toBe("Ada");
  });

  it("takes lists whole, each value once, and lets them grow where they are told to", () => {
    const attributeMappings = [
      {
        targetAttributeName: 'emails[type eq "other"].value',
        source: { expression: "[proxyAddresses]" },
        flowType: "MultiValueAddOnly",
      },
    ];
    const table = SCIM.objects.get("User")!.table;
    const compiled = compileAttributeFlow({ attributeMappings }, table, {});
    if (!compiled.ok) throw new Error(compiled.failures.map((failure) => failure.message).join("\n"));
    const bag = { proxyAddresses: ["a@x.org", "b@x.org", "a@x.org", ""] };
    const { values } = compiled.flow.map({ bag, dn: "CN=a", objectGuid: GUID, creating: false, now: 0 });
    expect(values).toEqual({ 'emails[type eq "other"].value': ["a@x.org", "b@x.org"] });
    expect(compiled.flow).toMatchObject({ warnings: [], rules: { grows: ['emails[type eq "other"].value'] } });
  });

  it("makes a resource of a group, and leaves its members to the links' engine", () => {
    const { resource, references } = map("group", { cn: ["Staff"] });
    expect(resource).toMatchObject({ displayName: "Staff", externalId: GUID });
    expect(references).toEqual([{ property: "members", sourceAttribute: "member", isList: true }]);
  });

  it("is the same for inetOrgPerson, and can't hold contacts", () => {
    const [user, inetOrgPerson, , contact] = mappings;
    expect(inetOrgPerson!.attributeMappings).toEqual(user!.attributeMappings);
    expect(contact).toMatchObject({ sourceObjectName: "contact", enabled: true });
    expect(SCIM.objects.has(contact!.targetObjectName!)).toBe(false);
  });

  it("takes all of what it maps: nothing is left out", () => {
    for (const name of ["user", "inetOrgPerson", "group"]) expect(flowOf(name).flow.unsettable).toEqual([]);
  });

  it("matches by externalId, then by userName", () => {
    const priorities = mappings[0]!.attributeMappings
      .filter((own) => own.matchingPriority)
      .map((own) => [own.targetAttributeName, own.matchingPriority]);
    expect(priorities).toEqual([
      ["userName", 2],
      ["externalId", 1],
    ]);
  });
});
