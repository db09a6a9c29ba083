/**
 * Edges by referrer: table `links`, partition `{target}:{shard of the referrer}`; a header row
 * `h:{configuration}:{referrer}:{attribute}`, which holds all edges while they are few, and segment rows
 * `s:{configuration}:{referrer}:{attribute}:{generation}:{segment}` of many.
 *
 * Everything is written If-Match. All segments of a generation exist: who misses one met an older generation and looks
 * again. Rows of small referrers go out in full transactions. What the rows mean is decided by `domain/links.ts`.
 */
import type { Edge } from "../../domain/links.ts";
import { shardOf } from "../../domain/shard.ts";
import type { Row, RowOperation, RowStore } from "../../ports/row-store.ts";
import { type LinkHeader, NEW_HEADER, NEW_SEGMENT, packSegment, type Segment } from "./link-codec.ts";
import { laidOutAnew, nextGeneration } from "./link-layout.ts";
import {
  headerIn,
  headerOperation,
  headerRow,
  isStandingIn,
  type LinkKey,
  segmentIn,
  segmentRow,
  segmentsPrefix,
} from "./link-row-names.ts";
import { digitsFor, segmentNames } from "./link-segments.ts";
import { groupBy } from "./object-store.ts";
import { writeHalving } from "./write-halving.ts";

export interface StoredSegment {
  readonly segment: Segment;
  /** Of a segment row; of one that lies in the header's row there is none. */
  readonly etag?: string;
}

export interface StoredLinks {
  readonly key: LinkKey;
  readonly header: LinkHeader;
  /** Absent: there is no row. */
  readonly etag?: string;
  /** Those that were asked for; where all edges are in one piece, that one (""). */
  readonly segments: ReadonlyMap<string, StoredSegment>;
  /** The row that is damaged, or lost: nothing is known of the edges then, and nothing is written over them. */
  readonly unreadable?: string;
}

export type UnreadableLinks = StoredLinks & { readonly unreadable: string };

export interface LinkRequest {
  readonly key: LinkKey;
  /** The names of the segments to read, for a header with several. */
  readonly segmentsOf: (header: LinkHeader) => "all" | readonly string[];
}

/** `segments`: those that change. */
export interface LinkWrite {
  readonly stored: StoredLinks;
  readonly header: LinkHeader;
  readonly segments: ReadonlyMap<string, Segment>;
}

export interface LinkRows {
  /** In the order of the requests; what has no row is empty. `isNew`: nothing can be there yet, nothing is read. */
  load(requests: readonly LinkRequest[], options?: { readonly isNew: boolean }): Promise<StoredLinks[]>;
  /**
   * The names of the segments, as the referrer is laid out now, with an edge that stands for one of some target objects.
   * Reads every row, and keeps none. `unreadable`: see `StoredLinks`.
   */
  segmentsStandingFor(key: LinkKey, targets: ReadonlySet<string>): Promise<readonly string[] | UnreadableLinks>;
  /**
   * As they are now, in order; undefined: somebody else wrote, and nothing (or a part, of many segments) was written. Nor was
   * what comes back as unreadable: it had to be laid out anew, and a row that was not asked for before is damaged.
   */
  write(writes: readonly LinkWrite[]): Promise<(StoredLinks | undefined)[]>;
}

/** Segments in one transaction: 500 edges weigh 35 KB at the most. */
const SEGMENTS_AT_ONCE = 60;
/** Reads of a referrer whose layout changes under them. */
const LAYOUT_TRIES = 5;

