/**
 * The rows of a job: one partition of table `jobs`, so that accepting a batch, going idle and committing are each one
 * transaction. This file names the rows and gives their shapes; deciding is done by the use cases.
 *
 *   job                         what the admin set, and what is asked of the next read
 *   reads                       the open read (with its lease epoch) and the accepted watermark
 *   watermark                   the committed watermark
 *   runner:{lane}  inbox:{lane} who runs the lane; touched with every arrival
 *   batch:{lane}:{read}:{seq}   accepted, not closed          done:{read}:{seq}   closed, with its account
 *   read:{read}                 an ended or aborted read on its way to its ReadEnd
 *   work:{lane}:{id}            work that the cloud gave itself (retries, re-evaluations)
 *   cycle:{read}                the account of a read          recent   removals of the last 24 hours
 *   reconcile:{id}              a comparison with the target, where it stands and what it found
 *   decisions                   drops of staged sets under way, and that nobody decides beside another
 *   names                       people whose names changed in the last 24 hours
 *   whatif:{id}                 what was tried, and what came of it
 *   commands                    what an agent is asked for now
 *   schema:{version}            who brought a version of the schema, and when
 */

import type { DomainIdentity, Watermark } from "../../contracts/change.ts";
import type { JobSettings } from "../../contracts/configuration.ts";
import type { RemovalCounts } from "../../domain/guard.ts";
import type { NameBook } from "../../domain/name-changes.ts";
import type { Outcome } from "../../domain/object-record.ts";
import type { RemovalClass } from "../../domain/plan.ts";
import type { Quarantine } from "../../domain/quarantine.ts";
import type { Lane } from "../../ports/doorbell.ts";
import type { Row, RowStore, RowTable } from "../../ports/row-store.ts";
import { packJson, unpackJson } from "./packing.ts";

export interface JobRow {
  readonly jobId: string;
  readonly configurationId: string;
  readonly displayName: string;
  /** The tenant set: jobs with one target share its objects' and claims' partitions. */
  readonly targetKey: string;
  readonly state: "active" | "paused";
  /** When a pause or a quarantine last ended: milliseconds since 1970. Absent: none did, or an older release ended it. */
  readonly resumedAt?: number;
  readonly domainFqdn: string;
  readonly domainNetBios: string;
  /** Bound at the first enrolment. */
  readonly domain?: DomainIdentity;
  readonly schemaVersion: number;
  readonly scopeVersion: number;
  readonly settings: JobSettings;
  readonly createdAt: number;
  /** The format of objects' rows in the release that made it; absent: an older one than those that say so. */
  readonly objectFormat?: number;
  /** Why the next read must be a full one; null: it needn't. */
  readonly fullReadWanted: string | null;
  /** When that was asked: only a read that began later fulfils it. */
  readonly fullReadWantedAt: number;
  /** Of work that was set aside, until a full read has made up for it: what its last attempt said, without names. */
  readonly setAsideBecause?: string;
  /** When that was: a full read that began later makes up for it once its cycle is closed. */
  readonly setAsideAt?: number;
  readonly lastFullReadAt: number | null;
  /** Set once a full read has been committed: object rows exist. */
  readonly steadyStateAt: number | null;
  /** The moment of the schedule for which a full read was last asked. */
  readonly lastScheduledAt: number | null;
  /** Why its agent can't read; nothing is ordered while it stands. */
  readonly trouble?: JobTrouble | null;
  /**
   * The schema of the last full read that came to its end here: images hold what it asked for. Absent: 1. Until it is the
   * job's own, images may lack what the present schema maps and filters by.
   */
  readonly mappedSchemaVersion?: number;
  /** The number of that read. An image from before it may lack what the schema asks for. Absent: none does. */
  readonly mappedSchemaRead?: number;
  /** The mapped schema came into effect without a read; absent: a full read was made for it. */
  readonly coveredSchema?: CoveredSchema;
  /** Why it is stopped, or on trial; absent and null: it isn't. */
  readonly quarantine?: Quarantine | null;
  /** When an admin last cleared it: milliseconds since 1970. What failed before counts once it was tried since. */
  readonly quarantineClearedAt?: number;
  /** What is known of the units and groups that the schema's scopes name; absent: they name none, or nobody looked yet. */
  readonly scopeKnown?: ScopeKnown;
  /** Why nothing is sent to the target; absent and null: exports go out. */
  readonly exportsHeld?: ExportsHeld | null;
  /** An admin had it deleted: it is paused, and let go of piece by piece. */
  readonly deleting?: { readonly by: string; readonly at: number };
  /** An admin had it deleted with its objects: whoever is mapped is gone (`empty-job.ts`). `listedAt`: when everybody was last listed. */
  readonly emptying?: { readonly by: string; readonly at: number; readonly listedAt: number };
  /** When exports were last released: milliseconds since 1970. */
  readonly exportsReleasedAt?: number;
  /** When rows were last put back from a backup, for as long as no full read has told what became of them since. */
  readonly restoredAt?: number;
}

