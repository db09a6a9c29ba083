/** One attribute mapping in Graph's shape: the expression as text, and as a tree. */

import { sourceOf } from "../attribute-flow/source-expression.ts";
import type { AttributeMapping } from "../synchronization-schema.ts";

/** The engine's own join key: the one attribute with a matching priority. */
const JOIN_TARGET = "onPremisesObjectIdentifier";

export function attributeMapping(
  targetAttributeName: string,
  expression: string,
  flowType: "Always" | "ObjectAddOnly" = "Always",
): AttributeMapping {
  return {
    targetAttributeName,
    // The text keeps the job parameters that an export of Graph has in the tree only: it is read by people.
    source: { ...sourceOf(expression), expression },
    defaultValue: null,
    flowType,
    flowBehavior: "FlowWhenChanged",
    matchingPriority: targetAttributeName === JOIN_TARGET ? 1 : 0,
    exportMissingReferences: false,
  };
}
