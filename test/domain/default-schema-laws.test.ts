/**
 * Laws of the default schemas over generated objects of Active Directory, and over what goes wrong with them:
 * attributes that are missing, empty, several where one is expected, full of odd characters, far too long, binary.
 *
 * Whatever comes in, nothing is thrown, the same comes out each time, the order and the letter case of names don't
 * matter, and what comes out is what the target's table allows.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AD_DOMAIN, type AdObject, adContact, adGroup, adUser } from "../../bench/ad-objects.ts";
import { hashOf } from "../../bench/mapping-work.ts";
import { type AttributeFlow, compileAttributeFlow } from "../../shared/domain/attribute-flow.ts";
import { defaultSchemaFor } from "../../shared/domain/default-schema.ts";
import { attributeReader } from "../../shared/domain/source-object.ts";
import type { ObjectMapping } from "../../shared/domain/synchronization-schema.ts";
import type { TargetProperty, TargetTable } from "../../shared/domain/target-table.ts";
import { isNested, type TargetScalar, type TargetValues } from "../../shared/domain/target-value.ts";
import { TARGETS } from "../../shared/domain/targets.ts";
import type { AttributeValue } from "../../shared/domain/values.ts";

const MAKERS: Readonly<Record<string, (index: number) => AdObject>> = {
  user: (index) => adUser(index),
  inetOrgPerson: (index) => adUser(index, 2, "inetOrgPerson"),
  group: (index) => adGroup(index),
  contact: (index) => adContact(index),
};
const PARAMETERS = { DomainFQDN: AD_DOMAIN.fqdn, DomainNetBios: AD_DOMAIN.netBios, ConfigurationId: "c0ffee" };

interface Case {
  readonly name: string;
  readonly make: (index: number) => AdObject;
  readonly mapping: ObjectMapping;
  readonly table: TargetTable;
  readonly flow: AttributeFlow;
}

/** A target that takes whatever is mapped, as text: there every mapping is evaluated, and contacts have a place. */
function openTable({ attributeMappings }: ObjectMapping): TargetTable {
  const names = attributeMappings.map(({ targetAttributeName }) => targetAttributeName ?? "");
  return new Map(names.map((property) => [property, { property, type: "string", clearable: true } as const]));
}

function caseOf(mapping: ObjectMapping, target: string, table: TargetTable): Case {
  const compiled = compileAttributeFlow(mapping, table, PARAMETERS);
  if (!compiled.ok) throw new Error(compiled.failures.map((failure) => failure.message).join("\n"));
  const name = mapping.sourceObjectName!;
  return { name: `${name} to ${target}`, make: MAKERS[name]!, mapping, table, flow: compiled.flow };
}

const CASES: readonly Case[] = [...TARGETS.values()].flatMap((target) =>
  defaultSchemaFor(target.name)
    .synchronizationRules.flatMap((rule) => rule.objectMappings)
    .flatMap((mapping) => {
      const holds = target.objects.get(mapping.targetObjectName!);
      const open = caseOf(mapping, `what ${target.label} maps`, openTable(mapping));
      return holds ? [caseOf(mapping, target.label, holds.table), open] : [open];
    }),
);

const oddText = fc.oneof(
  fc.constantFrom("", " ", "\u00a0\t", "0", "-1", "TRUE", "false", "9223372036854775807", "99999999999999999999999"),
  fc.constantFrom(
    "\u0000",
    "\ud800",
    "\ufeff",
    "a\r\nb",
    "\u202eabc",
    "İıſß",
    "e\u0301",
    "👩‍👩‍👧",
    "a@b",
    "@",
    '"\\\\',
    "{x}",
  ),
  fc.constantFrom(`${AD_DOMAIN.fqdn}\\user`, "CN=a\\0ACNF:b", "smtp:A@B.example", "20210230256199.0Z", "S-1-5-21"),
  fc.string({ unit: "binary", maxLength: 40 }),
);
const hugeText = fc
  .tuple(fc.constantFrom("x", " ", "ä", "a@b.example ", "{", "=,"), fc.integer({ min: 100, max: 20_000 }))
  .map(([text, count]) => text.repeat(count));
/** `A` passes the border, which looks at characters only, and is no base64. */
const binaryValue: fc.Arbitrary<AttributeValue> = fc
  .oneof(
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString("base64")),
    fc.constantFrom("A", "AAAAA=", ""),
  )
  .map((base64) => ({ base64 }));
const oneValue: fc.Arbitrary<AttributeValue> = fc.oneof(
  { weight: 6, arbitrary: oddText },
  { weight: 1, arbitrary: hugeText },
  { weight: 2, arbitrary: binaryValue },
);
const RUNS = 100;

/** Empty lists too: what a source may say of an attribute that was cleared. */
const anyValues = fc.array(oneValue, { maxLength: 4 });

/** A generated object, some of whose attributes (by preference those that the mapping reads) hold something odd. */
function objects({ make, flow }: Case): fc.Arbitrary<AdObject> {
  const name = fc.constantFrom(...flow.sourceAttributes, "userAccountControl", "mail");
  const changes = fc.array(fc.tuple(name, fc.option(anyValues)), { maxLength: 12 });
  return fc
    .tuple(fc.nat(3_000), changes, fc.constantFrom("", "CN=Ada\\, L.,DC=x", "CN=a\\0ACNF:b,DC=x"))
    .map(([index, odd, dn]) => {
      const object = make(index);
      const attributes = { ...object.attributes };
      for (const [attribute, values] of odd) {
        // A directory has no two attributes whose names differ in letter case only.
        const name = Object.keys(attributes).find((one) => one.toLowerCase() === attribute.toLowerCase()) ?? attribute;
        if (values === null) delete attributes[name];
        else attributes[name] = values;
      }
      return { ...object, dn: dn || object.dn, attributes };
    });
}

