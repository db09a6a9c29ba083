/**
 * What was sent for an object after its row was backed up: the provisioning log tells, and the row that is put back doesn't know it.
 *
 * Nothing of it is believed: properties that were written are in doubt, so they are sent again whatever the old row says was exported;
 * where a deletion or a restoration is told, or a creation of an object that has no link here, it is looked up before anything is done.
 */
import { bothDoubts, type Doubt, propertyNames } from "../../domain/doubt.ts";
import type { ExportMark, LastOutcome, ObjectRecord } from "../../domain/object-record.ts";
import type { LogEntry } from "../state/log-entry.ts";
import type { LogCursor, LogPages } from "../state/log-pages.ts";

/** An entry bears the time at which its batch was accepted: it may have been sent much later. */
const BEFORE_MS = 86_400_000;
const ENTRIES_A_PAGE = 100;
/** More than that says nothing new: the newest ones are looked at. */
const MOST_PAGES = 5;

/** The record itself where nothing was sent. `startedAt`: of the backup; milliseconds since 1970. */
export async function withDoubtsSince(
  log: LogPages,
  jobId: string,
  record: ObjectRecord,
  { startedAt, now }: { readonly startedAt: number; readonly now: number },
): Promise<ObjectRecord> {
  const scope = {
    object: { objectGuid: record.objectGuid, jobIds: [jobId] },
    since: startedAt - BEFORE_MS,
    until: now,
  };
  const entries: LogEntry[] = [];
  let from: LogCursor | undefined;
  for (let page = 0; page < MOST_PAGES; page++) {
    const read = await log.page(scope, ENTRIES_A_PAGE, from);
    entries.push(...read.entries);
    from = read.next;
    if (!from) break;
  }
  const [newest, ...older] = entries.filter((entry) => !isOfMembers(entry) && isUnknownTo(record.last, entry));
  return newest ? inDoubt(record, [newest, ...older], newest) : record;
}

/** Members have rows of their own. */
function isOfMembers({ before, after }: LogEntry): boolean {
  return Object.keys({ ...before, ...after }).every((name) => name === "members") && "members" in after;
}

/** Entries newest first. */
function inDoubt(record: ObjectRecord, entries: readonly LogEntry[], newest: LogEntry): ObjectRecord {
  const names = entries.flatMap(({ before, after }) => [...propertyNames(before), ...propertyNames(after)]);
  const properties = [...new Set(names)].sort();
  const at = newest.at;
  if (record.link) {
    const [moved] = entries.flatMap(({ action }) => (action === "delete" || action === "restore" ? [action] : []));
    const call: Doubt = {
      at,
      properties,
      ...(moved ? { presence: moved === "delete" ? "deleting" : "restoring" } : {}),
    };
    return { ...record, link: { ...record.link, doubt: bothDoubts(record.link.doubt, call) } };
  }
  if (!entries.some(({ action }) => action === "create")) return record;
  const mark: ExportMark = { kind: "creating", lane: "live", batchId: newest.batchId, at, isLost: true, properties };
  return { ...record, mark };
}

/**
 * Whether the row may lack it. Batches of agents have numbers in the order of reads. Work of our own has none, and an entry's moment is
 * when its work was made, not when it was done: a doubt too many costs a call, one too few an old value that stays.
 */
function isUnknownTo(last: LastOutcome | undefined, entry: LogEntry): boolean {
  if (last?.batchId === entry.batchId) return false;
  const [known, own] = [placeOf(entry.jobId, last?.batchId), placeOf(entry.jobId, entry.batchId)];
  if (!known || !own) return true;
  if (known.readNo !== own.readNo) return own.readNo > known.readNo;
  // What a read's end does comes after its batches, one thing after the other.
  return known.sequence === own.sequence ? own.sequence === AT_END : own.sequence > known.sequence;
}

const AT_END = Number.MAX_SAFE_INTEGER;

/** Where a batch that an agent sent stands in the order of reads; undefined: it is none. */
function placeOf(jobId: string, batchId: string | undefined) {
  if (!batchId?.startsWith(`${jobId}-`)) return undefined;
  const [, read, sequence] = /^(\d+)-(\d+|[a-z]+)$/.exec(batchId.slice(jobId.length + 1)) ?? [];
  if (read === undefined || sequence === undefined) return undefined;
  return { readNo: Number(read), sequence: /^\d/.test(sequence) ? Number(sequence) : AT_END };
}
