/**
 * Carries out handovers: the holder's row gives up its link, the index keeps its values as those of a target object
 * without owner, and the newcomer then finds that target object by matching, like any other that it may be.
 *
 * Interrupted anywhere it goes on at the next attempt: a holder whose link is gone and whose values are still in the
 * index gives those up. A holder that is being exported at this moment keeps everything for now.
 */
import { letsGo } from "../domain/hand-over.ts";
import { type Claim, type ObjectRecord, underWayFor } from "../domain/object-record.ts";
import type { ChunkHeader } from "./chunk-files.ts";
import type { Draft, MapDeps } from "./draft-object.ts";
import { type ClaimAnswer, claimsWithout, heldClaims } from "./object-claims.ts";
import { type ClaimOwner, objectOf, ownerOf } from "./state/claim-index.ts";

/** The answers in order; those of newcomers whose holder let go are asked for again. */
export async function handOver(
  deps: MapDeps,
  header: ChunkHeader,
  drafts: readonly Draft[],
  claimed: readonly (readonly ClaimAnswer[])[],
): Promise<(readonly ClaimAnswer[])[]> {
  const answers = [...claimed];
  for (const [index, draft] of drafts.entries()) {
    const own = answers[index] ?? [];
    const anchor = own.find(({ claim, result }) => claim.kind === "sourceAnchor" && result.kind === "taken");
    if (draft.record.link || anchor?.result.kind !== "taken") continue;
    // What it would take over, it may not touch.
    if (draft.evaluation.kind === "present" && draft.evaluation.flows?.updates === false) continue;
    const newcomer = ownerOf(header.configurationId, draft.objectGuid);
    const wanted = own.map(({ claim }) => claim);
    if (!(await giveUp(deps, anchor.result.owner, draft.record, { owner: newcomer, wanted }))) continue;
    const results = await deps.claims.claim(own.map(({ claim }) => ({ owner: newcomer, claim })));
    answers[index] = own.map(({ claim }, at) => ({ claim, result: results[at] ?? { kind: "held" } }));
  }
  return answers;
}

/** Whether the holder has let go of what the newcomer wants. */
async function giveUp(
  deps: MapDeps,
  holder: ClaimOwner,
  newcomer: ObjectRecord,
  to: { readonly owner: ClaimOwner; readonly wanted: readonly Claim[] },
): Promise<boolean> {
  const { configurationId, objectGuid } = objectOf(holder);
  if (deps.excluded(objectGuid)) return false;
  const stored = await deps.objects.get(configurationId, objectGuid);
  if (!stored) return false;
  const { record, etag } = stored;
  const now = deps.clock.now();
  if (!letsGo(record, newcomer) || underWayFor(record.mark, "", now) > 0) return false;
  return release({ ...deps, now }, { record, ...(etag === undefined ? {} : { etag }) }, to);
}

/**
 * Takes the link off a row and gives its values up; those that are `wanted` also when an attempt before took the link off
 * and ended right after. False: the row changed meanwhile, and nothing was given up.
 */
export async function release(
  deps: Pick<MapDeps, "objects" | "claims" | "vanished"> & { readonly now: number },
  stored: { readonly record: ObjectRecord; readonly etag?: string },
  to: { readonly owner: ClaimOwner; readonly wanted: readonly Claim[] },
): Promise<boolean> {
  const { record, etag } = stored;
  const { link, claims: _, mark: __, ...rest } = record;
  const isLive = link !== undefined && link.deletedAt === undefined;
  const before = record.handedOver?.to === to.owner ? record.handedOver.targetId : undefined;
  const targetId = isLive ? link.targetId : before;
  const after: ObjectRecord = {
    ...rest,
    handedOver: { to: to.owner, at: deps.now, ...(targetId === undefined ? {} : { targetId }) },
  };
  const [written] = await deps.objects.write([{ record: after, ...(etag === undefined ? {} : { etag }) }]);
  if (!written?.written) return false;
  await deps.vanished(ownerOf(record.configurationId, record.objectGuid));
  const own: Claim[] = targetId === undefined ? [] : [{ kind: "targetId", value: targetId }];
  const claims = claimsWithout([...heldClaims(record), ...own, ...to.wanted], []);
  // The anchor last: as long as it is the holder's, an interrupted handover is noticed.
  const inOrder = claims.sort(
    (one, other) => Number(one.kind === "sourceAnchor") - Number(other.kind === "sourceAnchor"),
  );
  await deps.claims.disown(ownerOf(record.configurationId, record.objectGuid), inOrder, targetId);
  return true;
}
