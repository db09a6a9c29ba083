/**
 * Who names whom: table `referrers`, partition `{target}:{d}`, where d is the first hex digit of the referee's hash. It is
 * asked when an object comes to be in the target: who waits for it?
 *
 * A tree of rows: a leaf holds the entries of all hashes that begin with its name, and becomes a fork of sixteen leaves,
 * in one transaction, when it has too many. So a first load writes few rows, and a single change a small one. The first
 * digits of a path are the referee's, the others the referrer's: one whom thousands name is spread, too. Entries are
 * never taken back: who looks finds more than there is, never less.
 */
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
/** From so many paths in a partition on, reading all of it costs less than going down for each. */
const RANGE_FROM = 24;
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

  /** The rows along some paths. */
  async function readAlong(partition: string, paths: readonly string[]): Promise<Map<string, Row>> {
    const found = new Map<string, Row>();
    if (paths.length >= RANGE_FROM) {
      for await (const rows of table.range(partition)) for (const row of rows) found.set(row.row, row);
      return found;
    }
    let open = [...new Set(paths)];
    for (let length = 1; open.length > 0; length++) {
      const rows = await table.getMany(partition, [...new Set(open.map((path) => path.slice(0, length)))]);
      for (const [name, row] of rows) found.set(name, row);
      open = open.filter((path) => path.length > length && isFork(rows.get(path.slice(0, length))));
    }
    return found;
  }

  async function addTo(partition: string, entries: readonly ReferrerEntry[]): Promise<readonly ReferrerEntry[]> {
    const rows = await readAlong(partition, entries.map(pathOf));
    const byLeaf = groupBy(entries, (entry) => leafOf(rows, pathOf(entry)));
    const refused: ReferrerEntry[] = [];
    const plain: { readonly operation: RowOperation; readonly own: readonly ReferrerEntry[] }[] = [];
    for (const [name, own] of byLeaf) {
      const row = rows.get(name);
      const before = row ? entriesOf(row) : [];
      const all = distinct([...before, ...own]);
      if (all.length === before.length) continue;
      if (all.length <= LEAF_ENTRIES || name.length === LONGEST_PATH) {
        plain.push({ operation: leafOperation(name, all, row?.etag), own });
        continue;
      }
      const leaves = groupBy(all, (entry) => pathOf(entry).slice(0, name.length + 1));
      const fork: RowOperation = row
        ? { op: "replace", row: name, values: { fork: true }, etag: row.etag }
        : { op: "insert", row: name, values: { fork: true } };
      const forked = await table.transact(partition, [
        fork,
        ...leaves.map(([leaf, part]) => leafOperation(leaf, part, undefined)),
      ]);
      if (!forked.ok) refused.push(...own);
    }
    const etags = await writeHalving(
      table,
      partition,
      plain.map(({ operation }) => operation),
    );
    return [...refused, ...plain.flatMap(({ own }, index) => (etags[index] === undefined ? own : []))];
  }

  return {
    async add(entries) {
      await Promise.all(
        groupBy(entries, (entry) => pathOf(entry).slice(0, 1)).map(async ([digit, own]) => {
          let open: readonly ReferrerEntry[] = own;
          for (let tries = 0; open.length > 0; tries++) {
            if (tries === TRIES)
              throw new Error(`The referrers below ${digit} change faster than they can be written.`);
            open = await addTo(partitionOf(digit), open);
          }
        }),
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
      await Promise.all(
        paths.map(async ([digit, own]) => {
          const partition = partitionOf(digit);
          const rows = await readAlong(partition, own);
          for (const row of rows.values()) take(row);
          if (own.length >= RANGE_FROM) return;
          // One whom very many name: all that is below.
          for (const path of new Set(own.filter((path) => isFork(rows.get(path)))))
            for await (const page of table.range(partition, { from: path, to: `${path}~` })) page.forEach(take);
        }),
      );
      return new Map([...found].map(([referee, own]) => [referee, [...own.values()]]));
    },
  };
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

function leafOperation(name: string, entries: readonly ReferrerEntry[], etag: string | undefined): RowOperation {
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
  return etag === undefined ? { op: "insert", row: name, values } : { op: "replace", row: name, values, etag };
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
