/**
 * A reconcile's second look, and what is to be done: what still is as it was a while ago is a finding.
 *
 * Rows are read first, the target after them, object by object: so a row that is still the same when it is written was not
 * exported in between, and what changed while nobody looked is found by the next reconcile. A decision is written once,
 * with the etags that it was made under; `reconcile-acts.ts` carries it out, however often it is repeated.
 */
import { bothDoubts } from "../../domain/doubt.ts";
import { CLAIMED_PROPERTIES, type Drift, sameScalar, valuesWith } from "../../domain/drift.ts";
import type { Claim, Link } from "../../domain/object-record.ts";
import { REDACTED } from "../../domain/redaction.ts";
import { applyDifference, type TargetScalar } from "../../domain/target-value.ts";
import { normalUpn } from "../../domain/values.ts";
import { wantedOf } from "../../domain/waived.ts";
import type { TargetState } from "../../ports/target-directory.ts";
import { claimsWithout, exportedClaims } from "../matching/object-claims.ts";
import { ownerOf } from "../state/claim-index.ts";
import type { StoredObject } from "../state/object-store.ts";
import type { Finding } from "../state/reconcile-rows.ts";
import {
  type Comparable,
  comparable,
  driftsOf,
  isTo,
  referencesIn,
  sensitiveOf,
  withoutDeparted,
} from "./reconcile-compare.ts";
import {
  addAct,
  type ConfirmDeps,
  type Deciding,
  findingOf,
  left,
  linkAct,
  type Of,
  rowsAndStates,
  unreadable,
} from "./reconcile-decision.ts";
import { deletedByUs } from "./reconcile-holders.ts";

/** What of linked objects changed. Throws `TargetUnavailable`. */
export async function confirmChanged(
  deps: ConfirmDeps,
  candidates: readonly Of<"changed">[],
  into: Deciding,
): Promise<void> {
  if (candidates.length === 0) return;
  const { context, clock, policy } = deps;
  const { stored, states, refused } = await rowsAndStates(deps, candidates);
  const privileged = policy === "repair" ? await context.target.privileged([...states.keys()]) : new Set<string>();
  const looked = candidates.map((candidate) => {
    const row = stored.get(candidate.objectGuid);
    const own = row && comparable(row.record, context.mapping, context.excluded, clock.now());
    const state = own && states.get(own.link.targetId);
    const drifts = own && state && !state.deleted && !state.synchronized ? driftsOf(own, state) : [];
    const same = drifts.filter((drift) => candidate.drifts.some((before) => isSame(before, drift)));
    return { candidate, row, own, state, same };
  });
  const departed = await deletedByUs(
    context,
    looked.flatMap(({ own, same }) => (own ? referencesIn(own, same) : [])),
  );
  for (const { candidate, row, own, state, same: all } of looked) {
    const same = own ? withoutDeparted(own, all, departed) : [];
    const refusal = refused.get(candidate.targetId);
    if (refusal) into.findings.push({ finding: unreadable(candidate, refusal) });
    else if (!row || !own || !state || same.length === 0) into.unsettled++;
    else if (policy === "repair")
      repairChanged(deps, row, own, state, { drifts: same, departed, isPrivileged: privileged.has(state.id) }, into);
    else if (policy === "adopt") await adoptChanged(deps, row, own, state, same, into);
    else for (const drift of same) into.findings.push({ finding: changedFinding(deps, own, state, drift) });
  }
}

function isSame(left: Drift, right: Drift): boolean {
  return (
    left.property === right.property &&
    sameScalar(left.expected, right.expected) &&
    sameScalar(left.actual, right.actual)
  );
}

interface Repairing {
  readonly drifts: readonly Drift[];
  /** Target objects that we deleted: nothing can be bound to them. */
  readonly departed: ReadonlySet<string>;
  readonly isPrivileged: boolean;
}

