/** Graph's schema at the border: what goes in comes out, and what has another shape is named by its path. */
import { describe, expect, it } from "vitest";
import { SynchronizationSchemaBody } from "../../shared/contracts/synchronization-schema.ts";
import { defaultSchemaFor } from "../../shared/domain/default-schema.ts";
import { TARGET_NAMES } from "../../shared/domain/targets.ts";
import { tenantSchema } from "../support/tenant-schema.ts";

const faultsOf = (value: unknown): string[] => {
  const parsed = SynchronizationSchemaBody.safeParse(value);
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
};

describe("a schema", () => {
  const schemas: readonly (readonly [string, () => unknown])[] = [
    ["a tenant's export", () => tenantSchema()],
    ...TARGET_NAMES.map((name) => [`the default one for ${name}`, () => defaultSchemaFor(name)] as const),
  ];
  it.each(schemas)("comes out as it went in: %s", (_name, make) => {
    const text = JSON.stringify(make());
    expect(JSON.stringify(SynchronizationSchemaBody.parse(JSON.parse(text)))).toBe(text);
  });

  it("keeps fields that nobody knows, at every level and among the known ones", () => {
    const text =
      '{"z":1,"synchronizationRules":[{"y":[{"x":null}],"objectMappings":[{"new":{"a":1.5},"attributeMappings":' +
      '[{"later":true,"source":{"parameters":[{"extra":0,"value":{"more":"","name":"a","type":"Attribute"},"key":"k"}],' +
      '"name":"Trim"},"targetAttributeName":"Title"}],"enabled":true}],"priority":1}],"@odata.context":"c","10":"ten"}';
    const value: unknown = JSON.parse(text);
    expect(JSON.stringify(SynchronizationSchemaBody.parse(value))).toBe(JSON.stringify(value));
  });

  it("is refused with every fault by its path", () => {
    expect(
      faultsOf({
        synchronizationRules: [{ objectMappings: [{ attributeMappings: {}, enabled: "yes" }], priority: 1.5 }],
      }),
    ).toEqual([
      expect.stringContaining("synchronizationRules.0.priority"),
      expect.stringContaining("synchronizationRules.0.objectMappings.0.enabled"),
      expect.stringContaining("synchronizationRules.0.objectMappings.0.attributeMappings"),
    ]);
    expect(faultsOf([])).toHaveLength(1);
    expect(faultsOf("schema")).toHaveLength(1);
    expect(faultsOf({ synchronizationRules: [] })).toHaveLength(1);
    expect(faultsOf(null)).toHaveLength(1);
  });

  it("is refused, not fallen over, when it is nested without end", () => {
    let source: unknown = { name: "a", type: "Attribute" };
    for (let depth = 0; depth < 5_000; depth++)
      source = { name: "Trim", parameters: [{ key: "source", value: source }] };
    const schema = { synchronizationRules: [{ objectMappings: [{ attributeMappings: [{ source }] }] }] };
    expect(faultsOf(schema)).toEqual([expect.stringContaining("nested deeper")]);
  });

  it("takes a tree of 200 functions", () => {
    let source: unknown = { name: "a", type: "Attribute" };
    for (let depth = 0; depth < 200; depth++) source = { name: "Trim", parameters: [{ key: "source", value: source }] };
    expect(faultsOf({ synchronizationRules: [{ objectMappings: [{ attributeMappings: [{ source }] }] }] })).toEqual([]);
  });
});
