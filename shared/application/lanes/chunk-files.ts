/**
 * The files between the steps of a batch: chunks (what to map), plans (what was decided, once) and outcomes (what
 * became of it, once). Orchestrations carry their names, never their content.
 */

import type { FailureCode } from "../../domain/failure-codes.ts";
import type { SourceChange } from "../../domain/image.ts";
import type { SwitchedOff } from "../../domain/object-flows.ts";
import type { Claim, ObjectRecord, Outcome, ScopeFacts } from "../../domain/object-record.ts";
import type { ObjectAction, RemovalClass } from "../../domain/plan.ts";
import type { TargetType } from "../../domain/target-table.ts";
import type { TargetValues } from "../../domain/target-value.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { WorkRow } from "../state/job-rows.ts";
import { gunzipJson, gzipJson } from "../state/packing.ts";
import type { StagedRow } from "../state/removal-rows.ts";

/** Where the items of a chunk come from, and what may be done for them. */
export interface ChunkHeader {
  /** The batch, work or read end that this belongs to; outcomes and log rows are keyed by it. */
  readonly batchId: string;
  readonly jobId: string;
  readonly configurationId: string;
  readonly cycleId: string;
  readonly readNo: number;
  /** Milliseconds since 1970 of acceptance: the time in log keys, so that a row written twice is one row. */
  readonly at: number;
  readonly schemaVersion: number;
  /** The account sees everything, or an admin vouches for it: what a record lacks may be gone at the source. */
  readonly seesAll: boolean;
  /** The end of a cycle: what still waits after the guard's verdict is staged, not recorded again. */
  readonly isEnd: boolean;
  /** No object row can exist yet: rows are inserted without being looked for. */
  readonly isFirstLoad: boolean;
  /** Of a full read: at its end everybody is looked through, so nobody needs to be noted for that. */
  readonly isFull?: boolean;
  /** The other lane has older work: rows are written although nothing changed, so that their versions stand. */
  readonly mustWriteVersions: boolean;
  /** Of a delta: the full reads before it that still have something to tell, which its changes overtake. */
  readonly overtakes?: readonly number[];
  /** The admin who approved the removals that its items are allowed. */
  readonly approvedBy?: string;
  /** Somebody asked for just these objects, and is told each step of theirs. */
  readonly asked?: Asked;
  /** Of work: what it is. Absent in files of before, and at an end. */
  readonly work?: MappingWork;
  /** Who read it, and where; empty for work, whose items have origins of their own. */
  readonly agentId: string;
  readonly server: string;
}

/** Work that maps objects. */
export type MappingWork = Exclude<WorkRow["kind"], "whatif" | "reconcile">;

export interface Asked {
  /** The admin who did. */
  readonly by: string;
  readonly commandId: string;
}

/** The change that an effect goes back to: its batch and position, the agent that read it, the server it was read from. */
export interface ChangeOrigin {
  readonly batchId: string;
  readonly index: number;
  readonly agentId: string;
  readonly server: string;
}

export interface ChunkItem {
  readonly objectGuid: string;
  /** Position in the batch: outcomes are keyed by it. */
  readonly index: number;
  /** Absent: the object is mapped again from its image. */
  readonly change?: SourceChange;
  readonly version?: string;
  /** Not seen by a complete full read. */
  readonly isAbsent?: boolean;
  /** What the full read did not bring of it is gone at the source. */
  readonly losesMissing?: boolean;
  /** The read whose end found the two of above, when that is not the header's. */
  readonly readNo?: number;
  /** Its row is written even if nothing changed: an absence is staged, and this change's version says that it is over. */
  readonly mustWriteVersion?: boolean;
  /** Without a link it is looked for in the target, whatever the index knows. */
  readonly seeksMatch?: boolean;
  /** Properties that take a parked name: others wait in a circle for the present ones. */
  readonly parks?: readonly string[];
  /** An object that it refers to came back: the target may have dropped the reference, whatever was exported. */
  readonly resendsReferences?: boolean;
  /** What was found out for its scope, and what its record said then, as text: where it says something else by now it isn't touched. */
  readonly facts?: { readonly before: string; readonly after: ScopeFacts };
  /** Classes of removal that the guard let pass for this object. */
  readonly allow?: readonly RemovalClass[];
  /** The admin who approved some of them, at an attempt before. */
  readonly approvedBy?: string;
  /** Names that were staged and approved: they may become just these. */
  readonly approvedNames?: TargetValues;
  /** Where it comes from, when that is not the header's batch. */
  readonly origin?: ChangeOrigin;
}

