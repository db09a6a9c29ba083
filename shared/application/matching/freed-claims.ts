/**
 * Of those who wait for a value, who may have it by now: it is free in the index, or stands for a target object that nobody is
 * linked to, or its holder lets go of the account that goes with it. Everybody else would only be refused again, and told again.
 *
 * What can't be seen here (a value that somebody freed in the target by hand) is found out when the escrow is due.
 */
import { letsGo } from "../../domain/hand-over.ts";
import type { Claim, ObjectRecord } from "../../domain/object-record.ts";
import type { JobContext } from "../export/export-chunk.ts";
import { type ClaimResult, objectOf, ownerOf } from "../state/claim-index.ts";
import { isLinked } from "./match-target.ts";
import { claimsWithout, exportedClaims, identityClaims } from "./object-claims.ts";

type Context = Pick<JobContext, "mapping" | "objects" | "claims">;

/** In order. */
export async function whoMayGoOn(
  context: Context,
  configurationId: string,
  objectGuids: readonly string[],
): Promise<string[]> {
  const stored = await context.objects.getMany(configurationId, objectGuids);
  const wishes = [...stored.values()].flatMap(({ record }) =>
    wantedClaims(context, record).map((claim) => ({ record, claim })),
  );
  const holders = await context.claims.holders(wishes.map(({ claim }) => claim));
  const free = new Set<string>();
  for (const [at, { record, claim }] of wishes.entries()) {
    if (free.has(record.objectGuid)) continue;
    if (await mayHave(context, record, claim, holders[at])) free.add(record.objectGuid);
  }
  return objectGuids.filter((guid) => free.has(guid));
}

function wantedClaims({ mapping }: Context, record: ObjectRecord): Claim[] {
  const evaluation = mapping.evaluate(record, { creating: false });
  if (evaluation.kind !== "present") return [];
  return claimsWithout(identityClaims(evaluation.identity), exportedClaims(record.link));
}

async function mayHave(
  { claims, objects }: Context,
  record: ObjectRecord,
  claim: Claim,
  holder: ClaimResult | undefined,
): Promise<boolean> {
  const own = ownerOf(record.configurationId, record.objectGuid);
  if (!holder) return true;
  if (holder.kind === "candidate") {
    // Whoever is linked has a target object: that it is another one's is for the target to say, when its time comes.
    if (record.link) return false;
    const linked = await claims.holder({ kind: "targetId", value: holder.targetId });
    return linked?.kind !== "taken" || linked.owner === own || !(await isLinked({ objects }, linked.owner));
  }
  if (holder.kind === "held" || holder.owner === own || claim.kind !== "sourceAnchor" || record.link) return false;
  const { configurationId, objectGuid } = objectOf(holder.owner);
  const stored = await objects.get(configurationId, objectGuid);
  return stored !== undefined && letsGo(stored.record, record);
}
