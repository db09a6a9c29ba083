/** Dirty rows of groups, gathered into chunks of about as many edges as an activity carries out. */

import type { StoredDirty } from "../state/dirty-links.ts";
import { groupBy } from "../state/object-store.ts";
import type { LinkItem } from "./link-files.ts";

/** Whole referrers, in the order of their GUIDs, up to a number of edges; one with more, by segments. */
export function chunksOf(due: readonly StoredDirty[], chunkEdges: number): LinkItem[][] {
  const chunks: LinkItem[][] = [];
  let room = 0;
  let index = 0;
  for (const [referrer, own] of groupBy(due, ({ dirty }) => dirty.referrer).sort(([one], [other]) =>
    one < other ? -1 : 1,
  )) {
    for (const rows of splitRows(own, chunkEdges)) {
      const edges = rows.reduce((sum, { dirty }) => sum + dirty.edges, 0);
      if (chunks.length === 0 || edges > room) {
        chunks.push([]);
        room = chunkEdges;
      }
      room -= edges;
      const [last] = rows;
      if (!last) continue;
      chunks.at(-1)?.push({
        referrer,
        index: index++,
        segments: [...new Set(rows.map(({ dirty }) => dirty.segment))],
        referees: rows.flatMap(({ dirty }) => dirty.referees ?? []),
        origin: (rows.find(({ dirty }) => dirty.by === undefined) ?? last).dirty.origin,
        rows,
      });
    }
  }
  return chunks;
}

function splitRows(rows: readonly StoredDirty[], chunkEdges: number): StoredDirty[][] {
  const parts: StoredDirty[][] = [[]];
  let edges = 0;
  for (const [, own] of groupBy(rows, ({ dirty }) => dirty.segment)) {
    const more = own.reduce((sum, { dirty }) => sum + dirty.edges, 0);
    if (edges > 0 && edges + more > chunkEdges) {
      parts.push([]);
      edges = 0;
    }
    edges += more;
    parts.at(-1)?.push(...own);
  }
  return parts;
}
