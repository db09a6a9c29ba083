/**
 * Log entries of releases that kept none of the rows for "all jobs" and "failures only": they are given them, a part at each
 * tick, from the newest to the oldest, until a job's are through. Entries that came since have theirs already.
 *
 * Nothing is written over, so a part that is done twice is done once.
 */
import type { Clock } from "../../ports/clock.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { jobTable, pack, readRow } from "../state/job-rows.ts";
import { logKeptSince } from "../state/log-keys.ts";
import type { LogCursor } from "../state/log-pages.ts";
import type { ProvisioningLog } from "../state/provisioning-log.ts";

export type IndexOldLog = (entry: { readonly jobId: string }) => Promise<void>;

interface IndexRow {
  /** Milliseconds since 1970: what was accepted later has all of its rows. */
  readonly until: number;
  /** Where to go on; null: from the newest. */
  readonly from: LogCursor | null;
  readonly isDone: boolean;
}

const INDEX_ROW = "log-index";
/** Of a tick: some seconds' work. */
const PAGES = 4;
const PAGE_ENTRIES = 500;

export function createIndexOldLog(deps: {
  readonly rows: RowStore;
  readonly clock: Clock;
  readonly provisioningLog: ProvisioningLog;
  readonly logMonths: number;
}): IndexOldLog {
  const { provisioningLog, clock } = deps;
  const jobs = jobTable(deps.rows);
  const done = new Set<string>();

  return async function indexOldLog({ jobId }) {
    if (done.has(jobId)) return;
    const stored = await readRow<IndexRow>(jobs, jobId, INDEX_ROW);
    let state = stored?.value ?? { until: clock.now(), from: null, isDone: false };
    const since = logKeptSince(clock.now(), deps.logMonths);
    for (let page = 0; page < PAGES && !state.isDone; page++) {
      const scope = { jobId, since, until: state.until };
      const { entries, next } = await provisioningLog.page(scope, PAGE_ENTRIES, state.from ?? undefined);
      await provisioningLog.index(entries);
      state = { ...state, from: next ?? null, isDone: next === undefined };
    }
    if (state.isDone) done.add(jobId);
    if (stored?.value.isDone !== true)
      await jobs.transact(jobId, [{ op: "upsert", row: INDEX_ROW, values: pack(state) }]);
  };
}
