/**
 * Pages of the provisioning log, newest first. A page costs two requests to the log at most, and reads at most an entity more than it
 * shows (of an object that two jobs may have, as many again less one), at any size: each question has rows in the order of its answer.
 * What doesn't come within that comes with the next page: a page may be shorter than asked for, and there is a next one as long as
 * `next` says where it begins.
 *
 * Entries are written when their objects have been exported and stand at the time at which their batch was accepted: some
 * come in behind what was read already.
 */
import type { Row, RowStore, RowTable } from "../../ports/row-store.ts";
import { entriesOfBlock } from "./log-blocks.ts";
import type { LogEntry } from "./log-entry.ts";
import {
  ALL_JOBS,
  beginsHour,
  endOfEarlierHour,
  endOfEarlierMonth,
  endOfHour,
  failedPartition,
  hourPartition,
  LOG_TABLE,
  logTableName,
  momentOf,
  objectPartition,
  placeAfter,
  ticksOf,
} from "./log-keys.ts";
import { unpackJson } from "./packing.ts";

const REQUESTS = 2;
/** Rows of one answer of the table service: one more would be a request more. */
const ANSWER_ROWS = 1_000;
/** Blocks that are read at first: most hold many entries. */
const FIRST_BLOCKS = 4;
/** Blocks that are read then: as many full ones as one answer (4 MiB, of 128 KiB in base 64) has room for. */
const MORE_BLOCKS = 23;

/** Whose entries; all of them when nothing is said. */
export interface LogScope {
  readonly jobId?: string;
  /** Of these jobs' objects this one: each job costs a request. */
  readonly object?: { readonly objectGuid: string; readonly jobIds: readonly string[] };
  readonly isFailed?: boolean;
  /** Milliseconds since 1970, both inclusive. */
  readonly since: number;
  readonly until: number;
}

/** Where a page begins: a place among keys, and in a block the last position that was shown. */
export interface LogCursor {
  readonly place: string;
  readonly shown?: number;
}

export interface LogPage {
  readonly entries: readonly LogEntry[];
  readonly next?: LogCursor;
}

export interface LogPages {
  page(scope: LogScope, limit: number, from?: LogCursor): Promise<LogPage>;
}

interface Found {
  readonly entry: LogEntry;
  /** Where a page begins whose predecessor ends with this. */
  readonly after: LogCursor;
}

interface Segment {
  /** At most `limit` entries; `isAll`: there are no more of them up to `to`. */
  read(
    table: RowTable,
    limit: number,
  ): Promise<{ readonly found: readonly Found[]; readonly requests: number; readonly isAll: boolean }>;
  /** Where what follows begins. */
  readonly to: string;
}

export function createLogPages(deps: { readonly rows: RowStore }): LogPages {
  /** The newest month before `at` that has entries, by its end. */
  async function earlierMonth(at: number): Promise<number | undefined> {
    const names = (await deps.rows.listTables()).filter((name) => LOG_TABLE.test(name) && name < logTableName(at));
    const [, year, month] = LOG_TABLE.exec(names.sort().at(-1) ?? "") ?? [];
    return year === undefined ? undefined : Date.UTC(Number(year), Number(month), 1) - 1;
  }

  return {
    async page(scope, limit, from) {
      const end = placeAfter(scope.since);
      const found: Found[] = [];
      // One more tells that there is a next page. A page of one entry, or of an answer's rows, can't afford it: it says so, and the next
      // one may be empty.
      const wanted = limit < 2 ? limit : Math.min(limit + 1, ANSWER_ROWS);
      let at: LogCursor = from ?? { place: ticksOf(scope.until) };
      for (let left = REQUESTS; found.length < wanted && left > 0 && at.place < end; ) {
        const moment = momentOf(at.place);
        const monthEnds = ticksOf(endOfEarlierMonth(moment));
        const segment = segmentOf(scope, at, nearer(monthEnds, end));
        const read = await segment.read(deps.rows.table(logTableName(moment)), wanted - found.length);
        left -= read.requests;
        found.push(...read.found);
        if (!read.isAll) {
          at = found.at(-1)?.after ?? at;
          break;
        }
        at = { place: segment.to };
        if (found.length >= wanted || segment.to !== monthEnds || monthEnds >= end) continue;
        const earlier = left > 0 ? await earlierMonth(moment) : undefined;
        if (left > 0) at = { place: earlier === undefined ? end : ticksOf(earlier) };
        left--;
      }
      const entries = found.slice(0, limit).map(({ entry }) => entry);
      const next = found.length > limit ? found[limit - 1]?.after : at.place < end ? at : undefined;
      return { entries, ...(next === undefined ? {} : { next }) };
    },
  };
}

