/**
 * Mapping the objects of a chunk: fold the changes into the image, decide scope, map, find claims and matches, and plan
 * one action an object. Nothing is written to the target; of our own state only claims are written, which is harmless to
 * repeat. `exportChunk` uses the same code again for the few objects whose rows changed under it.
 */

import { NO_VERSION } from "../domain/change-version.ts";
import { foldChange } from "../domain/image.ts";
import type { Link, ObjectRecord, Outcome } from "../domain/object-record.ts";
import { type Desired, planObject, withoutNulls } from "../domain/plan.ts";
import { withoutProperties } from "../domain/target-value.ts";
import { normalUpn } from "../domain/values.ts";
import type { Clock } from "../ports/clock.ts";
import type { TargetDirectory } from "../ports/target-directory.ts";
import type { ChunkHeader, ChunkItem, ObjectFailure, PlannedObject } from "./chunk-files.ts";
import type { Evaluation, JobMapping, TargetIdentity } from "./job-mapping.ts";
import { matchTargets } from "./match-target.ts";
import { type Claim, type ClaimIndex, type ClaimRequest, type ClaimResult, ownerOf } from "./state/claim-index.ts";
import { groupBy, type StoredObject } from "./state/object-store.ts";

export interface MapDeps {
  readonly mapping: JobMapping;
  readonly claims: ClaimIndex;
  readonly target: TargetDirectory;
  readonly clock: Clock;
}

interface Draft {
  readonly objectGuid: string;
  readonly indexes: readonly number[];
  readonly record: ObjectRecord;
  readonly etag?: string;
  readonly isChanged: boolean;
  readonly isSuperseded: boolean;
  readonly evaluation: Evaluation;
}

/** Plans in the order of GUIDs, whatever the order of the items of different objects. */
export async function mapObjects(
  deps: MapDeps,
  header: ChunkHeader,
  items: readonly ChunkItem[],
  stored: ReadonlyMap<string, StoredObject>,
): Promise<PlannedObject[]> {
  const drafts = groupBy(items, (item) => item.objectGuid)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([objectGuid, own]) => draftOf(deps, header, objectGuid, own, stored.get(objectGuid)));
  const wishes = drafts.map((draft) => claimsOf(draft));
  const requests: ClaimRequest[] = drafts.flatMap((draft, index) =>
    (wishes[index] ?? []).map((claim) => ({ owner: ownerOf(header.configurationId, draft.objectGuid), claim })),
  );
  const results = await deps.claims.claim(requests);
  let at = 0;
  const claimed = wishes.map((own) => {
    const part = results.slice(at, at + own.length);
    at += own.length;
    return own.map((claim, index): ClaimAnswer => ({ claim, result: part[index] ?? { kind: "held" } }));
  });
  const matches = await matchCandidates(deps, header, drafts, claimed);
  return drafts.map((draft, index) =>
    planOf(draft, header, claimed[index] ?? [], matches.get(draft.objectGuid), deps.clock.now()),
  );
}

interface ClaimAnswer {
  readonly claim: Claim;
  readonly result: ClaimResult;
}

function draftOf(
  deps: MapDeps,
  header: ChunkHeader,
  objectGuid: string,
  items: readonly ChunkItem[],
  known: StoredObject | undefined,
): Draft {
  const context = { configurationId: header.configurationId, blankMissing: header.blankMissing };
  let record = known?.record;
  let isChanged = false;
  let isSuperseded = items.some((item) => item.change !== undefined);
  for (const item of items) {
    if (item.isAbsent && record && record.state === "live") {
      record = { ...record, state: "absent" };
      isChanged = true;
    }
    if (!item.change) continue;
    const folded = foldChange(record, item.change, item.version ?? NO_VERSION, context);
    record = folded.record;
    isChanged ||= folded.effect === "changed";
    isSuperseded &&= folded.effect === "superseded";
  }
  const settled = record ?? emptyTombstone(header.configurationId, objectGuid);
  const evaluation = deps.mapping.evaluate(settled, { creating: settled.link === undefined });
  const scopeChanged = settled.scope !== evaluation.scope;
  return {
    objectGuid,
    indexes: items.map((item) => item.index),
    record: { ...settled, scope: evaluation.scope },
    ...(known?.etag === undefined ? {} : { etag: known.etag }),
    isChanged: isChanged || scopeChanged || (header.mustWriteVersions && !isSuperseded),
    isSuperseded,
    evaluation,
  };
}

