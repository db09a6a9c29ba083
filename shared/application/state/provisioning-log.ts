/**
 * The provisioning log: a table a month, partition `{job}:{inverted hour}`, row `{inverted ticks}:{batch}:{index}`; and
 * an index by object, `{job}:object:{shard}` / `{objectGuid}:{inverted ticks}:{batch}:{index}`.
 *
 * Keys come from the batch, never from a clock, so a row written twice is one row. Newest first is the order of keys.
 */
import type { Outcome } from "../../domain/object-record.ts";
import { shardOf } from "../../domain/shard.ts";
import type { TargetType } from "../../domain/target-table.ts";
import type { TargetValues } from "../../domain/target-value.ts";
import type { Row, RowStore } from "../../ports/row-store.ts";
import { transactionChunks } from "../transaction-chunks.ts";
import { groupBy } from "./object-store.ts";
import { packJson, unpackJson } from "./packing.ts";

/** Sorts before every real moment when subtracted from: the year 9999. */
const LAST_MOMENT = 253_402_300_799_999;

export interface LogStep {
  readonly name: string;
  readonly type: "import" | "scoping" | "matching" | "processing" | "referenceResolution" | "export";
  readonly status: "success" | "warning" | "failure" | "skipped";
  readonly description: string;
  /** How long it took: milliseconds; absent where nobody measures it. */
  readonly durationMs?: number;
}

export interface LogEntry {
  readonly jobId: string;
  readonly cycleId: string;
  readonly batchId: string;
  readonly index: number;
  /** Milliseconds since 1970: when the batch was accepted. */
  readonly at: number;
  readonly action: "create" | "update" | "delete" | "disable" | "restore" | "stageddelete" | "other";
  readonly outcome: Outcome;
  readonly status: "success" | "warning" | "failure" | "skipped";
  readonly code?: string;
  readonly message?: string;
  readonly remedy?: string;
  readonly source: { readonly objectGuid: string; readonly dn: string; readonly objectClass: string };
  readonly targetId?: string;
  /** Old and new values, by property. */
  readonly before: TargetValues;
  readonly after: TargetValues;
  readonly steps: readonly LogStep[];
  /** How long mapping and export took together: milliseconds. */
  readonly durationMs?: number;
  /** What the target object is; absent: a user, or nobody knows. */
  readonly targetType?: TargetType;
  /** The admin who ordered it; absent: the service did by itself. */
  readonly by?: string;
  /** The change that this goes back to: `batchId:index`. */
  readonly change: string;
  readonly agentId: string;
  readonly server: string;
  readonly schemaVersion: number;
}

export interface ProvisioningLog {
  write(entries: readonly LogEntry[]): Promise<void>;
  /** For entries made up again after an interruption: what was written at the time says more, and stays. */
  writeMissing(entries: readonly LogEntry[]): Promise<void>;
  /** Newest first. Without `objectGuid`: of the whole job. */
  query(filter: {
    readonly jobId: string;
    readonly objectGuid?: string;
    readonly since: number;
    readonly until: number;
    readonly limit: number;
  }): Promise<LogEntry[]>;
}

/** The first moment of which entries are kept: the beginning of a month (UTC), `months` before the present one. */
export function logKeptSince(now: number, months: number): number {
  const moment = new Date(now);
  return Date.UTC(moment.getUTCFullYear(), moment.getUTCMonth() - months, 1);
}

export function logTableName(at: number): string {
  const date = new Date(at);
  return `log${date.getUTCFullYear()}${String(date.getUTCMonth() + 1).padStart(2, "0")}`;
}

