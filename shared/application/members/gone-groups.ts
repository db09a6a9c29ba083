/**
 * Groups that somebody removed from the target: their objects lose their links and are mapped again, so that they are
 * matched, restored or made anew like any other object; their edges follow when they appear.
 */
import { underWayFor } from "../../domain/object-record.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Lane } from "../../ports/doorbell.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import type { TargetDirectory } from "../../ports/target-directory.ts";
import { addWork } from "../lanes/add-work.ts";
import { claimsWithout, heldClaims } from "../matching/object-claims.ts";
import { type ClaimIndex, ownerOf } from "../state/claim-index.ts";
import type { ObjectStore } from "../state/object-store.ts";
import type { LinkChunkHeader } from "./link-files.ts";

export type GoneGroups = (
  header: LinkChunkHeader,
  groups: readonly { readonly groupGuid: string; readonly targetId: string }[],
) => Promise<void>;

export function createGoneGroups(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly objects: ObjectStore;
  readonly claims: ClaimIndex;
  readonly target: TargetDirectory;
  readonly ring: (jobId: string, lane: Lane) => Promise<void>;
}): GoneGroups {
  return async ({ jobId, configurationId, linksId }, groups) => {
    if (groups.length === 0) return;
    const refused = new Set<number>();
    const found = await deps.target.find(
      groups.map(({ targetId }) => ({ by: "id", value: targetId, type: "group" })),
      // What the target doesn't say of one isn't that it is gone: its members wait, and it is asked again with them.
      { onRefused: (at) => void refused.add(at) },
    );
    const gone: string[] = [];
    for (const [index, { groupGuid, targetId }] of groups.entries()) {
      if (refused.has(index) || found[index]?.some((object) => !object.deleted)) continue;
      if (await unlinked(configurationId, groupGuid, targetId)) gone.push(groupGuid);
    }
    if (gone.length === 0) return;
    deps.log.warn("groups-gone-from-target", { jobId, groups: gone.length, first: gone[0] });
    await addWork(deps, jobId, "reevaluate", { objectGuids: gone }, `${linksId}-gone`);
    await deps.ring(jobId, "live").catch(() => deps.log.warn("doorbell-unreachable", { jobId, lane: "live" }));
  };

  async function unlinked(configurationId: string, groupGuid: string, targetId: string): Promise<boolean> {
    const stored = await deps.objects.get(configurationId, groupGuid);
    if (stored?.record.link?.targetId !== targetId || stored.record.link.deletedAt !== undefined) return false;
    // The exporter is at it, and finds out by itself.
    if (underWayFor(stored.record.mark, "", deps.clock.now()) > 0) return false;
    const { link: _, mark: __, ...record } = stored.record;
    const [written] = await deps.objects.write([
      { record, ...(stored.etag === undefined ? {} : { etag: stored.etag }) },
    ]);
    if (!written?.written) return false;
    const owner = ownerOf(configurationId, groupGuid);
    const given = claimsWithout(heldClaims(stored.record), heldClaims(record));
    await deps.claims.release(given.map((claim) => ({ owner, claim })));
    return true;
  }
}
