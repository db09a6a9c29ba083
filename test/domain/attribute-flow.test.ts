import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type AttributeFlow,
  compileAttributeFlow,
  type FlowInput,
  type FlowOptions,
} from "../../shared/domain/attribute-flow.ts";
import { defaultSchema } from "../../shared/domain/default-schema.ts";
import { GRAPH_GROUP_TARGET, GRAPH_USER_TARGET } from "../../shared/domain/graph-target.ts";
import type { AttributeMapping, ObjectMapping } from "../../shared/domain/synchronization-schema.ts";
import type { AttributeBag, AttributeValue } from "../../shared/domain/values.ts";

const PARAMETERS = { DomainFQDN: "contoso.com", DomainNetBios: "CONTOSO" };
const GUID = "11223344-5566-7788-99aa-bbccddeeff00";
const ANCHOR = "RDMiEWZViHeZqrvM3e7/AA==";
const defaults = defaultSchema().synchronizationRules[0]!.objectMappings[0]!;

function flowOf(mapping: ObjectMapping = defaults, options: FlowOptions = {}): AttributeFlow {
  const result = compileAttributeFlow(mapping, GRAPH_USER_TARGET, PARAMETERS, options);
  if (!result.ok) throw new Error(result.failures.map((failure) => failure.message).join("\n"));
  return result.flow;
}

function inputOf(bag: AttributeBag, overrides: Partial<FlowInput> = {}): FlowInput {
  const dn = "CN=Ada Lovelace,OU=People,DC=contoso,DC=com";
  return { bag, dn, objectGuid: GUID, creating: true, now: Date.UTC(2026, 0, 15), ...overrides };
}

const mapOne = (target: string, expression: string, rest: Partial<AttributeMapping> = {}): AttributeMapping => ({
  targetAttributeName: target,
  source: { expression },
  ...rest,
});
const mappingOf = (...attributeMappings: AttributeMapping[]): ObjectMapping => ({ attributeMappings });

const ADA: AttributeBag = {
  cn: ["Ada Lovelace"],
  sAMAccountName: ["ada"],
  userPrincipalName: ["ada@contoso.com"],
  userAccountControl: ["512"],
  givenName: [" Ada "],
  sn: ["Lovelace"],
  mail: ["ada@contoso.com"],
  telephoneNumber: ["+44 1"],
  c: ["GB"],
  title: [""],
  extensionAttribute2: ["two"],
  extensionAttribute10: ["ten"],
  objectSid: [{ base64: "AQIAAAAAAAUgAAAAIAIAAA==" }],
  manager: ["CN=Boss,DC=contoso,DC=com"],
};

describe("the primary address of a new person without mail", () => {
  const { mail: _, ...unmailed } = ADA;
  const addressOf = (bag: AttributeBag, more: Partial<FlowInput> = {}) =>
    flowOf().map(inputOf({ ...unmailed, ...bag }, more)).primaryAddress;

  it.each<[string, readonly string[], string | undefined]>([
    ["the one in capitals", ["smtp:a@contoso.com", "SMTP:ada@contoso.com", "X500:/o=x"], "ada@contoso.com"],
    ["none of the others", ["smtp:a@contoso.com", "SIP:a@contoso.com"], undefined],
    ["none of two", ["SMTP:a@contoso.com", "SMTP:b@contoso.com"], undefined],
    ["no text that is no address", ["SMTP:", "SMTP:ada"], undefined],
    ["nothing", [], undefined],
  ])("is %s", (_what, proxyAddresses, address) => {
    expect(addressOf({ proxyAddresses })).toBe(address);
  });

  it("is not asked for where there is a mail, or a link", () => {
    const proxyAddresses = ["SMTP:ada@contoso.com"];
    expect(addressOf({ proxyAddresses, mail: ["other@contoso.com"] })).toBeUndefined();
    expect(addressOf({ proxyAddresses }, { creating: false })).toBeUndefined();
  });

  it("is the mapped one: what isn't mapped is not gone by", () => {
    const mappings = defaults.attributeMappings.filter((own) => own.targetAttributeName !== "ProxyAddresses");
    const flow = flowOf({ ...defaults, attributeMappings: mappings });
    expect(flow.map(inputOf({ ...unmailed, proxyAddresses: ["SMTP:ada@contoso.com"] })).primaryAddress).toBeUndefined();
  });
});