/** The versions from `since` up to the mapped one asked the directory for all that the mapped one asks for. */
export interface CoveredSchema {
  readonly since: number;
  /** Digests of what those before it asked for, and of what it asks for. */
  readonly hashes: readonly string[];
  readonly hash: string;
  /** Since when: milliseconds since 1970. */
  readonly at: number;
}

export interface ExportsHeld {
  readonly because: "staging" | "first-export" | "links-rebuilt";
  /** Since when: milliseconds since 1970. */
  readonly at: number;
  /** Who asked for it; absent: the job was made so. */
  readonly by?: string;
}

/** The schema by which images may be mapped without a batch. */
export function mappedVersionOf(job: JobRow): number {
  return job.mappedSchemaVersion ?? 1;
}

/** Why its exports are held; null: they aren't. */
export function heldBecause(job: JobRow): ExportsHeld | null {
  if (job.exportsHeld) return job.exportsHeld;
  return job.restoredAt === undefined ? null : { because: "links-rebuilt", at: job.restoredAt };
}

export interface ScopeKnown {
  /** The digest of what is named. */
  readonly of: string;
  /** Of the last full read that ended: only lists of members that came with it are whole. */
  readonly attributeSetHash: string | null;
  /** Named, and not in the directory as far as is known. */
  readonly missing: readonly string[];
  /** Since when: milliseconds since 1970. */
  readonly at: number;
}

export interface JobTrouble {
  readonly code: "ScopeObjectMissing";
  readonly message: string;
  readonly objectGuids: readonly string[];
  /** Since when. */
  readonly at: number;
  readonly agentId: string;
}

/** The open read, and where reading stands. `openReadNo` 0: no read is open. */
export interface ReadsRow {
  readonly nextReadNo: number;
  readonly openReadNo: number;
  readonly kind: "full" | "delta";
  readonly reason: string;
  readonly leaseEpoch: number;
  readonly agentId: string;
  readonly nextSequence: number;
  readonly objects: number;
  readonly digest: string;
  /** Of them, those that are in the directory. */
  readonly upserts: number;
  readonly invocationId: string | null;
  readonly server: string;
  readonly visibility: "complete" | "partial" | null;
  readonly schemaVersion: number;
  readonly scopeVersion: number;
  readonly attributeSetHash: string;
  /** Those of the last full read that was accepted to its end; null: there was none. */
  readonly fullAttributeSetHash: string | null;
  readonly fullScopeVersion: number | null;
  /** Absent in rows of before schemas had versions: 1. */
  readonly fullSchemaVersion?: number | null;
  readonly startedAt: number;
  readonly lastBatchAt: number;
  readonly accepted: Watermark | null;
  /** The accepted watermark when the open read began: what a full read must be at least as current as. */
  readonly atStart: Watermark | null;
  /**
   * What a directory server was last known to have, while the one that the accepted watermark comes from isn't known to have
   * it: full reads are no evidence of absence until they are as current as that. Absent and null: the watermark's own does.
   */
  readonly unproven?: ServerState | null;
}

export interface ServerState {
  readonly invocationId: string;
  readonly dnsName: string;
  readonly usn: string;
  /** The server showed a lower USN later: it was put back, and gives numbers twice. */
  readonly isRolledBack?: boolean;
}