/** The values that an object needs and does not hold yet. */
function claimsOf(draft: Draft): Claim[] {
  if (draft.evaluation.kind !== "present" || draft.isSuperseded) return [];
  const wanted = identityClaims(draft.evaluation.identity);
  const link = draft.record.link;
  if (!link || link.deletedAt !== undefined) return wanted;
  const held = exportedClaims(link);
  if (anchorChange(draft.record, draft.evaluation)) return [];
  return wanted.filter((claim) => !held.some((own) => own.kind === claim.kind && own.value === claim.value));
}

export function identityClaims(identity: TargetIdentity): Claim[] {
  return [
    { kind: "sourceAnchor", value: identity.immutableId },
    { kind: "userPrincipalName", value: normalUpn(identity.userPrincipalName) },
    ...(identity.mail === undefined ? [] : [{ kind: "mail" as const, value: normalUpn(identity.mail) }]),
  ];
}

/** The values that a linked object holds by what was exported for it. */
export function exportedClaims(link: Link): Claim[] {
  const text = (name: string) => (typeof link.exported[name] === "string" ? link.exported[name] : undefined);
  const anchor = text("onPremisesImmutableId");
  const upn = text("userPrincipalName");
  const mail = text("mail");
  return [
    ...(anchor === undefined ? [] : [{ kind: "sourceAnchor" as const, value: anchor }]),
    ...(upn === undefined ? [] : [{ kind: "userPrincipalName" as const, value: normalUpn(upn) }]),
    ...(mail === undefined ? [] : [{ kind: "mail" as const, value: normalUpn(mail) }]),
  ];
}

type MatchAnswer =
  | { readonly targetId: string; readonly by: string; readonly restore: boolean }
  | { readonly failure: ObjectFailure };

/** For objects without link whose claims met a target object that nobody owns. */
async function matchCandidates(
  deps: MapDeps,
  header: ChunkHeader,
  drafts: readonly Draft[],
  claimed: readonly (readonly ClaimAnswer[])[],
): Promise<Map<string, MatchAnswer>> {
  const open = drafts.flatMap((draft, index) => {
    const answers = claimed[index] ?? [];
    const isCandidate =
      answers.some((answer) => answer.result.kind === "candidate") &&
      !answers.some((answer) => answer.result.kind === "taken");
    if (!isCandidate || draft.record.link || draft.evaluation.kind !== "present") return [];
    return [
      { draft, answers, identity: draft.evaluation.identity, owner: ownerOf(header.configurationId, draft.objectGuid) },
    ];
  });
  const verdicts = await matchTargets(deps, open);
  const matches = new Map<string, MatchAnswer>();
  for (const [index, { draft, answers, owner }] of open.entries()) {
    const verdict = verdicts[index] ?? { kind: "none" };
    const candidates = answers.filter((answer) => answer.result.kind === "candidate");
    if (verdict.kind === "refused") {
      matches.set(draft.objectGuid, {
        failure: {
          code: verdict.code,
          message: verdict.message,
          remedy: "Decide which object is right, and change or remove the other.",
        },
      });
    } else if (verdict.kind === "match") {
      for (const { claim } of candidates) await deps.claims.take({ owner, claim }, verdict.id);
      matches.set(draft.objectGuid, { targetId: verdict.id, by: verdict.by, restore: verdict.restore });
    } else {
      // The candidate is gone or was renamed since the index was filled: the values are free.
      for (const { claim, result } of candidates)
        if (result.kind === "candidate") await deps.claims.take({ owner, claim }, result.targetId);
    }
  }
  return matches;
}

