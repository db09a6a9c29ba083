/**
 * One of the two forms of every expression made from the other, where they disagree: for an admin who edited the texts of
 * an export and let the trees be, or the other way round.
 *
 * Job parameters may stand in the tree alone, where the text has an empty place. Such a text can't be taken for the whole:
 * the name of somebody's domain would be gone without a word. It stays a disagreement until the parameter is written in.
 */

import { readSource, sourceOf } from "./attribute-flow/source-expression.ts";
import { tokenOf } from "./attribute-flow/source-tree.ts";
import { childrenOf, type Node } from "./expression/ast.ts";
import { CompileError } from "./expression/failure.ts";
import { parse } from "./expression/parser.ts";
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
    if (lacksParameters(parse(expression), source)) return source;
    return { ...source, ...sourceOf(expression), expression };
  } catch (error) {
    if (error instanceof CompileError) return source;
    throw error;
  }
}

/** Whether the text leaves a place empty, and the tree has a job parameter that the text doesn't have. */
function lacksParameters(text: Node, source: AttributeMappingSource): boolean {
  const own = new Set<string>();
  let isOpen = false;
  const look = (node: Node): void => {
    if (node.type === "parameter") own.add(node.name);
    if (node.type === "call" && node.args.includes(null)) isOpen = true;
    for (const child of childrenOf(node)) look(child);
  };
  look(text);
  return isOpen && tokensOf(source).some((token) => !own.has(token));
}

function tokensOf(source: AttributeMappingSource): string[] {
  const token = tokenOf(source);
  const inner = (source.parameters ?? []).flatMap(({ value }) => (value ? tokensOf(value) : []));
  return token === undefined ? inner : [token, ...inner];
}

function withoutTexts(source: AttributeMappingSource): AttributeMappingSource {
  const parameters = source.parameters?.map((one) => ({ ...one, value: one.value && withoutTexts(one.value) }));
  return { ...source, expression: null, ...(parameters ? { parameters } : {}) };
}
