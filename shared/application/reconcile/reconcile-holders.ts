/**
 * Who holds target objects, by their ids, of whatever directory: what a row remembers of somebody else's target object is held
 * against that one's own row. Whom we deleted ourselves the target drops from every group and from his people; that
 * is no drift, and comes back with him.
 */
import type { Claim } from "../../domain/object-record.ts";
import type { JobContext } from "../export/export-chunk.ts";
import { objectOf } from "../state/claim-index.ts";
import type { ObjectLight } from "../state/object-row.ts";
import { groupBy } from "../state/object-store.ts";

/** By id, those that an object with a row stands for. */
export async function holdersOf(
  { claims, objects }: Pick<JobContext, "claims" | "objects">,
  ids: readonly string[],
): Promise<ReadonlyMap<string, ObjectLight>> {
  const asked = [...new Set(ids)];
  if (asked.length === 0) return new Map();
  const holders = await claims.holders(asked.map((value): Claim => ({ kind: "targetId", value })));
  const owned = asked.flatMap((id, index) => {
    const holder = holders[index];
    return holder?.kind === "taken" ? [{ id, ...objectOf(holder.owner) }] : [];
  });
  const found = new Map<string, ObjectLight>();
  for (const [configurationId, own] of groupBy(owned, (one) => one.configurationId)) {
    const guids = own.map(({ objectGuid }) => objectGuid);
    const lights = await objects.lights(configurationId, guids);
    for (const { id, objectGuid } of own) {
      const light = lights.get(objectGuid);
      if (light?.targetId === id) found.set(id, light);
    }
  }
  return found;
}

/** Of some target objects, those that we deleted. */
export async function deletedByUs(
  context: Pick<JobContext, "claims" | "objects">,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const holders = await holdersOf(context, ids);
  return new Set([...holders].flatMap(([id, { deletedAt }]) => (deletedAt === undefined ? [] : [id])));
}
