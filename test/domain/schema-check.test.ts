/** The check of a whole schema: everything in one run, with its place; what starts and what doesn't. */
import { describe, expect, it } from "vitest";
import { sourceOf } from "../../shared/domain/attribute-flow/source-expression.ts";
import { compileAttributeFlow } from "../../shared/domain/attribute-flow.ts";
import { defaultSchema, defaultSchemaFor } from "../../shared/domain/default-schema.ts";
import { chooseMappings } from "../../shared/domain/object-flows.ts";
import { checkSchema, JOB_PARAMETERS, type SchemaFinding } from "../../shared/domain/schema-check.ts";
import type {
  AttributeMapping,
  ObjectMapping,
  SynchronizationRule,
  SynchronizationSchema,
} from "../../shared/domain/synchronization-schema.ts";
import { GRAPH, TARGETS } from "../../shared/domain/targets.ts";
import { tenantSchema } from "../support/tenant-schema.ts";

type MappingEdit = (mapping: ObjectMapping) => ObjectMapping;

function withMappings(edit: MappingEdit, schema: SynchronizationSchema = defaultSchema()): SynchronizationSchema {
  return {
    ...schema,
    synchronizationRules: schema.synchronizationRules.map((rule) => ({
      ...rule,
      objectMappings: rule.objectMappings.map((one) => (one.sourceObjectName === "user" ? edit(one) : one)),
    })),
  };
}

function withAttributes(
  edits: Readonly<Record<string, Partial<AttributeMapping> | null>>,
  ...more: AttributeMapping[]
): MappingEdit {
  return (mapping) => ({
    ...mapping,
    attributeMappings: [
      ...mapping.attributeMappings.flatMap((one) => {
        const edit = edits[one.targetAttributeName ?? ""];
        return edit === null ? [] : [{ ...one, ...edit }];
      }),
      ...more,
    ],
  });
}

const text = (expression: string) => ({ source: { expression } });
const errorsOf = (findings: readonly SchemaFinding[]) => findings.filter((one) => one.severity === "error");
const shown = ({ code, objectMapping, targetAttribute }: SchemaFinding) => [code, objectMapping, targetAttribute];

describe("the default schemas", () => {
  it.each([...TARGETS])("have no errors: %s", (name, target) => {
    const findings = checkSchema(defaultSchemaFor(name), { target });
    expect(errorsOf(findings)).toEqual([]);
    // Expressions, scopes and matching of our own give no reason for a warning.
    expect(new Set(findings.map(({ code }) => code))).toEqual(
      new Set(name === "graph" ? ["left-out", "target-cannot-hold"] : ["target-cannot-hold"]),
    );
  });
});

describe("a tenant's export", () => {
  it("starts, with warnings, each for a thing that this target can't hold or that does nothing", () => {
    const findings = checkSchema(tenantSchema());
    expect(errorsOf(findings)).toEqual([]);
    const others = findings.filter(({ code }) => code !== "left-out");
    expect(others.map(({ code }) => code)).toEqual(expect.arrayContaining(["input-filter", "pattern-wants-nul"]));
    expect(findings.find(({ code }) => code === "pattern-wants-nul")).toMatchObject({
      path: "synchronizationRules[0].objectMappings[0].scope.inputFilterGroups[0].clauses[5]",
      message: expect.stringContaining("excludes nobody"),
    });
  });

  it("is let alone where it is disabled", () => {
    const off = withMappings((mapping) => ({ ...mapping, enabled: false }), tenantSchema());
    expect(errorsOf(checkSchema(off)).map(({ code }) => code)).toEqual(["nothing-to-do"]);
  });
});