describe("the default flow", () => {
  const flow = flowOf();

  it("maps a person", () => {
    const { values, failures, warnings, references } = flow.map(inputOf(ADA));
    expect(failures).toEqual([]);
    expect(warnings).toEqual([]);
    expect(references).toEqual([{ property: "manager", sourceAttribute: "manager" }]);
    const extensions = Object.fromEntries(
      Array.from({ length: 15 }, (_, index) => [`extensionAttribute${index + 1}`, null]),
    );
    expect(values).toEqual({
      accountEnabled: true,
      businessPhones: ["+44 1"],
      city: null,
      companyName: null,
      country: null,
      department: null,
      displayName: "Ada Lovelace",
      employeeId: null,
      faxNumber: null,
      givenName: "Ada",
      jobTitle: null,
      mail: "ada@contoso.com",
      mailNickname: "ada",
      mobilePhone: null,
      officeLocation: null,
      onPremisesExtensionAttributes: { ...extensions, extensionAttribute2: "two", extensionAttribute10: "ten" },
      onPremisesImmutableId: ANCHOR,
      postalCode: null,
      preferredLanguage: null,
      state: null,
      streetAddress: null,
      surname: "Lovelace",
      usageLocation: "GB",
      userPrincipalName: "ada@contoso.com",
    });
  });

  it.each([
    ["512", true],
    ["514", false],
    ["66050", false],
    ["66048", true],
  ])("reads the account's state out of userAccountControl %s", (userAccountControl, expected) => {
    expect(flow.map(inputOf({ ...ADA, userAccountControl: [userAccountControl] })).values["accountEnabled"]).toBe(
      expected,
    );
  });

  it.each([
    ["TRUE", false],
    ["FALSE", true],
  ])("falls back to accountDisabled %s", (accountDisabled, expected) => {
    const { userAccountControl: _, ...bag } = ADA;
    const { values } = flow.map(inputOf({ ...bag, accountDisabled: [accountDisabled] }));
    expect(values["accountEnabled"]).toBe(expected);
  });

  it("makes a principal name from the account name and the domain", () => {
    const { userPrincipalName: _, ...bag } = ADA;
    expect(flow.map(inputOf(bag)).values["userPrincipalName"]).toBe("ada@contoso.com");
  });

  it("fails where the mapping raises an error, with its text", () => {
    const { failures } = flow.map(inputOf({ cn: ["x"] }));
    expect(failures).toContainEqual({
      code: "AttributeMappingFailed",
      attribute: "UserPrincipalName",
      property: "userPrincipalName",
      message: "AccountName is not present",
      expression: expect.stringContaining('Error("AccountName is not present")'),
    });
  });

  it("prefers ms-DS-ConsistencyGuid as source anchor", () => {
    const bag = { ...ADA, "ms-DS-ConsistencyGuid": [{ base64: "AAAAAAAAAAAAAAAAAAAAAA==" }] };
    expect(flow.map(inputOf(bag)).values["onPremisesImmutableId"]).toBe("AAAAAAAAAAAAAAAAAAAAAA==");
  });

  it("reads attributes whatever the case of their names", () => {
    const { values } = flow.map(inputOf({ ...ADA, DEPARTMENT: ["Sales"] }));
    expect(values["department"]).toBe("Sales");
  });

  it("says what to read: mappings, scope, and what the engine matches by", () => {
    for (const name of ["proxyAddresses", "objectSid", "isCriticalSystemObject", "ms-DS-ConsistencyGuid", "manager"]) {
      expect(flow.sourceAttributes).toContain(name);
    }
    expect(flow.sourceAttributes).toEqual([...flow.sourceAttributes].sort());
    expect(flow.sourceAttributes).not.toContain("thumbnailPhoto");
  });

  it("lists once, by name and reason, what the target can't take", () => {
    const names = flow.unsettable.map(({ target }) => target);
    expect(new Set(names).size).toBe(names.length);
    expect(flow.unsettable).toContainEqual({ target: "ProxyAddresses", reason: "It is read-only in Microsoft Graph." });
    expect(names).toContain("onPremisesDistinguishedName");
    const able = flowOf(defaults, { roles: ["Hybrid Identity Administrator"] });
    expect(able.map(inputOf(ADA)).values["onPremisesDistinguishedName"]).toMatch(/^CN=Ada/);
  });
});

