/**
 * What this process created, deleted or restored a short while ago: reads lag behind writes, so a 404 on one of these
 * ids is lag and not absence. Bounded; forgets the oldest first.
 */

import type { Clock } from "../../ports/clock.ts";

export interface RecentWrites {
  add(id: string, kind: WriteKind): void;
  /** The last write of this object, when it is a short while ago. */
  last(id: string): WriteKind | undefined;
  /** Whether a write of that moment, by whatever process, is a short while ago. */
  isRecent(at: number | undefined): boolean;
}

export type WriteKind = "create" | "restore" | "delete";

const LAG_MS = 300_000;
const MOST = 20_000;

export function createRecentWrites(clock: Clock): RecentWrites {
  const written = new Map<string, { readonly at: number; readonly kind: WriteKind }>();
  return {
    add(id, kind) {
      written.delete(id);
      written.set(id, { at: clock.now(), kind });
      const oldest = written.keys().next();
      if (written.size > MOST && !oldest.done) written.delete(oldest.value);
    },
    last(id) {
      const write = written.get(id);
      return write !== undefined && clock.now() - write.at <= LAG_MS ? write.kind : undefined;
    },
    isRecent: (at) => at !== undefined && clock.now() - at <= LAG_MS,
  };
}
