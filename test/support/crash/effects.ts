/**
 * The provisioning log against itself and against the target: each effect has one row, whatever was repeated.
 *
 * A row is doubled when its batch and index occur twice, when an object is created again while it lives, or when a row
 * says that it set what earlier rows had set already.
 */
import { isDeepStrictEqual } from "node:util";
import { unpackJson } from "../../../shared/application/state/packing.ts";
import { type LogEntry, logTableName } from "../../../shared/application/state/provisioning-log.ts";
import type { RowStore } from "../../../shared/ports/row-store.ts";

export type LoggedEffects = {
  /** In the order of the changes they go back to. */
  readonly entries: readonly LogEntry[];
  readonly faults: readonly string[];
};

export async function readLoggedEffects(rows: RowStore, jobId: string): Promise<LoggedEffects> {
  const byTime = new Map<string, LogEntry>();
  const byObject = new Map<string, LogEntry>();
  const faults: string[] = [];
  for (const table of (await rows.listTables()).filter((name) => /^log\d{6}$/.test(name))) {
    for await (const page of rows.table(table).scan()) {
      for (const { partition, values } of page) {
        if (!partition.startsWith(`${jobId}:`)) continue;
        const entry = unpackJson<LogEntry>(values["data"] as Uint8Array);
        const key = `${entry.batchId}:${entry.index}`;
        const index = partition.startsWith(`${jobId}:object:`) ? byObject : byTime;
        if (index.has(key)) faults.push(`${key} of object ${entry.source.objectGuid} is in the log twice.`);
        index.set(key, entry);
        if (logTableName(entry.at) !== table) faults.push(`${key} is in table ${table}, of another month.`);
      }
    }
  }
  for (const [key, entry] of byTime) {
    if (!isDeepStrictEqual(byObject.get(key), entry)) faults.push(`${key} is not in the log of its object as it is.`);
  }
  if (byObject.size !== byTime.size) faults.push(`${byTime.size} rows by time, ${byObject.size} by object.`);
  const entries = [...byTime.values()].sort(
    (one, other) => one.at - other.at || Number(isOfEnd(one)) - Number(isOfEnd(other)) || one.index - other.index,
  );
  return { entries, faults: [...faults, ...doubled(entries)] };
}

/** What is done at the end of a read has the moment at which its last batch was accepted, and comes after that. */
const isOfEnd = ({ batchId }: LogEntry): boolean => !/-\d+-\d+$/.test(batchId);

const NOBODY = ["+0"];

function doubled(entries: readonly LogEntry[]): string[] {
  const faults: string[] = [];
  const objects = new Map<string, { isAlive: boolean; values: Record<string, unknown> }>();
  for (const entry of entries) {
    if (entry.outcome !== "exported") continue;
    const { objectGuid } = entry.source;
    const known = objects.get(objectGuid) ?? { isAlive: false, values: {} };
    objects.set(objectGuid, known);
    const where = `${entry.batchId}:${entry.index} of object ${objectGuid}`;
    if (entry.action === "create" && known.isAlive) faults.push(`${where} creates what is there.`);
    if (entry.action === "delete" && !known.isAlive) faults.push(`${where} deletes what is gone.`);
    // Members are told as a number and names: when some go, the same may come again.
    if (entry.before["members"] !== undefined) delete known.values["members"];
    if (isDeepStrictEqual(entry.after["members"], NOBODY)) continue;
    const news = Object.entries(entry.after).filter(([name, value]) => !isDeepStrictEqual(known.values[name], value));
    if (["update", "disable"].includes(entry.action) && news.length === 0) {
      faults.push(`${where} sets what was set: ${JSON.stringify(entry.after)}.`);
    }
    known.isAlive = entry.action !== "delete";
    Object.assign(known.values, entry.after);
  }
  return faults;
}
