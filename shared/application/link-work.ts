/**
 * One group's edges on their way to the target: which are looked at, what is to be done for each, and how the rows say so
 * before and after the calls. Pure; `export-links.ts` reads, sends and writes.
 */

import { NO_VERSION } from "../domain/change-version.ts";
import {
  afterDone,
  type EdgeStep,
  marked,
  type ResolvedReferee,
  stepOf,
  withoutTarget,
} from "../domain/link-difference.ts";
import { type Edge, isForgettable, isUnsettled, withoutMissingEdges } from "../domain/links.ts";
import type { LinkChunkHeader, LinkItem } from "./link-files.ts";
import { type LinkHeader, NEW_SEGMENT, type Segment, type SegmentExport } from "./state/link-codec.ts";
import type { LinkWrite, StoredLinks } from "./state/link-rows.ts";
import { segmentOf, segmentsUnder } from "./state/link-segments.ts";

/** Objects of an export that are told by name. */
const NAMED = 20;

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

export function stepsOf(work: LinkWork, referees: ReadonlyMap<string, ResolvedReferee>, now: number): LinkSteps {
  const steps = new Map<string, EdgeStep>();
  for (const [guid, edge] of work.looked) steps.set(guid, stepOf(edge, referees.get(guid), now));
  // Two source objects that stand for one target object: it stays while one of them is wanted.
  const kept = new Set<string>();
  for (const segment of work.segments.values())
    for (const [guid, edge] of segment.edges) {
      const step = steps.get(guid);
      if (step?.kind === "add") kept.add(step.target);
      else if (edge.wanted && edge.target !== undefined && step?.kind !== "remove") kept.add(edge.target);
    }
  for (const [guid, step] of steps)
    if (step.kind === "remove" && kept.has(step.target)) steps.set(guid, { kind: "forget" });
  const removals = [...steps].flatMap(([guid, step]) =>
    step.kind === "remove" && work.looked.get(guid)?.wanted === false ? [guid] : [],
  );
  return { steps, removals };
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

/** A call for one edge. */
export interface SentEdge {
  readonly op: "add" | "remove";
  readonly target: string;
  /** `refused`: surely without effect. What is in neither state is in doubt, as it was marked. */
  readonly result: "done" | "refused";
}

export interface ResultWrite {
  readonly write: LinkWrite;
  /** Somebody else was at these edges at the same time: which call took effect last nobody knows. */
  readonly doubtful: readonly string[];
}

/** The rows after the calls, whatever else was folded into them meanwhile. */
export function resultWrite(
  stored: StoredLinks,
  groupId: string,
  sent: ReadonlyMap<string, SentEdge>,
  header: LinkChunkHeader,
  by: string,
): ResultWrite | undefined {
  if (sent.size === 0) return undefined;
  const { digits } = stored.header;
  const segments = new Map<string, Segment>();
  const doubtful: string[] = [];
  let grown = 0;
  for (const [name, own] of bySegment(sent, digits)) {
    const segment = stored.segments.get(name)?.segment ?? NEW_SEGMENT;
    const edges = new Map(segment.edges);
    const done = { add: [] as string[], remove: [] as string[] };
    for (const [guid, call] of own) {
      const edge = segment.edges.get(guid);
      const isOurs = edge?.target === call.target && edge.state === (call.op === "add" ? "adding" : "removing");
      if (call.result === "done") done[call.op].push(guid);
      if (!isOurs && call.result === "done") doubtful.push(guid);
      const after = isOurs ? answered(edge, call) : inDoubt(edge, call);
      if (!after || isForgettable(after, stored.header, header.keepsVersions)) edges.delete(guid);
      else edges.set(guid, after);
    }
    grown += edges.size - segment.edges.size;
    segments.set(name, { ...segment, group: groupId, edges, last: told(segment.last, by, done.add, done.remove) });
  }
  const write = { stored, header: { ...stored.header, edges: stored.header.edges + grown }, segments };
  return { write, doubtful };
}

function bySegment(sent: ReadonlyMap<string, SentEdge>, digits: number): Map<string, [string, SentEdge][]> {
  const found = new Map<string, [string, SentEdge][]>();
  for (const [guid, call] of sent) {
    const name = segmentOf(guid, digits);
    found.set(name, [...(found.get(name) ?? []), [guid, call]]);
  }
  return found;
}

function answered(edge: Edge, { op, result }: SentEdge): Edge {
  if (result === "done") return afterDone(edge, op);
  return op === "add" ? withoutTarget(edge) : { ...edge, state: "added" };
}

function inDoubt(edge: Edge | undefined, { op, target, result }: SentEdge): Edge | undefined {
  if (result === "refused" || (!edge && op === "remove")) return edge;
  const known: Edge = edge ?? { version: NO_VERSION, wanted: false, state: "none" };
  return { ...known, target, state: known.wanted ? "adding" : "removing" };
}

/** What an export did to a group in all, in this attempt or before. */
export function exportedBy(stored: StoredLinks, by: string): SegmentExport {
  const own = [...stored.segments.values()].flatMap(({ segment }) => (segment.last?.by === by ? [segment.last] : []));
  return {
    by,
    added: own.reduce((sum, last) => sum + last.added, 0),
    removed: own.reduce((sum, last) => sum + last.removed, 0),
    addedGuids: own.flatMap((last) => last.addedGuids).slice(0, NAMED),
    removedGuids: own.flatMap((last) => last.removedGuids).slice(0, NAMED),
  };
}

function told(
  last: SegmentExport | undefined,
  by: string,
  added: readonly string[],
  removed: readonly string[],
): SegmentExport {
  const before = last?.by === by ? last : { added: 0, removed: 0, addedGuids: [], removedGuids: [] };
  return {
    by,
    added: before.added + added.length,
    removed: before.removed + removed.length,
    addedGuids: [...before.addedGuids, ...added].slice(0, NAMED),
    removedGuids: [...before.removedGuids, ...removed].slice(0, NAMED),
  };
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