describe("a schema with many faults", () => {
  const disagreeing = { ...sourceOf("Trim([l])"), expression: "Trim([st])" };
  const faulty = withMappings((mapping) => ({
    ...withAttributes(
      {
        DisplayName: null,
        SourceAnchor: null,
        Title: text("Jion([title], )"),
        Department: text("Left([department])"),
        Company: text("Trim([company]"),
        City: { source: disagreeing },
        Country: text("%Contry%"),
        State: { flowType: "Sometimes" },
        Surname: { flowBehavior: "Now" },
        PostalCode: { matchingPriority: -1 },
        Manager: text("Trim([manager])"),
        StreetAddress: text('Replace([streetAddress], , "(a", , "b", , )'),
      },
      { targetAttributeName: "EmployeeId", source: { expression: "[employeeNumber]" } },
      { targetAttributeName: "", source: { expression: "[a]" } },
    )(mapping),
    flowTypes: "Add, Changes",
    scope: {
      groups: [
        {
          name: "filter",
          clauses: [
            { sourceOperandName: "department", operatorName: "LIKE", targetOperand: { values: ["x"] } },
            { sourceOperandName: "title", operatorName: "REGEX MATCH", targetOperand: { values: ["("] } },
          ],
        },
      ],
    },
  }));

  it("is told all of them in one run, each with its place", () => {
    const errors = errorsOf(checkSchema(faulty));
    const user = "user → User";
    expect(errors.map(shown)).toEqual(
      expect.arrayContaining([
        ["flow-types", user, null],
        ["unknown-function", user, "Title"],
        ["arity", user, "Department"],
        ["parse", user, "Company"],
        ["text-and-tree", user, "City"],
        ["unknown-parameter", user, "Country"],
        ["flow-type", user, "State"],
        ["flow-behavior", user, "Surname"],
        ["matching-priority", user, "PostalCode"],
        ["reference", user, "Manager"],
        ["regex", user, "StreetAddress"],
        ["duplicate-target", user, "EmployeeId"],
        ["no-target", user, null],
        ["missing-target", user, "DisplayName"],
        ["missing-target", user, "SourceAnchor"],
        ["scope-operator", user, null],
        ["scope-operand", user, null],
      ]),
    );
    expect(errors).toHaveLength(17);
    for (const { message, remedy } of errors) {
      expect(message).toMatch(/\.$|\.\)$|\n/);
      expect(remedy).not.toBe("");
    }
    const at = errors.find(({ targetAttribute }) => targetAttribute === "Department");
    expect(at).toMatchObject({
      position: 0,
      excerpt: expect.stringContaining("^"),
      path: expect.stringMatching(/^synchronizationRules\[0\]\.objectMappings\[0\]\.attributeMappings\[\d+\]$/),
    });
    const parts = errors.find(({ code }) => code === "text-and-tree");
    expect(parts?.message).toMatch(/Trim\(\[st\]\).*Trim\(\[l\]\)/);
  });

  it("has faults of what is left out as warnings only", () => {
    const findings = checkSchema(
      withMappings(withAttributes({ Pager: text("Jion([pager])"), Info: { source: disagreeing } })),
    );
    expect(errorsOf(findings)).toEqual([]);
    expect(findings.map(shown)).toEqual(
      expect.arrayContaining([
        ["unknown-function", "user → User", "Pager"],
        ["text-and-tree", "user → User", "Info"],
      ]),
    );
  });

  it("is told of faults that only the engine would meet", () => {
    const findings = checkSchema(withMappings(withAttributes({ ProxyAddresses: text("Jion([proxyAddresses])") })));
    expect(errorsOf(findings).map(shown)).toEqual([["unknown-function", "user → User", "ProxyAddresses"]]);
  });
});

describe("object mappings", () => {
  const rename = (sourceObjectName: string | null) => withMappings((mapping) => ({ ...mapping, sourceObjectName }));

  it("read a class that is known, and one mapping each", () => {
    expect(errorsOf(checkSchema(rename("usr"))).map(shown)).toEqual([["unknown-class", "usr → User", null]]);
    expect(errorsOf(checkSchema(rename(null))).map(shown)).toEqual([["no-source-class", "(none) → User", null]]);
    expect(errorsOf(checkSchema(rename("inetOrgPerson"))).map(({ code }) => code)).toEqual(["duplicate-class"]);
  });

  it("may read a class that the schema itself defines", () => {
    const schema = {
      ...rename("badge"),
      directories: [{ name: "Active Directory", objects: [{ name: "badge", attributes: [] }] }],
    };
    const findings = checkSchema(schema);
    expect(errorsOf(findings)).toEqual([]);
    expect(findings.map(({ code }) => code)).toContain("unknown-attribute");
  });

  it("go from Active Directory", () => {
    const [rule] = defaultSchema().synchronizationRules;
    const turned = {
      ...rule,
      sourceDirectoryName: "Azure Active Directory",
      targetDirectoryName: "Active Directory",
      objectMappings: [],
    };
    expect(errorsOf(checkSchema({ synchronizationRules: [turned] })).map(({ code }) => code)).toContain("direction");
  });

  it("may leave to the engine what every new object has", () => {
    const findings = checkSchema(withMappings(withAttributes({ Alias: null })));
    expect(errorsOf(findings)).toEqual([]);
    expect(findings.map(shown)).toContainEqual(["missing-target", "user → User", "Alias"]);
  });

  it("need no more than names where they never create", () => {
    const edit = withAttributes({ DisplayName: null, AccountEnabled: null });
    expect(errorsOf(checkSchema(withMappings(edit)))).toHaveLength(2);
    const updates = withMappings((mapping) => ({ ...edit(mapping), flowTypes: "Update" }));
    expect(errorsOf(checkSchema(updates))).toEqual([]);
  });
});

