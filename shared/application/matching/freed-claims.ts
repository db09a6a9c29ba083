/**
 * Of those who wait for a value, who may have it by now: it is free in the index, or stands for a target object that nobody is
 * linked to, or its holder lets go of the account that goes with it. Everybody else would only be refused again, and told again.
 *
 * What can't be seen here (a value that somebody freed in the target by hand) is found out when the escrow is due.
 */
import { letsGo } from "../../domain/hand-over.ts";
import type { Claim, ObjectRecord } from "../../domain/object-record.ts";
import type { JobContext } from "../export/export-chunk.ts";
import { type ClaimOwner, type ClaimResult, objectOf, ownerOf } from "../state/claim-index.ts";
import { hasLinkTo } from "./match-target.ts";
import { claimsWithout, exportedClaims, identityClaims } from "./object-claims.ts";

interface Context {
  readonly mapping: Pick<JobContext["mapping"], "evaluate">;
  readonly objects: Pick<JobContext["objects"], "getMany">;
  readonly claims: Pick<JobContext["claims"], "holders">;
}

/** Many may wait, and each has a whole row. */
const AT_ONCE = 200;

/** In order. */
export async function whoMayGoOn(
  context: Context,
  configurationId: string,
  objectGuids: readonly string[],
): Promise<string[]> {
  const free: string[] = [];
  for (let at = 0; at < objectGuids.length; at += AT_ONCE)
    free.push(...(await freeAmong(context, configurationId, objectGuids.slice(at, at + AT_ONCE))));
  return free;
}

interface Wish {
  readonly record: ObjectRecord;
  readonly claim: Claim;
  readonly holder: ClaimResult | undefined;
}

async function freeAmong(context: Context, configurationId: string, objectGuids: readonly string[]): Promise<string[]> {
  const stored = await context.objects.getMany(configurationId, objectGuids);
  const wanted = [...stored.values()].flatMap(({ record }) =>
    wantedClaims(context, record).map((claim) => ({ record, claim })),
  );
  const holders = await context.claims.holders(wanted.map(({ claim }) => claim));
  const wishes = wanted.map((wish, at): Wish => ({ ...wish, holder: holders[at] }));
  const candidates = [
    ...new Set(wishes.flatMap(({ holder }) => (holder?.kind === "candidate" ? holder.targetId : []))),
  ];
  const linked = await context.claims.holders(candidates.map((value): Claim => ({ kind: "targetId", value })));
  const owners = [...holders, ...linked].flatMap((own) => (own?.kind === "taken" ? own.owner : []));
  const records = await recordsOf(context, owners);

  const isNobodys = (targetId: string) => {
    const own = linked[candidates.indexOf(targetId)];
    return own?.kind !== "taken" || !hasLinkTo(records.get(own.owner), targetId);
  };
  return objectGuids.filter((guid) => {
    const own = wishes.filter(({ record }) => record.objectGuid === guid);
    const states = own.map((wish) => stateOf(wish, own, records, isNobodys));
    // Who has no target object needs all of its values at once.
    const isHeldUp = own.some(({ record }) => !record.link) && states.includes("taken");
    return !isHeldUp && states.includes("free");
  });
}

/** A defect that is met here is told when the object is mapped. */
function wantedClaims({ mapping }: Context, record: ObjectRecord): Claim[] {
  try {
    const evaluation = mapping.evaluate(record, { creating: false });
    if (evaluation.kind !== "present") return [];
    return claimsWithout(identityClaims(evaluation.identity), exportedClaims(record.link));
  } catch {
    return [];
  }
}

function stateOf(
  { record, holder }: Wish,
  others: readonly Wish[],
  records: ReadonlyMap<ClaimOwner, ObjectRecord>,
  isNobodys: (targetId: string) => boolean,
): "free" | "own" | "taken" {
  if (!holder) return "free";
  if (
    holder.kind === "held" ||
    (holder.kind === "taken" && holder.owner === ownerOf(record.configurationId, record.objectGuid))
  )
    return "own";
  // Whoever is linked has a target object: that it is another one's is for the target to say, when its time comes.
  if (record.link) return "taken";
  if (holder.kind === "candidate") return isNobodys(holder.targetId) ? "free" : "taken";
  // With the account go all values that its holder has.
  const givesAnchor = others.some(
    ({ claim, holder: of }) => claim.kind === "sourceAnchor" && of?.kind === "taken" && of.owner === holder.owner,
  );
  const other = records.get(holder.owner);
  return givesAnchor && other !== undefined && letsGo(other, record) ? "free" : "taken";
}

async function recordsOf({ objects }: Context, owners: readonly ClaimOwner[]): Promise<Map<ClaimOwner, ObjectRecord>> {
  const byConfiguration = new Map<string, string[]>();
  for (const { configurationId, objectGuid } of [...new Set(owners)].map(objectOf))
    byConfiguration.set(configurationId, [...(byConfiguration.get(configurationId) ?? []), objectGuid]);
  const found = new Map<ClaimOwner, ObjectRecord>();
  for (const [configurationId, objectGuids] of byConfiguration)
    for (const { record } of (await objects.getMany(configurationId, objectGuids)).values())
      found.set(ownerOf(configurationId, record.objectGuid), record);
  return found;
}
