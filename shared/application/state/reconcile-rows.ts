/**
 * A reconcile as rows and files: partition of its job, row `reconcile:{id}` with where it stands and what it counted;
 * files below `reconcile/{job}/{id}/`, of which only those with findings outlive it.
 *
 * The row moves on by one step at a time, If-Match: what a step wrote is found by its number, so that a repetition writes
 * the same files and one of two rows. A row is asked for and read here; what a step does is in `reconcile-*.ts` beside.
 */
import { randomUUID } from "node:crypto";
import type { TargetScalar } from "../../domain/target-value.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { RowStore } from "../../ports/row-store.ts";
import type { TargetObjectType } from "../../ports/target-directory.ts";
import { jobTable, listRows, pack, readRow, type Stored } from "./job-rows.ts";
import { gunzipJson, gzipJson } from "./packing.ts";

export type ReconcilePolicy = "report" | "repair" | "adopt";
/** `unreadable`: the target refused to be asked about it, or about the members of a group. */
export type FindingKind = "changed" | "missing" | "foreign" | "missingMember" | "foreignMember" | "unreadable";

/** One thing that is not in the target as the links say. */
export interface Finding {
  readonly kind: FindingKind;
  readonly type: TargetObjectType;
  /** The source object; of members: the group. Null: there is none. */
  readonly objectGuid: string | null;
  readonly targetId: string;
  /** Of what changed: `property` or `property.key`. */
  readonly property: string | null;
  /** Null: nothing. Of members the member's id in the target. */
  readonly expected: TargetScalar;
  readonly actual: TargetScalar;
  /** Of members: their source object, where one is known. */
  readonly memberGuid: string | null;
  /** `left`: the policy would have it mended, and it can't be, by `note`. */
  readonly done: "reported" | "repaired" | "adopted" | "left";
  readonly note: string | null;
}

export interface ReconcileCounts {
  /** Target objects that were read, and those of them that belong to the job. */
  readonly users: number;
  readonly groups: number;
  readonly linked: number;
  /** Left out: mastered by Microsoft's own sync. */
  readonly mastered: number;
  /** Memberships that were compared, as the target has them. */
  readonly members: number;
  /** Objects of which something changed, and what changed of them. */
  readonly changed: number;
  readonly attributes: number;
  readonly missing: number;
  readonly foreign: number;
  readonly missingMembers: number;
  readonly foreignMembers: number;
  /** About which the target refused to be asked. */
  readonly unreadable: number;
  readonly repaired: number;
  readonly adopted: number;
  readonly left: number;
  /** Looked different at first, and were in movement or as they should be a while later. */
  readonly unsettled: number;
}

export const NO_COUNTS: ReconcileCounts = {
  users: 0,
  groups: 0,
  linked: 0,
  mastered: 0,
  members: 0,
  changed: 0,
  attributes: 0,
  missing: 0,
  foreign: 0,
  missingMembers: 0,
  foreignMembers: 0,
  unreadable: 0,
  repaired: 0,
  adopted: 0,
  left: 0,
  unsettled: 0,
};

/** Where the next step begins. */
export type Place =
  | { readonly phase: "objects"; readonly type: TargetObjectType; readonly from?: string }
  | { readonly phase: "unseen"; readonly shard: number }
  | { readonly phase: "members"; readonly file: number; readonly offset: number }
  /** A group whose members don't come in one page: they are read in pieces, then compared part by part. */
  | {
      readonly phase: "large";
      readonly look: 1 | 2;
      readonly group: number;
      readonly from?: string;
      /** Pieces read so far; `part`: from there on they are compared, null: they are being read. */
      readonly pieces: number;
      readonly part: number | null;
    }
  | { readonly phase: "pause" }
  | { readonly phase: "confirm"; readonly file: number; readonly offset: number }
  | { readonly phase: "close" };

export interface ReconcileRow {
  readonly id: string;
  readonly jobId: string;
  readonly workId: string;
  readonly policy: ReconcilePolicy;
  readonly by: string;
  readonly askedAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly state: "waiting" | "running" | "confirming" | "done" | "failed";
  /** Why it failed. */
  readonly message: string | null;
  readonly step: number;
  readonly place: Place;
  /** How many there are of each kind of file. */
  readonly pages: number;
  readonly groupFiles: number;
  readonly candidates: number;
  readonly large: number;
  readonly findings: number;
  readonly repairs: number;
  /** The second look comes not before then: milliseconds since 1970. */
  readonly confirmAt: number;
  readonly counts: ReconcileCounts;
  /** Some of what is foreign, and not listed otherwise. */
  readonly sample: readonly Finding[];
}

