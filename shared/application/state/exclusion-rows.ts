/**
 * The exclusion list of a target: table `exclusions`, partition `{target}`, row `{guid}` in lower case. Who put an entry there,
 * when and why stands in it; what an entry means is decided in `excluded.ts`.
 */
import type { RowStore } from "../../ports/row-store.ts";

export interface ExclusionRow {
  /** The objectGUID of a source object or the id of a target object. */
  readonly guid: string;
  readonly by: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly reason: string;
}

export interface ExclusionRows {
  /** In the order of GUIDs; `etag` changes with the entry. */
  list(): Promise<readonly (ExclusionRow & { readonly etag: string })[]>;
  /** What stood there before is replaced. */
  put(row: ExclusionRow): Promise<void>;
  /** False: it wasn't there. */
  remove(guid: string): Promise<boolean>;
}

export function createExclusionRows(deps: { readonly rows: RowStore; readonly targetKey: string }): ExclusionRows {
  const table = deps.rows.table("exclusions");
  return {
    async list() {
      const found: (ExclusionRow & { readonly etag: string })[] = [];
      for await (const rows of table.range(deps.targetKey))
        for (const { row, values, etag } of rows) {
          const { by, at, reason } = values;
          found.push({ guid: row, by: String(by), at: Number(at), reason: String(reason), etag });
        }
      return found;
    },
    async put({ guid, by, at, reason }) {
      await table.transact(deps.targetKey, [{ op: "upsert", row: guid, values: { by, at, reason } }]);
    },
    async remove(guid) {
      return (await table.transact(deps.targetKey, [{ op: "delete", row: guid }])).ok;
    },
  };
}
