/**
 * Bodies of requests in Graph's shapes: a field that isn't known is refused, as everywhere; a slip in a field's name must not make
 * another request of it. Annotations (`@odata.type`, `resetScope@odata.type`), which Graph's own clients may send with any object,
 * pass, and are no part of what comes out.
 *
 * Graph's schema isn't read by it: that one is kept as it came (`synchronization-schema.ts`).
 */
import { z } from "zod";

const ANNOTATION = /^[^@]*@odata\.[A-Za-z.]+$/;

type Strict<S extends z.ZodRawShape> = z.ZodObject<S, z.core.$strict>;

export function graphBody<const S extends z.ZodRawShape>(shape: S): z.ZodType<z.output<Strict<S>>, z.input<Strict<S>>> {
  const strict = z.strictObject(shape).meta({ patternProperties: { [ANNOTATION.source]: {} } });
  return z.preprocess(withoutAnnotations, strict) as unknown as ReturnType<typeof graphBody<S>>;
}

function withoutAnnotations(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const fields = Object.entries(value);
  const known = fields.filter(([name]) => !ANNOTATION.test(name));
  return known.length === fields.length ? value : Object.fromEntries(known);
}
