/**
 * What came of the calls for one group's edges, as it is written to their rows: done, refused, or in doubt where somebody
 * else was at the same edge or the same target object meanwhile; and what an export did in all. Pure.
 */
import { NO_VERSION } from "../../domain/change-version.ts";
import { afterDone, withoutTarget } from "../../domain/link-difference.ts";
import { type Edge, isForgettable } from "../../domain/links.ts";
import { NEW_SEGMENT, type Segment, type SegmentExport } from "../state/link-codec.ts";
import type { LinkWrite, StoredLinks } from "../state/link-rows.ts";
import { segmentOf } from "../state/link-segments.ts";
import { groupBy } from "../state/object-store.ts";
import type { LinkChunkHeader } from "./link-files.ts";

/** Objects of an export that are told by name. */
const NAMED = 20;

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

/**
 * The rows after the calls, whatever else was folded into them meanwhile. A target object that was removed while another
 * edge came to want it is in doubt for that edge: `stored` holds all segments that stand for it.
 */
export function resultWrite(
  stored: StoredLinks,
  groupId: string,
  sent: ReadonlyMap<string, SentEdge>,
  header: LinkChunkHeader,
  by: string,
): ResultWrite | undefined {
  if (sent.size === 0) return undefined;
  const reopened = reopenedBy(stored, groupId, sent);
  const segments = new Map<string, Segment>();
  const doubtful = [...reopened.keys()];
  let grown = 0;
  const guids = [...sent.keys(), ...reopened.keys()];
  for (const [name, own] of groupBy(guids, (guid) => segmentOf(guid, stored.header.digits))) {
    const segment = stored.segments.get(name)?.segment ?? NEW_SEGMENT;
    const edges = new Map(segment.edges);
    const done = { add: [] as string[], remove: [] as string[] };
    for (const guid of own) {
      const call = sent.get(guid);
      const edge = segment.edges.get(guid);
      const isOurs = edge?.target === call?.target && edge?.state === (call?.op === "add" ? "adding" : "removing");
      if (call?.result === "done") done[call.op].push(guid);
      if (!isOurs && call?.result === "done") doubtful.push(guid);
      const after = !call ? reopened.get(guid) : edge && isOurs ? answered(edge, call) : inDoubt(edge, call);
      if (!after || isForgettable(after, stored.header, header.keepsVersions)) edges.delete(guid);
      else edges.set(guid, after);
    }
    grown += edges.size - segment.edges.size;
    // What another export did to a segment stays told when this one only puts an edge of it in doubt.
    const isTold = own.some((guid) => sent.has(guid));
    const last = isTold ? told(segment.last, by, done.add, done.remove) : segment.last;
    segments.set(name, { ...segment, group: groupId, edges, ...(last ? { last } : {}) });
  }
  const write = { stored, header: { ...stored.header, edges: stored.header.edges + grown }, segments };
  return { write, doubtful };
}

/** Edges that want what was removed for another one: which of the calls came last nobody knows. */
function reopenedBy(
  stored: StoredLinks,
  groupId: string,
  sent: ReadonlyMap<string, SentEdge>,
): ReadonlyMap<string, Edge> {
  const removed = new Set(
    [...sent.values()].flatMap((call) => (call.op === "remove" && call.result === "done" ? [call.target] : [])),
  );
  const reopened = new Map<string, Edge>();
  if (removed.size === 0) return reopened;
  for (const { segment } of stored.segments.values()) {
    if (segment.group !== groupId) continue;
    for (const [guid, edge] of segment.edges)
      if (edge.wanted && edge.state !== "removing" && edge.target !== undefined && removed.has(edge.target))
        if (!sent.has(guid)) reopened.set(guid, { ...edge, state: "adding" });
  }
  return reopened;
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
