/**
 * The exclusion list of a target: table `exclusions`, partition `{target}`, row `{guid}` in lower case. Who put an entry there,
 * when and why stands in it; what an entry means is decided in `excluded.ts`.
 */
import type { Row, RowStore } from "../../ports/row-store.ts";

export interface ExclusionRow {
  /** The objectGUID of a source object or the id of a target object. */
  readonly guid: string;
  readonly by: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly reason: string;
}

/** `etag`: of the row, it changes with the entry. */
export type StoredExclusion = ExclusionRow & { readonly etag: string };

export interface ExclusionRows {
  /** In the order of GUIDs. */
  list(): Promise<readonly StoredExclusion[]>;
  get(guid: string): Promise<StoredExclusion | undefined>;
  /** `replaced`: the row's etag, undefined where there was none. False: somebody else came first. */
  put(row: ExclusionRow, replaced: string | undefined): Promise<boolean>;
  /** False: it isn't there any more, or is another one. */
  remove(guid: string, etag: string): Promise<boolean>;
}

export function createExclusionRows(deps: { readonly rows: RowStore; readonly targetKey: string }): ExclusionRows {
  const table = deps.rows.table("exclusions");
  return {
    async list() {
      const found: StoredExclusion[] = [];
      for await (const rows of table.range(deps.targetKey)) found.push(...rows.map(exclusionIn));
      return found;
    },
    async get(guid) {
      const row = await table.get(deps.targetKey, guid);
      return row && exclusionIn(row);
    },
    async put({ guid, by, at, reason }, replaced) {
      const row = { row: guid, values: { by, at, reason } };
      const operation =
        replaced === undefined
          ? ({ op: "insert", ...row } as const)
          : ({ op: "replace", ...row, etag: replaced } as const);
      return (await table.transact(deps.targetKey, [operation])).ok;
    },
    async remove(guid, etag) {
      return (await table.transact(deps.targetKey, [{ op: "delete", row: guid, etag }])).ok;
    },
  };
}

function exclusionIn({ row, values, etag }: Row): StoredExclusion {
  const { by, at, reason } = values;
  return { guid: row, by: String(by), at: Number(at), reason: String(reason), etag };
}
