/**
 * Enters the values of links in the index, where nobody has them: what the rows say is put beside what the index says, and a value
 * that somebody else has is told, never taken.
 */
import type { ObjectRecord } from "../../domain/object-record.ts";
import { REDACTED } from "../../domain/redaction.ts";
import type { JobMapping } from "../mapping/job-mapping.ts";
import { type ClaimIndex, type ClaimResult, ownerOf } from "../state/claim-index.ts";
import { heldClaims, propertyOf } from "./object-claims.ts";

export interface IndexConflict {
  readonly objectGuid: string;
  readonly kind: string;
  readonly value: string;
  /** `configuration:objectGuid`, or which target object. */
  readonly heldBy: string;
}

export interface Entered {
  /** Values that the index lacked. */
  readonly entered: number;
  readonly conflicts: readonly IndexConflict[];
}

/** With `apply` false nothing is written: what would be entered. `mappingOf` is asked when a value has to be told. */
export async function enterLinks(
  claims: ClaimIndex,
  records: readonly ObjectRecord[],
  { apply, mappingOf }: { readonly apply: boolean; readonly mappingOf: () => Promise<Pick<JobMapping, "redactionOf">> },
): Promise<Entered> {
  const wanted = records.flatMap((record) =>
    heldClaims(record).map((claim) => ({
      owner: ownerOf(record.configurationId, record.objectGuid),
      claim,
      record,
    })),
  );
  const known = await claims.holders(wanted.map(({ claim }) => claim));
  const absent = wanted.filter((_, at) => known[at] === undefined);
  const made = apply ? await claims.claim(absent) : absent.map((): ClaimResult => ({ kind: "held" }));
  const conflicts: IndexConflict[] = [];
  let entered = 0;
  let next = 0;
  for (const [at, own] of wanted.entries()) {
    const before = known[at];
    if (before?.kind === "taken" && before.owner === own.owner) continue;
    const found = before ?? made[next++];
    // Of the very target object that it is linked to: nobody's but its own.
    const isOwn = found?.kind === "candidate" && found.targetId === own.record.link?.targetId;
    const settled = isOwn && apply ? await claims.take(own, found.targetId) : found;
    if (!settled || settled.kind === "held" || (isOwn && !apply)) {
      entered++;
      continue;
    }
    const heldBy = settled.kind === "taken" ? settled.owner : `target object ${settled.targetId}`;
    const { properties } = (await mappingOf()).redactionOf(own.record.objectClass);
    const value = properties.includes(propertyOf(own.claim)) ? REDACTED : own.claim.value;
    conflicts.push({ objectGuid: own.record.objectGuid, kind: own.claim.kind, value, heldBy });
  }
  return { entered, conflicts };
}
