/**
 * The schemas that a simulated job changes between: the default one, some that show people by other names, and one that lets
 * people of a department go.
 */
import { defaultSchema } from "../../shared/domain/default-schema.ts";
import type { SynchronizationSchema } from "../../shared/domain/synchronization-schema.ts";
import { schemaWith } from "../support/schema.ts";

/** People of this department are out of scope by `NARROW`. */
export const KEPT_OUT = "Finance";
export const NARROW = 3;
/** Those that differ in names alone. */
export const NAMINGS = 3;

/** `projection.ts` says what comes of it. */
export function schemaVariant(variant: number): SynchronizationSchema {
  if (variant === 0) return schemaWith({});
  if (variant === NARROW) return schemaWith({ user: { scope: narrowed() } });
  return schemaWith({
    user: { attributes: { DisplayName: { source: { expression: `Join("", [displayName], " ${variant}")` } } } },
  });
}

/** The default filter with one clause more, in a group that excludes: who has no department stays. */
function narrowed() {
  const users = defaultSchema().synchronizationRules[0]?.objectMappings?.find((own) => own.sourceObjectName === "user");
  const clause = {
    sourceOperandName: "department",
    operatorName: "NOT EQUALS",
    targetOperand: { values: [KEPT_OUT] },
  };
  const groups = (users?.scope?.groups ?? []).map((own) => ({ ...own, clauses: [...(own.clauses ?? []), clause] }));
  return { ...users?.scope, groups };
}
