/**
 * Fields of a schema that neither Graph's shape nor this engine knows: they are kept as they came and nothing goes by them, so a slip in a
 * name (`flowTyp`) would be passed over in silence. Of what rules hold; a tenant's definitions of directories may say anything.
 */
import { z } from "zod";
import { nearestName } from "../domain/nearest-name.ts";
import { createReporter } from "../domain/schema-check/finding.ts";
import type { SchemaFinding } from "../domain/schema-check.ts";
import type { SynchronizationSchema } from "../domain/synchronization-schema.ts";
import { SynchronizationSchemaShape } from "./synchronization-schema.ts";

/** A warning each, in the order of the schema. */
export function unknownFields({ directories: _, ...schema }: SynchronizationSchema): readonly SchemaFinding[] {
  const findings: SchemaFinding[] = [];
  walk(SynchronizationSchemaShape, schema, "", findings);
  return findings;
}

function walk(shape: unknown, value: unknown, path: string, findings: SchemaFinding[]): void {
  if (shape instanceof z.ZodOptional || shape instanceof z.ZodNullable) {
    walk(shape.unwrap(), value, path, findings);
    return;
  }
  if (shape instanceof z.ZodArray && Array.isArray(value)) {
    for (const [index, item] of value.entries()) walk(shape.element, item, `${path}[${index}]`, findings);
    return;
  }
  if (!(shape instanceof z.ZodObject) || typeof value !== "object" || value === null) return;
  const known: Readonly<Record<string, unknown>> = shape.shape;
  for (const [name, inner] of Object.entries(value)) {
    const place = path === "" ? name : `${path}.${name}`;
    if (Object.hasOwn(known, name)) walk(known[name], inner, place, findings);
    // Annotations of OData say what the rest is, and are nobody's to go by.
    else if (!name.includes("@odata.")) unknown(name, Object.keys(known), place, findings);
  }
}

function unknown(name: string, known: readonly string[], path: string, findings: SchemaFinding[]): void {
  const nearest = nearestName(name, known);
  createReporter(findings, { objectMapping: null, path }).warn({
    code: "unknown-field",
    message: `The field '${name.slice(0, 60)}' isn't known: it is kept, and nothing goes by it.`,
    remedy: nearest === undefined ? `Known here: ${known.join(", ")}.` : `Did you mean '${nearest}'?`,
  });
}
