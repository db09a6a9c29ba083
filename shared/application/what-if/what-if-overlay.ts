/**
 * Index and object rows as a what-if sees them: what is there, and over it what the objects tried so far would have done.
 * Nothing is written. Claims that nobody holds yet are noted, so that objects of other parts of the run which want the same
 * value can be found afterwards; so are those that an object wants and another one holds.
 */
import type { Claim } from "../../domain/object-record.ts";
import type { TargetDirectory } from "../../ports/target-directory.ts";
import type { ClaimIndex, ClaimOwner, ClaimRequest, ClaimResult } from "../state/claim-index.ts";
import type { ObjectStore, StoredObject } from "../state/object-store.ts";

export interface ClaimOverlay {
  readonly claims: ClaimIndex;
  /** Values that would be new in the index, by their names, and whose. */
  fresh(): ReadonlyMap<string, ClaimOwner>;
  /** Values that somebody else holds by the index, and who wants them. */
  blocked(): readonly { readonly name: string; readonly owner: ClaimOwner; readonly holder: ClaimOwner }[];
}

export function claimName({ kind, value }: Claim): string {
  return `${kind}:${value}`;
}

/** `lost`: values that other objects of the run have before, by name. */
export function overlayClaims(index: ClaimIndex, lost: ReadonlyMap<string, ClaimOwner> = new Map()): ClaimOverlay {
  const held = new Map<string, ClaimOwner>();
  /** Of the index: values that were given up, and what has them then. */
  const given = new Map<string, string | undefined>();
  const blocked: { name: string; owner: ClaimOwner; holder: ClaimOwner }[] = [];

  function known(claim: Claim, below: ClaimResult | undefined): ClaimResult | undefined {
    const name = claimName(claim);
    const owner = held.get(name) ?? lost.get(name);
    if (owner !== undefined) return { kind: "taken", owner };
    if (!given.has(name)) return below;
    const targetId = given.get(name);
    return targetId === undefined ? undefined : { kind: "candidate", targetId };
  }

  function take(request: ClaimRequest, found: ClaimResult | undefined): ClaimResult {
    const name = claimName(request.claim);
    if (found?.kind === "taken" && found.owner === request.owner) return { kind: "held" };
    if (found?.kind === "taken" && !held.has(name) && !lost.has(name))
      blocked.push({ name, owner: request.owner, holder: found.owner });
    if (found) return found;
    held.set(name, request.owner);
    return { kind: "held" };
  }

  const claims: ClaimIndex = {
    async claim(requests) {
      const below = await index.holders(requests.map(({ claim }) => claim));
      return requests.map((request, at) => take(request, known(request.claim, below[at])));
    },
    async take(request, targetId) {
      const found = await claims.holder(request.claim);
      if (found?.kind !== "candidate") return take(request, found);
      if (found.targetId !== targetId) return found;
      held.set(claimName(request.claim), request.owner);
      return { kind: "held" };
    },
    async release(requests) {
      for (const { owner, claim } of requests) if (held.get(claimName(claim)) === owner) held.delete(claimName(claim));
    },
    async disown(owner, own, targetId) {
      for (const claim of own) {
        const found = await claims.holder(claim);
        if (found?.kind !== "taken" || found.owner !== owner) continue;
        held.delete(claimName(claim));
        given.set(claimName(claim), claim.kind === "targetId" ? undefined : targetId);
      }
    },
    addCandidates: async () => undefined,
    holder: async (claim) => known(claim, await index.holder(claim)),
    async holders(asked) {
      const below = await index.holders(asked);
      return asked.map((claim, at) => known(claim, below[at]));
    },
  };
  return { claims, fresh: () => held, blocked: () => blocked };
}

/** The rows, with what would have been written instead of what is there. */
export function overlayObjects(store: ObjectStore): ObjectStore {
  const written = new Map<string, StoredObject>();
  const keyOf = (configurationId: string, objectGuid: string) => `${configurationId}:${objectGuid}`;
  return {
    ...store,
    get: async (configurationId, objectGuid) =>
      written.get(keyOf(configurationId, objectGuid)) ?? store.get(configurationId, objectGuid),
    async getMany(configurationId, objectGuids) {
      const found = new Map(await store.getMany(configurationId, objectGuids));
      for (const objectGuid of objectGuids) {
        const own = written.get(keyOf(configurationId, objectGuid));
        if (own) found.set(objectGuid, own);
      }
      return found;
    },
    async write(objects) {
      return objects.map(({ record, etag = "tried" }) => {
        written.set(keyOf(record.configurationId, record.objectGuid), { record, etag });
        return { written: true, etag };
      });
    },
  };
}

/** The target to look into. Writing is a defect: nothing on this way asks for it. */
export function readOnly(target: TargetDirectory): TargetDirectory {
  const refuse = async () => {
    throw new Error("A what-if writes nothing in the target: nothing may be applied through it.");
  };
  return { ...target, apply: refuse, changeMembers: refuse };
}
