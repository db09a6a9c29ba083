/**
 * The edges of groups, as a what-if counts them: which are wanted and not in the target, and which are there and wanted no
 * more. Segments of a large group are read some at a time, and of edges only the open ones are looked up.
 */
import type { Edge } from "../domain/links.ts";
import type { TriedMembers } from "../domain/what-if.ts";
import { MEMBERS_A_WRITE } from "../ports/target-directory.ts";
import type { PlannedObject } from "./chunk-files.ts";
import type { References } from "./references.ts";
import { edgesOf, type LinkRows, type StoredLinks } from "./state/link-rows.ts";
import { segmentNames } from "./state/link-segments.ts";
import { memberWrites } from "./write-quota.ts";

const SEGMENTS_AT_ONCE = 16;
const LOOKED_UP_AT_ONCE = 1_000;

export interface CountedMembers {
  readonly members: TriedMembers;
  /** Of those that can be added or taken out now. */
  readonly writes: number;
}

/** Of the groups among the objects that are to be in the target, by objectGUID; those without open edges are left out. */
export type CountMembers = (
  configurationId: string,
  planned: readonly PlannedObject[],
) => Promise<ReadonlyMap<string, CountedMembers>>;

export function createCountMembers(deps: {
  readonly links: Pick<LinkRows, "load">;
  readonly references: Pick<References, "resolve">;
}): CountMembers {
  /** Edges in parts, no more of them in memory than some segments hold. */
  async function* edgesIn(configurationId: string, referrer: string): AsyncGenerator<ReadonlyMap<string, Edge>> {
    const key = { configurationId, referrer, attribute: "member" };
    const load = async (names: readonly string[]): Promise<StoredLinks | undefined> =>
      (await deps.links.load([{ key, segmentsOf: () => names }]))[0];
    const head = await load([]);
    if (!head) return;
    if (head.header.digits === 0) {
      yield edgesOf(head);
      return;
    }
    const names = segmentNames(head.header.digits);
    for (let at = 0; at < names.length; at += SEGMENTS_AT_ONCE) {
      const part = await load(names.slice(at, at + SEGMENTS_AT_ONCE));
      if (part) yield edgesOf(part);
    }
  }

  async function present(configurationId: string, guids: readonly string[], edges: ReadonlyMap<string, Edge>) {
    let count = 0;
    for (let at = 0; at < guids.length; at += LOOKED_UP_AT_ONCE) {
      const wanted = guids.slice(at, at + LOOKED_UP_AT_ONCE).map((guid) => {
        const sid = edges.get(guid)?.sid;
        return { guid, ...(sid === undefined ? {} : { sid }) };
      });
      const found = await deps.references.resolve(configurationId, wanted);
      count += [...found.values()].filter((referee) => !referee.isDeleted).length;
    }
    return count;
  }

  return async (configurationId, planned) => {
    const counted = new Map<string, CountedMembers>();
    for (const own of planned) {
      const isNew = own.action.kind === "create" || own.action.kind === "adopt";
      if (own.type !== "group" || !(isNew || staysThere(own))) continue;
      let adds = 0;
      let pending = 0;
      let removes = 0;
      for await (const edges of edgesIn(configurationId, own.objectGuid)) {
        const open = [...edges].filter(([, edge]) => edge.wanted && (isNew || edge.state !== "added"));
        const now = await present(
          configurationId,
          open.map(([guid]) => guid),
          edges,
        );
        adds += now;
        pending += open.length - now;
        if (!isNew) removes += [...edges.values()].filter((edge) => !edge.wanted && edge.state !== "none").length;
      }
      if (adds + pending + removes === 0) continue;
      const free = own.action.kind === "create" ? MEMBERS_A_WRITE : 0;
      const writes = memberWrites("add", Math.max(0, adds - free)) + memberWrites("remove", removes);
      const pendingWrites = memberWrites("add", Math.max(0, pending - Math.max(0, free - adds)));
      counted.set(own.objectGuid, { members: { adds, removes, pending, pendingWrites }, writes });
    }
    return counted;
  };
}

function staysThere({ record, action, outcome, waiting }: PlannedObject): boolean {
  const isLinked = record.link !== undefined && record.link.deletedAt === undefined;
  return isLinked && action.kind !== "delete" && outcome !== "filtered" && !waiting.includes("deletes");
}
