/**
 * Who names whom: table `referrers`, partition `{target}:{d}`, where d is the first hex digit of the referee's hash. It is
 * asked when an object comes to be in the target: who waits for it?
 *
 * A tree of rows: a leaf holds the entries of all hashes that begin with its name, and becomes a fork of sixteen leaves,
 * in one transaction, when it has too many. So a single change writes a small row. The first digits of a path are the
 * referee's, the others the referrer's: one whom thousands name is spread, too.
 *
 * Many entries of one call would touch every leaf of a large directory: they are laid beside the tree as they are, one row
 * for each partition, without reading anything. Who looks takes them into the tree first, all at once, each leaf once. So
 * a full read costs the same for each of its objects in a directory of any size. Whoever dies in between leaves rows
 * that are taken in again, which changes nothing. Entries are never taken back: who looks finds more than there is,
 * never less.
 */
import { createHash } from "node:crypto";
import type { Row, RowOperation, RowStore } from "../../ports/row-store.ts";
import { hashOf } from "./link-segments.ts";
import { groupBy } from "./object-store.ts";
import { packJson, unpackJson } from "./packing.ts";
import { writeHalving } from "./write-halving.ts";

export interface Referrer {
  readonly configurationId: string;
  readonly jobId: string;
  readonly referrer: string;
  readonly attribute: string;
  /** The GUID by which it names a foreign security principal. */
  readonly named?: string;
}

export interface ReferrerEntry extends Referrer {
  /** The referee's objectGUID, or the SID of a foreign security principal. */
  readonly referee: string;
}

export interface ReferrerIndex {
  add(entries: readonly ReferrerEntry[]): Promise<void>;
  /** By referee. */
  find(referees: readonly string[]): Promise<ReadonlyMap<string, readonly Referrer[]>>;
}

/** A leaf with more entries becomes a fork. */
const LEAF_ENTRIES = 500;
/** Digits of a path that are the referee's. */
const REFEREE_DIGITS = 4;
const LONGEST_PATH = 12;
/** From so many entries of a partition on they are laid beside the tree. */
const ASIDE_FROM = 24;
const ENTRIES_ASIDE = 2_000;
/** Rows beside the tree: behind all paths, which are hex. */
const ASIDE = "new:";
const AFTER_ASIDE = "new;";
/** Taken into the tree at once; of them into one leaf. */
const ENTRIES_TAKEN = 20_000;
const ENTRIES_A_LEAF = 2_000;
const TRIES = 8;

/** Configurations with their jobs, attributes, and by referee: places of both, referrer, name. */
interface Leaf {
  readonly o: readonly (readonly [string, string])[];
  readonly a: readonly string[];
  readonly e: Readonly<Record<string, readonly (readonly [number, number, string, string?])[]>>;
}