export interface BatchRow {
  readonly batchId: string;
  readonly jobId: string;
  readonly lane: Lane;
  readonly readNo: number;
  readonly sequence: number;
  readonly kind: "full" | "delta" | "object";
  readonly blob: string;
  readonly digest: string;
  readonly changes: number;
  readonly agentId: string;
  readonly acceptedAt: number;
  readonly isLast: boolean;
  readonly watermarkAfter: Watermark | null;
  readonly state: "accepted" | "processed";
  readonly attempts: number;
  /** After processing: outcomes so far, and how many changes wait for the end of the read. */
  readonly counts: OutcomeCounts | null;
  readonly waiting: number;
  readonly chunks: number;
  readonly detail: CycleDetail | null;
  /** The `traceparent` that its work goes on with; absent: it came without, or in rows of before there were traces. */
  readonly trace?: string;
}

/** What was done, beyond outcomes: summed from outcome files into batches and cycles. */
export interface CycleDetail {
  readonly created: number;
  readonly updated: number;
  readonly deleted: number;
  readonly restored: number;
  readonly filteredBy: Readonly<Record<string, number>>;
  readonly escrowedBy: Readonly<Record<string, number>>;
  readonly writes: number;
  /** Absent in rows of before there were links. */
  readonly links?: LinkCounts;
  /** Objects whose changed names the guard held back, and why; absent: none. */
  readonly stagedNames?: { readonly count: number; readonly reason: string };
}

/** Edges, apart from objects: sent, and left for now, by why. */
export interface LinkCounts {
  readonly added: number;
  readonly removed: number;
  /** Their referees have no target object. */
  readonly pending: number;
  /** Their referees' target objects are deleted, and may come back. */
  readonly suspended: number;
  /** Removals that the guard held back. */
  readonly staged: number;
  readonly failed: number;
}

export type OutcomeCounts = Readonly<Record<Outcome, number>>;
export const NO_OUTCOMES: OutcomeCounts = { exported: 0, "no-op": 0, filtered: 0, staged: 0, escrowed: 0 };

export interface ReadRow {
  readonly readNo: number;
  readonly lane: Lane;
  readonly kind: "full" | "delta";
  readonly state: "ended" | "aborted";
  readonly reason: string;
  /** N4 c: whether absence from this read is evidence, and if not, why. */
  readonly complete: boolean;
  readonly incompleteBecause: string | null;
  readonly visibility: "complete" | "partial";
  readonly batches: number;
  readonly objects: number;
  /** Objects that are in the directory; 0: the read says nothing of anybody who is there. */
  readonly upserts: number;
  readonly agentId: string;
  readonly server: string;
  readonly startedAt: number;
  readonly endedAt: number;
  /** What it asked for; absent in rows of before schemas had versions: what the job has. */
  readonly schemaVersion?: number;
  /** What it read; absent in rows of before scopes asked for it. */
  readonly attributeSetHash?: string;
  /** Failed attempts to carry out its end. */
  readonly attempts?: number;
}

/** Work that the cloud gave itself: the objects listed in a blob (`all`: every object) are mapped again from their images. */
export interface WorkRow {
  readonly workId: string;
  readonly jobId: string;
  readonly lane: Lane;
  readonly kind:
    | "escrows"
    | "reevaluate"
    | "links"
    | "scope"
    | "approved"
    | "whatif"
    | "reconcile"
    | "all"
    | "provision";
  readonly blob: string;
  readonly objects: number;
  readonly createdAt: number;
  readonly attempts: number;
  /** Nobody takes it up before then: milliseconds since 1970. Absent: at once. */
  readonly notBefore?: number;
}

export interface CycleRow {
  readonly cycleId: string;
  readonly readNo: number;
  readonly lane: Lane;
  readonly kind: "full" | "delta";
  readonly state: "ended" | "aborted";
  readonly startedAt: number;
  readonly endedAt: number;
  readonly closedAt: number;
  readonly received: number;
  readonly outcomes: OutcomeCounts;
  /** Objects missing from a complete full read, by what became of them. */
  readonly absent: OutcomeCounts;
  readonly detail: CycleDetail;
  readonly removed: RemovalCounts;
  readonly staged: readonly {
    readonly class: RemovalClass | "names" | "memberships";
    readonly count: number;
    readonly reason: string;
  }[];
  readonly complete: boolean;
  readonly incompleteBecause: string | null;
  /** Who read it, and from which domain controller. Absent in rows of before. */
  readonly agentId?: string;
  readonly server?: string;
}

