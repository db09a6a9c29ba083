/**
 * A reconcile's look at memberships: the members that a linked group has against the edges that were exported for it.
 *
 * Groups whose members come in one page are compared many at once. Of a large one the members are read in pieces, spread
 * over 16 parts by a hash of their ids, and compared part by part: neither its members nor its edges are ever in memory
 * whole. Edges in doubt, and groups of which nobody knows what was sent to the present target object, are left out;
 * so are those whose edges can't be read. One about whose members the target refuses to be asked is looked at twice like one that differs,
 * and then told.
 */
import type { Edge } from "../../domain/links.ts";
import type { TargetFailure } from "../../ports/target-directory.ts";
import { MEMBER } from "../members/link-store.ts";
import { isUnreadable } from "../members/unreadable-links.ts";
import type { Segment } from "../state/link-codec.ts";
import type { LinkRows } from "../state/link-rows.ts";
import { hashOf, segmentNames, segmentsUnder } from "../state/link-segments.ts";
import { groupBy } from "../state/object-store.ts";
import type { Place, ReconcileRow } from "../state/reconcile-rows.ts";
import { deletedByUs } from "./reconcile-holders.ts";
import type { Candidate, GroupRef, LookDeps, Looked, MemberDrift } from "./reconcile-objects.ts";

const GROUPS_A_STEP = 40;
/** A group with more is compared in parts. */
const EDGES_AT_ONCE = 2_000;
/** Pages of one group that a step reads. */
const PAGES_A_STEP = 10;
const PARTS = 16;
/** Members and edges of the parts that a step compares, about. */
const MEMBERS_A_STEP = 30_000;

export interface MemberDeps extends LookDeps {
  readonly links: LinkRows;
}

export interface LookedAtMembers extends Looked {
  /** Groups that are too large to be compared at once. */
  readonly large: readonly GroupRef[];
}

/** Throws `TargetUnavailable`. */
export async function lookAtMembers(
  deps: MemberDeps,
  row: ReconcileRow,
  { file, offset }: Extract<Place, { phase: "members" }>,
): Promise<LookedAtMembers> {
  if (file >= row.groupFiles) {
    const place: Place =
      row.large > 0 ? { phase: "large", look: 1, group: 0, pieces: 0, part: null } : { phase: "pause" };
    return { place, counts: {}, candidates: [], large: [] };
  }
  const groups = await deps.files.need<readonly GroupRef[]>(`groups-${file}`);
  const part = groups.slice(offset, offset + GROUPS_A_STEP);
  const isLast = offset + GROUPS_A_STEP >= groups.length;
  const place: Place = isLast
    ? { phase: "members", file: file + 1, offset: 0 }
    : { phase: "members", file, offset: offset + GROUPS_A_STEP };
  const { drifts, refused, large, members } = await compareGroups(deps, part);
  const again = part.filter(({ targetId }) => refused.has(targetId)).map((own) => ({ ...own, ...NOTHING }));
  const candidates = [...drifts, ...again].map((own): Candidate => ({ kind: "members", ...own }));
  return { place, counts: { members }, candidates, large };
}

const NOTHING: MemberDrift = { lacking: [], extra: [] };

interface ComparedGroups {
  readonly drifts: readonly (GroupRef & MemberDrift)[];
  /** By their ids in the target: whose members it refuses to show. */
  readonly refused: ReadonlyMap<string, TargetFailure>;
  /** Not compared: their members take more than one page, or their edges more than one look. */
  readonly large: readonly GroupRef[];
  readonly members: number;
}

