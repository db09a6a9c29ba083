/**
 * One of the two forms of every expression made from the other, where they disagree: for an admin who edited the texts of
 * an export and let the trees be, or the other way round.
 */

import { readSource, sourceOf } from "./attribute-flow/source-expression.ts";
import { CompileError } from "./expression/failure.ts";
import type { AttributeMappingSource, SynchronizationSchema } from "./synchronization-schema.ts";

export type PreferredForm = "text" | "tree";

/** The same schema with the disagreements settled; what agrees, or can't be parsed, is left as it is. */
export function settleDisagreements(schema: SynchronizationSchema, prefer: PreferredForm): SynchronizationSchema {
  return {
    ...schema,
    synchronizationRules: schema.synchronizationRules.map((rule) => ({
      ...rule,
      objectMappings: rule.objectMappings.map((mapping) => ({
        ...mapping,
        attributeMappings: mapping.attributeMappings.map((one) =>
          one.source && readSource(one.source).kind === "disagreement"
            ? { ...one, source: settled(one.source, prefer) }
            : one,
        ),
      })),
    })),
  };
}

function settled(source: AttributeMappingSource, prefer: PreferredForm): AttributeMappingSource {
  const expression = source.expression ?? "";
  if (prefer === "tree") {
    const reading = readSource(withoutTexts(source));
    return reading.kind === "expression" ? { ...source, ...sourceOf(reading.expression) } : source;
  }
  try {
    return { ...source, ...sourceOf(expression), expression };
  } catch (error) {
    if (error instanceof CompileError) return source;
    throw error;
  }
}

function withoutTexts(source: AttributeMappingSource): AttributeMappingSource {
  const parameters = source.parameters?.map((one) => ({ ...one, value: one.value && withoutTexts(one.value) }));
  return { ...source, expression: null, ...(parameters ? { parameters } : {}) };
}
