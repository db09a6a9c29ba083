/**
 * Objects that are to go, and of which nobody knows whether they were created: their create's answer was lost, or the
 * activity died with it. They are looked up by anchor; what is found is linked, so that it is removed like any other.
 */
import { type Claim, type Link, underWayFor } from "../domain/object-record.ts";
import type { TargetObject } from "../ports/target-directory.ts";
import type { ChunkHeader } from "./chunk-files.ts";
import type { Draft, MapDeps } from "./map-objects.ts";
import { ownerOf } from "./state/claim-index.ts";

export async function settleDoubts(
  deps: MapDeps,
  header: ChunkHeader,
  drafts: readonly Draft[],
): Promise<readonly Draft[]> {
  const doubtful = drafts.flatMap((draft) => {
    // A create that is under way is not in doubt: the exporter waits for it.
    const isUnderWay = underWayFor(draft.record.mark, header.batchId, deps.clock.now()) > 0;
    const anchor = isUnderWay ? undefined : anchorInDoubt(draft);
    return anchor === undefined ? [] : [{ draft, anchor }];
  });
  if (doubtful.length === 0) return drafts;
  const found = await deps.target.find(doubtful.map(({ anchor }) => ({ by: "immutableId" as const, value: anchor })));
  const settled = new Map<Draft, Draft>();
  for (const [index, { draft }] of doubtful.entries()) {
    const own = await ownObject(deps, header, draft, found[index] ?? []);
    const { mark: _, ...record } = draft.record;
    settled.set(draft, {
      ...draft,
      isChanged: true,
      record: own ? { ...record, link: linkTo(header, own, draft.record.claims ?? []) } : record,
    });
  }
  return drafts.map((draft) => settled.get(draft) ?? draft);
}

function anchorInDoubt({ record, evaluation }: Draft): string | undefined {
  if (evaluation.kind !== "absent" || record.link || record.mark?.kind !== "creating") return undefined;
  return record.claims?.find((claim) => claim.kind === "sourceAnchor")?.value;
}

async function ownObject(
  deps: MapDeps,
  header: ChunkHeader,
  draft: Draft,
  found: readonly TargetObject[],
): Promise<TargetObject | undefined> {
  const [only] = found;
  if (!only || found.length !== 1 || only.synchronized) return undefined;
  const owner = ownerOf(header.configurationId, draft.objectGuid);
  const [claimed] = await deps.claims.claim([{ owner, claim: { kind: "targetId", value: only.id } }]);
  return claimed?.kind === "held" ? only : undefined;
}

/** As if the answer had come: what was claimed for the create is what it exported, as far as the index cares. */
function linkTo(header: ChunkHeader, object: TargetObject, claims: readonly Claim[]): Link {
  const claimed = (kind: Claim["kind"]) => claims.find((claim) => claim.kind === kind)?.value;
  const upn = object.userPrincipalName ?? claimed("userPrincipalName");
  const mail = object.mail ?? claimed("mail");
  return {
    targetId: object.id,
    owner: header.configurationId,
    origin: "created",
    exported: {
      onPremisesImmutableId: claimed("sourceAnchor") ?? null,
      ...(upn === undefined ? {} : { userPrincipalName: upn }),
      ...(mail === undefined ? {} : { mail }),
    },
  };
}
