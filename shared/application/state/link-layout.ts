/** Laying out the edges of a growing list in more segments than before. */
import { randomUUID } from "node:crypto";
import { type Edge, isUnsettled } from "../../domain/links.ts";
import type { Segment } from "./link-codec.ts";
import { spread } from "./link-segments.ts";

/** Numbered, and never given twice: two attempts at once must not mix their rows. */
export function nextGeneration(before: string): string {
  const number = before === "" ? 1 : Number.parseInt(before, 10) + 1;
  return `${String(number).padStart(6, "0")}-${randomUUID()}`;
}

/** All segments, with those that change in their new form. */
export function laidOutAnew(
  stored: ReadonlyMap<string, { readonly segment: Segment }>,
  changed: ReadonlyMap<string, Segment>,
  digits: number,
): { readonly segments: Map<string, Segment>; readonly pending: number } {
  const before = [...stored].map(([name, { segment }]) => ({ segment, now: changed.get(name) ?? segment }));
  const groups = new Set(before.filter(({ now }) => now.edges.size > 0).map(({ now }) => now.group));
  const [only = ""] = groups;
  const group = groups.size > 1 ? "" : only;
  // States about different target objects: each is in doubt.
  const edges = before.flatMap(({ now }) =>
    [...now.edges].map(([guid, edge]): [string, Edge] => [
      guid,
      groups.size > 1 && edge.state === "added" ? { ...edge, state: "adding" } : edge,
    ]),
  );
  const known = new Set(before.flatMap(({ segment }) => [...segment.edges.keys()]));
  const segments = new Map<string, Segment>();
  let pending = 0;
  for (const [name, own] of spread(edges, digits)) {
    const waiting = [...own].filter(([guid, edge]) => known.has(guid) && edge.wanted && isUnsettled(edge)).length;
    pending += waiting;
    segments.set(name, { edges: own, group, pending: waiting });
  }
  return { segments, pending };
}
