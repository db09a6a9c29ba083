/**
 * Reading many rows of one partition by key: point reads when the keys are few or lie far apart, a range read when they
 * lie close. A page of 1,000 rows costs about as much as 50 point reads (measured: 43 ms of CPU against 0.9 ms each).
 */

import type { Row } from "../../ports/row-store.ts";

export interface ManyReads {
  point(row: string): Promise<Row | undefined>;
  /** Pages of rows from the first key to the last one, both inclusive. */
  range(first: string, last: string): AsyncIterable<readonly Row[]>;
}

const IN_FLIGHT = 32;
const PAGE_PAYS_FROM = 50;

/** The rows that exist, by key in order of keys. */
export async function readMany(keys: readonly string[], reads: ManyReads): Promise<ReadonlyMap<string, Row>> {
  const wanted = [...new Set(keys)].sort();
  const found = new Map<string, Row>();
  const rest = wanted.length < PAGE_PAYS_FROM ? wanted : await readRange(wanted, reads, found);
  await readPoints(rest, reads, found);
  return found;
}

/** Fills `found` and gives back the keys that are cheaper to ask for one by one. */
async function readRange(
  wanted: readonly string[],
  reads: ManyReads,
  found: Map<string, Row>,
): Promise<readonly string[]> {
  const asked = new Set(wanted);
  let at = 0;
  for await (const page of reads.range(wanted[0] ?? "", wanted.at(-1) ?? "")) {
    const before = found.size;
    for (const row of page) if (asked.has(row.row)) found.set(row.row, row);
    const last = page.at(-1)?.row;
    if (last === undefined) continue;
    while (at < wanted.length && (wanted[at] ?? "") <= last) at++;
    const left = wanted.length - at;
    if (left === 0) return [];
    const sparse = found.size - before < Math.min(PAGE_PAYS_FROM, page.length);
    if (sparse || left < PAGE_PAYS_FROM) return wanted.slice(at);
  }
  return [];
}

async function readPoints(keys: readonly string[], reads: ManyReads, found: Map<string, Row>): Promise<void> {
  const rows: (Row | undefined)[] = new Array(keys.length);
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < keys.length; index = next++) {
      const key = keys[index];
      if (key !== undefined) rows[index] = await reads.point(key);
    }
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, keys.length) }, worker));
  for (const row of rows) if (row) found.set(row.row, row);
}
