/**
 * Graph's `synchronizationSchema` at the border: its whole shape, judged and then handed on as it came.
 *
 * What is known is checked for its type, what is unknown is kept, and the value that comes out is the very one that
 * went in: same fields, same order of keys, so that an export gives back what an import took. Nothing is judged that a
 * newer Graph may write otherwise (names of flow types, operators, mutabilities): that is the schema check's business.
 */
import { z } from "zod";
import type { SynchronizationSchema } from "../domain/synchronization-schema.ts";

const text = z.string().nullish();
const flag = z.boolean().nullish();
const list = <T extends z.ZodType>(item: T) => z.array(item).nullish();

const Metadata = list(z.looseObject({ key: text, value: text }));

/** Trees are parameters in parameters: deeper than this no expression of 10,000 characters can be that anyone writes. */
const MAXIMUM_DEPTH = 300;

const Source = z.looseObject({
  expression: text,
  name: text,
  type: text,
  get parameters() {
    return list(Parameter);
  },
});
const Parameter: z.ZodType = z.looseObject({
  key: text,
  get value() {
    return Source.nullish();
  },
});

const AttributeMapping = z.looseObject({
  targetAttributeName: text,
  source: Source.nullish(),
  defaultValue: text,
  flowType: text,
  flowBehavior: text,
  matchingPriority: z.number().int().nullish(),
  exportMissingReferences: flag,
});

const FilterGroups = list(
  z.looseObject({
    name: text,
    clauses: list(
      z.looseObject({
        sourceOperandName: text,
        operatorName: text,
        targetOperand: z.looseObject({ values: list(z.string()) }).nullish(),
      }),
    ),
  }),
);

const ObjectMapping = z.looseObject({
  name: text,
  enabled: flag,
  flowTypes: text,
  sourceObjectName: text,
  targetObjectName: text,
  scope: z
    .looseObject({ groups: FilterGroups, inputFilterGroups: FilterGroups, categoryFilterGroups: FilterGroups })
    .nullish(),
  metadata: Metadata,
  attributeMappings: z.array(AttributeMapping),
});

const Rule = z.looseObject({
  id: text,
  name: text,
  priority: z.number().int().nullish(),
  editable: flag,
  sourceDirectoryName: text,
  targetDirectoryName: text,
  metadata: Metadata,
  containerFilter: z.looseObject({ includedContainers: list(z.string()) }).nullish(),
  groupFilter: z.looseObject({ includedGroups: list(z.string()) }).nullish(),
  objectMappings: z.array(ObjectMapping),
});

const Attribute = z.looseObject({
  name: text,
  type: text,
  multivalued: flag,
  required: flag,
  caseExact: flag,
  anchor: flag,
  flowNullValues: flag,
  mutability: text,
  defaultValue: text,
  metadata: Metadata,
  apiExpressions: list(z.unknown()),
  referencedObjects: list(z.looseObject({ referencedObjectName: text, referencedProperty: text })),
});

const Directory = z.looseObject({
  id: text,
  name: text,
  version: text,
  discoveryDateTime: text,
  discoverabilities: text,
  readOnly: flag,
  objects: list(
    z.looseObject({ name: text, supportedApis: list(z.string()), attributes: list(Attribute), metadata: Metadata }),
  ),
});

/** Its shape alone, for the document. */
export const SynchronizationSchemaShape = z.looseObject({
  id: text,
  version: text,
  provisioningTaskIdentifier: text,
  synchronizationRules: z.array(Rule).min(1),
  directories: list(Directory),
});

/** Parses to the value as it came. Faults carry their paths: `synchronizationRules.0.objectMappings.1.scope…`. */
export const SynchronizationSchemaBody: z.ZodType<SynchronizationSchema> = z
  .unknown()
  .check((context) => {
    const { value, issues } = context;
    if (depthExceeds(value, 3 * MAXIMUM_DEPTH)) {
      const message = `it is nested deeper than ${MAXIMUM_DEPTH} functions`;
      issues.push({ code: "custom", message, input: value, path: [] });
      return;
    }
    const parsed = SynchronizationSchemaShape.safeParse(value);
    if (parsed.success) return;
    for (const { path, message } of parsed.error.issues)
      issues.push({ code: "custom", message, input: value, path: [...path] });
  })
  .transform((value) => value as SynchronizationSchema);

/** Without recursion: what is too deep must not be found out by falling over it. */
function depthExceeds(value: unknown, maximum: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; depth <= maximum; depth++) {
    const next: unknown[] = [];
    for (const one of level) {
      if (typeof one === "object" && one !== null) for (const child of Object.values(one)) next.push(child);
    }
    if (next.length === 0) return false;
    level = next;
  }
  return true;
}
