/**
 * Pages of the provisioning log, newest first. A page costs two requests to the log at most, and reads an entry more than it
 * shows, at any size: each question has rows in the order of its answer. What doesn't come within two requests comes with the
 * next page: a page may be shorter than asked for, and there is a next one as long as `next` says where it begins.
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
/** Blocks that are read at first: most hold many entries. */
const FIRST_BLOCKS = 4;

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
  read(table: RowTable, limit: number): Promise<{ readonly found: readonly Found[]; readonly requests: number }>;
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
      let at: LogCursor = from ?? { place: ticksOf(scope.until) };
      for (let left = REQUESTS; found.length <= limit && left > 0 && at.place < end; ) {
        const moment = momentOf(at.place);
        const monthEnds = ticksOf(endOfEarlierMonth(moment));
        const segment = segmentOf(scope, at, nearer(monthEnds, end));
        const read = await segment.read(deps.rows.table(logTableName(moment)), limit + 1 - found.length);
        left -= read.requests;
        found.push(...read.found);
        at = { place: segment.to };
        if (found.length > limit || segment.to !== monthEnds || monthEnds >= end) continue;
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
      return { found: rows.map((row) => foundIn(row, row.row)), requests: 1 };
    },
  };
}

function rangeSegment(partition: string, from: string, to: string): Segment {
  return {
    to,
    async read(table, limit) {
      const rows = await all(table.range(partition, { from, to, limit }));
      return { found: rows.map((row) => foundIn(row, row.row)), requests: 1 };
    },
  };
}

function objectSegment({ objectGuid, jobIds }: NonNullable<LogScope["object"]>, from: string, to: string): Segment {
  const prefix = `${objectGuid}:`;
  return {
    to,
    async read(table, limit) {
      const lists = await Promise.all(
        jobIds.map((jobId) =>
          all(
            table.range(objectPartition(jobId, objectGuid), { from: `${prefix}${from}`, to: `${prefix}${to}`, limit }),
          ),
        ),
      );
      const found = lists.flat().map((row) => foundIn(row, row.row.slice(prefix.length)));
      found.sort((one, other) => (one.after.place < other.after.place ? -1 : 1));
      return { found: found.slice(0, limit), requests: jobIds.length };
    },
  };
}

/** How many entries a block has is known when it is read: a few at first, then no more than could be needed. */
function blockSegment({ place, shown }: LogCursor, to: string): Segment {
  return {
    to,
    async read(table, limit) {
      const found: Found[] = [];
      let requests = 0;
      let from = place;
      let skipTo = shown;
      for (let isEnd = false; !isEnd && found.length < limit; ) {
        const most = requests === 0 ? Math.min(limit, FIRST_BLOCKS) : limit - found.length;
        const rows = await all(table.range(ALL_JOBS, { from, to, limit: most }));
        requests++;
        for (const row of rows) {
          const own = entriesOfBlock(row).filter(({ index }) => skipTo === undefined || index > skipTo);
          found.push(...own.map((entry) => ({ entry, after: { place: row.row, shown: entry.index } })));
          skipTo = undefined;
        }
        isEnd = rows.length < most;
        from = `${rows.at(-1)?.row}!`;
      }
      return { found: found.slice(0, limit), requests };
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
