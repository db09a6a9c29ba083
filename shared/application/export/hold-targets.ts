/**
 * Who is about to take a target object over enters that in the index first: two people may each be matched to one target object by
 * another value (the name of one, the mail of the other), at the same moment, and only one of them gets it.
 *
 * An entry that nobody stands behind any more (a takeover that failed, or ended half-way before it was called) is no obstacle. Nor is
 * that of who deleted it before somebody restored it by hand: he lets go of it for good, and of those who want it now one gets it.
 */
import type { Claim, ObjectRecord } from "../../domain/object-record.ts";
import type { ChunkHeader } from "../lanes/chunk-files.ts";
import { release } from "../matching/hand-over.ts";
import { type ClaimOwner, objectOf, ownerOf } from "../state/claim-index.ts";
import type { ExportDeps, ExportResult } from "./export-objects.ts";
import type { Marked } from "./export-records.ts";
import { failedResult } from "./write-outcomes.ts";

/** The entries that may be sent, in order; the others are put among the results. */
export async function holdTargets(
  deps: ExportDeps,
  header: ChunkHeader,
  entries: readonly Marked[],
  results: ExportResult[],
): Promise<readonly Marked[]> {
  const requests = entries.flatMap((entry) => {
    const { action, objectGuid } = entry.planned;
    if (action.kind !== "adopt") return [];
    const claim: Claim = { kind: "targetId", value: action.targetId };
    return [{ entry, request: { owner: ownerOf(header.configurationId, objectGuid), claim } }];
  });
  if (requests.length === 0) return entries;
  const answers = await deps.claims.claim(requests.map(({ request }) => request));
  const held = new Map<Marked, Marked>(entries.map((entry) => [entry, entry]));
  for (const [at, { entry, request }] of requests.entries()) {
    const answer = answers[at];
    if (answer?.kind !== "taken") {
      held.set(entry, { ...entry, holdsTarget: true });
      continue;
    }
    const { objectGuid, configurationId } = objectOf(answer.owner);
    const stored = await deps.objects.get(configurationId, objectGuid);
    const holder = standsBehind(stored?.record, request.claim.value);
    if (holder === "formerly" && stored)
      await release({ ...deps, now: deps.clock.now() }, stored, { owner: request.owner, wanted: [request.claim] });
    if (holder === "nobody") await deps.claims.disown(answer.owner, [request.claim], undefined);
    if (holder !== "somebody") {
      const [again] = await deps.claims.claim([request]);
      if (again?.kind === "held") continue;
    }
    held.delete(entry);
    results.push(await failedResult(deps, header, entry, takenFailure(request.claim.value, answer.owner)));
  }
  return [...held.values()];
}

/** `formerly`: who had it and deleted it. */
function standsBehind(record: ObjectRecord | undefined, targetId: string): "somebody" | "formerly" | "nobody" {
  if (record?.link?.targetId === targetId) return record.link.deletedAt === undefined ? "somebody" : "formerly";
  return record?.mark && !record.link ? "somebody" : "nobody";
}

function takenFailure(targetId: string, owner: ClaimOwner) {
  return {
    code: "AttributeValueMustBeUnique" as const,
    message: `Target object ${targetId} belongs to source object ${owner}, which was matched to it by another value.`,
    remedy: "Decide which object is right, and change or remove the other.",
  };
}
