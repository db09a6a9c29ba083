/**
 * Objects of which nobody knows whether they are in the target, because a call's answer was lost or the activity died
 * with it. Where the plan depends on it, they are looked up:
 *
 * - one that is to go and may have been created: by anchor; what is found is linked, so that it is removed like any other;
 * - one that is to go and may have been restored, or is to stay and may have been deleted: by the target's id.
 *
 * An answer that shows the effect is believed at once. One that doesn't is believed only some minutes after the call: a
 * target shows its newest writes late, and a user who is let go too early stays for ever. Until then the object waits.
 */
import { type Doubt, VISIBLE_AFTER_MS, withoutDoubt } from "../../domain/doubt.ts";
import { type Claim, type Link, type ObjectRecord, typeOfLink, underWayFor } from "../../domain/object-record.ts";
import type { TargetFailure, TargetObject, TargetQuery } from "../../ports/target-directory.ts";
import type { ChunkHeader } from "../lanes/chunk-files.ts";
import type { Draft, MapDeps } from "../mapping/draft-object.ts";
import { heldClaims, withClaims } from "../matching/object-claims.ts";
import { ownerOf } from "../state/claim-index.ts";
import { createInDoubt } from "./export-records.ts";

interface Question {
  readonly draft: Draft;
  readonly query: TargetQuery;
  /** When the call was made: milliseconds since 1970. */
  readonly at: number;
  /** The record by what was found; undefined when the effect doesn't show. */
  readonly answered: (found: readonly TargetObject[]) => Promise<ObjectRecord | undefined>;
  /** The record when there was no effect. */
  readonly without: ObjectRecord;
}

/** The drafts in order, with what the target says of the doubtful ones; those that it says nothing of yet have failed. */
export async function settleDoubts(
  deps: MapDeps,
  header: ChunkHeader,
  drafts: readonly Draft[],
): Promise<readonly Draft[]> {
  const now = deps.clock.now();
  const questions = drafts.flatMap((draft) => {
    // A call that is under way is not in doubt: the exporter waits for it.
    const isUnderWay = underWayFor(draft.record.mark, header.batchId, now) > 0;
    return isUnderWay ? [] : (questionOf(deps, header, draft) ?? []);
  });
  if (questions.length === 0) return drafts;
  const refusals = new Map<number, TargetFailure>();
  const found = await deps.target.find(
    questions.map((question) => question.query),
    { onRefused: (index, failure) => void refusals.set(index, failure) },
  );
  const settled = new Map<Draft, Draft>();
  for (const [index, { draft, at, answered, without }] of questions.entries()) {
    const refusal = refusals.get(index);
    if (refusal) {
      settled.set(draft, unanswered(draft, refusal));
      continue;
    }
    const shown = await answered(found[index] ?? []);
    const record = shown ?? (now - at >= VISIBLE_AFTER_MS ? without : undefined);
    if (!record) settled.set(draft, waiting(draft, "the target doesn't show it yet"));
    // The guard has counted already, and without this one: it is counted with the retry.
    else if (shown && header.isEnd && draft.evaluation.kind === "absent")
      settled.set(draft, waiting({ ...draft, isChanged: true, record }, "it was found only after the read had ended"));
    else settled.set(draft, { ...draft, isChanged: true, record });
  }
  return drafts.map((draft) => settled.get(draft) ?? draft);
}

