/** A table of attributes: under each type the names that have it, separated by blanks; the plural has several values. */

import type { AttributeDefinition, AttributeType } from "../object-definition.ts";

const SHAPES = {
  text: ["String", false],
  texts: ["String", true],
  integer: ["Integer", false],
  integers: ["Integer", true],
  reference: ["Reference", false],
  references: ["Reference", true],
  binary: ["Binary", false],
  binaries: ["Binary", true],
  boolean: ["Boolean", false],
  date: ["DateTime", false],
  dates: ["DateTime", true],
} as const satisfies Readonly<Record<string, readonly [AttributeType, boolean]>>;

export type AttributeTable = { readonly [shape in keyof typeof SHAPES]?: string };

export function attributesOf(table: AttributeTable): AttributeDefinition[] {
  return Object.entries(SHAPES).flatMap(([shape, [type, multivalued]]) => {
    const names = table[shape as keyof AttributeTable]?.split(/\s+/).filter((name) => name !== "") ?? [];
    return names.map((name) => ({ name, type, multivalued }));
  });
}
