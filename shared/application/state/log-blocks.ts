/**
 * The provisioning log of all jobs together: entries packed in blocks, a row for those that one writer has of a batch, so
 * that reading newest first over any number of jobs is one range, for a row in sixty more than without.
 *
 * An entry stands in one part of its block, and stays there when it is written again: nothing is shown twice. It isn't
 * where entries are looked up by anything but time.
 */
import type { Row, RowTable } from "../../ports/row-store.ts";
import type { LogEntry } from "./log-entry.ts";
import { ALL_JOBS, blockPrefix } from "./log-keys.ts";
import { groupBy } from "./object-store.ts";
import { packJson, unpackJson } from "./packing.ts";

/** A part grows no larger than this, so that a page reads little. */
const MOST_BYTES = 128 * 1024;

/** `overwrite`: an entry that is there is replaced; `keep`: what was written at the time says more, and stays. */
export async function writeBlocks(
  table: RowTable,
  entries: readonly LogEntry[],
  present: "overwrite" | "keep",
): Promise<void> {
  await Promise.all(
    groupBy(entries, blockPrefix).map(async ([prefix, own]) => {
      // Blocks are new but for a repetition, or for a second writer.
      const first = fitting([], own);
      const row = partOf(prefix, 0);
      const written = await table.transact(ALL_JOBS, [{ op: "insert", row, values: { data: first.data } }]);
      for (let left: readonly LogEntry[] = written.ok ? first.rest : own; left.length > 0; )
        left = await addToBlock(table, prefix, left, present);
    }),
  );
}

/** In the order in which they are shown. */
export function entriesOfBlock(row: Row): LogEntry[] {
  return unpackJson<LogEntry[]>(row.values["data"] as Uint8Array);
}

/** None where the block is damaged: what it held is lost already, and must not stop the work that it tells of. */
function readable(block: Row): LogEntry[] {
  try {
    return entriesOfBlock(block);
  } catch {
    return [];
  }
}

/** Gives back what is still to be written: all of it where somebody else came first. */
async function addToBlock(
  table: RowTable,
  prefix: string,
  entries: readonly LogEntry[],
  present: "overwrite" | "keep",
): Promise<readonly LogEntry[]> {
  const parts: { readonly stored: Row; readonly known: Map<number, LogEntry> }[] = [];
  for await (const page of table.range(ALL_JOBS, { from: `${prefix}:`, to: `${prefix};` }))
    for (const stored of page)
      parts.push({ stored, known: new Map(readable(stored).map((entry) => [entry.index, entry])) });
  const replace = async ({ row, etag }: Row, data: Uint8Array) =>
    (await table.transact(ALL_JOBS, [{ op: "replace", row, values: { data }, etag }])).ok;
  const news = entries.filter(({ index }) => !parts.some(({ known }) => known.has(index)));
  if (present === "overwrite" && news.length < entries.length) {
    for (const { stored, known } of parts) {
      const own = entries.filter(({ index }) => known.has(index));
      if (own.length === 0) continue;
      for (const entry of own) known.set(entry.index, entry);
      if (!(await replace(stored, fitting([...known.values()], []).data))) return entries;
    }
    return news;
  }
  const last = parts.at(-1);
  const merged = last && fitting([...last.known.values()], news);
  if (last && merged && merged.rest.length < news.length)
    return (await replace(last.stored, merged.data)) ? merged.rest : news;
  if (news.length === 0) return [];
  const fresh = fitting([], news);
  const row = partOf(prefix, parts.length);
  const written = await table.transact(ALL_JOBS, [{ op: "insert", row, values: { data: fresh.data } }]);
  return written.ok ? fresh.rest : news;
}

function partOf(prefix: string, part: number): string {
  return `${prefix}:${String(part).padStart(3, "0")}`;
}

/** All that is there already, and as many of the new ones as there is room for; of a new part one at least. */
function fitting(known: readonly LogEntry[], news: readonly LogEntry[]) {
  const least = known.length === 0 ? 1 : 0;
  for (let count = news.length; ; count = Math.max(least, count >> 1)) {
    const own = [...known, ...news.slice(0, count)].sort((one, other) => one.index - other.index);
    const data = packJson(own);
    if (data.length <= MOST_BYTES || count <= least) return { data, rest: news.slice(count) };
  }
}