/** Removals of the last 24 hours, for the guard. */
export interface RecentRow {
  /** One a verdict, booked before the first removal: what two lanes decide at once is counted by both. */
  readonly entries: readonly RecentEntry[];
}

export interface RecentEntry {
  readonly cycleId: string;
  /** When they were booked, and once all of them are carried out: when that was. */
  readonly at: number;
  readonly removed: RemovalCounts;
  /** Of them, those of groups; absent: none. */
  readonly groups?: RemovalCounts;
  /** They may still be on their way: counted, however long ago they were booked. */
  readonly isOpen?: true;
}

/** What the guard knows of changed names. */
export interface NamesRow extends NameBook {
  /** Users that were linked 24 hours before a moment: counting reads every row of the job. */
  readonly linked?: { readonly at: number; readonly count: number };
}

export interface SchemaRow {
  readonly version: number;
  /** Null for the schema that the job began with. */
  readonly by: string | null;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface RunnerRow {
  readonly epoch: number;
  readonly instanceId: string;
  /** `idle`: nothing runs; the next `wakeJob` starts a fresh instance. */
  readonly state: "running" | "idle";
  readonly movedAt: number;
}

export interface Stored<T> {
  readonly value: T;
  readonly etag: string;
  readonly row: string;
}

export const ROW = {
  job: "job",
  reads: "reads",
  watermark: "watermark",
  runner: (lane: Lane) => `runner:${lane}`,
  inbox: (lane: Lane) => `inbox:${lane}`,
  batch: (lane: Lane, readNo: number, sequence: number) => `batch:${lane}:${number(readNo)}:${number(sequence)}`,
  done: (readNo: number, sequence: number) => `done:${number(readNo)}:${number(sequence)}`,
  /** How the rows of one read's closed batches begin. */
  doneOf: (readNo: number) => `done:${number(readNo)}:`,
  read: (readNo: number) => `read:${number(readNo)}`,
  work: (lane: Lane, workId: string) => `work:${lane}:${workId}`,
  recent: "recent",
  decisions: "decisions",
  names: "names",
  leftOut: (version: number) => `left-out:${number(version)}`,
  schema: (version: number) => `schema:${number(version)}`,
  cycle: (readNo: number) => `cycle:${number(readNo)}`,
} as const;

export const LANES: readonly Lane[] = ["bulk", "live"];

export function jobTable(rows: RowStore): RowTable {
  return rows.table("jobs");
}

export const pack = (value: unknown): { readonly data: Uint8Array } => ({ data: packJson(value) });

export function unpack<T>(row: Row): Stored<T> {
  return { value: unpackJson<T>(row.values["data"] as Uint8Array), etag: row.etag, row: row.row };
}

/** One row, as the type that its name stands for. */
export async function readRow<T>(table: RowTable, jobId: string, row: string): Promise<Stored<T> | undefined> {
  const found = await table.get(jobId, row);
  return found && unpack<T>(found);
}

/** The rows whose keys begin with `prefix`, in order. */
export async function listRows<T>(
  table: RowTable,
  partition: string,
  prefix: string,
  limit?: number,
): Promise<Stored<T>[]> {
  const found: Stored<T>[] = [];
  const options = { from: prefix, to: afterPrefix(prefix), ...(limit === undefined ? {} : { limit }) };
  for await (const rows of table.range(partition, options)) found.push(...rows.map((row) => unpack<T>(row)));
  return found;
}

export function afterPrefix(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}

export function addOutcomes(left: OutcomeCounts, right: OutcomeCounts): OutcomeCounts {
  return {
    exported: left.exported + right.exported,
    "no-op": left["no-op"] + right["no-op"],
    filtered: left.filtered + right.filtered,
    staged: left.staged + right.staged,
    escrowed: left.escrowed + right.escrowed,
  };
}

export function totalOf(counts: OutcomeCounts): number {
  return counts.exported + counts["no-op"] + counts.filtered + counts.staged + counts.escrowed;
}

function number(value: number): string {
  return String(value).padStart(10, "0");
}
