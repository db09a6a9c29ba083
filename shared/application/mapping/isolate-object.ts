/** A defect that is met in planning one object: that object waits, with what was folded into its row, and the others go on. */
import type { Claim } from "../../domain/object-record.ts";
import type { PlannedObject } from "../lanes/chunk-files.ts";
import { claimsWithout, exportedClaims, identityClaims, withClaims } from "../matching/object-claims.ts";
import type { Draft } from "./draft-object.ts";
import { defectFailure } from "./evaluation-failures.ts";

/** Planning by values alone: anything thrown is a defect. */
export function withoutThrowing(draft: Draft, plan: () => PlannedObject): PlannedObject {
  try {
    return plan();
  } catch (error) {
    return defectPlan(draft, error);
  }
}

export function defectPlan(draft: Draft, error: unknown): PlannedObject {
  const { code, message, remedy } = defectFailure(draft.record, error);
  const { objectGuid, indexes, etag, allow, origin } = draft;
  const before = draft.record.claims ?? [];
  const claims = claimsWithout([...before, ...wishedClaims(draft)], []);
  const isChanged = draft.isChanged || claims.length > before.length;
  return {
    ...{
      objectGuid,
      indexes,
      record: withClaims(draft.record, claims),
      isChanged,
      allow,
      ...(etag === undefined ? {} : { etag }),
    },
    ...(origin ? { origin } : {}),
    ...{ action: { kind: "none" }, waiting: [], abandoned: [], warnings: [], outcome: "escrowed" },
    scope: draft.evaluation.scope,
    scopeChanged: false,
    failure: { code, message, remedy },
  };
}

/** It may have been given them before the defect was met: its row says so, or nobody would ever take them back. */
function wishedClaims({ evaluation, record, isSuperseded }: Draft): Claim[] {
  if (evaluation.kind !== "present" || isSuperseded) return [];
  try {
    return claimsWithout(identityClaims(evaluation.identity), exportedClaims(record.link));
  } catch {
    return [];
  }
}
