/**
 * Object rows: image and link in one row, partition `{target}:{shard}`, row `{configuration}:{objectGuid}`.
 *
 * Writes go out in full transactions per shard; where one is refused, its rows are written one by one, so that a
 * single contested row holds up nobody else. The store decides nothing about objects.
 */
import { typeOfClass } from "../../domain/guard.ts";
import type { ObjectRecord } from "../../domain/object-record.ts";
import { SHARDS, shardOf } from "../../domain/shard.ts";
import type { RowOperation, RowStore } from "../../ports/row-store.ts";
import { transactionChunks } from "../transaction-chunks.ts";
import {
  decodeObject,
  encodeObject,
  LIGHT_COLUMNS,
  type ListedSummary,
  lightOf,
  managerIn,
  type ObjectLight,
  type ObjectSummary,
  rowKey,
  SUMMARY_COLUMNS,
  summaryOf,
  wasLinked,
} from "./object-row.ts";
import { writeHalving } from "./write-halving.ts";

/** A record with the etag under which it was read; no etag: it wasn't there. */
export interface StoredObject {
  readonly record: ObjectRecord;
  readonly etag?: string;
}

export type WriteResult = { readonly written: true; readonly etag: string } | { readonly written: false };

export interface ObjectStore {
  get(configurationId: string, objectGuid: string): Promise<StoredObject | undefined>;
  getMany(configurationId: string, objectGuids: readonly string[]): Promise<Map<string, StoredObject>>;
  /** Those that have a row, by objectGUID. */
  lights(
    configurationId: string,
    objectGuids: readonly string[],
    options?: { readonly dn: true },
  ): Promise<Map<string, ObjectLight>>;
  /** Inserts what has no etag, replaces what has one if unchanged. Results in order. */
  write(objects: readonly StoredObject[]): Promise<WriteResult[]>;
  summaries(configurationId: string, shard: string): AsyncIterable<readonly ObjectSummary[]>;
  /** Deletes rows that are as they were read; how many. */
  drop(objects: readonly StoredObject[]): Promise<number>;
  /** Objects of a shard in the order of their GUIDs, whole: the first `limit` after one ("": from the start). */
  page(configurationId: string, shard: string, after: string, limit: number): Promise<StoredObject[]>;
  /** As `summaries`; `managers`: with those of objects that are still to be made, for which images are read. */
  listed(
    configurationId: string,
    shard: string,
    options: { readonly managers?: boolean },
  ): AsyncIterable<readonly ListedSummary[]>;
  /** Objects of a configuration that were linked at a moment (milliseconds since 1970), whatever became of them since. */
  countLinked(configurationId: string, at: number): Promise<Population>;
}

/** Linked objects, by what they are in the target. */
export interface Population {
  readonly users: number;
  readonly groups: number;
}