export function createProvisioningLog(deps: { readonly rows: RowStore }): ProvisioningLog {
  /**
   * Rows are new but for a repetition, and inserts are what storage does with least looking. Where one is there already,
   * all of its transaction are written over (the same rows), or left as they are.
   */
  async function writeRows(
    at: number,
    partition: string,
    rows: readonly Pick<Row, "row" | "values">[],
    present: "overwrite" | "keep",
  ): Promise<void> {
    const table = deps.rows.table(logTableName(at));
    for (const chunk of transactionChunks(rows.map((row) => ({ op: "insert", ...row })))) {
      const written = await table.transact(partition, chunk);
      if (written.ok || present === "keep") continue;
      await table.transact(
        partition,
        chunk.map((operation) => (operation.op === "insert" ? { ...operation, op: "upsert" } : operation)),
      );
    }
  }
  async function writeAll(entries: readonly LogEntry[], present: "overwrite" | "keep"): Promise<void> {
    // Both rows of an entry hold the same bytes.
    const packed = entries.map((entry) => ({ entry, values: { data: packJson(entry) } }));
    const byPartition = groupBy(packed, ({ entry }) => `${entry.jobId}:${invertedHour(entry.at)}`);
    const byObject = groupBy(packed, ({ entry }) => `${entry.jobId}:object:${shardOf(entry.source.objectGuid)}`);
    await Promise.all([
      ...byPartition.map(([partition, own]) =>
        writeRows(
          own[0]?.entry.at ?? 0,
          partition,
          own.map(({ entry, values }) => ({ row: keyOf(entry), values })),
          present,
        ),
      ),
      ...byObject.map(([partition, own]) =>
        writeRows(
          own[0]?.entry.at ?? 0,
          partition,
          own.map(({ entry, values }) => ({ row: `${entry.source.objectGuid}:${keyOf(entry)}`, values })),
          present,
        ),
      ),
    ]);
  }

  return {
    write: (entries) => writeAll(entries, "overwrite"),
    // One by one: a transaction of inserts fails whole.
    async writeMissing(entries) {
      for (const entry of entries) await writeAll([entry], "keep");
    },
    async query(filter) {
      const found: LogEntry[] = [];
      for (const table of monthsBetween(filter.since, filter.until)) {
        const partitions =
          filter.objectGuid === undefined
            ? hoursBetween(table, filter)
            : [`${filter.jobId}:object:${shardOf(filter.objectGuid)}`];
        const prefix = filter.objectGuid === undefined ? "" : `${filter.objectGuid}:`;
        for (const partition of partitions) {
          const options = {
            from: `${prefix}${inverted(filter.until)}`,
            to: `${prefix}${inverted(filter.since - 1)}`,
            limit: filter.limit - found.length,
          };
          for await (const rows of deps.rows.table(table.name).range(partition, options)) {
            found.push(...rows.map((row) => unpackJson<LogEntry>(row.values["data"] as Uint8Array)));
          }
          if (found.length >= filter.limit) return found.slice(0, filter.limit);
        }
      }
      return found;
    },
  };
}

function keyOf(entry: LogEntry): string {
  return `${inverted(entry.at)}:${entry.batchId}:${String(entry.index).padStart(6, "0")}`;
}

function inverted(at: number): string {
  return String(LAST_MOMENT - at).padStart(15, "0");
}

const HOUR_MS = 3_600_000;

function invertedHour(at: number): string {
  return String(Math.floor(LAST_MOMENT / HOUR_MS) - Math.floor(at / HOUR_MS)).padStart(9, "0");
}

interface Month {
  readonly name: string;
  readonly first: number;
  readonly last: number;
}

/** The months of a range, newest first. */
function monthsBetween(since: number, until: number): Month[] {
  const months: Month[] = [];
  for (let last = until; last >= since; ) {
    const date = new Date(last);
    const start = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
    months.push({ name: logTableName(last), first: Math.max(start, since), last });
    last = start - 1;
  }
  return months;
}

function* hoursBetween(month: Month, filter: { readonly jobId: string }): Iterable<string> {
  for (let hour = Math.floor(month.last / HOUR_MS); hour >= Math.floor(month.first / HOUR_MS); hour--) {
    yield `${filter.jobId}:${invertedHour(hour * HOUR_MS)}`;
  }
}