describe("values", () => {
  const drawn = (mapping: AttributeMapping, bag: AttributeBag, overrides: Partial<FlowInput> = {}) =>
    flowOf(mappingOf(mapping)).map(inputOf(bag, overrides));

  it("fail when they are too long, and are never cut", () => {
    const { values, failures } = drawn(mapOne("City", "[l]"), { l: ["x".repeat(129)] });
    expect(values).toEqual({});
    expect(failures).toEqual([
      {
        code: "ExceededAllowedLength",
        attribute: "City",
        property: "city",
        message: "The value has 129 characters; 128 are allowed.",
        expression: "[l]",
      },
    ]);
    expect(drawn(mapOne("City", "Left([l], 128)"), { l: ["x".repeat(129)] }).failures).toEqual([]);
  });

  it("are the first of several", () => {
    expect(drawn(mapOne("City", "[l]"), { l: ["a", "b"] }).values).toEqual({ city: "a" });
    expect(drawn(mapOne("TelephoneNumber", "[t]"), { t: ["1", "2"] }).values).toEqual({ businessPhones: ["1"] });
  });

  it("are null where the target can clear, and listed where it can't", () => {
    const mapping = mappingOf(mapOne("City", "Trim([l])"), mapOne("Mail", "[mail]"), mapOne("TelephoneNumber", "[t]"));
    const { values, uncleared } = flowOf(mapping).map(inputOf({ l: [" "] }, { creating: false }));
    expect(values).toEqual({ city: null, businessPhones: [] });
    expect(uncleared).toEqual(["mail"]);
  });

  it("are left alone when the flow is ignored", () => {
    expect(drawn(mapOne("City", "IgnoreFlowIfNullOrEmpty([l])"), {}).values).toEqual({});
  });

  it("must be there in a creation when the target requires them", () => {
    const { failures } = drawn(mapOne("DisplayName", "[displayName]"), {});
    expect(failures.map(({ code }) => code)).toEqual(["MandatoryFieldsMissing"]);
    const later = drawn(mapOne("DisplayName", "[displayName]"), {}, { creating: false });
    expect(later).toMatchObject({ failures: [], uncleared: ["displayName"], values: {} });
  });

  it.each([
    ["Mail", "ämne@contoso.com", "warnings", "ValueLeftOut"],
    ["PreferredLanguage", "Deutsch (Schweiz)", "warnings", "ValueLeftOut"],
    ["UserPrincipalName", "ämne@contoso.com", "failures", "IdentityDataValidationFailed"],
    ["AccountEnabled", "maybe", "failures", "IdentityDataValidationFailed"],
  ] as const)("of %s that the directory doesn't take are reported", (target, value, list, code) => {
    const result = drawn(mapOne(target, "[x]"), { x: [value] });
    expect(result.values).toEqual({});
    expect(result[list].map((notice) => notice.code)).toEqual([code]);
  });

  it.each([
    [{ base64: ANCHOR }, ANCHOR],
    [GUID, ANCHOR],
    ["E-1001", "E-1001"],
  ])("of the source anchor: %j", (value, expected) => {
    const { values } = drawn(mapOne("SourceAnchor", "[anchor]"), { anchor: [value as AttributeValue] });
    expect(values).toEqual({ onPremisesImmutableId: expected });
  });

  it.each([
    ["[objectGUID]", GUID],
    ["[objectSid]", "S-1-5-32-544"],
    ["[distinguishedName]", "CN=Ada Lovelace,OU=People,DC=contoso,DC=com"],
    ['Join("-", [objectSid], "x")', "S-1-5-32-544-x"],
  ])("have a text form where %s is asked as text", (expression, expected) => {
    expect(drawn(mapOne("City", expression), ADA).values).toEqual({ city: expected });
  });
});