export function createReferrerIndex(deps: { readonly rows: RowStore; readonly targetKey: string }): ReferrerIndex {
  const table = deps.rows.table("referrers");
  const partitionOf = (digit: string) => `${deps.targetKey}:${digit}`;

  /** The rows along some paths, level by level. */
  async function readAlong(partition: string, paths: readonly string[]): Promise<Map<string, Row>> {
    const found = new Map<string, Row>();
    let open = [...new Set(paths)];
    for (let length = 1; open.length > 0; length++) {
      const rows = await table.getMany(partition, [...new Set(open.map((path) => path.slice(0, length)))]);
      for (const [name, row] of rows) found.set(name, row);
      open = open.filter((path) => path.length > length && isFork(rows.get(path.slice(0, length))));
    }
    return found;
  }

  /** Gives back what somebody else's write refused, and what a leaf had no room for this time. */
  async function addTo(partition: string, entries: readonly ReferrerEntry[]) {
    const rows = await readAlong(partition, entries.map(pathOf));
    const refused: ReferrerEntry[] = [];
    const later: ReferrerEntry[] = [];
    const plain: { readonly operation: RowOperation; readonly own: readonly ReferrerEntry[] }[] = [];
    for (const [name, wanted] of groupBy(entries, (entry) => leafOf(rows, pathOf(entry)))) {
      const row = rows.get(name);
      const before = row ? entriesOf(row) : [];
      const own = wanted.slice(0, ENTRIES_A_LEAF);
      later.push(...wanted.slice(ENTRIES_A_LEAF));
      const all = distinct([...before, ...own]);
      if (all.length === before.length) continue;
      if (isLeaf(name, all)) plain.push({ operation: leafOperation(name, all, row?.etag), own });
      else if (!(await fork(partition, name, all, row?.etag))) refused.push(...own);
    }
    const etags = await writeHalving(
      table,
      partition,
      plain.map(({ operation }) => operation),
    );
    refused.push(...plain.flatMap(({ own }, index) => (etags[index] === undefined ? own : [])));
    return { refused, later };
  }

  /** One transaction; leaves that are too large still are forked after it, each in its own. False: refused. */
  async function fork(
    partition: string,
    name: string,
    entries: readonly ReferrerEntry[],
    etag: string | undefined,
  ): Promise<boolean> {
    const leaves = groupBy(entries, (entry) => pathOf(entry).slice(0, name.length + 1));
    const values = { fork: true };
    const forked = await table.transact(partition, [
      etag === undefined ? { op: "insert", row: name, values } : { op: "replace", row: name, values, etag },
      ...leaves.map(([leaf, part]) => leafOperation(leaf, part, undefined)),
    ]);
    if (!forked.ok) return false;
    for (const [index, [leaf, part]] of leaves.entries())
      if (!isLeaf(leaf, part)) await fork(partition, leaf, part, forked.etags[index + 1]);
    return true;
  }

  async function addAll(partition: string, entries: readonly ReferrerEntry[]): Promise<void> {
    let open = entries;
    for (let tries = 0; open.length > 0; ) {
      const { refused, later } = await addTo(partition, open);
      if (refused.length > 0 && ++tries === TRIES)
        throw new Error(`The referrers in ${partition} change faster than they can be written.`);
      open = [...refused, ...later];
    }
  }

  /** The same entries, of an attempt that is repeated, are the same rows. */
  async function layAside(partition: string, entries: readonly ReferrerEntry[]): Promise<void> {
    for (let at = 0; at < entries.length; at += ENTRIES_ASIDE) {
      const { values } = leafOperation("", entries.slice(at, at + ENTRIES_ASIDE), undefined);
      const row = `${ASIDE}${createHash("sha256").update(values.data).digest("hex").slice(0, 32)}`;
      await table.transact(partition, [{ op: "upsert", row, values }]);
    }
  }

  /** Takes what lies beside the tree into it, a part at a time. */
  async function takeIn(partition: string): Promise<void> {
    for (let isMore = true; isMore; ) {
      const taken: string[] = [];
      const entries: ReferrerEntry[] = [];
      isMore = false;
      for await (const rows of table.range(partition, { from: ASIDE, to: AFTER_ASIDE })) {
        for (const row of rows) {
          isMore = entries.length >= ENTRIES_TAKEN;
          if (isMore) break;
          taken.push(row.row);
          entries.push(...entriesOf(row));
        }
        if (isMore) break;
      }
      await addAll(partition, distinct(entries));
      // One that somebody else took in meanwhile is gone: what matters is that all of them are.
      await writeHalving(
        table,
        partition,
        taken.map((row) => ({ op: "delete", row })),
      );
    }
  }

  return {
    async add(entries) {
      await Promise.all(
        groupBy(entries, (entry) => pathOf(entry).slice(0, 1)).map(([digit, own]) =>
          own.length < ASIDE_FROM ? addAll(partitionOf(digit), own) : layAside(partitionOf(digit), own),
        ),
      );
    },
    async find(referees) {
      const wanted = new Set(referees);
      const found = new Map<string, Map<string, Referrer>>();
      const take = (row: Row) => {
        for (const { referee, ...referrer } of entriesOf(row)) {
          if (!wanted.has(referee)) continue;
          const own = found.get(referee) ?? new Map<string, Referrer>();
          found.set(
            referee,
            own.set(`${referrer.configurationId}:${referrer.referrer}:${referrer.attribute}`, referrer),
          );
        }
      };
      const paths = groupBy(
        [...wanted].map((referee) => hashOf(referee).slice(0, REFEREE_DIGITS)),
        (path) => path.slice(0, 1),
      );
      // One after the other: what lies beside the tree is in memory for one partition only.
      for (const [digit] of paths) await takeIn(partitionOf(digit));
      await Promise.all(
        paths.map(async ([digit, own]) => {
          const partition = partitionOf(digit);
          const rows = await readAlong(partition, own);
          for (const row of rows.values()) take(row);
          // One whom very many name: all that is below.
          for (const path of new Set(own.filter((path) => isFork(rows.get(path)))))
            for await (const page of table.range(partition, { from: path, to: `${path}~` })) page.forEach(take);
        }),
      );
      return new Map([...found].map(([referee, own]) => [referee, [...own.values()]]));
    },
  };
}

