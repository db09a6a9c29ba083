/**
 * What the objects that others name are in the target: GUID (or a foreign security principal's SID) in, target object out.
 *
 * A configuration's own objects come first, then those of the other configurations with the same target: a group may
 * have members of another domain. Only light columns of the rows are read, and each GUID once. Nothing is cached: a
 * reference that went stale would be written.
 */
import type { TargetObjectType } from "../ports/target-directory.ts";
import type { ObjectLight, ObjectStore } from "./state/object-store.ts";
import type { Sids } from "./state/sid-rows.ts";

export interface WantedReference {
  readonly guid: string;
  readonly sid?: string;
}

export interface Reference {
  readonly targetId: string;
  readonly type: TargetObjectType;
  /** We deleted it: the target may bring it back. */
  readonly isDeleted: boolean;
  /** Milliseconds since 1970. */
  readonly deletedAt?: number;
}

export interface References {
  /** By GUID, those that have a target object, or had one. */
  resolve(configurationId: string, wanted: readonly WantedReference[]): Promise<ReadonlyMap<string, Reference>>;
}

export function createReferences(deps: {
  readonly objects: ObjectStore;
  readonly sids: Sids;
  /** All configurations with this target. */
  readonly configurations: () => Promise<readonly { readonly configurationId: string }[]>;
}): References {
  return {
    async resolve(configurationId, wanted) {
      const found = new Map<string, Reference>();
      const guids = [...new Set(wanted.map((own) => own.guid))];
      for (const [guid, light] of await deps.objects.lights(configurationId, guids)) take(found, guid, light);
      const rest = guids.filter((guid) => !found.has(guid));
      if (rest.length === 0) return found;
      const bySid = wanted.filter(
        (own): own is Required<WantedReference> => own.sid !== undefined && !found.has(own.guid),
      );
      await resolveSids(found, bySid);
      const others = (await deps.configurations()).filter((own) => own.configurationId !== configurationId);
      for (const other of others) {
        const open = rest.filter((guid) => !found.has(guid));
        if (open.length === 0) break;
        for (const [guid, light] of await deps.objects.lights(other.configurationId, open)) take(found, guid, light);
      }
      return found;
    },
  };

  async function resolveSids(
    found: Map<string, Reference>,
    wanted: readonly { readonly guid: string; readonly sid: string }[],
  ): Promise<void> {
    if (wanted.length === 0) return;
    const known = await deps.sids.find(wanted.map((own) => own.sid));
    const byConfiguration = new Map<string, { guid: string; objectGuid: string }[]>();
    for (const { guid, sid } of wanted) {
      const object = known.get(sid);
      if (!object) continue;
      const own = byConfiguration.get(object.configurationId) ?? [];
      byConfiguration.set(object.configurationId, [...own, { guid, objectGuid: object.objectGuid }]);
    }
    for (const [configurationId, own] of byConfiguration) {
      const lights = await deps.objects.lights(
        configurationId,
        own.map((entry) => entry.objectGuid),
      );
      for (const { guid, objectGuid } of own) {
        const light = lights.get(objectGuid);
        if (light) take(found, guid, light);
      }
    }
  }
}

function take(found: Map<string, Reference>, guid: string, light: ObjectLight): void {
  if (light.targetId === undefined) return;
  found.set(guid, {
    targetId: light.targetId,
    type: light.objectClass === "group" ? "group" : "user",
    isDeleted: light.deletedAt !== undefined,
    ...(light.deletedAt === undefined ? {} : { deletedAt: light.deletedAt }),
  });
}
