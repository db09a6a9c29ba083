/**
 * How many objects are linked, by type: counted by the tick and kept in one row of the job (`entries`), so that whoever asks for a
 * job's status reads a row and no object.
 *
 * A count begins once a cycle has made, deleted or restored target objects since the last one, an hour after that one at the
 * soonest. It goes shard by shard, a bounded number of objects a tick, and is shown when all are done.
 */
import { typeOfClass } from "../../domain/guard.ts";
import { SHARDS } from "../../domain/shard.ts";
import type { Clock } from "../../ports/clock.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { afterPrefix, type CycleRow, jobTable, pack, ROW, readRow, type Stored, unpack } from "../state/job-rows.ts";
import type { ObjectStore, Population } from "../state/object-store.ts";

const ENTRIES = "entries";
const HOUR_MS = 3_600_000;
/** Rows that one tick looks at, before the next shard. */
const ROWS_A_TICK = 20_000;
const NOBODY: Population = { users: 0, groups: 0 };

interface EntriesRow {
  /** The shard that is counted next; `16`: all were. */
  readonly next: number;
  readonly startedAt: number;
  /** The last read before which every cycle had been closed when counting began: a long full read closes after newer deltas. */
  readonly readNo: number;
  readonly soFar: Population;
  readonly counted: Population | null;
}

export interface EntryCounts {
  /** The tick's duty. */
  count(job: { readonly configurationId: string; readonly jobId: string }): Promise<void>;
  /** As last counted; undefined: they never were. */
  of(jobId: string): Promise<Population | undefined>;
}

export function createEntryCounts(deps: {
  readonly rows: RowStore;
  readonly clock: Clock;
  readonly objects: ObjectStore;
  /** The first read that isn't closed yet. */
  readonly firstReadInWork: (jobId: string) => Promise<number>;
}): EntryCounts {
  const jobs = jobTable(deps.rows);

  async function begun(jobId: string, known: EntriesRow | undefined): Promise<EntriesRow | undefined> {
    const now = deps.clock.now();
    if (known && known.next < SHARDS.length) return known;
    if (known && now - known.startedAt < HOUR_MS) return undefined;
    const readNo = known?.readNo ?? 0;
    // Before looking: what is closed in between is looked at again.
    const firstInWork = await deps.firstReadInWork(jobId);
    const cycles: CycleRow[] = [];
    for await (const rows of jobs.range(jobId, { from: ROW.cycle(readNo + 1), to: afterPrefix("cycle:") }))
      cycles.push(...rows.map((row) => unpack<CycleRow>(row).value));
    const newest = cycles.at(-1);
    if (!newest) return undefined;
    const isChanged = cycles.some(({ detail }) => detail.created + detail.deleted + detail.restored > 0);
    const counted = known?.counted ?? null;
    // Nothing to count: only where to look from next time.
    const next = isChanged || counted === null ? 0 : SHARDS.length;
    return { next, startedAt: now, readNo: Math.min(newest.readNo, firstInWork - 1), soFar: NOBODY, counted };
  }

  async function counted(configurationId: string, row: EntriesRow): Promise<EntriesRow> {
    let { next } = row;
    let { users, groups } = row.soFar;
    for (let looked = 0; next < SHARDS.length && looked < ROWS_A_TICK; next++) {
      for await (const page of deps.objects.summaries(configurationId, SHARDS[next] ?? "")) {
        looked += page.length;
        for (const { linked, objectClass } of page) {
          if (!linked) continue;
          if (typeOfClass(objectClass) === "group") groups++;
          else users++;
        }
      }
    }
    const soFar = { users, groups };
    return { ...row, next, soFar, ...(next < SHARDS.length ? {} : { counted: soFar }) };
  }

  async function write(jobId: string, known: Stored<EntriesRow> | undefined, next: EntriesRow): Promise<void> {
    const values = pack(next);
    await jobs.transact(jobId, [
      known ? { op: "replace", row: ENTRIES, values, etag: known.etag } : { op: "insert", row: ENTRIES, values },
    ]);
  }

  return {
    async count({ configurationId, jobId }) {
      const known = await readRow<EntriesRow>(jobs, jobId, ENTRIES);
      const row = await begun(jobId, known?.value);
      if (!row) return;
      await write(jobId, known, row.next < SHARDS.length ? await counted(configurationId, row) : row);
    },
    async of(jobId) {
      const known = await readRow<EntriesRow>(jobs, jobId, ENTRIES);
      return known?.value.counted ?? undefined;
    },
  };
}
