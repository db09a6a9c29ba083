/**
 * Whether what comes back from a backup keeps its link: only where the index still names this very object as the holder of that
 * target object.
 *
 * Since the backup the target object may have gone to somebody else (a migrated person, `link move`), or an admin may have let go of it:
 * with the old link it would belong to two, or a living account would be deleted by who has it no more. So any other answer of the index,
 * none too, takes link and claims off; image and history come back all the same. The values are noted as those of a target object without
 * link, so that matching asks the target for it, under its ordinary rules. Whom an admin has let go of since, the audit log tells: he
 * is left alone until he is joined.
 */
import type { Claim, Link, ObjectRecord, Unlinked } from "../../domain/object-record.ts";
import type { IndexConflict } from "../matching/enter-links.ts";
import { exportedClaims } from "../matching/object-claims.ts";
import { type ClaimIndex, type ClaimResult, ownerOf } from "../state/claim-index.ts";

export interface RestoredLink {
  /** The record itself where it keeps its link, or has none. */
  readonly record: ObjectRecord;
  /** The link that it lost. */
  readonly lost?: Link;
  /** Who has its target object, where that is known. */
  readonly conflict?: IndexConflict;
}

/** In order. `dissolved`: by objectGUID. Nothing is written. */
export async function judgeLinks(
  claims: Pick<ClaimIndex, "holders">,
  records: readonly ObjectRecord[],
  { dissolved, now }: { readonly dissolved: ReadonlyMap<string, Unlinked>; readonly now: number },
): Promise<RestoredLink[]> {
  const linked = records.filter(({ link }) => link !== undefined);
  const holders = await claims.holders(linked.map(targetClaimOf));
  const holderOf = new Map(linked.map((record, at) => [record, holders[at]]));
  return records.map((record): RestoredLink => {
    const { link: lost } = record;
    const unlinked = dissolved.get(record.objectGuid.toLowerCase());
    const holder = holderOf.get(record);
    const own = ownerOf(record.configurationId, record.objectGuid);
    if (!lost) return { record };
    const isOwn = holder?.kind === "taken" && holder.owner === own;
    if (isOwn && !unlinked) return { record };
    const { link: _, claims: __, mark: ___, ...rest } = record;
    const others = isOwn ? undefined : holder;
    const left = leftBy(rest, lost, others, { unlinked, now });
    const heldBy = heldByOf(others, unlinked);
    const { objectGuid } = record;
    const conflict =
      heldBy === undefined ? {} : { conflict: { objectGuid, kind: "targetId", value: lost.targetId, heldBy } };
    return { record: left, lost, ...conflict };
  });
}

/** Notes the values of links that were lost, where nobody has them: whoever wants one finds the target object and has it looked at. */
export async function noteLost(claims: ClaimIndex, judged: readonly RestoredLink[]): Promise<void> {
  await claims.addCandidates(
    judged.flatMap(({ lost }) => {
      if (!lost) return [];
      // Also of one that was deleted: until it is gone for good it may be restored.
      const { deletedAt: _, ...living } = lost;
      return [{ targetId: lost.targetId, claims: exportedClaims(living) }];
    }),
  );
}

function leftBy(
  record: ObjectRecord,
  { targetId }: Link,
  holder: ClaimResult | undefined,
  { unlinked, now }: { readonly unlinked: Unlinked | undefined; readonly now: number },
): ObjectRecord {
  if (holder?.kind === "taken") return { ...record, handedOver: { to: holder.owner, targetId, at: now } };
  return unlinked ? { ...record, unlinked } : record;
}

function heldByOf(holder: ClaimResult | undefined, unlinked: Unlinked | undefined): string | undefined {
  if (holder?.kind === "taken") return holder.owner;
  if (unlinked) return `nobody: ${unlinked.by} let go of it`;
  return holder?.kind === "candidate" ? `target object ${holder.targetId}` : undefined;
}

function targetClaimOf({ link }: ObjectRecord): Claim {
  return { kind: "targetId", value: link?.targetId ?? "" };
}
