/**
 * What the objects that others name are in the target: GUID (or a foreign security principal's SID) in, target object out.
 *
 * A configuration's own objects come first, then those of the other configurations with the same target: a group may
 * have members of another domain. Only light columns of the rows are read, and each GUID once.
 *
 * On a first load nothing goes away: who was found, or was just made, is remembered until the load is over, and found
 * without a read. Otherwise nothing is remembered: a reference that went stale would be written.
 */
import type { TargetObjectType } from "../../ports/target-directory.ts";
import type { ObjectLight } from "../state/object-row.ts";
import type { ObjectStore } from "../state/object-store.ts";
import type { Sids } from "../state/sid-rows.ts";

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

export interface ResolveOptions {
  readonly isFirstLoad: boolean;
}

export interface References {
  /** By GUID, those that have a target object, or had one. */
  resolve(
    configurationId: string,
    wanted: readonly WantedReference[],
    options?: ResolveOptions,
  ): Promise<ReadonlyMap<string, Reference>>;
  /** Of some GUIDs, those whose target object went to another source object. */
  elsewhere(configurationId: string, guids: readonly string[]): Promise<ReadonlySet<string>>;
  /** Objects that a first load just made. */
  note(configurationId: string, made: readonly (readonly [string, Reference])[]): void;
}

/** Objects of one configuration that are remembered at most: some 20 MB. */
const REMEMBERED = 100_000;

export function createReferences(deps: {
  readonly objects: ObjectStore;
  readonly sids: Sids;
  /** All configurations with this target. */
  readonly configurations: () => Promise<readonly { readonly configurationId: string }[]>;
}): References {
  const remembered = new Map<string, Map<string, Reference>>();

  function note(configurationId: string, made: Iterable<readonly [string, Reference]>): void {
    const own = remembered.get(configurationId) ?? new Map<string, Reference>();
    remembered.set(configurationId, own);
    for (const [guid, reference] of made) if (own.size < REMEMBERED) own.set(guid, reference);
  }

  return {
    note,
    async elsewhere(configurationId, guids) {
      const lights = await deps.objects.lights(configurationId, guids);
      return new Set(guids.filter((guid) => lights.get(guid)?.isElsewhere));
    },
    async resolve(configurationId, wanted, { isFirstLoad } = { isFirstLoad: false }) {
      if (!isFirstLoad) {
        remembered.delete(configurationId);
        return look(configurationId, wanted);
      }
      const known = remembered.get(configurationId);
      const found = await look(
        configurationId,
        wanted.filter((own) => !known?.has(own.guid)),
      );
      note(
        configurationId,
        [...found].filter(([, reference]) => !reference.isDeleted),
      );
      for (const { guid } of wanted) {
        const reference = known?.get(guid);
        if (reference) found.set(guid, reference);
      }
      return found;
    },
  };

  async function look(configurationId: string, wanted: readonly WantedReference[]): Promise<Map<string, Reference>> {
    const found = new Map<string, Reference>();
    const guids = [...new Set(wanted.map((own) => own.guid))];
    if (guids.length === 0) return found;
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
  }

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
