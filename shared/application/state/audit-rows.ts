/**
 * The audit log's rows: a table a month, one partition, row `{inverted ticks}:{id}`, so that the newest come first and a page is one
 * read of each month that it touches. A row is written before the change that it is about, and once more when that ended; retention
 * drops tables.
 */
import type { RowStore } from "../../ports/row-store.ts";
import { pack, unpack } from "./job-rows.ts";

export interface AuditEntry {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly operation: string;
  readonly summary: string;
  readonly by: { readonly id: string; readonly name: string | null; readonly isApplication: boolean };
  readonly requestId: string | null;
  readonly subject: { readonly type: string; readonly id: string | null; readonly name: string | null };
  readonly changes: readonly {
    readonly name: string;
    readonly before: string | null;
    readonly after: string | null;
  }[];
  readonly details: readonly { readonly key: string; readonly value: string }[];
  /** Why it is not known to be done; null: it is. */
  readonly failure: string | null;
}

export interface AuditRows {
  /** Over what was written under the same moment and id. */
  write(entry: AuditEntry): Promise<void>;
  /** Newest first. `from`: a page's `next`. */
  page(top: number, from?: string): Promise<{ readonly entries: readonly AuditEntry[]; readonly next?: string }>;
}

const PARTITION = "audit";
const TABLE = /^audit\d{6}$/;
/** Sorts before every real moment when subtracted from: the year 9999. */
const LAST_MOMENT = 253_402_300_799_999;

/** Of the month (UTC) of a moment. */
export function auditTableName(at: number): string {
  return `audit${new Date(at).toISOString().slice(0, 7).replace("-", "")}`;
}

/** Where a page begins: month and row key. Undefined: it is none. */
export function parsePlace(from: string): { readonly table: string; readonly row: string } | undefined {
  const [, month, row] = /^(\d{6})\.(\d{15}:[0-9a-f-]{36})$/.exec(from) ?? [];
  return month === undefined || row === undefined ? undefined : { table: `audit${month}`, row };
}

export function createAuditRows(deps: { readonly rows: RowStore }): AuditRows {
  return {
    async write(entry) {
      const row = `${String(LAST_MOMENT - entry.at).padStart(15, "0")}:${entry.id}`;
      const values = pack(entry);
      await deps.rows.table(auditTableName(entry.at)).transact(PARTITION, [{ op: "upsert", row, values }]);
    },
    async page(top, from) {
      const begin = from === undefined ? undefined : parsePlace(from);
      const months = (await deps.rows.listTables()).filter((name) => TABLE.test(name)).toSorted();
      const found: { readonly entry: AuditEntry; readonly place: string }[] = [];
      for (const name of months.toReversed()) {
        if (begin && name > begin.table) continue;
        const after = begin?.table === name ? { from: `${begin.row}!` } : {};
        const options = { ...after, limit: top + 1 - found.length };
        for await (const rows of deps.rows.table(name).range(PARTITION, options))
          for (const row of rows)
            found.push({ entry: unpack<AuditEntry>(row).value, place: `${name.slice("audit".length)}.${row.row}` });
        if (found.length > top) break;
      }
      const shown = found.slice(0, top);
      const next = found.length > top ? shown.at(-1)?.place : undefined;
      return { entries: shown.map(({ entry }) => entry), ...(next === undefined ? {} : { next }) };
    },
  };
}
