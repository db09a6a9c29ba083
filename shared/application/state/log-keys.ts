/**
 * Keys of the provisioning log: a table a month; every key begins with inverted ticks, so newest first is the order of keys
 * and a moment is a place among them.
 *
 * | partition | row | what |
 * |---|---|---|
 * | `{job}:{inverted hour}` | `{ticks}:{batch}:{index}` | one job |
 * | `{job}:object:{shard}` | `{objectGuid}:{ticks}:{batch}:{index}` | one object |
 * | `failed:{job}`, `failed` | `{ticks}:{batch}:{index}` | failures only |
 * | `all` | `{ticks}:{batch}:{shard}:{thousand}:{part}` | a block of entries, of all jobs |
 *
 * They come from the batch, never from a clock, so a row written twice is one row.
 */
import { shardOf } from "../../domain/shard.ts";

/** Sorts before every real moment when subtracted from: the year 9999. It ends an hour. */
const LAST_MOMENT = 253_402_300_799_999;
const HOUR_MS = 3_600_000;

export const ALL_JOBS = "all";

/** What a key is made of. */
export interface LogPlace {
  readonly jobId: string;
  readonly batchId: string;
  readonly index: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly source: { readonly objectGuid: string };
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

export const LOG_TABLE = /^log(\d{4})(\d{2})$/;

/** What may be the place of a cursor: it becomes a part of a query to storage. */
export const LOG_PLACE = /^\d{15}(?::[A-Za-z0-9._-]{1,260}(?::[0-9a-f])?(?::\d{1,9}){1,2}!?)?$/;

export function entryKey({ at, batchId, index }: Pick<LogPlace, "at" | "batchId" | "index">): string {
  return `${ticksOf(at)}:${batchId}:${String(index).padStart(6, "0")}`;
}

/** Among the entries of all jobs. */
export function entryKeyOfAll(place: LogPlace): string {
  return entryKey({ ...place, batchId: batchOfAll(place) });
}

/** Most batches are named after their job; others, as those of a schema's version, are not. */
function batchOfAll({ jobId, batchId }: LogPlace): string {
  return batchId.startsWith(jobId) ? batchId : `${jobId}-${batchId}`;
}

export function hourPartition(jobId: string, at: number): string {
  return `${jobId}:${hourText(Math.floor((LAST_MOMENT - at) / HOUR_MS))}`;
}

export function objectPartition(jobId: string, objectGuid: string): string {
  return `${jobId}:object:${shardOf(objectGuid)}`;
}

/** Of one job, or of all. */
export function failedPartition(jobId?: string): string {
  return jobId === undefined ? "failed" : `failed:${jobId}`;
}

/** Blocks of one batch: one for each shard, and for each thousand of positions in it. A shard has one writer a batch. */
export function blockPrefix(place: LogPlace): string {
  const { at, index, source } = place;
  return `${ticksOf(at)}:${batchOfAll(place)}:${shardOf(source.objectGuid)}:${Math.floor(index / 1_000)}`;
}

/** The place of a moment among keys: its entries and all older ones come from here on. */
export function ticksOf(at: number): string {
  return String(LAST_MOMENT - at).padStart(15, "0");
}

/** The moment of a key. */
export function momentOf(key: string): number {
  return LAST_MOMENT - Number(key.slice(0, 15));
}

/** The place after all entries of `at`: where older ones begin. */
export function placeAfter(at: number): string {
  return ticksOf(at - 1);
}

/** The last moment of the hour of `at`. */
export function endOfHour(at: number): number {
  return Math.floor(at / HOUR_MS) * HOUR_MS + HOUR_MS - 1;
}

/** The last moment of the hour, or the month, before the one of `at`. */
export function endOfEarlierHour(at: number): number {
  return Math.floor(at / HOUR_MS) * HOUR_MS - 1;
}

export function endOfEarlierMonth(at: number): number {
  const date = new Date(at);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1) - 1;
}

/** The place is where an hour begins (its newest entry). */
export function beginsHour(place: string): boolean {
  return Number(place.slice(0, 15)) % HOUR_MS === 0 && place.length === 15;
}

function hourText(hour: number): string {
  return String(hour).padStart(9, "0");
}
