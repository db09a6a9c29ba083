/**
 * Carries out handovers: the holder's row gives up its link, the index keeps its values as those of a target object
 * without owner, and the newcomer then finds that target object by matching, like any other that it may be. What matching
 * would refuse to the newcomer, the holder keeps.
 *
 * Interrupted anywhere it goes on at the next attempt: a holder whose link is gone and whose values are still in the
 * index gives those up. A holder that is being exported at this moment keeps everything for now.
 */
import { letsGo } from "../../domain/hand-over.ts";
import { type Claim, type ObjectRecord, underWayFor } from "../../domain/object-record.ts";
import type { ChunkHeader } from "../lanes/chunk-files.ts";
import type { Draft, MapDeps } from "../mapping/draft-object.ts";
import type { TargetIdentity } from "../mapping/job-mapping.ts";
import { type ClaimOwner, objectOf, ownerOf } from "../state/claim-index.ts";
import type { StoredObject } from "../state/object-store.ts";
import { type MatchAnswer, type ResolvedCandidates, refusedMatch } from "./match-candidates.ts";
import { matchTargets } from "./match-target.ts";
import { type ClaimAnswer, claimsWithout, heldClaims } from "./object-claims.ts";

interface Newcomer {
  readonly index: number;
  readonly draft: Draft;
  readonly own: readonly ClaimAnswer[];
  readonly owner: ClaimOwner;
  readonly identity: TargetIdentity;
  readonly from: ClaimOwner;
}

/**
 * The answers, where a holder let go asked for again, and what newcomers may not take over. Held, nobody lets go. Throws
 * `TargetUnavailable`.
 */
export async function handOver(
  deps: MapDeps,
  header: ChunkHeader,
  drafts: readonly Draft[],
  claimed: readonly (readonly ClaimAnswer[])[],
): Promise<ResolvedCandidates> {
  if (deps.holdsExports) return { answers: claimed, matches: new Map() };
  const answers = [...claimed];
  const matches = new Map<string, MatchAnswer>();
  const willing: { readonly newcomer: Newcomer; readonly holder: StoredObject }[] = [];
  for (const newcomer of newcomersOf(header, drafts, claimed)) {
    const holder = await willingHolder(deps, newcomer);
    if (holder) willing.push({ newcomer, holder });
  }
  // Before anybody lets go: whose newcomer is refused keeps his link, or his own deletion would not reach the account.
  const verdicts = await matchTargets(
    deps,
    willing.map(({ newcomer }) => newcomer),
  );
  for (const [at, { newcomer, holder }] of willing.entries()) {
    const { index, draft, own, owner } = newcomer;
    const verdict = verdicts[at];
    if (verdict?.kind === "refused" || verdict?.kind === "unanswered") {
      matches.set(draft.objectGuid, refusedMatch(verdict));
      continue;
    }
    const wanted = own.map(({ claim }) => claim);
    if (!(await release({ ...deps, now: deps.clock.now() }, holder, { owner, wanted }))) continue;
    const results = await deps.claims.claim(wanted.map((claim) => ({ owner, claim })));
    answers[index] = wanted.map((claim, position) => ({ claim, result: results[position] ?? { kind: "held" } }));
  }
  return { answers, matches };
}

/** Who wants a source anchor that another one has, and may take over what goes with it. */
function newcomersOf(
  { configurationId }: ChunkHeader,
  drafts: readonly Draft[],
  claimed: readonly (readonly ClaimAnswer[])[],
): Newcomer[] {
  return drafts.flatMap((draft, index) => {
    const own = claimed[index] ?? [];
    const anchor = own.find(({ claim, result }) => claim.kind === "sourceAnchor" && result.kind === "taken");
    const { evaluation, record, objectGuid } = draft;
    if (record.link || anchor?.result.kind !== "taken" || evaluation.kind !== "present") return [];
    // What it would take over, it may not touch.
    if (evaluation.flows?.updates === false) return [];
    const { identity } = evaluation;
    const owner = ownerOf(configurationId, objectGuid);
    return [{ index, draft, own, owner, identity, from: anchor.result.owner }];
  });
}

/** The holder of what the newcomer wants, where he lets go of it. */
async function willingHolder(deps: MapDeps, { draft, from }: Newcomer): Promise<StoredObject | undefined> {
  const { configurationId, objectGuid } = objectOf(from);
  if (deps.excluded(objectGuid)) return undefined;
  const stored = await deps.objects.get(configurationId, objectGuid);
  if (!stored || underWayFor(stored.record.mark, "", deps.clock.now()) > 0) return undefined;
  return letsGo(stored.record, draft.record) ? stored : undefined;
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
