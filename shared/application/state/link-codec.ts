/** Edges and what is kept beside them, as bytes of rows: 36 an edge, for there are many. */
import { type Edge, type EdgeState, type ListHead, NO_LIST } from "../../domain/links.ts";
import { isGuid } from "../../domain/values.ts";

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
  readonly removed: readonly {
    readonly by: string;
    readonly at: number;
    readonly count: number;
    /** Besides those: approved ones, which don't count. */
    readonly approved?: number;
  }[];
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

const STATES: readonly EdgeState[] = ["none", "adding", "added", "removing", "waived"];

/** What is said of a segment besides its edges, and of edges what has no place in their records. */
interface SegmentHead {
  readonly g: string;
  readonly p: number;
  /** Versions, by place. */
  readonly v: readonly string[];
  readonly l?: SegmentExport;
  /** Targets that are no GUIDs, reads that missed an edge, SIDs: by the edge's place. */
  readonly t?: Readonly<Record<number, string>>;
  readonly m?: Readonly<Record<number, number>>;
  readonly s?: Readonly<Record<number, string>>;
}

/** GUID, state and wish, place of the version; a target's GUID follows where the code says so. */
const RECORD_BYTES = 16 + 1 + 2;
const HAS_TARGET = 0x80;

/** Plain bytes: two GUIDs an edge leave nothing to deflate. */
export function packSegment(segment: Segment): Uint8Array {
  const versions = new Map<string, number>();
  const texts: Record<number, string> = {};
  const missing: Record<number, number> = {};
  const sids: Record<number, string> = {};
  const body = Buffer.allocUnsafe(segment.edges.size * (RECORD_BYTES + 16));
  let end = 0;
  let place = 0;
  for (const [guid, edge] of segment.edges) {
    const version = versions.get(edge.version) ?? versions.size;
    versions.set(edge.version, version);
    const isGuidTarget = edge.target !== undefined && isGuid(edge.target);
    end += writeGuid(body, guid, end);
    const code = STATES.indexOf(edge.state) * 2 + (edge.wanted ? 1 : 0);
    end = body.writeUInt8(code | (isGuidTarget ? HAS_TARGET : 0), end);
    end = body.writeUInt16LE(version, end);
    if (edge.target !== undefined && isGuidTarget) end += writeGuid(body, edge.target, end);
    else if (edge.target !== undefined) texts[place] = edge.target;
    if (edge.missing !== undefined) missing[place] = edge.missing;
    if (edge.sid !== undefined) sids[place] = edge.sid;
    place++;
  }
  const head: SegmentHead = {
    g: segment.group,
    p: segment.pending,
    v: [...versions.keys()],
    ...(segment.last ? { l: segment.last } : {}),
    ...(Object.keys(texts).length > 0 ? { t: texts } : {}),
    ...(Object.keys(missing).length > 0 ? { m: missing } : {}),
    ...(Object.keys(sids).length > 0 ? { s: sids } : {}),
  };
  const text = Buffer.from(JSON.stringify(head), "utf8");
  const size = Buffer.alloc(4);
  size.writeUInt32LE(text.length);
  return Buffer.concat([size, text, body.subarray(0, end)]);
}

export function unpackSegment(bytes: Uint8Array): Segment {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const from = 4 + buffer.readUInt32LE(0);
  const head = JSON.parse(buffer.toString("utf8", 4, from)) as SegmentHead;
  const edges = new Map<string, Edge>();
  for (let at = from, place = 0; at < buffer.length; place++) {
    const guid = readGuid(buffer, at);
    const code = buffer.readUInt8(at + 16);
    const version = head.v[buffer.readUInt16LE(at + 17)] ?? "";
    at += RECORD_BYTES;
    const hasTarget = (code & HAS_TARGET) !== 0;
    const target = hasTarget ? readGuid(buffer, at) : head.t?.[place];
    if (hasTarget) at += 16;
    const sid = head.s?.[place];
    const missing = head.m?.[place];
    edges.set(guid, {
      version,
      wanted: code % 2 === 1,
      state: STATES[(code & ~HAS_TARGET) >> 1] ?? "none",
      ...(sid === undefined ? {} : { sid }),
      ...(target === undefined ? {} : { target }),
      ...(missing === undefined ? {} : { missing }),
    });
  }
  return { edges, group: head.g, pending: head.p, ...(head.l ? { last: head.l } : {}) };
}

/** Whether an edge in packed bytes stands for one of some target objects, told without making any edge. */
export function standsForAny(bytes: Uint8Array, targets: ReadonlySet<string>): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const from = 4 + buffer.readUInt32LE(0);
  const { t = {} } = JSON.parse(buffer.toString("utf8", 4, from)) as SegmentHead;
  if (Object.values(t).some((target) => targets.has(target))) return true;
  for (let at = from; at < buffer.length; ) {
    const hasTarget = (buffer.readUInt8(at + 16) & HAS_TARGET) !== 0;
    at += RECORD_BYTES;
    if (!hasTarget) continue;
    if (targets.has(readGuid(buffer, at))) return true;
    at += 16;
  }
  return false;
}

function writeGuid(to: Buffer, guid: string, at: number): number {
  return to.write(guid.replaceAll("-", ""), at, 16, "hex");
}

function readGuid(from: Buffer, at: number): string {
  const hex = from.toString("hex", at, at + 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