function planOf(
  draft: Draft,
  header: ChunkHeader,
  answers: readonly ClaimAnswer[],
  match: MatchAnswer | undefined,
  now: number,
): PlannedObject {
  const { record, evaluation } = draft;
  const base = {
    objectGuid: draft.objectGuid,
    indexes: draft.indexes,
    record,
    ...(draft.etag === undefined ? {} : { etag: draft.etag }),
    isChanged: draft.isChanged || draft.etag === undefined,
    releases: [],
    warnings: evaluation.kind === "present" ? evaluation.warnings : [],
    scope: evaluation.scope,
    ...(evaluation.kind === "absent" ? { filteredBy: evaluation.because } : {}),
    scopeChanged: draft.isChanged && evaluation.kind !== "present",
  };
  const settle = (outcome: Outcome, failure?: ObjectFailure): PlannedObject => ({
    ...base,
    action: { kind: "none" },
    waiting: [],
    outcome,
    ...(failure ? { failure } : {}),
  });
  if (draft.isSuperseded) return { ...settle("no-op"), isChanged: false };
  if (evaluation.kind === "ignored") return settle("no-op");
  if (evaluation.kind === "failed")
    return settle("escrowed", { code: evaluation.code, message: evaluation.message, remedy: evaluation.remedy });

  const desired: Desired =
    evaluation.kind === "absent"
      ? { kind: "absent", reason: evaluation.scope }
      : { kind: "present", values: evaluation.values };
  const taken = answers.filter(
    (answer) => answer.result.kind === "taken" || (answer.result.kind === "candidate" && record.link !== undefined),
  );
  const conflict = taken.length === 0 ? undefined : conflictFailure(draft, header, taken);
  const isLinked = record.link !== undefined && record.link.deletedAt === undefined;
  if (conflict && !isLinked) return settle("escrowed", conflict);
  if (match && "failure" in match) return settle("escrowed", match.failure);

  const held = taken.map((answer) => propertyOf(answer.claim));
  const plan = planObject(record, desired, { allow: header.allow, held, now });
  if (match && evaluation.kind === "present") {
    const values = withoutProperties(withoutNulls(evaluation.values), evaluation.creationOnly);
    const action = match.restore
      ? { kind: "restore" as const, targetId: match.targetId, values }
      : { kind: "adopt" as const, targetId: match.targetId, values };
    return { ...base, action, waiting: [], outcome: "exported", matchedBy: match.by };
  }
  const acts = plan.action.kind !== "none";
  const outcome: Outcome = conflict ? "escrowed" : acts ? "exported" : plan.settled;
  return {
    ...base,
    action: plan.action,
    waiting: plan.waiting,
    outcome,
    ...(conflict ? { failure: conflict } : {}),
    releases: releasesOf(record, evaluation, plan.action.kind, held),
  };
}

/** The source anchor is fixed for life: what it was and what it would become, when the source changed it. */
function anchorChange(
  record: ObjectRecord,
  evaluation: Evaluation,
): { readonly from: string; readonly to: string } | undefined {
  const from = record.link?.exported["onPremisesImmutableId"];
  if (typeof from !== "string" || evaluation.kind !== "present" || evaluation.identity.immutableId === from)
    return undefined;
  return { from, to: evaluation.identity.immutableId };
}

/** Values that the object will no longer hold once its action is done. */
function releasesOf(record: ObjectRecord, evaluation: Evaluation, action: string, held: readonly string[]): Claim[] {
  if (!record.link) return [];
  const had = exportedClaims(record.link);
  // The anchor stays with the object: it is what brings the old target object back.
  if (action === "delete") return had.filter((claim) => claim.kind !== "sourceAnchor");
  if (action !== "update" || evaluation.kind !== "present") return [];
  const keeps = identityClaims(evaluation.identity);
  return had.filter(
    (claim) =>
      !held.includes(propertyOf(claim)) && !keeps.some((own) => own.kind === claim.kind && own.value === claim.value),
  );
}

function conflictFailure(draft: Draft, header: ChunkHeader, taken: readonly ClaimAnswer[]): ObjectFailure {
  const anchor = taken.find((answer) => answer.claim.kind === "sourceAnchor");
  const first = anchor ?? taken[0];
  const holder =
    first?.result.kind === "taken"
      ? `source object ${first.result.owner}`
      : first?.result.kind === "candidate"
        ? `target object ${first.result.targetId}`
        : "another object";
  const own = ownerOf(header.configurationId, draft.objectGuid);
  if (anchor) {
    return {
      code: "DuplicateSourceEntries",
      message: `Source object ${own} has the same source anchor as ${holder}, and both are alive.`,
      remedy: "Take one of them out of scope, disable or delete it: the other then takes the cloud account over.",
    };
  }
  return {
    code: "AttributeValueMustBeUnique",
    message: `The ${taken.map((answer) => answer.claim.kind).join(" and ")} that source object ${own} wants belongs to ${holder}.`,
    remedy: "Give one of the two another value; the one that waits is tried again by itself.",
  };
}

function propertyOf(claim: Claim): string {
  return claim.kind === "sourceAnchor" ? "onPremisesImmutableId" : claim.kind === "mail" ? "mail" : "userPrincipalName";
}

/** An object that nobody knew is mapped as gone: a tombstone row, so that an older create can't follow it. */
function emptyTombstone(configurationId: string, objectGuid: string): ObjectRecord {
  return {
    configurationId,
    objectGuid,
    objectClass: "",
    dn: "",
    image: {},
    state: "deleted",
    version: NO_VERSION,
    scope: "",
  };
}