describe("creation only", () => {
  it("are default values, creation-only mappings and a made-up nickname", () => {
    const mapping = mappingOf(
      mapOne("City", "[l]", { defaultValue: "London" }),
      mapOne("Department", "[department]", { flowType: "ObjectAddOnly" }),
      mapOne("Alias", "[mailNickname]"),
      mapOne("UserPrincipalName", "[userPrincipalName]"),
    );
    const flow = flowOf(mapping);
    const bag = { department: ["Sales"], userPrincipalName: ["jörg o'neil@contoso.com".replace(" ", "")] };
    const ascii = { ...bag, userPrincipalName: ["jorg.oneil@contoso.com"] };
    const created = flow.map(inputOf(ascii));
    expect(created.values).toEqual({
      city: "London",
      department: "Sales",
      mailNickname: "jorg.oneil",
      userPrincipalName: "jorg.oneil@contoso.com",
    });
    expect([...created.forCreationOnly].sort()).toEqual(["city", "department", "mailNickname"]);
    const updated = flow.map(inputOf(ascii, { creating: false }));
    expect(updated.values).toEqual({ city: null, userPrincipalName: "jorg.oneil@contoso.com" });
  });

  it("is the default of a mapping without a source, and nothing else of it", () => {
    const source = { expression: "", name: "", type: "Constant", parameters: [] };
    for (const none of [{ source: null }, { source }]) {
      const flow = flowOf(mappingOf(mapOne("City", "", { defaultValue: "London", ...none })));
      expect(flow.map(inputOf({ l: ["Paris"] }))).toMatchObject({
        values: { city: "London" },
        forCreationOnly: ["city"],
      });
      expect(flow.map(inputOf({ l: ["Paris"] }, { creating: false })).values).toEqual({});
    }
  });

  it("keeps apart what is null, what is empty and what is ignored", () => {
    const flow = flowOf(
      mappingOf(
        mapOne("City", "[l]", { defaultValue: "London" }),
        mapOne("Company", 'Replace([company], "x", , , "", , )', { defaultValue: "Contoso" }),
        mapOne("Country", "IgnoreFlowIfNullOrEmpty([co])", { defaultValue: "UK" }),
        mapOne("Department", '""', { defaultValue: "Sales" }),
      ),
    );
    const bag = { company: ["x"] };
    expect(flow.map(inputOf(bag)).values).toEqual({
      city: "London",
      companyName: "Contoso",
      department: "Sales",
    });
    expect(flow.map(inputOf(bag, { creating: false })).values).toEqual({
      city: null,
      companyName: null,
      department: null,
    });
  });

  it("cleans a nickname that the directory wouldn't take, with a warning", () => {
    const flow = flowOf(mappingOf(mapOne("Alias", "[mailNickname]")));
    const { values, warnings } = flow.map(inputOf({ mailNickname: ["Jörg (HR)"] }));
    expect(values).toEqual({ mailNickname: "JorgHR" });
    expect(warnings.map(({ code }) => code)).toEqual(["ValueAdjusted"]);
    expect(flow.map(inputOf({ mailNickname: ["日本"] })).values).toEqual({ mailNickname: GUID });
  });

  it("asks the target for a free value only then", () => {
    const flow = flowOf(mappingOf(mapOne("UserPrincipalName", 'SelectUniqueValue("a@x.com", "b@x.com")')));
    const isTaken = (value: string) => value === "a@x.com";
    expect(flow.map(inputOf({}, { isTaken })).values).toEqual({ userPrincipalName: "b@x.com" });
    expect(flow.map(inputOf({}, { isTaken, creating: false })).values).toEqual({});
  });
});