export interface ChunkFile {
  readonly header: ChunkHeader;
  readonly items: readonly ChunkItem[];
}

export interface ObjectFailure {
  readonly code: FailureCode;
  readonly message: string;
  readonly remedy: string;
}

/** One object's plan: its record as folded, and what to do. */
export interface PlannedObject {
  readonly objectGuid: string;
  readonly indexes: readonly number[];
  readonly record: ObjectRecord;
  /** The etag under which the row was read; absent: there was no row. */
  readonly etag?: string;
  readonly isChanged: boolean;
  /** A newer change was applied before: this one says nothing, not even that an escrow is mended. */
  readonly isSuperseded?: boolean;
  /** What its target object is, or is to be; absent: a user. */
  readonly type?: TargetType;
  readonly action: ObjectAction;
  /** Properties that are one other object, by its objectGUID: bound when the chunk is exported. */
  readonly references?: Readonly<Record<string, string>>;
  readonly resendsReferences?: boolean;
  /** Its place or its groups have to be found out before its scope can be decided. */
  readonly seeksFacts?: boolean;
  /** Of a group's create: ids of target objects, bound when the chunk is exported. */
  readonly members?: readonly string[];
  /** The same in the source, by objectGUID: for the log. */
  readonly memberGuids?: readonly string[];
  readonly waiting: readonly RemovalClass[];
  /** What would be done, were it not switched off for the class. */
  readonly switchedOff?: SwitchedOff;
  /** What it takes away to blank the names that this full read did not bring; absent: it brought all. */
  readonly lacks?: readonly RemovalClass[];
  readonly allow: readonly RemovalClass[];
  readonly approvedBy?: string;
  readonly approvedNames?: TargetValues;
  /** Some of its names step aside, so that others can go first. */
  readonly stepsAside?: true;
  /** What the guard made of its changed names, when it is exported. */
  readonly names?: JudgedNames;
  readonly origin?: ChangeOrigin;
  /** Exports were held when it was planned: what it would have been, and what it would have taken away. */
  readonly held?: { readonly action: ObjectAction["kind"]; readonly removes?: readonly RemovalClass[] };
  /** The outcome unless the export changes it. */
  readonly outcome: Outcome;
  readonly failure?: ObjectFailure;
  /** Claimed before, never exported, and wanted no more: given up once the row is written. */
  readonly abandoned: readonly Claim[];
  /** Properties of a create that an object taken over keeps as they are. */
  readonly creationOnly?: readonly string[];
  readonly warnings: readonly { readonly code: FailureCode; readonly message: string }[];
  /** Properties whose values logs must not show, nested ones as `property.key`; absent: none. Texts here are without them. */
  readonly redacted?: readonly string[];
  /** Why it is in or out of scope. */
  readonly scope: string;
  /** The clause or state that keeps it out. */
  readonly filteredBy?: string;
  readonly scopeChanged: boolean;
  readonly matchedBy?: string;
  /** Of one that somebody asked for: what the mapping gave, whole. */
  readonly mapped?: TargetValues;
}

/**
 * `staged`: held back, by a row that is written now, or one that says so already. `approved`: they go out, and the row stays
 * until they have. `dropped`: an admin wants them to stay. `settled`: what was staged or dropped before is over.
 */
export type JudgedNames =
  | { readonly kind: "staged"; readonly values: TargetValues; readonly reason: string; readonly isKnown: boolean }
  | { readonly kind: "approved"; readonly row: StagedRow }
  | { readonly kind: "dropped" | "settled" };

/** Its outcome is settled, and counted, at the end of the read. */
export function waits(planned: PlannedObject): boolean {
  return planned.waiting.length > 0 || planned.lacks !== undefined;
}

