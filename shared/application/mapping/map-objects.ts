/**
 * Mapping the objects of a chunk: fold the changes into the image, decide scope, map, find claims and matches, and plan
 * one action an object. Nothing is written to the target; of our own state only claims and moments of expiry are written,
 * which is harmless to repeat; while exports are held, not even claims. `exportChunk` uses the same code again for the few objects whose rows changed under it.
 */

import { isDisabledAtSource } from "../../domain/hand-over.ts";
import { ALL_FLOWS, filteredBySwitch, type SwitchedOff } from "../../domain/object-flows.ts";
import type { Claim, ObjectRecord, Outcome } from "../../domain/object-record.ts";
import { type Desired, planObject } from "../../domain/plan.ts";
import type { Redaction } from "../../domain/redaction.ts";
import { EXCLUDED } from "../exclusions/excluded.ts";
import { claimsWhileHeld, lookingOnly, withoutExport } from "../export/held-objects.ts";
import { settleDoubts } from "../export/settle-doubts.ts";
import { halving } from "../halving.ts";
import type { ChunkHeader, ChunkItem, ObjectFailure, PlannedObject } from "../lanes/chunk-files.ts";
import { handOver } from "../matching/hand-over.ts";
import { type MatchAnswer, resolveCandidates } from "../matching/match-candidates.ts";
import {
  type ClaimAnswer,
  claimsWithout,
  conflictFailure,
  exportedClaims,
  identityClaims,
  propertyOf,
  withClaims,
} from "../matching/object-claims.ts";
import { takeover } from "../matching/takeover.ts";
import { withoutPlannedSecrets } from "../secrets.ts";
import { type ClaimRequest, ownerOf } from "../state/claim-index.ts";
import { groupBy, type StoredObject } from "../state/object-store.ts";
import { type Draft, draftOf, type MapDeps } from "./draft-object.ts";
import { defectFailure } from "./evaluation-failures.ts";
import { defectPlan, withoutThrowing } from "./isolate-object.ts";
import type { Evaluation } from "./job-mapping.ts";
import { desiredOf } from "./missing-names.ts";

/** Plans in the order of GUIDs, whatever the order of the items of different objects. */
export async function mapObjects(
  given: MapDeps,
  header: ChunkHeader,
  items: readonly ChunkItem[],
  stored: ReadonlyMap<string, StoredObject>,
): Promise<PlannedObject[]> {
  const deps = given.holdsExports ? { ...given, claims: lookingOnly(given.claims) } : given;
  const drafted = groupBy(items, (item) => item.objectGuid)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([objectGuid, own]) => withClaimable(draftOf(deps, header, objectGuid, own, stored.get(objectGuid))));
  const plan = (drafts: readonly Draft[]) => planDrafts(deps, header, drafts);
  const { onIsolated } = given;
  if (!onIsolated) return plan(drafted);
  // Planning a part again is harmless.
  return halving(plan, drafted, async (draft, error) => {
    onIsolated(draft.objectGuid);
    return [finished(deps, defectPlan(draft, error))];
  });
}

async function planDrafts(deps: MapDeps, header: ChunkHeader, drafted: readonly Draft[]): Promise<PlannedObject[]> {
  // Held, nobody is looked up either: what was found would be written down.
  const drafts = deps.holdsExports ? drafted : await settleDoubts(deps, header, drafted);
  // Before any row says that it is noted. Work notes it again: the tick that had it looked at may go by a clock that is ahead.
  await deps.expiries.add(
    header.jobId,
    drafts.flatMap(({ objectGuid, record: { expiresAt: at }, isChanged }) =>
      at === undefined || (!isChanged && header.readNo > 0) ? [] : [{ at, objectGuid }],
    ),
  );
  const wishes = drafts.map((draft) => claimsOf(draft));
  const requests: ClaimRequest[] = drafts.flatMap((draft, index) =>
    (wishes[index] ?? []).map((claim) => ({ owner: ownerOf(header.configurationId, draft.objectGuid), claim })),
  );
  const results = await deps.claims.claim(requests);
  let at = 0;
  const asked = wishes.map((own) => {
    const part = results.slice(at, at + own.length);
    at += own.length;
    return own.map((claim, index): ClaimAnswer => ({ claim, result: part[index] ?? { kind: "held" } }));
  });
  const handed = await handOver(deps, header, drafts, asked);
  const { answers, matches } = await resolveCandidates(deps, header, drafts, handed);
  return drafts.map((draft, index) => {
    const planned = withoutThrowing(draft, () =>
      planOf(draft, header, answers[index] ?? [], matches.get(draft.objectGuid), {
        now: deps.clock.now(),
        parkedName: draft.parks ? deps.mapping.parkedName(draft.objectGuid) : "",
        excluded: deps.excluded,
        holdsExports: deps.holdsExports,
      }),
    );
    return finished(deps, planned);
  });
}