describe("compiling a flow", () => {
  const failuresOf = (...mappings: AttributeMapping[]) => {
    const result = compileAttributeFlow(mappingOf(...mappings), GRAPH_USER_TARGET, PARAMETERS);
    return result.ok ? [] : result.failures;
  };

  it("names every fault at once, with the place in the expression", () => {
    const failures = failuresOf(
      mapOne("City", "Trim([l]"),
      mapOne("Title", "%NoSuch%"),
      mapOne("State", "Frobnicate([st])"),
      mapOne("Manager", "Trim([manager])"),
      mapOne("Department", "[a]", { flowType: "Sometimes" }),
      mapOne("Company", "[a]", { flowBehavior: "FlowNever" }),
      mapOne("AccountEnabled", "[a]", { defaultValue: "maybe" }),
      mapOne("Surname", "[sn]"),
      mapOne("Surname", "[cn]"),
    );
    expect(failures.map(({ attribute, code }) => [attribute, code])).toEqual([
      ["City", "parse"],
      ["Title", "parameter"],
      ["State", "unknown-function"],
      ["Manager", "reference"],
      ["Department", "flow-type"],
      ["Company", "flow-behavior"],
      ["AccountEnabled", "default-value"],
      ["Surname", "duplicate-target"],
    ]);
    expect(failures[0]!.message).toContain("Trim([l]\n    ^");
  });

  it("names a word of flowTypes that means nothing", () => {
    const result = compileAttributeFlow({ attributeMappings: [], flowTypes: "Add, Remove" }, GRAPH_USER_TARGET, {});
    expect(result.ok ? [] : result.failures).toMatchObject([{ attribute: "flowTypes", code: "flow-types" }]);
  });

  it("warns of what has no effect here, or another one, and compiles it", () => {
    const flow = flowOf(
      mappingOf(
        mapOne("City", "[l]", { matchingPriority: 3 }),
        mapOne("Company", "[company]", { flowType: "MultiValueAddOnly" }),
        mapOne("Manager", "[manager]", {
          exportMissingReferences: true,
          flowBehavior: "FlowAlways",
          defaultValue: "x",
        }),
        mapOne("Mail", "[mail]", { matchingPriority: 1 }),
        mapOne("UserPrincipalName", "[userPrincipalName]", { matchingPriority: 2 }),
        mapOne("Title", "[title]", { flowType: "ValueAddOnly", flowBehavior: "FlowAlways", defaultValue: "None" }),
      ),
    );
    expect(flow.warnings.map(({ attribute, code }) => [attribute, code])).toEqual([
      ["City", "matching-priority"],
      ["Company", "flow-type"],
      ["Manager", "export-missing-references"],
      ["Manager", "flow-behavior"],
      ["Manager", "default-value"],
      ["Mail", "matching-priority"],
    ]);
    expect(flow.warnings.at(-1)!.message).toContain("UserPrincipalName, then Mail");
    expect(flow.rules).toEqual({
      neverClears: ["jobTitle"],
      grows: [],
      fillsOnly: ["companyName"],
      always: ["jobTitle"],
      defaults: { jobTitle: "None" },
    });
  });

  it("warns of nothing in the default schema, and gives it no rules", () => {
    expect(flowOf()).toMatchObject({ warnings: [], rules: undefined });
  });

  it("refuses to keep members that left", () => {
    const mapping = mapOne("Member", "[member]", { flowType: "ValueAddOnly" });
    const result = compileAttributeFlow(mappingOf(mapping), GRAPH_GROUP_TARGET, {});
    expect(result.ok ? [] : result.failures).toMatchObject([{ attribute: "Member", code: "flow-type" }]);
  });

  it("names a fault of the scope", () => {
    const clauses = [{ sourceOperandName: "x", operatorName: "NEARLY" }];
    const result = compileAttributeFlow(
      { attributeMappings: [], scope: { groups: [{ clauses }] } },
      GRAPH_USER_TARGET,
      {},
    );
    expect(result.ok ? [] : result.failures.map(({ attribute }) => attribute)).toEqual(["scope"]);
  });

  it("reads a source that is a tree", () => {
    const source = {
      type: "Function",
      name: "Append",
      parameters: [
        { key: "source", value: { type: "Attribute", name: "cn", parameters: [] } },
        { key: "suffix", value: { type: "Constant", name: ' "x" \\', parameters: [] } },
      ],
    };
    const flow = flowOf(mappingOf({ targetAttributeName: "City", source }));
    expect(flow.map(inputOf({ cn: ["Ada"] })).values).toEqual({ city: 'Ada "x" \\' });
  });

  it("knows which values logs must not show", () => {
    expect(flowOf(mappingOf(mapOne("EmployeeId", "Redact([employeeID])"))).redaction).toEqual({
      properties: ["employeeId"],
      attributes: ["employeeID"],
    });
  });
});

