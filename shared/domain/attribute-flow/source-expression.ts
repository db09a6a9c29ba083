/**
 * The expression of an attribute mapping: its text when it has one, else its tree written as text.
 *
 * Graph keeps both; a tree may stand alone in a schema that a program has written. A constant that is nothing but
 * `%Name%` is a job parameter.
 */

import type { AttributeMappingSource } from "../synchronization-schema.ts";

/** The text, or undefined when the source says nothing at all. */
export function expressionOf(source: AttributeMappingSource | null | undefined): string | undefined {
  const expression = source?.expression?.trim();
  if (expression) return expression;
  return source?.name === null || source?.name === undefined ? undefined : written(source);
}

function written(source: AttributeMappingSource): string {
  const name = source.name ?? "";
  switch (source.type) {
    case "Attribute":
      return `[${name}]`;
    case "Constant":
      return /^%[\w.-]+%$/.test(name) ? name : `"${name.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
    default: {
      const values = (source.parameters ?? []).map(({ value }) => expressionOf(value) ?? "");
      return `${name}(${values.join(", ")})`;
    }
  }
}
