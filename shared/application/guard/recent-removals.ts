/**
 * The removals of the last 24 hours, in one row of the job: booked before the first of them is carried out, If-Match, so
 * that two lanes which decide at once count each other. Until the last of them is carried out they count, whenever they were
 * booked; from then on for 24 hours, for it is the target that must not see more, but for those that it surely never saw.
 */
import { addRemovals, NO_REMOVALS, type RemovalCounts, type TypedCounts } from "../../domain/guard.ts";
import type { Clock } from "../../ports/clock.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { jobTable, pack, type RecentEntry, type RecentRow, ROW, readRow, type Stored } from "../state/job-rows.ts";
import type { UndoneRemovals } from "./undone-removals.ts";

export const DAY_MS = 24 * 60 * 60 * 1000;
/** What is still on its way after so long was given up. */
const GIVEN_UP_MS = 7 * DAY_MS;

export interface Recent {
  readonly stored: Stored<RecentRow> | undefined;
  /** All that count now, without the cycle's own. */
  readonly others: readonly RecentEntry[];
}

export interface RecentRemovals {
  others(jobId: string, cycleId: string): Promise<Recent>;
  /** False: somebody else booked meanwhile. */
  book(jobId: string, recent: Recent, own: RecentEntry): Promise<boolean>;
  /**
   * All that a cycle booked has been carried out, but for what is `undone`. `tell` gets how much that was before it is written that it
   * is over: whoever is killed in between tells it again, and nobody is told nothing. Said again, it does nothing.
   */
  close(
    jobId: string,
    cycleId: string,
    undone?: () => Promise<UndoneRemovals>,
    tell?: (removed: RemovalCounts) => void,
  ): Promise<void>;
}

export function createRecentRemovals(deps: { readonly rows: RowStore; readonly clock: Clock }): RecentRemovals {
  const jobs = jobTable(deps.rows);

  async function write(jobId: string, stored: Stored<RecentRow> | undefined, entries: readonly RecentEntry[]) {
    const values = pack({ entries } satisfies RecentRow);
    const written = await jobs.transact(jobId, [
      stored
        ? { op: "replace", row: ROW.recent, values, etag: stored.etag }
        : { op: "insert", row: ROW.recent, values },
    ]);
    return written.ok;
  }

  return {
    async others(jobId, cycleId) {
      const stored = await readRow<RecentRow>(jobs, jobId, ROW.recent);
      const now = deps.clock.now();
      const counts = ({ at, isOpen }: RecentEntry) => at > now - (isOpen ? GIVEN_UP_MS : DAY_MS);
      const entries = stored?.value.entries ?? [];
      return { stored, others: entries.filter((entry) => counts(entry) && entry.cycleId !== cycleId) };
    },
    book: (jobId, { stored, others }, own) => write(jobId, stored, [...others, own]),
    async close(jobId, cycleId, undone, tell) {
      for (let isTold = false; ; isTold = true) {
        const stored = await readRow<RecentRow>(jobs, jobId, ROW.recent);
        const own = stored?.value.entries.find((entry) => entry.cycleId === cycleId && entry.isOpen);
        if (!stored || !own) return;
        const { isOpen: _, ...booked } = own;
        const left = await undone?.();
        const closed: RecentEntry = {
          ...booked,
          at: deps.clock.now(),
          ...(left ? { removed: lessOf(own.removed, left.removed) } : {}),
          ...(left && own.groups ? { groups: lessOf(own.groups, left.groups) } : {}),
        };
        const entries = stored.value.entries.map((entry) => (entry === own ? closed : entry));
        if (!isTold) tell?.(closed.removed);
        if (await write(jobId, stored, entries)) return;
      }
    },
  };
}

function lessOf(all: RemovalCounts, less: RemovalCounts): RemovalCounts {
  return {
    deletes: all.deletes - less.deletes,
    disables: all.disables - less.disables,
    blanks: all.blanks - less.blanks,
  };
}

export function sumOf(entries: readonly RecentEntry[]): TypedCounts {
  const all = entries.reduce((total, entry) => addRemovals(total, entry.removed), NO_REMOVALS);
  const group = entries.reduce((total, entry) => addRemovals(total, entry.groups ?? NO_REMOVALS), NO_REMOVALS);
  const { deletes, disables, blanks } = group;
  return { user: addRemovals(all, { deletes: -deletes, disables: -disables, blanks: -blanks }), group };
}
