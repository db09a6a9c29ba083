/**
 * How the edges of one referrer's attribute are laid out: in one piece while they are few, else in segments by the first
 * hex digits of a hash of the referee, so that a change of one member reads and writes one small row.
 */
import type { Edge } from "../../domain/links.ts";

/** Up to so many edges in one piece, in 16 segments, in 256; above that 4,096. */
const LIMITS = [500, 8_000, 128_000];

export function digitsFor(edges: number): number {
  const at = LIMITS.findIndex((limit) => edges <= limit);
  return at < 0 ? LIMITS.length : at;
}

/**
 * Eight hex digits, evenly spread (FNV-1a, then the last mixing of Murmur 3). Where rows lie depends on it: it never changes.
 */
export function hashOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0).toString(16).padStart(8, "0");
}

/** The segment of a referee; "" is all there is. */
export function segmentOf(guid: string, digits: number): string {
  return digits === 0 ? "" : hashOf(guid).slice(0, digits);
}

/** The names of all segments. */
export function segmentNames(digits: number): string[] {
  return Array.from({ length: 16 ** digits }, (_, index) => index.toString(16).padStart(digits, "0").slice(0, digits));
}

/** The segments that a name stands for which was given when there were fewer or more of them. */
export function segmentsUnder(name: string, digits: number): string[] {
  if (name.length >= digits) return [name.slice(0, digits)];
  return segmentNames(digits - name.length).map((rest) => name + rest);
}

export function spread(edges: Iterable<readonly [string, Edge]>, digits: number): Map<string, Map<string, Edge>> {
  const parts = new Map<string, Map<string, Edge>>();
  for (const name of digits === 0 ? [""] : segmentNames(digits)) parts.set(name, new Map());
  for (const [guid, edge] of edges) parts.get(segmentOf(guid, digits))?.set(guid, edge);
  return parts;
}