/** What the target shows becomes what was exported: the next mapping sees the difference and sends it. */
function repairChanged(
  deps: ConfirmDeps,
  { etag }: StoredObject,
  own: Comparable,
  state: TargetState,
  { drifts, departed, isPrivileged }: Repairing,
  into: Deciding,
): void {
  const { record, link } = own;
  const isKept = ({ property }: Drift) =>
    isPrivileged && (state.type === "group" || sensitiveOf("user").includes(property));
  for (const drift of drifts.filter(isKept))
    into.findings.push({ finding: left(changedFinding(deps, own, state, drift), "it holds a directory role") });
  const mended = drifts.filter((drift) => !isKept(drift));
  if (mended.length === 0) return;
  // What the index knows of an object is what was exported: of unique values only that they are to be sent again is noted.
  const claimed = mended.filter(({ property }) => CLAIMED_PROPERTIES.includes(property));
  const plain = mended.filter((drift) => !claimed.includes(drift));
  const doubt = bothDoubts(link.doubt, {
    at: deps.clock.now(),
    properties: claimed.map(({ property }) => property),
    // The guard counts names that are replaced, whoever set them.
    replaces: valuesWith(claimed.filter(({ property }) => property !== "onPremisesImmutableId")),
  });
  const next: Link = {
    ...link,
    exported: applyDifference(link.exported, valuesWith(plain)),
    ...(doubt.properties.length > 0 ? { doubt } : {}),
  };
  const act = addAct(into, linkAct(record, etag, next, record.claims ?? []));
  for (const drift of mended) {
    const finding = changedFinding(deps, own, state, drift);
    // Noted like the others, and set by nobody before that object is back.
    if (isTo(own, drift, departed))
      into.findings.push({ finding: left(finding, "what it is to be isn't in the target") });
    else into.findings.push({ finding, act });
  }
}

/** What the target shows is right for as long as the source says what it says now. */
async function adoptChanged(
  deps: ConfirmDeps,
  { etag }: StoredObject,
  own: Comparable,
  state: TargetState,
  drifts: readonly Drift[],
  into: Deciding,
): Promise<void> {
  const { record, link, evaluation } = own;
  const kept: Drift[] = [];
  for (const drift of drifts) {
    const because = await adoptionRefusal(deps, own, drift);
    if (because === undefined) kept.push(drift);
    else into.findings.push({ finding: left(changedFinding(deps, own, state, drift), because) });
  }
  if (kept.length === 0) return;
  const waived = kept.flatMap(({ property, actual }): [string, TargetScalar][] => {
    const wanted = wantedOf(evaluation, property);
    return property !== "manager" && sameScalar(wanted, actual) ? [] : [[property, wanted]];
  });
  const next: Link = {
    ...link,
    exported: applyDifference(link.exported, valuesWith(kept)),
    waived: { ...link.waived, ...Object.fromEntries(waived) },
  };
  const given = claimsWithout(exportedClaims(link), exportedClaims(next));
  const act = addAct(into, linkAct(record, etag, next, [...(record.claims ?? []), ...given]));
  for (const drift of kept) into.findings.push({ finding: changedFinding(deps, own, state, drift), act });
}

async function adoptionRefusal(
  { context }: ConfirmDeps,
  { record, link }: Comparable,
  { property, actual }: Drift,
): Promise<string | undefined> {
  if (property === "onPremisesImmutableId") return "the source anchor is given for life";
  const kind = property === "userPrincipalName" || property === "mail" ? property : undefined;
  if (!kind || typeof actual !== "string") return undefined;
  const request = {
    owner: ownerOf(record.configurationId, record.objectGuid),
    claim: { kind, value: normalUpn(actual) } satisfies Claim,
  };
  const [first] = await context.claims.claim([request]);
  const result = first?.kind === "candidate" ? await context.claims.take(request, link.targetId) : first;
  if (!result || result.kind === "held") return undefined;
  const holder = result.kind === "taken" ? `source object ${result.owner}` : `target object ${result.targetId}`;
  return `it belongs to ${holder} by the index`;
}

function changedFinding(
  { context }: ConfirmDeps,
  { record, link }: Comparable,
  state: TargetState,
  { property, expected, actual }: Drift,
): Finding {
  const { properties } = context.mapping.redactionOf(record.objectClass);
  const names = [property, property.split(".")[0] ?? property].map((name) => name.toLowerCase());
  const isRedacted = properties.some((name) => names.includes(name.toLowerCase()));
  const shown = (value: TargetScalar) => (isRedacted && value !== null ? REDACTED : value);
  return {
    ...findingOf(record, link, state.type),
    kind: "changed",
    property,
    expected: shown(expected),
    actual: shown(actual),
  };
}
