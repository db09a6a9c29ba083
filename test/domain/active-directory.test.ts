import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as extensions from "../../shared/domain/active-directory/extensions.ts";
import * as schema from "../../shared/domain/active-directory/schema.ts";
import { attributesOf } from "../../shared/domain/active-directory/table.ts";
import { ACTIVE_DIRECTORY } from "../../shared/domain/active-directory.ts";
import { defaultSchema } from "../../shared/domain/default-schema.ts";
import { compileExpression } from "../../shared/domain/expression/compile.ts";

function attribute(type: string, name: string) {
  return ACTIVE_DIRECTORY.get(type.toLowerCase())?.attributes.get(name.toLowerCase());
}

describe("what Active Directory says of its classes", () => {
  it("names every attribute once in all its tables", () => {
    const names = [...Object.values(schema), ...Object.values(extensions)].flatMap(attributesOf);
    const lower = names.map(({ name }) => name.toLowerCase());
    expect(lower.filter((name, index) => lower.indexOf(name) !== index)).toEqual([]);
    expect(lower.length).toBeGreaterThan(400);
  });

  it.each([
    ["user", "sAMAccountName", "String", false],
    ["user", "proxyAddresses", "String", true],
    ["user", "manager", "Reference", false],
    ["user", "userAccountControl", "Integer", false],
    ["user", "pwdLastSet", "Integer", false],
    ["user", "objectGUID", "Binary", false],
    ["user", "whenCreated", "DateTime", false],
    ["user", "isCriticalSystemObject", "Boolean", false],
    ["user", "description", "String", false],
    ["contact", "description", "String", false],
    ["group", "member", "Reference", true],
    ["group", "groupType", "Integer", false],
    ["inetOrgPerson", "msExchMailboxGuid", "Binary", false],
    ["contact", "userAccountControl", undefined, undefined],
    ["group", "manager", undefined, undefined],
  ])("%s: %s is %s", (type, name, wanted, multivalued) => {
    const found = attribute(type, name);
    expect([found?.type, found?.multivalued, found?.name]).toEqual([wanted, multivalued, wanted && name]);
  });

  const mappings = defaultSchema().synchronizationRules[0]!.objectMappings;

  it.each(mappings.map((mapping) => [mapping.sourceObjectName ?? "", mapping] as const))(
    "knows all that the default mapping of %s reads",
    (type, mapping) => {
      const read = mapping.attributeMappings.flatMap(({ source }) => {
        const compiled = compileExpression(source?.expression ?? "");
        if (!compiled.ok) throw new Error(compiled.failure.message);
        return compiled.program.attributes;
      });
      expect(read.length).toBeGreaterThan(5);
      expect(read.filter((name) => !attribute(type, name))).toEqual([]);
    },
  );

  it("knows all that the table of documented mappings reads, in its spelling", () => {
    const url = new URL("../fixtures/data/default-user-mapping.tsv", import.meta.url);
    const names = [...readFileSync(url, "utf8").matchAll(/\[([\w-]+)\]/g)].map((match) => match[1]!);
    expect(names.length).toBeGreaterThan(120);
    const misspelt = names.filter((name) => {
      const found = attribute("user", name);
      return found?.name !== name && !found?.otherSpellings?.includes(name);
    });
    expect(misspelt).toEqual([]);
  });
});