function outcome({ flow }: Case, { attributes, dn, objectGuid }: AdObject, creating: boolean) {
  const source = { bag: attributes, dn, objectGuid };
  const { values, ...rest } = flow.map({ ...source, creating, now: 0 });
  return { scope: flow.scope.evaluate(attributeReader(source)), values, hash: hashOf(values), ...rest };
}

/** The same attributes under names in another letter case, in another order. */
function rewritten(object: AdObject, seed: number): AdObject {
  const entries = Object.entries(object.attributes).map(([name, values], at) => {
    const other = (seed >> (at % 16)) & 1 ? name.toUpperCase() : name.toLowerCase();
    return [(seed + at) % 3 === 0 ? name : other, values] as const;
  });
  const turn = seed % (entries.length || 1);
  return { ...object, attributes: Object.fromEntries([...entries.slice(turn), ...entries.slice(0, turn)].reverse()) };
}

/** Properties by the name that values have, nested ones as `object.key`. */
function propertiesOf({ mapping, table }: Case): ReadonlyMap<string, TargetProperty> {
  const entries = mapping.attributeMappings.map((one) => table.get(one.targetAttributeName ?? ""));
  return new Map(entries.flatMap((one) => (one && "property" in one ? [[one.property, one] as const] : [])));
}

function flat(values: TargetValues): [string, TargetScalar][] {
  return Object.entries(values).flatMap(([name, value]): [string, TargetScalar][] =>
    isNested(value) ? Object.entries(value).map(([key, own]) => [`${name}.${key}`, own]) : [[name, value]],
  );
}

/** Why the table doesn't allow the value; undefined when it does. */
function refusal(property: TargetProperty | undefined, value: TargetScalar): string | undefined {
  if (!property) return "is no property of the target";
  if (value === null) return property.clearable ? undefined : "can't be cleared";
  if (property.type === "boolean") return typeof value === "boolean" ? undefined : "is no Boolean";
  const texts = typeof value === "string" ? [value] : Array.isArray(value) ? (value as readonly string[]) : [];
  if ((property.type === "list") !== Array.isArray(value)) return "is a list, or isn't";
  if (property.maximumItems !== undefined && texts.length > property.maximumItems) return "has too many values";
  if (texts.some((text) => text === "")) return "is empty";
  if (texts.some((text) => text.length > (property.maximumLength ?? Number.POSITIVE_INFINITY))) return "is too long";
  if (texts.some((text) => property.format && !property.format.pattern.test(text))) return "has another format";
  if (property.type === "alias" && !texts.every((text) => /^[!-~]+$/.test(text))) return "has characters beyond ASCII";
  return undefined;
}

describe("the default schemas", () => {
  it("are there for people, groups and contacts; contacts have no place in either target", () => {
    const names = CASES.map(({ name }) => name);
    for (const { label } of TARGETS.values()) {
      const held = ["user", "inetOrgPerson", "group"].map((name) => `${name} to ${label}`);
      expect(names.filter((name) => name.endsWith(` to ${label}`))).toEqual(held);
      expect(names.filter((name) => name.endsWith(`what ${label} maps`))).toHaveLength(4);
    }
  });
});

describe.each(CASES)("$name", (own) => {
  const properties = propertiesOf(own);

  it("maps what a directory holds without failures or warnings, nearly always", () => {
    const indexes = Array.from({ length: 300 }, (_, index) => index);
    const troubled = indexes.filter((index) => {
      const { failures, warnings } = outcome(own, own.make(index), true);
      return failures.length + warnings.length > 0;
    });
    expect(troubled.length).toBeLessThan(indexes.length / 20);
  });

  it("never throws, and says the same each time", () => {
    fc.assert(
      fc.property(objects(own), fc.boolean(), (object, creating) => {
        const first = outcome(own, object, creating);
        expect(outcome(own, structuredClone(object), creating)).toEqual(first);
      }),
      { numRuns: RUNS },
    );
  });

  it("doesn't mind the order of attributes, nor the letter case of their names", () => {
    fc.assert(
      fc.property(objects(own), fc.boolean(), fc.nat(), (object, creating, seed) => {
        expect(outcome(own, rewritten(object, seed), creating)).toEqual(outcome(own, object, creating));
      }),
      { numRuns: RUNS },
    );
  });

  it("gives what the target's table allows, and all that a new object must have", () => {
    fc.assert(
      fc.property(objects(own), fc.boolean(), (object, creating) => {
        const { values, failures } = outcome(own, object, creating);
        const refused = flat(values).flatMap(([name, value]) => {
          const why = refusal(properties.get(name), value);
          return why === undefined ? [] : [`${name} ${why}: ${JSON.stringify(value)?.slice(0, 80)}`];
        });
        expect(refused).toEqual([]);
        if (!creating || failures.length > 0) return;
        const given = new Map(flat(values));
        const needed = [...properties.values()].filter(({ required, type }) => required && type !== "reference");
        expect(needed.filter(({ property }) => (given.get(property) ?? null) === null)).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });
});