export const RECONCILE = {
  prefix: "reconcile:",
  row: (id: string) => `reconcile:${id}`,
  workId: (jobId: string, id: string) => `${jobId}-reconcile-${id}`,
} as const;

/** Reconciles whose findings are kept, for each job. */
export const KEPT_RECONCILES = 10;

export function newReconcile(jobId: string, policy: ReconcilePolicy, by: string, clock: Clock): ReconcileRow {
  const moment = new Date(clock.now()).toISOString().replace(/\D/g, "").slice(0, 14);
  const id = `${moment}-${randomUUID().slice(0, 8)}`;
  return {
    id,
    jobId,
    workId: RECONCILE.workId(jobId, id),
    policy,
    by,
    askedAt: clock.now(),
    startedAt: null,
    endedAt: null,
    state: "waiting",
    message: null,
    step: 0,
    place: { phase: "objects", type: "user" },
    pages: 0,
    groupFiles: 0,
    candidates: 0,
    large: 0,
    findings: 0,
    repairs: 0,
    confirmAt: 0,
    counts: NO_COUNTS,
    sample: [],
  };
}

export function isOver({ state }: ReconcileRow): boolean {
  return state === "done" || state === "failed";
}

export function plus(counts: ReconcileCounts, more: Partial<ReconcileCounts>): ReconcileCounts {
  const sums = Object.entries(more).map(([name, count]) => [name, counts[name as keyof ReconcileCounts] + count]);
  return { ...counts, ...(Object.fromEntries(sums) as Partial<ReconcileCounts>) };
}

export async function readReconcile(
  rows: RowStore,
  jobId: string,
  id: string,
): Promise<Stored<ReconcileRow> | undefined> {
  const stored = await readRow<ReconcileRow>(jobTable(rows), jobId, RECONCILE.row(id));
  return stored && withAllCounts(stored);
}

/** Oldest first. */
export async function listReconciles(rows: RowStore, jobId: string): Promise<Stored<ReconcileRow>[]> {
  return (await listRows<ReconcileRow>(jobTable(rows), jobId, RECONCILE.prefix)).map(withAllCounts);
}

/** A row of before something was counted has none of it. */
function withAllCounts(stored: Stored<ReconcileRow>): Stored<ReconcileRow> {
  return { ...stored, value: { ...stored.value, counts: { ...NO_COUNTS, ...stored.value.counts } } };
}

/** Whether the row was still the one that was read. */
export async function writeReconcile(rows: RowStore, row: ReconcileRow, etag: string): Promise<boolean> {
  const written = await jobTable(rows).transact(row.jobId, [
    { op: "replace", row: RECONCILE.row(row.id), values: pack(row), etag },
  ]);
  return written.ok;
}

export interface ReconcileFiles {
  put(name: string, value: unknown): Promise<void>;
  /** The first one stands. */
  putOnce(name: string, value: unknown): Promise<void>;
  get<T>(name: string): Promise<T | undefined>;
  /** Throws when it isn't there. */
  need<T>(name: string): Promise<T>;
  names(prefix: string): Promise<string[]>;
  drop(prefix: string): Promise<void>;
}

export function reconcileFiles(blobs: BlobStore, { jobId, id }: Pick<ReconcileRow, "jobId" | "id">): ReconcileFiles {
  const folder = `reconcile/${jobId}/${id}/`;
  const pathOf = (name: string) => `${folder}${name}.json.gz`;
  const get = async <T>(name: string): Promise<T | undefined> => {
    const content = await blobs.get(pathOf(name));
    return content && gunzipJson<T>(content);
  };
  return {
    put: async (name, value) => void (await blobs.put(pathOf(name), gzipJson(value))),
    putOnce: async (name, value) => void (await blobs.put(pathOf(name), gzipJson(value), { ifAbsent: true })),
    get,
    async need<T>(name: string): Promise<T> {
      const file = await get<T>(name);
      if (file === undefined) throw new Error(`File ${name} of reconcile ${id} of job ${jobId} is missing.`);
      return file;
    },
    async names(prefix) {
      const found: string[] = [];
      for await (const path of blobs.list(`${folder}${prefix}`)) found.push(path.slice(folder.length));
      return found;
    },
    async drop(prefix) {
      for await (const path of blobs.list(`${folder}${prefix}`)) await blobs.delete(path);
    },
  };
}
