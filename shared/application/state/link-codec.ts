/** Edges and what is kept beside them, as bytes of rows: short keys and arrays, for there are many. */
import { type Edge, type EdgeState, type ListHead, NO_LIST } from "../../domain/links.ts";
import { packJson, unpackJson } from "./packing.ts";

/** Of one referrer's attribute. */
export interface LinkHeader extends ListHead {
  /** Hex digits of a segment's name: 0, all edges are in one piece, kept with this row. */
  readonly digits: number;
  /** Of the segments: a new one when they are laid out anew. */
  readonly generation: string;
  readonly edges: number;
  /** Edges whose referees have no target object, as last told, and by which export. */
  readonly pending: { readonly count: number; readonly toldBy: string };
  /** Removals of the last 24 hours, by export: what the guard counts. */
  readonly removed: readonly { readonly by: string; readonly at: number; readonly count: number }[];
  /** Removals that the guard holds back. */
  readonly staged: number;
}

export const NEW_HEADER: LinkHeader = {
  ...NO_LIST,
  digits: 0,
  generation: "",
  edges: 0,
  pending: { count: 0, toldBy: "" },
  removed: [],
  staged: 0,
};

/** What one export did to a segment: kept with the effect, so that a repetition tells the same. */
export interface SegmentExport {
  readonly by: string;
  readonly added: number;
  readonly removed: number;
  /** The first few, by objectGUID. */
  readonly addedGuids: readonly string[];
  readonly removedGuids: readonly string[];
}

export interface Segment {
  readonly edges: ReadonlyMap<string, Edge>;
  /** The target object that the states are about; "": one that was being created. */
  readonly group: string;
  /** Edges that waited for their referees' target objects when it was last looked at. */
  readonly pending: number;
  readonly last?: SegmentExport;
}

export const NEW_SEGMENT: Segment = { edges: new Map(), group: "", pending: 0 };

const STATES: readonly EdgeState[] = ["none", "adding", "added", "removing"];

/** GUID, place of the version, state and wish, target, the read that missed it, SID. */
type PackedEdge = readonly [string, number, number, string?, number?, string?];

interface PackedSegment {
  readonly g: string;
  readonly p: number;
  readonly v: readonly string[];
  readonly e: readonly PackedEdge[];
  readonly l?: SegmentExport;
}

export function packSegment(segment: Segment): Uint8Array {
  const versions = new Map<string, number>();
  const placeOf = (version: string) => {
    const place = versions.get(version) ?? versions.size;
    versions.set(version, place);
    return place;
  };
  const edges = [...segment.edges].map(([guid, edge]): PackedEdge => {
    const head = [guid, placeOf(edge.version), STATES.indexOf(edge.state) * 2 + (edge.wanted ? 1 : 0)] as const;
    if (edge.sid !== undefined) return [...head, edge.target ?? "", edge.missing ?? 0, edge.sid];
    if (edge.missing !== undefined) return [...head, edge.target ?? "", edge.missing];
    return edge.target === undefined ? head : [...head, edge.target];
  });
  const packed: PackedSegment = {
    g: segment.group,
    p: segment.pending,
    v: [...versions.keys()],
    e: edges,
    ...(segment.last ? { l: segment.last } : {}),
  };
  return packJson(packed);
}

export function unpackSegment(bytes: Uint8Array): Segment {
  const { g, p, v, e, l } = unpackJson<PackedSegment>(bytes);
  const edges = new Map(
    e.map(([guid, place, code, target, missing, sid]): [string, Edge] => [
      guid,
      {
        version: v[place] ?? "",
        wanted: code % 2 === 1,
        state: STATES[code >> 1] ?? "none",
        ...(sid === undefined ? {} : { sid }),
        ...(target ? { target } : {}),
        ...(missing ? { missing } : {}),
      },
    ]),
  );
  return { edges, group: g, pending: p, ...(l ? { last: l } : {}) };
}