export function createLinkRows(deps: { readonly rows: RowStore; readonly targetKey: string }): LinkRows {
  const table = deps.rows.table("links");
  const partitionOf = (key: LinkKey) => `${deps.targetKey}:${shardOf(key.referrer)}`;

  async function readHeaders(keys: readonly LinkKey[]): Promise<Map<string, Row>> {
    const found = new Map<string, Row>();
    await Promise.all(
      groupBy(keys, partitionOf).map(async ([partition, own]) => {
        for (const [name, row] of await table.getMany(partition, own.map(headerRow))) found.set(name, row);
      }),
    );
    return found;
  }

  async function withSegments(
    { key, segmentsOf }: LinkRequest,
    header: LinkHeader,
    etag: string,
  ): Promise<StoredLinks | undefined> {
    const asked = segmentsOf(header);
    const names = asked === "all" ? segmentNames(header.digits) : [...new Set(asked)];
    const rows = await table.getMany(
      partitionOf(key),
      names.map((name) => segmentRow(key, header.generation, name)),
    );
    const segments = new Map<string, StoredSegment>();
    for (const name of names) {
      const row = rows.get(segmentRow(key, header.generation, name));
      if (!row) return undefined;
      const segment = segmentIn(row);
      if (!segment) return unreadableLinks(key, row.row);
      segments.set(name, { segment, etag: row.etag });
    }
    return { key, header, etag, segments };
  }

  async function loadOne(request: LinkRequest, first: Row | undefined): Promise<StoredLinks> {
    const { key } = request;
    let row = first;
    for (let tries = 0; tries < LAYOUT_TRIES; tries++) {
      if (!row) return emptyLinks(key);
      const header = headerIn(row);
      if (!header) return unreadableLinks(key, row.row);
      if (header.digits === 0) {
        const segment = segmentIn(row);
        if (!segment) return unreadableLinks(key, row.row);
        return { key, header, etag: row.etag, segments: new Map([["", { segment }]]) };
      }
      const stored = await withSegments(request, header, row.etag);
      if (stored) return stored;
      const { etag } = row;
      row = await table.get(partitionOf(key), headerRow(key));
      // Nobody laid them out anew: segments that this header names are lost.
      if (row?.etag === etag) return unreadableLinks(key, row.row);
    }
    throw laidOutTooFast(key);
  }

  async function segmentsStandingFor(
    key: LinkKey,
    targets: ReadonlySet<string>,
  ): Promise<readonly string[] | UnreadableLinks> {
    let before: string | undefined;
    for (let tries = 0; tries < LAYOUT_TRIES; tries++) {
      const row = await table.get(partitionOf(key), headerRow(key));
      if (!row) return [];
      const header = headerIn(row);
      // Read twice, and found incomplete in between.
      if (!header || row.etag === before) return unreadableLinks(key, row.row);
      before = row.etag;
      const { digits, generation } = header;
      if (digits === 0) {
        const isStanding = isStandingIn(row, targets);
        return isStanding === undefined ? unreadableLinks(key, row.row) : isStanding ? [""] : [];
      }
      const prefix = segmentRow(key, generation, "");
      const names: string[] = [];
      let seen = 0;
      for await (const rows of table.range(partitionOf(key), { from: prefix, to: `${prefix}g` })) {
        for (const own of rows) {
          seen++;
          const isStanding = isStandingIn(own, targets);
          if (isStanding === undefined) return unreadableLinks(key, own.row);
          if (isStanding) names.push(own.row.slice(prefix.length));
        }
      }
      if (seen === 16 ** digits) return names;
    }
    throw laidOutTooFast(key);
  }

  /** A referrer with segments, or with more edges than its layout is for. */
  async function writeLarge(write: LinkWrite): Promise<StoredLinks | undefined> {
    const { stored, header } = write;
    if (digitsFor(header.edges) > stored.header.digits) return layOut(write);
    const { key } = stored;
    const after = new Map(stored.segments);
    const changes = [...write.segments];
    let { etag } = stored;
    let edges = stored.header.edges;
    const keepsHeader = JSON.stringify(header) === JSON.stringify(stored.header);
    for (let at = 0; at === 0 || at < changes.length; at += SEGMENTS_AT_ONCE) {
      const part = changes.slice(at, at + SEGMENTS_AT_ONCE);
      const isLast = at + SEGMENTS_AT_ONCE >= changes.length;
      for (const [name, segment] of part)
        edges += segment.edges.size - (stored.segments.get(name)?.segment.edges.size ?? 0);
      const operations = part.map(
        ([name, segment]): RowOperation => ({
          op: "replace",
          row: segmentRow(key, header.generation, name),
          values: { edges: packSegment(segment) },
          etag: stored.segments.get(name)?.etag ?? "",
        }),
      );
      // The count of edges goes with them, the rest with the last: half a list is no list.
      if (!keepsHeader)
        operations.unshift(headerOperation(key, isLast ? header : { ...stored.header, edges }, etag, undefined));
      if (operations.length === 0) break;
      const written = await table.transact(partitionOf(key), operations);
      if (!written.ok) return undefined;
      const etags = [...written.etags];
      if (!keepsHeader) etag = etags.shift() ?? "";
      part.forEach(([name, segment], index) => {
        after.set(name, { segment, etag: etags[index] ?? "" });
      });
    }
    return { key, header, ...(etag === undefined ? {} : { etag }), segments: after };
  }

  /** Writes all segments under a new generation, then the header that names it, then drops what was there before. */
  async function layOut({ stored, header, segments: changed }: LinkWrite): Promise<StoredLinks | undefined> {
    const { key } = stored;
    const partition = partitionOf(key);
    const whole = (stored.header.digits === 0 ? stored : undefined) ?? (await reread(stored));
    if (!whole || whole.unreadable !== undefined) return whole;
    const digits = digitsFor(header.edges);
    const generation = nextGeneration(stored.header.generation);
    const { segments, pending } = laidOutAnew(whole.segments, changed, digits);
    const rows = [...segments].map(
      ([name, segment]): RowOperation => ({
        op: "upsert",
        row: segmentRow(key, generation, name),
        values: { edges: packSegment(segment) },
      }),
    );
    const written = new Map<string, StoredSegment>();
    const names = [...segments.keys()];
    for (let at = 0; at < rows.length; at += SEGMENTS_AT_ONCE) {
      const result = await table.transact(partition, rows.slice(at, at + SEGMENTS_AT_ONCE));
      if (!result.ok) return undefined;
      result.etags.forEach((etag, index) => {
        const name = names[at + index] ?? "";
        written.set(name, { segment: segments.get(name) ?? NEW_SEGMENT, etag });
      });
    }
    const next: LinkHeader = { ...header, digits, generation, pending: { ...header.pending, count: pending } };
    const flipped = await table.transact(partition, [headerOperation(key, next, stored.etag, undefined)]);
    if (!flipped.ok) return undefined;
    await dropGenerations(key, generation);
    return { key, header: next, etag: flipped.etags[0] ?? "", segments: written };
  }

  /** All segments, if nothing moved since. */
  async function reread(stored: StoredLinks): Promise<StoredLinks | undefined> {
    const whole = await withSegments({ key: stored.key, segmentsOf: () => "all" }, stored.header, stored.etag ?? "");
    if (whole?.unreadable !== undefined) return whole;
    const isSame = [...stored.segments].every(([name, { etag }]) => whole?.segments.get(name)?.etag === etag);
    return isSame ? whole : undefined;
  }

  /** What an attempt that died left behind goes, too; what a later one is writing stays. */
  async function dropGenerations(key: LinkKey, present: string): Promise<void> {
    const prefix = segmentsPrefix(key);
    const range = { from: prefix, to: `${prefix}${nextGeneration(present).slice(0, 6)}`, select: [] };
    for await (const rows of table.range(partitionOf(key), range)) {
      const old = rows.filter((row) => !row.row.startsWith(`${prefix}${present}:`));
      for (let at = 0; at < old.length; at += 100) {
        const operations = old.slice(at, at + 100).map((row): RowOperation => ({ op: "delete", row: row.row }));
        const dropped = await table.transact(partitionOf(key), operations);
        // Somebody else is dropping them: the next layout looks again.
        if (!dropped.ok) return;
      }
    }
  }

  return {
    segmentsStandingFor,
    async load(requests, { isNew } = { isNew: false }) {
      if (isNew) return requests.map(({ key }) => emptyLinks(key));
      const rows = await readHeaders(requests.map(({ key }) => key));
      return Promise.all(requests.map((request) => loadOne(request, rows.get(headerRow(request.key)))));
    },
    async write(writes) {
      const [damaged] = writes.filter(({ stored }) => stored.unreadable !== undefined);
      if (damaged) throw new Error(`The links of object ${damaged.stored.key.referrer} can't be read, nor written.`);
      const results: (StoredLinks | undefined)[] = writes.map(() => undefined);
      const entries = writes.map((write, index) => ({ write, index }));
      const small = entries.filter(
        ({ write }) => digitsFor(write.header.edges) === 0 && write.stored.header.digits === 0,
      );
      const large = entries.filter((entry) => !small.includes(entry));
      await Promise.all([
        ...groupBy(small, ({ write }) => partitionOf(write.stored.key)).map(async ([partition, own]) => {
          const operations = own.map(({ write: { stored, header, segments } }) =>
            headerOperation(
              stored.key,
              header,
              stored.etag,
              segments.get("") ?? stored.segments.get("")?.segment ?? NEW_SEGMENT,
            ),
          );
          const etags = await writeHalving(table, partition, operations);
          own.forEach(({ write: { stored, header, segments }, index }, position) => {
            const etag = etags[position];
            const segment = segments.get("") ?? stored.segments.get("")?.segment ?? NEW_SEGMENT;
            if (etag !== undefined)
              results[index] = { key: stored.key, header, etag, segments: new Map([["", { segment }]]) };
          });
        }),
        ...large.map(async ({ write, index }) => {
          results[index] = await writeLarge(write);
        }),
      ]);
      return results;
    },
  };
}

function laidOutTooFast({ referrer }: LinkKey): Error {
  return new Error(`The links of object ${referrer} are laid out anew faster than they can be read.`);
}

/** The edges that were read. */
export function edgesOf(stored: StoredLinks): Map<string, Edge> {
  return new Map([...stored.segments.values()].flatMap(({ segment }) => [...segment.edges]));
}

function unreadableLinks(key: LinkKey, row: string): UnreadableLinks {
  return { key, header: NEW_HEADER, segments: new Map(), unreadable: row };
}

function emptyLinks(key: LinkKey): StoredLinks {
  return { key, header: NEW_HEADER, segments: new Map([["", { segment: NEW_SEGMENT }]]) };
}