function finished({ mapping, holdsExports }: MapDeps, planned: PlannedObject): PlannedObject {
  const clean = withoutPlannedSecrets(planned, redactionOf(mapping, planned));
  return holdsExports ? withoutExport(clean) : clean;
}

/** What the log must not show; of a delete that follows from a class that isn't mapped any more, nobody knows: all of it. */
function redactionOf(mapping: MapDeps["mapping"], { record, action }: PlannedObject): Redaction {
  const isUnknown = action.kind === "delete" && mapping.flowsOf(record.objectClass) === undefined;
  if (isUnknown) return { properties: Object.keys(record.link?.exported ?? {}), attributes: [] };
  return mapping.redactionOf(record.objectClass);
}

/** Which values it needs may meet a defect, too: then it needs none. */
function withClaimable(draft: Draft): Draft {
  try {
    claimsOf(draft);
    return draft;
  } catch (error) {
    return { ...draft, evaluation: defectFailure(draft.record, error) };
  }
}

/** The values that an object needs and does not hold yet. */
function claimsOf(draft: Draft): Claim[] {
  const { evaluation, record } = draft;
  if (evaluation.kind !== "present" || draft.isSuperseded || anchorChange(record, evaluation)) return [];
  // What it won't be given, nobody else has to wait for.
  if (isKept(record, evaluation)) return [];
  return claimsWithout(identityClaims(evaluation.identity), exportedClaims(record.link));
}

interface PlanContext extends Pick<MapDeps, "excluded" | "holdsExports"> {
  readonly now: number;
  readonly parkedName: string;
}

