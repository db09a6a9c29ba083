/** One attribute mapping in Graph's shape: the expression, and what kind of source it is. */

import type { AttributeMapping } from "../synchronization-schema.ts";

/** The engine's own join key: the one attribute with a matching priority. */
const JOIN_TARGET = "onPremisesObjectIdentifier";

export function attributeMapping(
  targetAttributeName: string,
  expression: string,
  flowType: "Always" | "ObjectAddOnly" = "Always",
): AttributeMapping {
  const attribute = /^\[([^\]]+)\]$/.exec(expression)?.[1];
  const constant = /^%\w+%$/.exec(expression)?.[0] ?? /^"([^"\\]*)"$/.exec(expression)?.[1];
  return {
    targetAttributeName,
    source: {
      expression,
      name: attribute ?? constant ?? expression.slice(0, expression.indexOf("(")),
      type: attribute === undefined ? (constant === undefined ? "Function" : "Constant") : "Attribute",
      parameters: [],
    },
    defaultValue: null,
    flowType,
    flowBehavior: "FlowWhenChanged",
    matchingPriority: targetAttributeName === JOIN_TARGET ? 1 : 0,
    exportMissingReferences: false,
  };
}
