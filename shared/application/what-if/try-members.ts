/**
 * The edges of groups, as a what-if counts them: which are wanted and not in the target, and which are there and wanted no
 * more: by the steps that the export would take. Who was deleted is in no group, and needs no write to leave one. Segments of a large group are read some at a time, and of edges only the open ones are looked up.
 */
import { type EdgeStep, type ResolvedReferee, stepOf, withoutTarget } from "../../domain/link-difference.ts";
import type { Edge } from "../../domain/links.ts";
import type { TriedMembers } from "../../domain/what-if.ts";
import { MEMBERS_A_WRITE } from "../../ports/target-directory.ts";
import type { Excluded } from "../exclusions/excluded.ts";
import type { References } from "../export/references.ts";
import { memberWrites } from "../export/write-quota.ts";
import type { PlannedObject } from "../lanes/chunk-files.ts";
import { edgesOf, type LinkRows, type StoredLinks } from "../state/link-rows.ts";
import { segmentNames } from "../state/link-segments.ts";

const SEGMENTS_AT_ONCE = 16;
const LOOKED_UP_AT_ONCE = 1_000;
const NOBODY: ReadonlySet<string> = new Set();

export interface CountedMembers {
  readonly members: TriedMembers;
  /** Of those that can be added or taken out now. */
  readonly writes: number;
}

export interface Trying {
  readonly excluded: Excluded;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Of the groups among the objects that are to be in the target, by objectGUID; those without open edges are left out. */
export type CountMembers = (
  configurationId: string,
  planned: readonly PlannedObject[],
  trying: Trying,
) => Promise<ReadonlyMap<string, CountedMembers>>;

export function createCountMembers(deps: {
  readonly links: Pick<LinkRows, "load">;
  readonly references: Pick<References, "resolve" | "elsewhere">;
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

  /** What would be sent for each of some edges, by the rules of the export. */
  async function stepsOf(
    configurationId: string,
    open: readonly (readonly [string, Edge])[],
    { excluded, now }: Trying,
  ): Promise<EdgeStep[]> {
    const steps: EdgeStep[] = [];
    for (let at = 0; at < open.length; at += LOOKED_UP_AT_ONCE) {
      const part = open.slice(at, at + LOOKED_UP_AT_ONCE);
      const found = await deps.references.resolve(
        configurationId,
        part.map(([guid, { sid }]) => ({ guid, ...(sid === undefined ? {} : { sid }) })),
      );
      const lost = part.flatMap(([guid, { target }]) => (target !== undefined && !found.has(guid) ? [guid] : []));
      const elsewhere = lost.length === 0 ? NOBODY : await deps.references.elsewhere(configurationId, lost);
      for (const [guid, edge] of part) {
        const own = found.get(guid);
        const isExcluded = [guid, edge.target, own?.targetId].some(excluded);
        const referee: ResolvedReferee | undefined = isExcluded
          ? { targetId: "", isDeleted: false, isExcluded }
          : elsewhere.has(guid)
            ? { targetId: "", isDeleted: false, isElsewhere: true }
            : own;
        steps.push(stepOf(edge, referee, now));
      }
    }
    return steps;
  }

  return async (configurationId, planned, trying) => {
    const counted = new Map<string, CountedMembers>();
    for (const own of planned) {
      const isNew = own.action.kind === "create" || own.action.kind === "adopt";
      if (own.type !== "group" || !(isNew || staysThere(own))) continue;
      let adds = 0;
      let pending = 0;
      let removes = 0;
      for await (const edges of edgesIn(configurationId, own.objectGuid)) {
        // Nothing of it stands in a group that is still to be made.
        const all = isNew ? [...edges].map(([guid, edge]) => [guid, withoutTarget(edge)] as const) : [...edges];
        const open = all.filter(([, { wanted, state }]) => (wanted ? state !== "added" : state !== "none"));
        const steps = await stepsOf(configurationId, open, trying);
        for (const [index, { kind }] of steps.entries()) {
          if (kind === "add") adds++;
          else if (kind === "remove") removes++;
          else if (open[index]?.[1].wanted && kind !== "settled") pending++;
        }
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