describe("a rule's own filter", () => {
  const { synchronizationRules } = defaultSchema();
  const filtered = (more: Partial<SynchronizationRule>) =>
    checkSchema({ synchronizationRules: synchronizationRules.map((rule) => ({ ...rule, ...more })) })
      .filter(({ code }) => code.endsWith("-filter"))
      .map(({ severity, code, path, message }) => [severity, code, path.replace(/.*\./, ""), message]);
  const containers = (...includedContainers: string[]) => ({ containerFilter: { includedContainers } });

  it("of units is carried out by their names, and the warning says how far that goes", () => {
    expect(filtered(containers("OU=People,DC=corp,DC=example"))).toEqual([
      ["warning", "container-filter", "containerFilter", expect.stringMatching(/lets nobody go.*renamed/)],
    ]);
    expect(filtered(containers())).toEqual([]);
  });

  it("of units that aren't named by distinguished names is refused", () => {
    expect(filtered(containers("OU=People,DC=corp,DC=example", "People", ""))).toEqual([
      ["error", "container-filter", "containerFilter", expect.stringContaining("'People', ''")],
    ]);
  });

  it("of groups is refused: everybody would come", () => {
    expect(filtered({ groupFilter: { includedGroups: ["CN=Cloud,DC=corp,DC=example"] } })).toEqual([
      ["error", "group-filter", "groupFilter", expect.stringContaining("everybody")],
    ]);
    expect(filtered({ groupFilter: { includedGroups: [] } })).toEqual([]);
  });

  it("doesn't matter where nothing is enabled", () => {
    const objectMappings = synchronizationRules.flatMap((rule) =>
      rule.objectMappings.map((mapping) => ({ ...mapping, enabled: false })),
    );
    const groupFilter = { includedGroups: ["CN=Cloud"] };
    expect(filtered({ ...containers("People"), groupFilter, objectMappings })).toEqual([]);
  });
});

describe("a pattern for NUL", () => {
  const withPattern = (pattern: string) =>
    checkSchema(
      withMappings((mapping) => ({
        ...mapping,
        scope: {
          groups: [
            {
              clauses: [
                { sourceOperandName: "cn", operatorName: "NOT REGEX MATCH", targetOperand: { values: [pattern] } },
              ],
            },
          ],
        },
      })),
    ).some(({ code }) => code === "pattern-wants-nul");

  it.each(["\\0ACNF", "a\\00b", "\\x00", "\\u0000", "\\\\\\0A"])("is told: %s", (pattern) => {
    expect(withPattern(pattern)).toBe(true);
  });
  it.each(["\\\\0ACNF", "\\07", "\\x0A", "0A", "\\\\\\\\0"])("is something else: %s", (pattern) => {
    expect(withPattern(pattern)).toBe(false);
  });
});

it("tells of groups that let everybody in, and only of those", () => {
  const clauses = [{ sourceOperandName: "department", operatorName: "IS NOT NULL" }];
  const scope = { groups: [{ name: "one", clauses }, { name: "misspelt" }], inputFilterGroups: [{ clauses: [] }] };
  const found = checkSchema(withMappings((mapping) => ({ ...mapping, scope })));
  expect(found.filter(({ code }) => code === "empty-scope-group")).toMatchObject([
    { severity: "warning", message: expect.stringContaining("misspelt"), path: expect.stringContaining("groups[1]") },
    { severity: "warning", path: expect.stringContaining("inputFilterGroups[0]") },
  ]);
});

it("refuses a constant that the target would refuse for every object", () => {
  const found = checkSchema(
    withMappings(
      withAttributes({
        AccountEnabled: text('"maybe"'),
        Title: text(`"${"x".repeat(200)}"`),
        Department: text('"Sales"'),
        City: text('""'),
      }),
    ),
  );
  expect(errorsOf(found).map(({ code, targetAttribute }) => [code, targetAttribute])).toEqual([
    ["constant", "AccountEnabled"],
    ["constant", "Title"],
  ]);
});

it("a schema without errors compiles", () => {
  const parameters = Object.fromEntries(JOB_PARAMETERS.map((name) => [name, "x"]));
  for (const schema of [defaultSchema(), tenantSchema()]) {
    for (const { mapping, holds } of chooseMappings(schema, GRAPH.objects).byClass.values()) {
      if (holds) expect(compileAttributeFlow(mapping, holds.table, parameters)).toMatchObject({ ok: true });
    }
  }
});