function isLeaf(name: string, entries: readonly ReferrerEntry[]): boolean {
  return entries.length <= LEAF_ENTRIES || name.length === LONGEST_PATH;
}

function pathOf({ referee, referrer }: ReferrerEntry): string {
  return `${hashOf(referee).slice(0, REFEREE_DIGITS)}${hashOf(referrer)}`.slice(0, LONGEST_PATH);
}

function isFork(row: Row | undefined): boolean {
  return row?.values["fork"] === true;
}

/** The leaf of a path: the first row on it that is no fork, or that isn't there yet. */
function leafOf(rows: ReadonlyMap<string, Row>, path: string): string {
  let length = 1;
  while (length < path.length && isFork(rows.get(path.slice(0, length)))) length++;
  return path.slice(0, length);
}

function leafOperation(name: string, entries: readonly ReferrerEntry[], etag: string | undefined) {
  const owners = [...new Set(entries.map((entry) => `${entry.configurationId} ${entry.jobId}`))];
  const attributes = [...new Set(entries.map((entry) => entry.attribute))];
  const byReferee = groupBy(entries, (entry) => entry.referee).map(([referee, own]) => [
    referee,
    own.map((entry) => [
      owners.indexOf(`${entry.configurationId} ${entry.jobId}`),
      attributes.indexOf(entry.attribute),
      entry.referrer,
      ...(entry.named === undefined ? [] : [entry.named]),
    ]),
  ]);
  const leaf = { o: owners.map((owner) => owner.split(" ")), a: attributes, e: Object.fromEntries(byReferee) };
  const values = { data: packJson(leaf) };
  const operation = etag === undefined ? ({ op: "insert" } as const) : ({ op: "replace", etag } as const);
  return { ...operation, row: name, values };
}

function entriesOf(row: Row): ReferrerEntry[] {
  const { data } = row.values;
  if (!(data instanceof Uint8Array)) return [];
  const { o, a, e } = unpackJson<Leaf>(data);
  return Object.entries(e).flatMap(([referee, own]) =>
    own.map(([owner, attribute, referrer, named]) => ({
      referee,
      configurationId: o[owner]?.[0] ?? "",
      jobId: o[owner]?.[1] ?? "",
      attribute: a[attribute] ?? "",
      referrer,
      ...(named === undefined ? {} : { named }),
    })),
  );
}

function distinct(entries: readonly ReferrerEntry[]): ReferrerEntry[] {
  const byName = new Map<string, ReferrerEntry>();
  for (const entry of entries)
    byName.set(`${entry.referee}:${entry.configurationId}:${entry.referrer}:${entry.attribute}`, entry);
  return [...byName.values()];
}