function segmentOf(scope: LogScope, from: LogCursor, to: string): Segment {
  const { object, jobId, isFailed } = scope;
  if (object) return objectSegment(object, from.place, to);
  if (isFailed) return rangeSegment(failedPartition(jobId), from.place, to);
  return jobId === undefined ? blockSegment(from, to) : jobSegment(jobId, from.place, to);
}

/** The rest of an hour, whole hours, or the beginning of the last: rows lie in a partition an hour. */
function jobSegment(jobId: string, from: string, to: string): Segment {
  const hour = (place: string) => hourPartition(jobId, momentOf(place));
  if (hour(from) === hour(to)) return rangeSegment(hour(from), from, to);
  if (!beginsHour(from)) {
    const next = ticksOf(endOfEarlierHour(momentOf(from)));
    return rangeSegment(hour(from), from, nearer(next, to));
  }
  const lastHour = beginsHour(to) ? to : ticksOf(endOfHour(momentOf(to)));
  return {
    to: lastHour,
    async read(table, limit) {
      const rows = await all(table.across(hour(from), hour(lastHour), { limit }));
      return { found: rows.map((row) => foundIn(row, row.row)), requests: 1, isAll: rows.length < limit };
    },
  };
}

function rangeSegment(partition: string, from: string, to: string): Segment {
  return {
    to,
    async read(table, limit) {
      const rows = await all(table.range(partition, { from, to, limit }));
      return { found: rows.map((row) => foundIn(row, row.row)), requests: 1, isAll: rows.length < limit };
    },
  };
}

/**
 * One job after another. Of two, the first is asked for two entries less than the page could use and the second for one less, and no further
 * than the first one was read: whoever of them has how many, no more than twice as many are read as come before the place up to which
 * both are known, the row of the jobs' names counted.
 */
function objectSegment({ objectGuid, jobIds }: NonNullable<LogScope["object"]>, from: string, to: string): Segment {
  const prefix = `${objectGuid}:`;
  return {
    to,
    async read(table, limit) {
      const found: Found[] = [];
      let known = `${prefix}${to}`;
      let isAll = true;
      for (const [index, jobId] of jobIds.entries()) {
        const most = Math.max(1, limit - (jobIds.length - index) + (jobIds.length === 1 ? 1 : 0));
        const partition = objectPartition(jobId, objectGuid);
        const rows = await all(table.range(partition, { from: `${prefix}${from}`, to: known, limit: most }));
        found.push(...rows.map((row) => foundIn(row, row.row.slice(prefix.length))));
        if (rows.length < most) continue;
        isAll = false;
        known = `${rows.at(-1)?.row}!`;
      }
      const own = found.filter(({ after }) => `${prefix}${after.place}` <= known);
      own.sort((one, other) => (one.after.place < other.after.place ? -1 : 1));
      // What lies behind the place up to which all jobs were read comes with the next page.
      return { found: own.slice(0, limit), requests: jobIds.length, isAll: isAll && own.length <= limit };
    },
  };
}

/**
 * How many entries a block has is known when it is read: a few at first, then no more than could be needed, nor than one answer holds.
 * Behind blocks of one entry each there may lie full ones.
 */
function blockSegment({ place, shown }: LogCursor, to: string): Segment {
  return {
    to,
    async read(table, limit) {
      const found: Found[] = [];
      let requests = 0;
      let from = place;
      let skipTo = shown;
      let isEnd = false;
      while (!isEnd && found.length < limit && requests < REQUESTS) {
        const most = Math.min(limit - found.length, requests === 0 ? FIRST_BLOCKS : MORE_BLOCKS);
        const rows = await all(table.range(ALL_JOBS, { from, to, limit: most }));
        requests++;
        for (const row of rows) {
          const own = entriesOfBlock(row).filter(({ index }) => skipTo === undefined || index > skipTo);
          // After its last one the block isn't read again, to show nothing of it.
          const next = (at: number, shown: number): LogCursor =>
            at === own.length - 1 ? { place: `${row.row}!` } : { place: row.row, shown };
          found.push(...own.map((entry, at) => ({ entry, after: next(at, entry.index) })));
          skipTo = undefined;
        }
        isEnd = rows.length < most;
        from = `${rows.at(-1)?.row}!`;
      }
      return { found: found.slice(0, limit), requests, isAll: isEnd && found.length <= limit };
    },
  };
}

/** The place that comes first. */
function nearer(...places: readonly [string, string]): string {
  return [...places].sort()[0] ?? "";
}

function foundIn(row: Row, key: string): Found {
  // Sorts right behind it, and before all that follows.
  return { entry: unpackJson<LogEntry>(row.values["data"] as Uint8Array), after: { place: `${key}!` } };
}

async function all(pages: AsyncIterable<readonly Row[]>): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const page of pages) rows.push(...page);
  return rows;
}
