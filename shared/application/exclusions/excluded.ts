/**
 * What nobody may touch: the entries of the exclusion list, and what they are linked to. A source object on the list protects
 * the target object that it has, and a target object the source object that has it, in every job of the target.
 *
 * The list itself is read each time, so that an entry holds for all that begins after it was made. What its entries are
 * linked to is kept for a minute: no link comes to or from them meanwhile.
 */
import type { Clock } from "../../ports/clock.ts";
import type { ConfigurationEntry } from "../jobs/configurations.ts";
import type { ObjectFailure } from "../lanes/chunk-files.ts";
import { type ClaimIndex, objectOf } from "../state/claim-index.ts";
import type { ExclusionRows } from "../state/exclusion-rows.ts";
import type { ObjectStore } from "../state/object-store.ts";

/** The code of what is filtered because it is on the list. */
export const EXCLUDED = "excluded";
/** The code of what waits because what it would take over is on the list. */
export const TARGET_EXCLUDED = "TargetExcluded";
export const EXCLUDED_SCOPE = "On the exclusion list: neither it nor its target object is touched.";

/** Whether an objectGUID or a target object's id is not to be touched. */
export type Excluded = (id: string | undefined) => boolean;

/** A source object that an entry is about. */
export interface ExcludedObject {
  readonly jobId: string;
  readonly objectGuid: string;
  readonly targetId: string | null;
}

export interface Exclusions {
  /** As the list stands now. */
  load(): Promise<Excluded>;
  /** The source objects that an entry is about, by either id. */
  objectsOf(guid: string): Promise<readonly ExcludedObject[]>;
}

const LINKS_KNOWN_MS = 60_000;

export function createExclusions(deps: {
  readonly list: ExclusionRows;
  readonly objects: ObjectStore;
  readonly claims: ClaimIndex;
  readonly configurations: () => Promise<readonly ConfigurationEntry[]>;
  readonly clock: Clock;
}): Exclusions {
  let known: { readonly key: string; readonly until: number; readonly ids: ReadonlySet<string> } | undefined;

  async function objectsOf(guid: string): Promise<readonly ExcludedObject[]> {
    const entries = await deps.configurations();
    const found = new Map<string, ExcludedObject>();
    const look = async ({ configurationId, jobId }: ConfigurationEntry, objectGuid: string, itsTarget?: string) => {
      const light = (await deps.objects.lights(configurationId, [objectGuid])).get(objectGuid);
      // The index may still name who was about to take a target object over, and is linked to another one.
      const isAnothers = itsTarget !== undefined && (light?.targetId ?? itsTarget) !== itsTarget;
      if (light && !isAnothers)
        found.set(`${jobId}:${objectGuid}`, { jobId, objectGuid, targetId: light.targetId ?? null });
    };
    for (const entry of entries) await look(entry, guid);
    const holder = await deps.claims.holder({ kind: "targetId", value: guid });
    if (holder?.kind === "taken") {
      const { configurationId, objectGuid } = objectOf(holder.owner);
      const entry = entries.find((own) => own.configurationId === configurationId);
      if (entry) await look(entry, objectGuid, guid);
    }
    return [...found.values()];
  }

  return {
    objectsOf,
    async load() {
      const listed = await deps.list.list();
      if (listed.length === 0) return () => false;
      const now = deps.clock.now();
      const key = listed.map(({ guid, etag }) => `${guid}${etag}`).join();
      if (known?.key !== key || now >= known.until) {
        const objects = (await Promise.all(listed.map(({ guid }) => objectsOf(guid)))).flat();
        const linked = objects.flatMap(({ objectGuid, targetId }) => [objectGuid, targetId ?? objectGuid]);
        const ids = new Set([...listed.map(({ guid }) => guid), ...linked.map((id) => id.toLowerCase())]);
        known = { key, until: now + LINKS_KNOWN_MS, ids };
      }
      const { ids } = known;
      return (id) => id !== undefined && ids.has(id.toLowerCase());
    },
  };
}

/** What is said to an object that would have to take over, or to push aside, what is on the list. */
export function targetExcluded(message: string): ObjectFailure {
  const remedy = "Leave it so, or take the entry off the list: uplink exclusion remove.";
  return { code: TARGET_EXCLUDED, message, remedy };
}