function questionOf(deps: MapDeps, header: ChunkHeader, draft: Draft): Question | undefined {
  const { record, evaluation } = draft;
  const { link, mark, ...bare } = record;
  if (!link) {
    const lost = evaluation.kind === "absent" ? createInDoubt(record) : undefined;
    const anchor = record.claims?.find((claim) => claim.kind === "sourceAnchor" || claim.kind === "uniqueName");
    if (!lost || anchor === undefined) return undefined;
    const doubt: Doubt = { at: lost.at, properties: lost.properties ?? [] };
    return {
      draft,
      at: lost.at,
      query: { by: anchor.kind === "uniqueName" ? "uniqueName" : "immutableId", value: anchor.value },
      answered: async ([only, ...others]) => {
        const isOwn = only && others.length === 0 && !only.synchronized && (await holds(deps, header, draft, only.id));
        return isOwn ? { ...bare, link: linkTo(header, only, record.claims ?? [], doubt) } : undefined;
      },
      without: bare,
    };
  }
  const { deletedAt, doubt, ...known } = link;
  const asking = {
    draft,
    at: doubt?.at ?? 0,
    query: { by: "id" as const, value: link.targetId, type: typeOfLink(link) },
  };
  const sure: Link = { ...known, ...withoutDoubt(doubt, []) };
  if (evaluation.kind === "absent" && doubt?.presence === "restoring" && deletedAt !== undefined) {
    return {
      ...asking,
      answered: async (found) =>
        found.some((object) => !object.deleted) && (await holds(deps, header, draft, link.targetId))
          ? { ...bare, link: sure }
          : undefined,
      without: { ...bare, link: { ...sure, deletedAt } },
    };
  }
  if (evaluation.kind === "present" && doubt?.presence === "deleting" && deletedAt === undefined) {
    // What it held in the index it holds no more by its link: it is given up unless the plan claims it again.
    const gone: ObjectRecord = { ...bare, link: { ...sure, deletedAt: doubt.at } };
    return {
      ...asking,
      answered: async (found) =>
        found.some((object) => object.deleted) ? withClaims(gone, heldClaims(record)) : undefined,
      without: { ...bare, link: sure },
    };
  }
  return undefined;
}

function waiting(draft: Draft, why: string): Draft {
  return {
    ...draft,
    evaluation: {
      kind: "failed",
      code: "Timeout",
      message: `Whether the last write of object ${draft.objectGuid} took effect was unknown, and ${why}.`,
      remedy: "Nothing: the object is looked up again by itself.",
      scope: draft.evaluation.scope,
    },
  };
}

function unanswered(draft: Draft, { code, message, remedy }: TargetFailure): Draft {
  const { scope } = draft.evaluation;
  const why = `Whether the last write of object ${draft.objectGuid} took effect can't be found out: ${message}`;
  return { ...draft, evaluation: { kind: "failed", code, message: why, remedy, scope } };
}

/** Whether the target object is this object's in the index; nobody's becomes its. */
async function holds(deps: MapDeps, header: ChunkHeader, draft: Draft, targetId: string): Promise<boolean> {
  const owner = ownerOf(header.configurationId, draft.objectGuid);
  const [claimed] = await deps.claims.claim([{ owner, claim: { kind: "targetId", value: targetId } }]);
  return claimed?.kind === "held";
}

/** As if the answer had come: what was claimed for the create is what it exported, as far as the index cares. */
function linkTo(header: ChunkHeader, object: TargetObject, claims: readonly Claim[], doubt: Doubt): Link {
  const claimed = (kind: Claim["kind"]) => claims.find((claim) => claim.kind === kind)?.value;
  const upn = object.userPrincipalName ?? claimed("userPrincipalName");
  const mail = object.mail ?? claimed("mail");
  const uniqueName = claimed("uniqueName");
  const made = { targetId: object.id, owner: header.configurationId, origin: "created" as const };
  if (uniqueName !== undefined)
    return { ...made, type: "group", exported: { uniqueName }, ...withoutDoubt(doubt, ["uniqueName"]) };
  return {
    ...made,
    exported: {
      onPremisesImmutableId: claimed("sourceAnchor") ?? null,
      ...(upn === undefined ? {} : { userPrincipalName: upn }),
      ...(mail === undefined ? {} : { mail }),
    },
    ...withoutDoubt(doubt, [
      "onPremisesImmutableId",
      ...(object.userPrincipalName === undefined ? [] : ["userPrincipalName"]),
      ...(object.mail === undefined ? [] : ["mail"]),
    ]),
  };
}
