/**
 * One group's edges on their way to the target: which are looked at, what is to be done for each, and how the rows say so
 * before the calls (`link-results.ts`: after them). Pure; `export-links.ts` reads, sends and writes.
 */
import { type EdgeStep, marked, type ResolvedReferee, stepOf, withoutTarget } from "../../domain/link-difference.ts";
import { type Edge, isForgettable, isUnsettled, withoutMissingEdges } from "../../domain/links.ts";
import { type LinkHeader, NEW_SEGMENT, type Segment } from "../state/link-codec.ts";
import type { LinkWrite, StoredLinks } from "../state/link-rows.ts";
import { segmentOf, segmentsUnder } from "../state/link-segments.ts";
import type { LinkChunkHeader, LinkItem } from "./link-files.ts";

export interface LinkWork {
  readonly item: LinkItem;
  /** The group's target object. */
  readonly groupId: string;
  readonly stored: StoredLinks;
  /** As they are to be seen: for this target object, and with what the read concluded. */
  readonly segments: ReadonlyMap<string, Segment>;
  /** The edges to look at. */
  readonly looked: ReadonlyMap<string, Edge>;
}

/** What is done for the edges that were looked at. */
export interface LinkSteps {
  readonly steps: ReadonlyMap<string, EdgeStep>;
  /** Removals that nobody wants, by GUID: what the guard judges. */
  readonly removals: readonly string[];
}

/** The segments that an item needs; all of them while removals are held back: they are judged together. */
export function segmentsFor(item: LinkItem, header: LinkHeader): "all" | readonly string[] {
  if (header.staged > 0) return "all";
  return [...new Set(item.segments.flatMap((name) => segmentsUnder(name, header.digits)))];
}

export function openWork(item: LinkItem, groupId: string, stored: StoredLinks, header: LinkChunkHeader): LinkWork {
  const segments = new Map<string, Segment>();
  const looked = new Map<string, Edge>();
  for (const [name, { segment }] of stored.segments) {
    const own = concluded(ofGroup(segment, groupId), stored.header, header);
    segments.set(name, own);
    for (const [guid, edge] of own.edges) if (isUnsettled(edge)) looked.set(guid, edge);
  }
  for (const guid of item.referees) {
    const edge = segments.get(segmentOf(guid, stored.header.digits))?.edges.get(guid);
    if (edge) looked.set(guid, edge);
  }
  return { item, groupId, stored, segments, looked };
}

/** `keptBeside`: target objects that edges of segments which were not read for this work want. */
export function stepsOf(
  work: LinkWork,
  referees: ReadonlyMap<string, ResolvedReferee>,
  now: number,
  keptBeside: ReadonlySet<string> = new Set(),
): LinkSteps {
  const steps = new Map<string, EdgeStep>();
  for (const [guid, edge] of work.looked) steps.set(guid, stepOf(edge, referees.get(guid), now));
  // Two source objects that stand for one target object: it stays while one of them is wanted.
  const kept = new Set(keptBeside);
  for (const segment of work.segments.values())
    for (const [guid, edge] of segment.edges) {
      const target = keptBy(edge, steps.get(guid));
      if (target !== undefined) kept.add(target);
    }
  // Who needn't go first comes at once, and keeps what it comes as: that may spare others.
  for (let isOver = false; !isOver; ) {
    isOver = true;
    for (const [guid, step] of steps) {
      if (step.kind !== "remove" || !kept.has(step.target)) continue;
      const instead = spared(work.looked.get(guid), referees.get(guid));
      steps.set(guid, instead);
      if (instead.kind !== "add" || kept.has(instead.target)) continue;
      kept.add(instead.target);
      isOver = false;
    }
  }
  const removals = [...steps].flatMap(([guid, step]) =>
    step.kind === "remove" && work.looked.get(guid)?.wanted === false ? [guid] : [],
  );
  return { steps, removals };
}

/** The target object that has to stay in the group for an edge. */
function keptBy(edge: Edge, step: EdgeStep | undefined): string | undefined {
  if (step?.kind === "add") return step.target;
  return edge.wanted && step?.kind !== "remove" ? edge.target : undefined;
}

/** What is done for an edge whose target object stays for another one. */
function spared(edge: Edge | undefined, referee: ResolvedReferee | undefined): EdgeStep {
  const isReplaced = edge?.wanted && referee && !referee.isElsewhere && !referee.isDeleted;
  return isReplaced ? { kind: "add", target: referee.targetId } : { kind: "forget" };
}

