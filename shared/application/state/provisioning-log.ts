/**
 * The provisioning log: what is written, and where (`log-keys.ts`). An entry has a row of its job's time and one of its object;
 * of all jobs together it stands in a block (`log-blocks.ts`); a failure has two rows more, for those who look for failures only.
 *
 * Keys come from the batch, never from a clock, so a row written twice is one row. Newest first is the order of keys.
 */
import type { Row, RowStore, RowTable } from "../../ports/row-store.ts";
import { transactionChunks } from "../transaction-chunks.ts";
import { writeBlocks } from "./log-blocks.ts";
import type { LogEntry } from "./log-entry.ts";
import { entryKey, entryKeyOfAll, failedPartition, hourPartition, logTableName, objectPartition } from "./log-keys.ts";
import { createLogPages, type LogPages } from "./log-pages.ts";
import { groupBy } from "./object-store.ts";
import { packJson, unpackJson } from "./packing.ts";

export type { LogEntry, LogStep } from "./log-entry.ts";
export { logKeptSince, logTableName } from "./log-keys.ts";

type Present = "overwrite" | "keep";

export interface ProvisioningLog extends LogPages {
  write(entries: readonly LogEntry[]): Promise<void>;
  /** For entries made up again after an interruption: what was written at the time says more, and stays. */
  writeMissing(entries: readonly LogEntry[]): Promise<void>;
  /** For entries that have only the rows of their job and object. What is there stays. */
  index(entries: readonly LogEntry[]): Promise<void>;
}

export function createProvisioningLog(deps: { readonly rows: RowStore }): ProvisioningLog {
  /**
   * Rows are new but for a repetition, and inserts are what storage does with least looking. Where one is there already,
   * all of its transaction are written over (the same rows), or left as they are. Whether all were new.
   */
  async function writeRows(
    table: RowTable,
    partition: string,
    rows: readonly Pick<Row, "row" | "values">[],
    present: Present,
  ): Promise<boolean> {
    let areNew = true;
    for (const chunk of transactionChunks(rows.map((row) => ({ op: "insert", ...row })))) {
      const written = await table.transact(partition, chunk);
      if (written.ok) continue;
      areNew = false;
      if (present === "keep") continue;
      await table.transact(
        partition,
        chunk.map((operation) => (operation.op === "insert" ? { ...operation, op: "upsert" } : operation)),
      );
    }
    return areNew;
  }

  async function writeAll(table: RowTable, entries: readonly LogEntry[], present: Present): Promise<void> {
    // All rows of an entry hold the same bytes.
    const packed = entries.map(packOf);
    const byTime = groupBy(packed, ({ entry }) => hourPartition(entry.jobId, entry.at));
    const byObject = groupBy(packed, ({ entry }) => objectPartition(entry.jobId, entry.source.objectGuid));
    await Promise.all([
      ...byTime.map(async ([partition, own]) => {
        const areNew = await writeRows(table, partition, rowsOf(own), present);
        if (!areNew && present === "overwrite") await dropFailures(table, own);
      }),
      ...byObject.map(([partition, own]) =>
        writeRows(
          table,
          partition,
          own.map(({ entry, values }) => ({ row: `${entry.source.objectGuid}:${entryKey(entry)}`, values })),
          present,
        ),
      ),
      writeFailures(table, packed, present),
    ]);
  }

  /** As one of its rows has it: who was interrupted may have written one and not the other. Where none can be read, as it is at hand. */
  async function asWritten(table: RowTable, entry: LogEntry): Promise<LogEntry> {
    const { jobId, at, source } = entry;
    const key = entryKey(entry);
    const [ofTime, ofObject] = await Promise.all([
      table.get(hourPartition(jobId, at), key),
      table.get(objectPartition(jobId, source.objectGuid), `${source.objectGuid}:${key}`),
    ]);
    const kept = [ofTime, ofObject].map((row) => readable(row?.values["data"]));
    return kept.find((own) => own !== undefined) ?? entry;
  }

  async function writeFailures(table: RowTable, packed: readonly Packed[], present: Present): Promise<void> {
    const failed = packed.filter(({ entry }) => entry.status === "failure");
    await Promise.all([
      ...groupBy(failed, ({ entry }) => failedPartition(entry.jobId)).map(([partition, own]) =>
        writeRows(table, partition, rowsOf(own), present),
      ),
      writeRows(table, failedPartition(), rowsOf(failed, entryKeyOfAll), present),
    ]);
  }

  /** What failed at first and, repeated, did not: it is no failure any more. */
  async function dropFailures(table: RowTable, own: readonly { readonly entry: LogEntry }[]): Promise<void> {
    for (const { entry } of own) {
      if (entry.status === "failure") continue;
      await table.transact(failedPartition(entry.jobId), [{ op: "delete", row: entryKey(entry) }]);
      await table.transact(failedPartition(), [{ op: "delete", row: entryKeyOfAll(entry) }]);
    }
  }

  async function byMonth(
    entries: readonly LogEntry[],
    work: (table: RowTable, own: readonly LogEntry[]) => Promise<unknown>,
  ): Promise<void> {
    for (const [name, own] of groupBy(entries, ({ at }) => logTableName(at))) await work(deps.rows.table(name), own);
  }

  return {
    ...createLogPages(deps),
    write: (entries) =>
      byMonth(entries, (table, own) =>
        Promise.all([writeAll(table, own, "overwrite"), writeBlocks(table, own, "overwrite")]),
      ),
    writeMissing: (entries) =>
      byMonth(entries, async (table, own) => {
        // One by one: a transaction of inserts fails whole.
        const known: LogEntry[] = [];
        for (const entry of own) {
          const kept = await asWritten(table, entry);
          await writeAll(table, [kept], "keep");
          known.push(kept);
        }
        await writeBlocks(table, known, "keep");
      }),
    index: (entries) =>
      byMonth(entries, async (table, own) => {
        for (const entry of own) await writeFailures(table, [packOf(entry)], "keep");
        await writeBlocks(table, own, "keep");
      }),
  };
}

/** Undefined: there is none, or it is damaged, which must not stop the work that it tells of. */
function readable(data: unknown): LogEntry | undefined {
  if (!(data instanceof Uint8Array)) return undefined;
  try {
    return unpackJson<LogEntry>(data);
  } catch {
    return undefined;
  }
}

interface Packed {
  readonly entry: LogEntry;
  readonly values: { readonly data: Uint8Array };
}

function packOf(entry: LogEntry): Packed {
  return { entry, values: { data: packJson(entry) } };
}

function rowsOf(packed: readonly Packed[], key: (entry: LogEntry) => string = entryKey) {
  return packed.map(({ entry, values }) => ({ row: key(entry), values }));
}
