/** A defect that is met in planning one object: that object waits, with what was folded into its row, and the others go on. */
import type { Claim } from "../../domain/object-record.ts";
import { StorageError } from "../../ports/row-store.ts";
import { TargetUnavailable } from "../../ports/target-directory.ts";
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

/**
 * Halves what can't be planned together until the object whose fault it is stands alone. Planning a part again is harmless;
 * where storage or target can't be reached it is nobody's fault.
 */
export async function isolating(
  plan: (drafts: readonly Draft[]) => Promise<PlannedObject[]>,
  drafts: readonly Draft[],
  isolated: (draft: Draft, error: unknown) => PlannedObject,
): Promise<PlannedObject[]> {
  try {
    return await plan(drafts);
  } catch (error) {
    if (error instanceof StorageError || error instanceof TargetUnavailable) throw error;
    const [first] = drafts;
    if (drafts.length === 1 && first) return [isolated(first, error)];
    const middle = Math.ceil(drafts.length / 2);
    const left = await isolating(plan, drafts.slice(0, middle), isolated);
    return [...left, ...(await isolating(plan, drafts.slice(middle), isolated))];
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