export function originOf(header: ChunkHeader, planned: PlannedObject): ChangeOrigin {
  const { batchId, agentId, server } = header;
  return planned.origin ?? { batchId, index: planned.indexes.at(-1) ?? 0, agentId, server };
}

export interface PlanFile {
  readonly header: ChunkHeader;
  readonly objects: readonly PlannedObject[];
  /** How long mapping all of them took: milliseconds. For the log only. */
  readonly mappedMs?: number;
}

export interface OutcomeEntry {
  readonly index: number;
  readonly outcome: Outcome;
  /** Waits for the end of the read: counted there. */
  readonly isWaiting?: boolean;
  readonly code?: string;
  readonly action?: ObjectAction["kind"];
  /** It stepped aside for others, and waits itself. */
  readonly hasStepped?: true;
  /** Removals that were let pass, and surely weren't carried out. */
  readonly undone?: readonly RemovalClass[];
  /** Why the guard held back its changed names. */
  readonly namesStaged?: string;
}

export interface OutcomeFile {
  readonly entries: readonly OutcomeEntry[];
  readonly writes: number;
  /** Objects whose target object came to be, or came back, and which of them are groups. */
  readonly appeared?: readonly string[];
  readonly groups?: readonly string[];
  /** Of those that appeared: the ones that came back, and the SIDs of those that have one. */
  readonly returned?: readonly string[];
  readonly sids?: readonly string[];
  /** Objects for which nothing was sent because exports were held. */
  readonly held?: readonly string[];
}

export const FILES = {
  seenOf: (jobId: string, readNo: number) => `seen/${jobId}/${readNo}/`,
  /** Read one by one while the read was under way, or not closed. */
  seenNowIn: (jobId: string, readNo: number) => `seen-now/${jobId}/${readNo}/`,
  seenNow: (jobId: string, readNo: number, commandId: string) => `seen-now/${jobId}/${readNo}/${commandId}.json.gz`,
  seen: (jobId: string, readNo: number, sequence: number) => `seen/${jobId}/${readNo}/${sequence}.json.gz`,
  chunk: (batchId: string, chunk: number) => `plans/${batchId}/chunk-${chunk}.json.gz`,
  /** The header of a batch's chunks by itself, for who needs no items. */
  header: (batchId: string) => `plans/${batchId}/header.json.gz`,
  plan: (batchId: string, chunk: number) => `plans/${batchId}/plan-${chunk}.json.gz`,
  outcome: (batchId: string, chunk: number) => `plans/${batchId}/outcome-${chunk}.json.gz`,
  linkPlan: (linksId: string) => `plans/${linksId}/plan.json.gz`,
  linkChunk: (linksId: string, chunk: number) => `plans/${linksId}/link-${chunk}.json.gz`,
  linkOutcome: (linksId: string, chunk: number) => `plans/${linksId}/outcome-${chunk}.json.gz`,
  /** Of objects that somebody asked for: what became of them, step by step. */
  told: (batchId: string, chunk: number) => `plans/${batchId}/told-${chunk}.json.gz`,
  toldIn: (batchId: string) => `plans/${batchId}/told-`,
  /** What was found out for the scopes of objects, once. */
  scopePlan: (workId: string) => `plans/${workId}/scope.json.gz`,
  /** Below it lie the outcomes of all chunks that have one. */
  outcomes: (batchId: string) => `plans/${batchId}/outcome-`,
  folder: (batchId: string) => `plans/${batchId}/`,
} as const;

export async function readFile<T>(blobs: BlobStore, path: string): Promise<T | undefined> {
  const content = await blobs.get(path);
  return content && gunzipJson<T>(content);
}

/** A file that must be there: without it a step before was not done. */
export async function readNeeded<T>(blobs: BlobStore, path: string): Promise<T> {
  const file = await readFile<T>(blobs, path);
  if (file === undefined) throw new Error(`Blob ${path} is missing: the step that writes it has to run first.`);
  return file;
}

/** Written once: a repetition of the step leaves the first one standing. */
export async function writeOnce(blobs: BlobStore, path: string, value: unknown): Promise<boolean> {
  return blobs.put(path, gzipJson(value), { ifAbsent: true });
}