export function createObjectStore(deps: { readonly rows: RowStore; readonly targetKey: string }): ObjectStore {
  const table = deps.rows.table("objects");
  const partition = (shard: string) => `${deps.targetKey}:${shard}`;
  const pagesOf = (configurationId: string, shard: string, select: readonly string[]) =>
    table.range(partition(shard), { from: `${configurationId}:`, to: `${configurationId};`, select });
  return {
    async get(configurationId, objectGuid) {
      const row = await table.get(partition(shardOf(objectGuid)), rowKey(configurationId, objectGuid));
      return row && { record: decodeObject(configurationId, objectGuid, row.values), etag: row.etag };
    },
    async getMany(configurationId, objectGuids) {
      const found = new Map<string, StoredObject>();
      const reads = groupBy(objectGuids, shardOf).map(async ([shard, guids]) => {
        const rows = await table.getMany(
          partition(shard),
          guids.map((guid) => rowKey(configurationId, guid)),
        );
        for (const guid of guids) {
          const row = rows.get(rowKey(configurationId, guid));
          if (row) found.set(guid, { record: decodeObject(configurationId, guid, row.values), etag: row.etag });
        }
      });
      await Promise.all(reads);
      return found;
    },
    async lights(configurationId, objectGuids, options) {
      const columns = options ? [...LIGHT_COLUMNS, "dn"] : LIGHT_COLUMNS;
      const found = new Map<string, ObjectLight>();
      const reads = groupBy(objectGuids, shardOf).map(async ([shard, guids]) => {
        const rows = await table.getMany(
          partition(shard),
          guids.map((guid) => rowKey(configurationId, guid)),
          { select: columns },
        );
        for (const [key, { values }] of rows) found.set(key.slice(key.indexOf(":") + 1), lightOf(values));
      });
      await Promise.all(reads);
      return found;
    },
    async write(objects) {
      const results: WriteResult[] = objects.map(() => ({ written: false }));
      const byShard = groupBy(
        objects.map((object, index) => ({ object, index })),
        (entry) => shardOf(entry.object.record.objectGuid),
      );
      await Promise.all(
        byShard.map(async ([shard, entries]) => {
          // What was made up for a row that can't be read must not take its place.
          const own = entries.filter((entry) => !entry.object.record.unreadable);
          const operations = own.map((entry) => operationOf(entry.object));
          const etags = await writeHalving(table, partition(shard), operations);
          own.forEach(({ index }, position) => {
            const etag = etags[position];
            if (etag !== undefined) results[index] = { written: true, etag };
          });
        }),
      );
      return results;
    },
    async drop(objects) {
      let dropped = 0;
      for (const [shard, own] of groupBy(objects, ({ record }) => shardOf(record.objectGuid))) {
        const operations = own.flatMap(({ record, etag }): RowOperation[] =>
          etag === undefined ? [] : [{ op: "delete", row: rowKey(record.configurationId, record.objectGuid), etag }],
        );
        for (const chunk of transactionChunks(operations)) {
          const whole = await table.transact(partition(shard), chunk);
          if (whole.ok) dropped += chunk.length;
          // One of them came back to life: the others go all the same.
          else for (const one of chunk) if ((await table.transact(partition(shard), [one])).ok) dropped++;
        }
      }
      return dropped;
    },
    async *summaries(configurationId, shard) {
      for await (const rows of pagesOf(configurationId, shard, SUMMARY_COLUMNS)) yield rows.map(summaryOf);
    },
    async *listed(configurationId, shard, { managers = false }) {
      const columns = managers ? [...SUMMARY_COLUMNS, "image"] : SUMMARY_COLUMNS;
      for await (const rows of pagesOf(configurationId, shard, columns))
        yield rows.map((row): ListedSummary => {
          const summary = summaryOf(row);
          const manager = managers && !summary.linked && summary.state === "live" ? managerIn(row) : undefined;
          return manager === undefined ? summary : { ...summary, manager };
        });
    },
    async page(configurationId, shard, after, limit) {
      const from = after === "" ? `${configurationId}:` : `${rowKey(configurationId, after)}!`;
      const found: StoredObject[] = [];
      for await (const rows of table.range(partition(shard), { from, to: `${configurationId};`, limit }))
        for (const { row, etag, values } of rows)
          found.push({ record: decodeObject(configurationId, row.slice(row.indexOf(":") + 1), values), etag });
      return found;
    },
    async countLinked(configurationId, at) {
      let users = 0;
      let groups = 0;
      const select = ["class", "linked", "since", "gone"];
      for (const shard of SHARDS) {
        const options = { from: `${configurationId}:`, to: `${configurationId};`, select };
        for await (const rows of table.range(partition(shard), options)) {
          for (const { values } of rows) {
            if (!wasLinked(values, at)) continue;
            if (typeOfClass(String(values["class"])) === "group") groups++;
            else users++;
          }
        }
      }
      return { users, groups };
    },
  };
}

function operationOf(object: StoredObject): RowOperation {
  const row = rowKey(object.record.configurationId, object.record.objectGuid);
  const values = encodeObject(object.record);
  return object.etag === undefined ? { op: "insert", row, values } : { op: "replace", row, values, etag: object.etag };
}

export function groupBy<T, K extends string>(items: readonly T[], keyOf: (item: T) => K): [K, T[]][] {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const own = groups.get(key);
    if (own) own.push(item);
    else groups.set(key, [item]);
  }
  return [...groups];
}