/** Groups that are on the exclusion list, gone, or not to be updated are left out. */
export async function compareGroups(deps: MemberDeps, groups: readonly GroupRef[]): Promise<ComparedGroups> {
  const open = await comparableGroups(deps, groups);
  const refused = new Map<string, TargetFailure>();
  const pages = await deps.context.target.memberPages(
    open.map(({ targetId }) => ({ groupId: targetId })),
    { onRefused: (at, failure) => void refused.set(open[at]?.targetId ?? "", failure) },
  );
  const headers = await deps.links.load(open.map((group) => ({ key: keyOf(deps, group), segmentsOf: () => [] })));
  const isLarge = (index: number) =>
    pages[index]?.next !== undefined || (headers[index]?.header.edges ?? 0) > EDGES_AT_ONCE;
  const drifts: (GroupRef & MemberDrift)[] = [];
  let members = 0;
  for (const [index, group] of open.entries()) {
    const page = pages[index];
    if (!page || isLarge(index)) continue;
    const [stored] = await deps.links.load([{ key: keyOf(deps, group), segmentsOf: () => "all" }]);
    // As one of which nobody knows what was sent to it.
    if (!stored || isUnreadable(stored)) continue;
    members += page.items.length;
    const segments = [...stored.segments.values()].map(({ segment }) => segment);
    const actual = new Set(page.items);
    const raw = NO_DRIFT();
    const isKnown = segments.every((segment) => addDrift(raw, segment, segment.edges, group.targetId, actual));
    const drift = isKnown ? await settledDrift(deps, raw, actual) : undefined;
    if (drift) drifts.push({ ...group, ...drift });
  }
  return { drifts, refused, large: open.filter((_, index) => pages[index] !== undefined && isLarge(index)), members };
}

async function comparableGroups(
  { context, configurationId }: MemberDeps,
  groups: readonly GroupRef[],
): Promise<readonly GroupRef[]> {
  const lights = await context.objects.lights(
    configurationId,
    groups.map(({ objectGuid }) => objectGuid),
  );
  return groups.filter(({ objectGuid, targetId }) => {
    const light = lights.get(objectGuid);
    const isLinked = light?.targetId === targetId && light.deletedAt === undefined;
    if (!isLinked || context.excluded(objectGuid) || context.excluded(targetId)) return false;
    return context.mapping.flowsOf(light.objectClass)?.updates === true;
  });
}

interface RawDrift {
  readonly lacking: string[];
  /** The target objects that the lacking edges stand for, in their order. */
  readonly targets: string[];
  /** Those that any edge stands for. */
  readonly known: Set<string>;
}

const NO_DRIFT = (): RawDrift => ({ lacking: [], targets: [], known: new Set() });

/** Adds what some edges of a segment say of the members that a group has; false: nobody knows what was sent to it. */
function addDrift(
  drift: RawDrift,
  { group }: Segment,
  edges: Iterable<readonly [string, Edge]>,
  groupId: string,
  actual: ReadonlySet<string>,
): boolean {
  for (const [guid, edge] of edges) {
    if (group !== groupId) return false;
    if (edge.target === undefined) continue;
    drift.known.add(edge.target);
    if (actual.has(edge.target) || !stands(edge)) continue;
    drift.lacking.push(guid);
    drift.targets.push(edge.target);
  }
  return true;
}

function stands(edge: Edge): boolean {
  return edge.wanted && edge.state === "added";
}

/** Without the members that aren't in the target by our own doing, and those that nobody may touch. */
async function settledDrift(
  { context, configurationId }: MemberDeps,
  drift: RawDrift,
  actual: ReadonlySet<string>,
): Promise<MemberDrift | undefined> {
  const extra = [...actual].filter((id) => !drift.known.has(id) && !context.excluded(id));
  if (drift.lacking.length + extra.length === 0) return undefined;
  const lights = await context.objects.lights(configurationId, drift.lacking);
  // Of another directory: its own row says what became of it.
  const foreign = drift.targets.filter((_, index) => !lights.has(drift.lacking[index] ?? ""));
  const departed = await deletedByUs(context, foreign);
  const lacking = drift.lacking.filter((guid, index) => {
    const target = drift.targets[index] ?? "";
    const light = lights.get(guid);
    if (context.excluded(guid) || context.excluded(target)) return false;
    if (light === undefined) return !departed.has(target);
    return light.targetId === target && light.deletedAt === undefined;
  });
  return lacking.length + extra.length === 0 ? undefined : { lacking, extra };
}

/** What a step did for a large group; `drift`: of the parts that it compared. */
export interface LookedAtLarge {
  readonly place: Place;
  readonly members: number;
  readonly group: GroupRef;
  readonly drift?: MemberDrift;
  /** Its members weren't shown. */
  readonly refused?: TargetFailure;
}

type Large = Extract<Place, { phase: "large" }>;

/** Reads some more pages of a large group, or compares some of its parts. Throws `TargetUnavailable`, `TargetPageLost`. */
export async function lookAtLarge(deps: MemberDeps, row: ReconcileRow, place: Large): Promise<LookedAtLarge> {
  const group = await deps.files.need<GroupRef>(`large-${place.group}`);
  const isOpen = (await comparableGroups(deps, [group])).length > 0;
  if (!isOpen) return { place: afterLarge(row, place), members: 0, group };
  return place.part === null ? readPieces(deps, row, group, place) : compareParts(deps, row, group, place, place.part);
}

