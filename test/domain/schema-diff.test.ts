/** What an admin reads of two versions of a schema. */
import { describe, expect, it } from "vitest";
import { wordsOfDiff } from "../../cli/schema-words.ts";
import { defaultSchema } from "../../shared/domain/default-schema.ts";
import { diffSchemas } from "../../shared/domain/schema-diff.ts";
import type { SynchronizationSchema } from "../../shared/domain/synchronization-schema.ts";
import { tenantSchema } from "../support/tenant-schema.ts";

/** As JSON, with one place changed: a test edits what it would edit in a file. */
function edited(
  schema: SynchronizationSchema,
  ...edits: readonly (readonly [from: string, to: string])[]
): SynchronizationSchema {
  let text = JSON.stringify(schema);
  for (const [from, to] of edits) {
    if (!text.includes(from)) throw new Error(`There is no ${from}.`);
    text = text.replace(from, () => to);
  }
  return JSON.parse(text) as SynchronizationSchema;
}

const words = (before: SynchronizationSchema, after: SynchronizationSchema) => wordsOfDiff(diffSchemas(before, after));

describe("two schemas", () => {
  it("that are the same differ in nothing, whatever the order of their keys and mappings", () => {
    const schema = tenantSchema();
    expect(words(schema, tenantSchema())).toBe("Nothing differs.\n");
    const [rule] = defaultSchema().synchronizationRules;
    const turned = { ...rule, objectMappings: [...(rule?.objectMappings ?? [])].reverse() };
    expect(words(defaultSchema(), { synchronizationRules: [turned] })).toBe("Nothing differs.\n");
  });

  it("are told by what nobody here reads, too, of rules and of single mappings", () => {
    const [rule] = defaultSchema().synchronizationRules;
    const [user, ...others] = rule?.objectMappings ?? [];
    const [first, ...rest] = user?.attributeMappings ?? [];
    if (!rule || !user || !first) throw new Error("The default schema is empty.");
    const mine = { ...first, ofTomorrow: { deep: 1 } };
    const changed = {
      ...rule,
      alsoNew: true,
      objectMappings: [{ ...user, attributeMappings: [mine, ...rest] }, ...others],
    };
    const said = words(defaultSchema(), { synchronizationRules: [changed] });
    expect(said).toContain(`synchronizationRules.${rule.name}.alsoNew: + true`);
    expect(said).toMatch(/~ AccountEnabled\n\s+ofTomorrow: \+ \{"deep":1\}/);
  });

  it("are told by what was before and is after, of every setting", () => {
    const [rule] = defaultSchema().synchronizationRules;
    const [user, ...others] = rule?.objectMappings ?? [];
    if (!rule || !user) throw new Error("The default schema is empty.");
    const after: SynchronizationSchema = {
      synchronizationRules: [
        {
          ...rule,
          priority: 2,
          objectMappings: [
            {
              ...user,
              flowTypes: "Add,Update",
              scope: {
                ...user.scope,
                groups: [
                  { name: "Staff", clauses: [{ sourceOperandName: "department", operatorName: "IS NOT NULL" }] },
                ],
              },
              attributeMappings: user.attributeMappings
                .flatMap((one) => {
                  if (one.targetAttributeName === "City") return [];
                  if (one.targetAttributeName === "Title")
                    return [{ ...one, source: { expression: "ToUpper([title], )" }, flowType: "AttributeAddOnly" }];
                  if (one.targetAttributeName === "Company")
                    return [{ ...one, defaultValue: "Corp", source: { expression: " Trim( [company] )" } }];
                  return [one];
                })
                .concat({ targetAttributeName: "EmployeeType", source: { expression: "[employeeType]" } }),
            },
            ...others.slice(0, -1),
          ],
        },
      ],
    };
    const text = words(defaultSchema(), after);
    for (const line of [
      "rule AD2AAD: priority: 1 → 2",
      "~ user → User",
      "    flowTypes: Add, Update, Delete → Add, Update",
      "    scope: Staff: + department IS NOT NULL",
      "  ~ Title",
      "      expression: Trim([title]) → ToUpper([title], )",
      "      flowType: Always → AttributeAddOnly",
      "  ~ Company",
      "      defaultValue: + Corp",
      "      spelling of the expression: Trim([company]) → Trim( [company] )".replace("Trim( ", "Trim( "),
      "  + EmployeeType",
      "      expression: + [employeeType]",
      "  - City",
      "- contact → Contact",
    ])
      expect(text.split("\n")).toContain(line);
    expect(text).toContain("    scope: DefaultUserExclusions: - isCriticalSystemObject IS FALSE AND ");
    expect(text).not.toContain("Department");
  });

  it("are told which clause became which", () => {
    const after = edited(tenantSchema(), ['"OU=People,DC=corp,DC=example"', '"OU=Staff,DC=corp,DC=example"']);
    expect(words(tenantSchema(), after)).toContain(
      [
        "    inputFilterGroups: DefaultUserExclusions.0.UX-OrganizationalGroup-Scope:",
        "      - distinguishedName ENDS_WITH 'OU=People,DC=corp,DC=example'",
        "      + distinguishedName ENDS_WITH 'OU=Staff,DC=corp,DC=example'",
      ]
        .join("\n")
        .replaceAll("\n      ", "\n      "),
    );
  });

  it("are told what nobody here reads, by its path", () => {
    const after = edited(
      tenantSchema(),
      ["66666666-7777", "66666666-7778"],
      [
        '"name":"countryCode","required":false,"type":"Integer"',
        '"name":"countryCode","required":false,"type":"String"',
      ],
      ['"key":"EscrowBehavior","value":"\\"Default\\""', '"key":"EscrowBehavior","value":"\\"Other\\""'],
    );
    const text = words(tenantSchema(), after);
    expect(text).toContain("directories.Active Directory.objects.user.attributes.countryCode.type: Integer → String");
    expect(text).toContain('    metadata.EscrowBehavior.value: "Default" → "Other"');
    expect(text).toMatch(/^version:/m);
  });
});
