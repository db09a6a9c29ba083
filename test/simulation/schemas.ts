/** The schemas that a simulated job changes between: the default one, and some that show people by other names. */
import type { SynchronizationSchema } from "../../shared/domain/synchronization-schema.ts";
import { schemaWith } from "../support/schema.ts";

/** `projection.ts` says what comes of it. */
export function schemaVariant(variant: number): SynchronizationSchema {
  if (variant === 0) return schemaWith({});
  return schemaWith({
    user: { attributes: { DisplayName: { source: { expression: `Join("", [displayName], " ${variant}")` } } } },
  });
}
