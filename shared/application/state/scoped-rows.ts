/**
 * What scopes by place and group need of the rows of objects (table `objects`), without their images: class, state, place,
 * and the facts that were found out before. Who writes the rows is `object-store.ts`.
 */
import type { ObjectState, ScopeFacts } from "../../domain/object-record.ts";
import { shardOf } from "../../domain/shard.ts";
import { splitDn } from "../../domain/values.ts";
import type { Row, RowStore } from "../../ports/row-store.ts";
import { groupBy } from "./object-store.ts";
import { unpackJson } from "./packing.ts";

export interface ScopedRow {
  readonly objectGuid: string;
  readonly objectClass: string;
  readonly state: ObjectState;
  readonly dn: string;
  readonly parentGuid?: string;
  readonly facts?: ScopeFacts;
  readonly undecided: boolean;
}

export interface ScopedRows {
  /** Those that have a row, by objectGUID. */
  getMany(configurationId: string, objectGuids: readonly string[]): Promise<ReadonlyMap<string, ScopedRow>>;
  /** All of a shard, page by page. */
  pages(configurationId: string, shard: string): AsyncIterable<readonly ScopedRow[]>;
}

const COLUMNS = ["class", "state", "dn", "parent", "facts", "undecided"];
/** Rows that are asked for at once. */
const AT_ONCE = 1_000;

export function createScopedRows(deps: { readonly rows: RowStore; readonly targetKey: string }): ScopedRows {
  const table = deps.rows.table("objects");
  const partition = (shard: string) => `${deps.targetKey}:${shard}`;
  return {
    async getMany(configurationId, objectGuids) {
      const found = new Map<string, ScopedRow>();
      await Promise.all(
        groupBy([...new Set(objectGuids)], shardOf).map(async ([shard, guids]) => {
          for (let at = 0; at < guids.length; at += AT_ONCE) {
            const keys = guids.slice(at, at + AT_ONCE).map((guid) => `${configurationId}:${guid}`);
            for (const row of (await table.getMany(partition(shard), keys)).values()) {
              const own = scopedOf(row);
              found.set(own.objectGuid, own);
            }
          }
        }),
      );
      return found;
    },
    async *pages(configurationId, shard) {
      const options = { from: `${configurationId}:`, to: `${configurationId};`, select: COLUMNS };
      for await (const rows of table.range(partition(shard), options)) yield rows.map(scopedOf);
    },
  };
}

function scopedOf({ row, values }: Row): ScopedRow {
  const { parent, facts } = values;
  return {
    objectGuid: row.slice(row.indexOf(":") + 1),
    objectClass: String(values["class"]),
    state: values["state"] as ObjectState,
    dn: String(values["dn"]),
    ...(typeof parent === "string" ? { parentGuid: parent } : {}),
    ...(facts instanceof Uint8Array ? { facts: unpackJson(facts) } : {}),
    undecided: values["undecided"] === true,
  };
}

/** What objects are called: the first of the names of their DNs, without its attribute. */
export function namesOf(rows: ReadonlyMap<string, ScopedRow>): ReadonlyMap<string, string> {
  return new Map(
    [...rows].flatMap(([guid, { dn }]): [string, string][] => {
      const [first = ""] = splitDn(dn);
      const name = first.slice(first.indexOf("=") + 1).trim();
      return name === "" ? [] : [[guid, name]];
    }),
  );
}
