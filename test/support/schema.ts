/** Schemas in tests: the default one with changes, taken as a version that a job runs from now on. */
import { defaultSchema } from "../../shared/domain/default-schema.ts";
import type {
  AttributeMapping,
  ObjectMapping,
  SynchronizationSchema,
} from "../../shared/domain/synchronization-schema.ts";
import type { Cloud } from "./cloud.ts";

type Changes = Partial<Omit<ObjectMapping, "attributeMappings">> & {
  /** By target attribute: what is different; null takes the mapping out. */
  readonly attributes?: Readonly<Record<string, Partial<AttributeMapping> | null>>;
};

/** The default schema with changes, by source class. */
export function schemaWith(changes: Readonly<Record<string, Changes>>): SynchronizationSchema {
  const [rule] = defaultSchema().synchronizationRules;
  const objectMappings = (rule?.objectMappings ?? []).map((mapping): ObjectMapping => {
    const { attributes = {}, ...own } = changes[mapping.sourceObjectName ?? ""] ?? {};
    const known = mapping.attributeMappings.flatMap((one) => {
      const change = attributes[one.targetAttributeName ?? ""];
      return change === null ? [] : [{ ...one, ...change }];
    });
    const names = new Set(known.map((one) => one.targetAttributeName));
    const added = Object.entries(attributes).flatMap(([targetAttributeName, change]) =>
      change && !names.has(targetAttributeName) ? [{ targetAttributeName, ...change }] : [],
    );
    return { ...mapping, ...own, attributeMappings: [...known, ...added] };
  });
  return { synchronizationRules: [{ ...rule, objectMappings }] };
}

/** The job runs it from now on, as its next version. */
export async function runSchema(cloud: Cloud, jobId: string, schema: SynchronizationSchema): Promise<void> {
  const taken = await cloud.cloud.routes.schemas.put(jobId, schema, "test");
  if (!taken.ok) throw new Error(JSON.stringify(taken.failure));
}