function planOf(
  draft: Draft,
  header: ChunkHeader,
  answers: readonly ClaimAnswer[],
  match: MatchAnswer | undefined,
  { now, parkedName, excluded, holdsExports }: PlanContext,
): PlannedObject {
  const { evaluation } = draft;
  const moved = anchorChange(draft.record, evaluation);
  const claimsBefore = draft.record.claims ?? [];
  const undone = undoneOf(draft, match);
  const claimable = () => (undone ? [] : claimsAfter(draft, answers));
  const unsent = holdsExports ? claimsWhileHeld(draft.record) : undefined;
  const claims = draft.isSuperseded || moved ? claimsBefore : (unsent ?? claimable());
  const record = withClaims(backAgain(draft.record, answers), claims);
  const abandoned = claimsWithout([...claimsBefore, ...(undone ? heldOf(answers) : [])], claims);
  const base = {
    objectGuid: draft.objectGuid,
    indexes: draft.indexes,
    record,
    ...(draft.etag === undefined ? {} : { etag: draft.etag }),
    isChanged:
      draft.isChanged ||
      draft.etag === undefined ||
      abandoned.length > 0 ||
      claimsWithout(claims, claimsBefore).length > 0,
    ...typeOf(draft.record, evaluation),
    abandoned,
    warnings: evaluation.kind === "present" ? evaluation.warnings : [],
    scope: evaluation.scope,
    ...(evaluation.kind === "absent" ? { filteredBy: evaluation.because } : {}),
    scopeChanged: draft.isChanged && evaluation.kind !== "present" && !draft.record.undecided,
    ...(seeksFacts(draft, header) ? { seeksFacts: true } : {}),
    allow: draft.allow,
    ...(draft.lacks ? { lacks: draft.lacks } : {}),
    ...(draft.approvedBy === undefined ? {} : { approvedBy: draft.approvedBy }),
    ...(draft.approvedNames ? { approvedNames: draft.approvedNames } : {}),
    ...(draft.origin ? { origin: draft.origin } : {}),
    ...(header.asked && evaluation.kind === "present" ? { mapped: evaluation.values } : {}),
  };
  const settle = (outcome: Outcome, failure?: ObjectFailure): PlannedObject => ({
    ...base,
    action: { kind: "none" },
    waiting: [],
    outcome,
    ...(failure ? { failure } : {}),
  });
  if (draft.isSuperseded) return { ...settle("no-op"), isChanged: false, isSuperseded: true };
  if (evaluation.kind === "ignored")
    return evaluation.excluded ? { ...settle("filtered"), filteredBy: EXCLUDED } : settle("no-op");
  if (evaluation.kind === "failed")
    return settle("escrowed", { code: evaluation.code, message: evaluation.message, remedy: evaluation.remedy });

  if (undone) return { ...settle("filtered"), ...told(draft, undone) };
  if (moved) return settle("escrowed", anchorFailure(draft.objectGuid, moved));
  if (match && "failure" in match) return settle("escrowed", match.failure);

  const taken = answers.filter(
    (answer) => answer.result.kind === "taken" || (answer.result.kind === "candidate" && record.link !== undefined),
  );
  const conflict =
    taken.length === 0
      ? undefined
      : conflictFailure(ownerOf(header.configurationId, draft.objectGuid), taken, excluded);
  const isLinked = record.link !== undefined && record.link.deletedAt === undefined;
  if (conflict && !isLinked) {
    // Its target object went on with somebody: a disabled account left behind by a migration is no failure.
    const isLeftBehind =
      isDisabledAtSource(record) &&
      taken.some(({ result }) => result.kind === "taken" && result.owner === record.handedOver?.to);
    return isLeftBehind ? { ...settle("filtered"), filteredBy: "handed-over" } : settle("escrowed", conflict);
  }

  const parked = (draft.parks ?? []).filter((name) => taken.some((answer) => propertyOf(answer.claim) === name));
  const held = taken.map((answer) => propertyOf(answer.claim)).filter((name) => !parked.includes(name));
  const desired = withParked(desiredOf(evaluation), parked, parkedName);
  const plan = planObject(record, desired, { allow: draft.allow, held, now, flows: evaluation.flows });
  if (match && "targetId" in match && evaluation.kind === "present") {
    const bindable = referencesOf(draft, evaluation, evaluation.creationOnly);
    return { ...base, ...bindable, ...takeover(match, evaluation, draft.allow) };
  }
  const bindable = evaluation.kind === "present" ? referencesOf(draft, evaluation) : {};
  const acts = plan.action.kind !== "none";
  const outcome: Outcome = conflict ? "escrowed" : acts ? "exported" : plan.settled;
  return {
    ...base,
    ...bindable,
    action: plan.action,
    waiting: plan.waiting,
    outcome,
    ...(parked.length > 0 ? { stepsAside: true as const } : {}),
    ...(plan.switchedOff ? told(draft, plan.switchedOff) : {}),
    ...(conflict ? { failure: conflict } : {}),
    ...(plan.action.kind === "create" && evaluation.kind === "present"
      ? { creationOnly: evaluation.creationOnly }
      : {}),
  };
}

/** At the end of a full read everybody is looked through; and work that didn't find enough won't find more at once. */
function seeksFacts({ record, losesFacts, isSuperseded }: Draft, header: ChunkHeader): boolean {
  if (losesFacts) return true;
  const isNews = header.readNo > 0 || header.asked !== undefined;
  return record.undecided === true && !isSuperseded && !header.isFull && isNews;
}

/** What was handed over and got its values back is an object like any other. */
function backAgain(record: ObjectRecord, answers: readonly ClaimAnswer[]): ObjectRecord {
  const isBack = answers.some(({ claim, result }) => claim.kind === "sourceAnchor" && result.kind !== "taken");
  if (!record.handedOver || !isBack) return record;
  const { handedOver: _, ...rest } = record;
  return rest;
}