/** Wanted edges that were not looked at for a work, and that stand for target objects which it is about to remove. */
export function besideOf(
  work: LinkWork,
  going: ReadonlySet<string>,
  stored: StoredLinks,
  header: LinkChunkHeader,
): ReadonlyMap<string, Edge> {
  const beside = new Map<string, Edge>();
  for (const { segment } of stored.segments.values())
    for (const [guid, edge] of concluded(ofGroup(segment, work.groupId), stored.header, header).edges)
      if (!work.looked.has(guid) && edge.wanted && edge.target !== undefined && going.has(edge.target))
        beside.set(guid, edge);
  return beside;
}

/** The target objects that such edges keep, as their own step will have it. */
export function keptBesideOf(
  beside: ReadonlyMap<string, Edge>,
  referees: ReadonlyMap<string, ResolvedReferee>,
  now: number,
): Set<string> {
  return new Set([...beside].flatMap(([guid, edge]) => keptBy(edge, stepOf(edge, referees.get(guid), now)) ?? []));
}

/** The rows as they have to be before the calls, if that is any different from how they are. */
export function markWrite(
  work: LinkWork,
  { steps }: LinkSteps,
  head: Pick<LinkHeader, "removed" | "staged">,
  header: LinkChunkHeader,
  by: string,
): LinkWrite | undefined {
  const { stored } = work;
  const segments = new Map<string, Segment>();
  let grown = 0;
  let pending = 0;
  for (const [name, segment] of work.segments) {
    const before = stored.segments.get(name)?.segment ?? NEW_SEGMENT;
    const edges = new Map<string, Edge>();
    let waiting = 0;
    let isChanged = segment !== before;
    for (const [guid, edge] of segment.edges) {
      const step = steps.get(guid);
      const after = afterStep(edge, step);
      if (step?.kind === "pending" && isUnsettled(edge)) waiting++;
      if (after !== edge) isChanged = true;
      if (isForgettable(after, stored.header, header.keepsVersions)) isChanged = true;
      else edges.set(guid, after);
    }
    pending += waiting - before.pending;
    if (!isChanged && waiting === before.pending) continue;
    grown += edges.size - before.edges.size;
    segments.set(name, { ...segment, edges, pending: waiting });
  }
  const next: LinkHeader = {
    ...stored.header,
    ...head,
    edges: stored.header.edges + grown,
    pending: pending === 0 ? stored.header.pending : { count: stored.header.pending.count + pending, toldBy: by },
  };
  if (segments.size === 0 && JSON.stringify(next) === JSON.stringify(stored.header)) return undefined;
  return { stored, header: next, segments };
}

function afterStep(edge: Edge, step: EdgeStep | undefined): Edge {
  // Nothing of it stands in the target; whether its version is needed still is for the caller to say.
  if (step?.kind === "forget") return edge.state === "none" && edge.target === undefined ? edge : withoutTarget(edge);
  if (step?.kind !== "add" && step?.kind !== "remove") return edge;
  const after = marked(edge, step);
  return after.state === edge.state && after.target === edge.target ? edge : after;
}

/** The rows with what the read concluded; undefined: it changes nothing. */
export function concludingWrite(stored: StoredLinks, header: LinkChunkHeader): LinkWrite | undefined {
  const segments = new Map<string, Segment>();
  let grown = 0;
  for (const [name, { segment }] of stored.segments) {
    const after = concluded(segment, stored.header, header);
    if (after === segment) continue;
    const edges = [...after.edges].filter(([, edge]) => !isForgettable(edge, stored.header, header.keepsVersions));
    grown += edges.length - segment.edges.size;
    segments.set(name, { ...after, edges: new Map(edges) });
  }
  if (segments.size === 0) return undefined;
  return { stored, header: { ...stored.header, edges: stored.header.edges + grown }, segments };
}

/** What was sent to another target object doesn't stand in this one. */
function ofGroup(segment: Segment, groupId: string): Segment {
  if (segment.group === groupId) return segment;
  if (segment.edges.size === 0 || segment.group === "") return { ...segment, group: groupId };
  const edges = [...segment.edges].map(([guid, edge]): [string, Edge] => [guid, withoutTarget(edge)]);
  return { ...segment, group: groupId, edges: new Map(edges) };
}

function concluded(segment: Segment, head: LinkHeader, { concludes }: LinkChunkHeader): Segment {
  if (concludes === null || ![...segment.edges.values()].some((edge) => edge.missing === concludes)) return segment;
  return { ...segment, edges: withoutMissingEdges(segment.edges, head, concludes) };
}
