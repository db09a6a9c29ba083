/**
 * The exclusion list of a target: table `exclusions`, partition `{target}`, row `{guid}` in lower case. Who put an entry there,
 * when and why stands in it; what an entry means is decided in `excluded.ts`. An entry that is being taken off holds no longer; its
 * row stays, marked, until whoever it kept is sure to be mapped anew.
 */
import type { Row, RowStore } from "../../ports/row-store.ts";

export interface ExclusionRow {
  /** The objectGUID of a source object or the id of a target object. */
  readonly guid: string;
  readonly by: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly reason: string;
  /** By whom it is being taken off: it holds no longer. */
  readonly removedBy?: string;
}

/** `etag`: of the row, it changes with the entry. */
export type StoredExclusion = ExclusionRow & { readonly etag: string };

export interface ExclusionRows {
  /** What holds, in the order of GUIDs. */
  list(): Promise<readonly StoredExclusion[]>;
  /** What is being taken off. */
  ending(): Promise<readonly StoredExclusion[]>;
  /** Whether it holds or is being taken off. */
  get(guid: string): Promise<StoredExclusion | undefined>;
  /** `replaced`: the row's etag, undefined where there was none. False: somebody else came first. */
  put(row: ExclusionRow, replaced: string | undefined): Promise<boolean>;
  /** False: it isn't there any more, or is another one. */
  remove(guid: string, etag: string): Promise<boolean>;
}

export function createExclusionRows(deps: { readonly rows: RowStore; readonly targetKey: string }): ExclusionRows {
  const table = deps.rows.table("exclusions");

  async function all(): Promise<readonly StoredExclusion[]> {
    const found: StoredExclusion[] = [];
    for await (const rows of table.range(deps.targetKey)) found.push(...rows.map(exclusionIn));
    return found;
  }

  return {
    list: async () => (await all()).filter(holds),
    ending: async () => (await all()).filter((own) => !holds(own)),
    async get(guid) {
      const row = await table.get(deps.targetKey, guid);
      return row && exclusionIn(row);
    },
    async put({ guid, by, at, reason, removedBy }, replaced) {
      const row = { row: guid, values: { by, at, reason, ...(removedBy === undefined ? {} : { removedBy }) } };
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

/** Whether an entry still keeps anybody. */
export function holds({ removedBy }: ExclusionRow): boolean {
  return removedBy === undefined;
}

function exclusionIn({ row, values, etag }: Row): StoredExclusion {
  const { by, at, reason, removedBy } = values;
  const ended = removedBy === undefined ? {} : { removedBy: String(removedBy) };
  return { guid: row, by: String(by), at: Number(at), reason: String(reason), ...ended, etag };
}