type Present = Extract<Evaluation, { kind: "present" }>;

/** Its target object is there, and stays as it is: updates are switched off. */
function isKept({ link }: ObjectRecord, { flows }: Present): boolean {
  return link !== undefined && link.deletedAt === undefined && flows?.updates === false;
}

/**
 * What is switched off of the things that an object needs which has no living target object, or whose source anchor
 * moved: nothing is claimed then, so that nobody waits for it.
 */
function undoneOf(
  { record, evaluation, isSuperseded }: Draft,
  match: MatchAnswer | undefined,
): SwitchedOff | undefined {
  if (evaluation.kind !== "present" || isSuperseded) return undefined;
  const { adds, updates } = evaluation.flows ?? ALL_FLOWS;
  if (record.link && record.link.deletedAt === undefined)
    return !updates && anchorChange(record, evaluation) ? "Update" : undefined;
  if (match && "failure" in match) return undefined;
  if (match && !match.restore) return updates ? undefined : "Update";
  return adds ? undefined : "Add";
}

function told(
  { isChanged }: Draft,
  what: SwitchedOff,
): Pick<PlannedObject, "switchedOff" | "filteredBy" | "scopeChanged"> {
  return { switchedOff: what, scopeChanged: isChanged, filteredBy: filteredBySwitch(what) };
}

function heldOf(answers: readonly ClaimAnswer[]): Claim[] {
  return answers.filter(({ result }) => result.kind === "held").map(({ claim }) => claim);
}

function referencesOf(
  { record, resendsReferences }: Draft,
  evaluation: Present,
  without: readonly string[] = [],
): Pick<PlannedObject, "references" | "resendsReferences"> {
  const left = [...without, ...Object.keys(record.link?.waived ?? {})];
  const own = Object.entries(evaluation.references).filter(([property]) => !left.includes(property));
  if (own.length === 0 || isKept(record, evaluation)) return {};
  const references = Object.fromEntries(own);
  return { references, ...(resendsReferences ? { resendsReferences } : {}) };
}

/** What the target object is or is to be; a user goes without saying. */
function typeOf({ link }: ObjectRecord, evaluation: Evaluation): Pick<PlannedObject, "type"> {
  const type = evaluation.kind === "present" ? evaluation.identity.type : link?.type;
  return type === undefined || type === "user" ? {} : { type };
}

/** The names that stand in for a while, so that whoever waits for the present ones can go first. */
function withParked(desired: Desired, parked: readonly string[], name: string): Desired {
  if (desired.kind === "absent" || parked.length === 0) return desired;
  return { ...desired, values: { ...desired.values, ...Object.fromEntries(parked.map((own) => [own, name])) } };
}

/** What the object will hold in the index beside what was exported for it. */
function claimsAfter({ record, evaluation }: Draft, answers: readonly ClaimAnswer[]): readonly Claim[] {
  const before = record.claims ?? [];
  if (evaluation.kind === "absent") return [];
  if (evaluation.kind !== "present") return before;
  const wanted = identityClaims(evaluation.identity);
  if (isKept(record, evaluation)) return [];
  const held = heldOf(answers);
  const kept = claimsWithout(before, claimsWithout(before, wanted));
  return claimsWithout([...kept, ...held], exportedClaims(record.link));
}

interface AnchorChange {
  readonly from: string;
  readonly to: string;
}

/** The source anchor is fixed for life: what it was and what it would become, when the source changed it. */
function anchorChange(record: ObjectRecord, evaluation: Evaluation): AnchorChange | undefined {
  const from = record.link?.exported["onPremisesImmutableId"];
  if (typeof from !== "string" || evaluation.kind !== "present" || evaluation.identity.type !== "user")
    return undefined;
  const to = evaluation.identity.immutableId;
  return to === from ? undefined : { from, to };
}

function anchorFailure(objectGuid: string, { from, to }: AnchorChange): ObjectFailure {
  return {
    code: "SourceAnchorChanged",
    message: `The source anchor of object ${objectGuid} was ${from} and is ${to} now; it is fixed for life.`,
    remedy: "Set ms-DS-ConsistencyGuid back to what it was; the object goes on by itself then.",
  };
}