describe("laws of the flow", () => {
  const flow = flowOf();
  const names = [...new Set([...flow.sourceAttributes, "unknown"])].filter(
    (name) => !/^(objectGUID|objectSid)$/.test(name),
  );
  const value = fc.oneof(
    fc.string({ maxLength: 20 }),
    fc.constantFrom("512", "514", "True", "GB", "a@contoso.com", "é"),
  );
  const bag = fc.dictionary(fc.constantFrom(...names), fc.array(value, { maxLength: 3 }), { maxKeys: 40 });

  it("holds in any order of attributes and mappings", () => {
    fc.assert(
      fc.property(bag, fc.boolean(), fc.infiniteStream(fc.nat()), (source, creating, keys) => {
        const entries = Object.entries(source).map((entry) => [keys.next().value, entry] as const);
        const shuffled = Object.fromEntries(
          entries.sort((a, b) => Number(a[0]) - Number(b[0])).map(([, entry]) => entry),
        );
        const reversed = flowOf({ ...defaults, attributeMappings: [...defaults.attributeMappings].reverse() });
        const expected = JSON.stringify(flow.map(inputOf(source, { creating })));
        expect(JSON.stringify(flow.map(inputOf(shuffled, { creating })))).toBe(expected);
        expect(JSON.stringify(reversed.map(inputOf(source, { creating })))).toBe(expected);
      }),
      { numRuns: 100 },
    );
  });

  it("is the same the second time, and leaves its input alone", () => {
    fc.assert(
      fc.property(bag, fc.boolean(), (source, creating) => {
        const input = inputOf(source, { creating });
        const before = JSON.stringify(input);
        expect(flow.map(input)).toEqual(flow.map(input));
        expect(JSON.stringify(input)).toBe(before);
      }),
      { numRuns: 100 },
    );
  });

  it("gives each property one verdict: a value, an omission that is said, or a failure", () => {
    const properties = new Set(
      [...GRAPH_USER_TARGET.values()].flatMap((entry) => ("property" in entry ? [entry.property.split(".")[0]] : [])),
    );
    fc.assert(
      fc.property(bag, (source) => {
        const { values, failures, warnings, uncleared } = flow.map(inputOf(source, { creating: false }));
        for (const name of Object.keys(values)) expect(properties.has(name)).toBe(true);
        for (const { property } of failures) expect(values[property]).toBeUndefined();
        for (const { property, code } of warnings)
          if (code === "ValueLeftOut") expect(values[property]).toBeUndefined();
        for (const property of uncleared) expect(values[property]).toBeUndefined();
      }),
      { numRuns: 100 },
    );
  });
});

it("bounds all patterns of an object's mapping together", () => {
  const names = Array.from({ length: 15 }, (_, index) => `ExtensionAttribute${index + 1}`);
  const more = ["City", "Company", "Department", "GivenName", "State"];
  const slow = 'Replace([cn], , "(a+)+$", , "x", , )';
  const flow = flowOf(mappingOf(...[...names, ...more].map((name) => mapOne(name, slow))));
  const { failures } = flow.map(inputOf({ cn: [`${"a".repeat(40)}b`] }));
  expect(failures).toHaveLength(20);
  expect(failures.filter(({ message }) => message.includes("together")).length).toBeGreaterThan(2);
});
