/**
 * A reconcile's second look at linked objects that were on no page of the target, and at objects of nobody that bear the
 * anchor of one of ours. Each is asked for by its id before anything is said of it.
 */
import { bothDoubts, propertyNames } from "../../domain/doubt.ts";
import { scalarAt } from "../../domain/drift.ts";
import { type Link, type ObjectRecord, typeOfLink, underWayFor } from "../../domain/object-record.ts";
import type { TargetState } from "../../ports/target-directory.ts";
import type { Evaluation } from "../mapping/job-mapping.ts";
import { heldClaims } from "../matching/object-claims.ts";
import type { Finding, ReconcilePolicy } from "../state/reconcile-rows.ts";
import { comparedNames, isMatchable } from "./reconcile-compare.ts";
import {
  addAct,
  type ConfirmDeps,
  type Deciding,
  findingOf,
  left,
  linkAct,
  type Of,
  rowsAndStates,
  rowsOf,
  statesOf,
  unreadable,
} from "./reconcile-decision.ts";

/** Throws `TargetUnavailable`. */
export async function confirmMissing(
  deps: ConfirmDeps,
  candidates: readonly Of<"missing">[],
  into: Deciding,
): Promise<void> {
  if (candidates.length === 0) return;
  const { context, policy } = deps;
  const stored = await rowsOf(deps, candidates);
  const linked = candidates.flatMap(({ objectGuid }) => {
    const row = stored.get(objectGuid);
    const link = row && linkOf(deps, row.record);
    return link ? [{ row, link, type: typeOfLink(link) }] : [];
  });
  into.unsettled += candidates.length - linked.length;
  const { states, refused } = await statesOf(
    deps,
    linked.map(({ link, type }) => ({ id: link.targetId, type })),
  );
  for (const { row, link, type } of linked) {
    const state = states.get(link.targetId);
    const refusal = refused.get(link.targetId);
    if (refusal) {
      const { objectGuid } = row.record;
      into.findings.push({ finding: unreadable({ objectGuid, targetId: link.targetId, type }, refusal) });
      continue;
    }
    if (state && !state.deleted) {
      into.unsettled++;
      continue;
    }
    const { record, etag } = row;
    const finding: Finding = {
      ...findingOf(record, link, type),
      note: state ? "deleted in the target: it can be restored" : "not in the target at all",
    };
    const evaluation = context.mapping.evaluate(record, { creating: false });
    const because = policy === "report" ? undefined : mendingRefusal(policy, evaluation);
    if (policy === "report") into.findings.push({ finding });
    else if (because !== undefined) into.findings.push({ finding: left(finding, because) });
    else {
      const lost = state ? deletedLink(deps, link, evaluation) : null;
      // What it held in the index stands on its row, and is given up unless it is claimed again.
      into.findings.push({ finding, act: addAct(into, linkAct(record, etag, lost, heldClaims(record))) });
    }
  }
}

/** A link that lives, of an object that nobody is at and that may be touched. */
function linkOf({ context, clock }: ConfirmDeps, record: ObjectRecord): Link | undefined {
  const { link, mark } = record;
  const isOwn = link !== undefined && link.deletedAt === undefined && link.owner === record.configurationId;
  const isMoving = underWayFor(mark, "", clock.now()) > 0;
  if (!isOwn || isMoving || context.excluded(record.objectGuid) || context.excluded(link.targetId)) return undefined;
  return link;
}

function mendingRefusal(policy: ReconcilePolicy, evaluation: Evaluation): string | undefined {
  if (policy === "adopt")
    return "an object isn't given up by adopting: repair it, or let go of it (uplink link unlink)";
  if (evaluation.kind === "ignored") return `it is left alone: ${evaluation.scope}`;
  const isOff = evaluation.kind === "present" && evaluation.flows?.adds === false;
  return isOff ? "additions are switched off for its class" : undefined;
}

/** As if we had deleted it now; all that it had is sent again when it comes back. */
function deletedLink({ clock }: ConfirmDeps, link: Link, evaluation: Evaluation): Link {
  const names = evaluation.kind === "present" ? comparedNames(evaluation) : propertyNames(link.exported);
  const properties = names.filter((name) => scalarAt(link.exported, name) !== null && name !== "manager");
  const now = clock.now();
  return { ...link, deletedAt: now, doubt: bothDoubts(link.doubt, { at: now, properties }) };
}

/** Throws `TargetUnavailable`. */
export async function confirmForeign(
  deps: ConfirmDeps,
  candidates: readonly Of<"foreign">[],
  into: Deciding,
): Promise<void> {
  if (candidates.length === 0) return;
  const { stored, states, refused } = await rowsAndStates(deps, candidates);
  for (const candidate of candidates) {
    const { objectGuid, targetId } = candidate;
    const refusal = refused.get(targetId);
    if (refusal) {
      into.findings.push({ finding: unreadable(candidate, refusal) });
      continue;
    }
    const record = stored.get(objectGuid)?.record;
    const state = states.get(targetId);
    if (!record || !state || state.deleted || !isWanted(deps, record, state)) {
      into.unsettled++;
      continue;
    }
    const finding: Finding = {
      ...findingOf(record, { targetId }, state.type),
      kind: "foreign",
      expected: null,
      actual: targetId,
      note: "it has the anchor of this object, which has no link",
    };
    into.findings.push(
      deps.policy === "adopt" ? { finding, act: addAct(into, { do: "seek", objectGuid }) } : { finding },
    );
  }
}

function isWanted({ context }: ConfirmDeps, record: ObjectRecord, state: TargetState): boolean {
  const { link: _, ...bare } = record;
  return isMatchable(record, context.mapping.evaluate(bare, { creating: true }), state);
}
