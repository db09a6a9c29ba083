/**
 * What a dry run would send of a group's members: of those that were chosen, by the steps that the export takes. What the directory says
 * is folded into copies of the edges, and nothing of it is written. Whom the same run would make counts as there.
 */
import type { Change } from "../../contracts/change.ts";
import { changeVersion } from "../../domain/change-version.ts";
import { type ResolvedReferee, stepOf, withoutTarget } from "../../domain/link-difference.ts";
import { type Edge, foldLinks } from "../../domain/links.ts";
import type { Excluded } from "../exclusions/excluded.ts";
import type { References } from "../export/references.ts";
import type { PlannedObject } from "../lanes/chunk-files.ts";
import type { AskedWork } from "../lanes/plan-chunks.ts";
import { edgesOf, type LinkRows } from "../state/link-rows.ts";
import { segmentOf } from "../state/link-segments.ts";

/** By objectGUID. `pending`: without an object in the target, or in a group without one. */
export interface TriedMembers {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly pending: readonly string[];
}

export interface TryingMembers {
  readonly configurationId: string;
  readonly changes: readonly Change[];
  readonly version: AskedWork["version"];
  /** What would become of each, the last word last. */
  readonly planned: readonly PlannedObject[];
  readonly excluded: Excluded;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Undefined: nobody was chosen. */
export type TryMembers = (trying: TryingMembers) => Promise<TriedMembers | undefined>;

export function createTryMembers(deps: {
  readonly links: Pick<LinkRows, "load">;
  readonly references: Pick<References, "resolve">;
}): TryMembers {
  return async ({ configurationId, changes, version, planned, excluded, now }) => {
    const [subject] = changes;
    const chosen = chosenIn(subject);
    if (!subject || chosen.length === 0) return undefined;
    const last = (guid: string) => planned.findLast((own) => own.objectGuid === guid);
    const group = last(subject.objectGuid);
    const edges = await edgesAfter(configurationId, subject.objectGuid, chosen, version);
    const found = await deps.references.resolve(
      configurationId,
      chosen.map((guid) => ({ guid })),
    );
    const told = { added: [] as string[], removed: [] as string[], pending: [] as string[] };
    for (const guid of chosen) {
      const edge = edges.get(guid);
      if (!edge) continue;
      const referee: ResolvedReferee | undefined = madeBy(last(guid)) ?? found.get(guid);
      const isExcluded = [guid, edge.target, referee?.targetId].some(excluded);
      const own = isNew(group) ? withoutTarget(edge) : edge;
      const step = stepOf(own, isExcluded ? { targetId: "", isDeleted: false, isExcluded } : referee, now);
      if (step.kind === "remove") told.removed.push(guid);
      if (isThere(group) && (step.kind === "add" || (step.kind === "remove" && edge.wanted))) told.added.push(guid);
      else if (edge.wanted && step.kind !== "settled") told.pending.push(guid);
    }
    return told;
  };

  /** The chosen ones as they would be once this is folded; of those of whom something newer was said, as they are. */
  async function edgesAfter(
    configurationId: string,
    referrer: string,
    chosen: readonly string[],
    { readNo, sequence, position }: AskedWork["version"],
  ): Promise<ReadonlyMap<string, Edge>> {
    const [stored] = await deps.links.load([
      {
        key: { configurationId, referrer, attribute: "member" },
        segmentsOf: ({ digits }) => [...new Set(chosen.map((guid) => segmentOf(guid, digits)))],
      },
    ]);
    if (!stored) return new Map();
    const add = chosen.map((guid) => ({ guid }));
    const said = { kind: "delta", version: changeVersion(readNo, sequence, position), add, remove: [] } as const;
    return foldLinks(stored.header, edgesOf(stored), [said], { keepsVersions: true }).edges;
  }
}

function chosenIn(subject: Change | undefined): string[] {
  const links = subject?.op === "upsert" ? (subject.links ?? []) : [];
  const own = links.filter(({ attribute }) => attribute.toLowerCase() === "member");
  return [...new Set(own.flatMap(({ add }) => add.map(({ guid }) => guid)))];
}

/** The target object that a run would make or bring back. */
function madeBy(planned: PlannedObject | undefined): ResolvedReferee | undefined {
  if (!planned || !["create", "adopt", "restore"].includes(planned.action.kind)) return undefined;
  return { targetId: planned.record.link?.targetId ?? planned.objectGuid, isDeleted: false };
}

/** Nothing of ours stands in it. */
function isNew(group: PlannedObject | undefined): boolean {
  return group?.action.kind === "create" || group?.action.kind === "adopt";
}

function isThere(group: PlannedObject | undefined): boolean {
  if (!group) return false;
  if (madeBy(group)) return true;
  const { link } = group.record;
  return link !== undefined && link.deletedAt === undefined && group.action.kind !== "delete";
}