async function readPieces(deps: MemberDeps, row: ReconcileRow, group: GroupRef, place: Large): Promise<LookedAtLarge> {
  const ids: string[] = [];
  let { from } = place;
  for (let pages = 0; pages < PAGES_A_STEP; pages++) {
    let refused: TargetFailure | undefined;
    const onRefused = (_: number, failure: TargetFailure) => {
      refused = failure;
    };
    const [page] = await deps.context.target.memberPages([{ groupId: group.targetId, from }], { onRefused });
    if (refused) return { place: afterLarge(row, place), members: 0, group, drift: NOTHING, refused };
    ids.push(...(page?.items ?? []));
    from = page?.next;
    if (from === undefined) break;
  }
  await deps.files.put(pieceName(place, place.pieces), Object.fromEntries(groupBy(ids, partOf)));
  const { from: _, ...rest } = place;
  const after: Large = { ...rest, pieces: place.pieces + 1 };
  const members = place.look === 1 ? ids.length : 0;
  return { place: from === undefined ? { ...after, part: 0 } : { ...after, from }, members, group };
}

async function compareParts(
  deps: MemberDeps,
  row: ReconcileRow,
  group: GroupRef,
  place: Large,
  part: number,
): Promise<LookedAtLarge> {
  const [stored] = await deps.links.load([{ key: keyOf(deps, group), segmentsOf: () => [] }]);
  const edges = Math.max(stored?.header.edges ?? 0, place.pieces * PAGES_A_STEP * 500);
  const count = Math.min(PARTS, Math.max(1, Math.floor((PARTS * MEMBERS_A_STEP) / Math.max(1, edges))));
  const parts = new Set(Array.from({ length: count }, (_, index) => (part + index).toString(16)));
  const actual = new Set<string>();
  for (let piece = 0; piece < place.pieces; piece++) {
    const spread = await deps.files.need<Readonly<Record<string, readonly string[]>>>(pieceName(place, piece));
    for (const name of parts) for (const id of spread[name] ?? []) actual.add(id);
  }
  const raw = NO_DRIFT();
  let isKnown = true;
  for await (const segment of segmentsOf(deps, group)) {
    if (!segment) {
      isKnown = false;
      break;
    }
    const own = [...segment.edges].filter(([, { target }]) => target !== undefined && parts.has(partOf(target)));
    isKnown &&= addDrift(raw, segment, own, group.targetId, actual);
  }
  const drift = isKnown ? await settledDrift(deps, raw, actual) : undefined;
  const next = part + count;
  const after: Place = next < PARTS ? { ...place, part: next } : afterLarge(row, place);
  return { place: after, members: 0, group, ...(drift ? { drift } : {}) };
}

/** All segments of a group, a sixteenth at a time; undefined at the first that can't be read. */
async function* segmentsOf(deps: MemberDeps, group: GroupRef): AsyncGenerator<Segment | undefined> {
  for (const prefix of segmentNames(1)) {
    const [slice] = await deps.links.load([
      { key: keyOf(deps, group), segmentsOf: ({ digits }) => segmentsUnder(prefix, digits) },
    ]);
    if (slice && isUnreadable(slice)) {
      yield undefined;
      return;
    }
    for (const { segment } of slice?.segments.values() ?? []) yield segment;
    if (!slice || slice.header.digits === 0) return;
  }
}

function afterLarge(row: ReconcileRow, { look, group }: Large): Place {
  if (group + 1 < row.large) return { phase: "large", look, group: group + 1, pieces: 0, part: null };
  return look === 1 ? { phase: "pause" } : { phase: "close" };
}

/** The place after a group of which the first look found nothing. */
export function skipLarge(row: ReconcileRow, place: Large): Place {
  return afterLarge(row, place);
}

export function keyOf({ configurationId }: Pick<LookDeps, "configurationId">, { objectGuid }: GroupRef) {
  return { configurationId, referrer: objectGuid, attribute: MEMBER };
}

function pieceName({ look, group }: Large, piece: number): string {
  return `piece-${look}-${group}-${piece}`;
}

function partOf(id: string): string {
  return hashOf(id).slice(0, 1);
}
