/**
 * Reads and the lease that they are done under: who may read a domain, what is read next, and how a read ends early.
 *
 * One agent holds the domain's lease, with an epoch; the open read carries that epoch, and a takeover rewrites it in the
 * same transaction, so a batch of the old holder meets a 409. The reads of a job are serial: their numbers are the order
 * in which the directory was read (N3).
 */
import { type ReadOrder, SCOPE_NESTING } from "../../contracts/agent-api.ts";
import type { AgentScope } from "../../contracts/configuration.ts";
import type { Lane } from "../../ports/doorbell.ts";
import type { RowOperation } from "../../ports/row-store.ts";
import { isAskedFor, isReadFor } from "../schemas/covered-schema.ts";
import type { LeaseRow } from "../state/agent-rows.ts";
import {
  type JobRow,
  pack,
  type ReadRow,
  type ReadsRow,
  ROW,
  type ServerState,
  type Stored,
} from "../state/job-rows.ts";

export interface ReadNeeds {
  readonly attributes: readonly string[];
  readonly attributeSetHash: string;
  readonly objectClasses: readonly string[];
  /** What the schema's own filters let an agent decide, for a job without a scope of its own. */
  readonly scope?: AgentScope;
}

export interface ReadTiming {
  readonly now: number;
  /** A watermark older than this is no ground for a delta: half the tombstone lifetime, in milliseconds. */
  readonly watermarkMaxAgeMs: number;
}

/** An admin's word that the directory is what the next full read shows, whatever was known of it before. */
export const WATERMARK_RESET = "watermark-reset";

/**
 * Of two wishes for a full read the one that says more: what was parked, who left with a nested group and an admin's reset are told by
 * the reason alone, and nobody who merely wants everything read again may wipe that out.
 */
export function wishBeside(present: string | null, wanted: string): string {
  const saysMore =
    present !== null && (present.startsWith("parked") || present === SCOPE_NESTING || present === WATERMARK_RESET);
  return saysMore ? present : wanted;
}

/** Full reads and what they bring go through the bulk lane, deltas through the live one. */
export function laneOf(kind: "full" | "delta" | "object"): Lane {
  return kind === "full" ? "bulk" : "live";
}

/** Why the next read must be full, or undefined when a delta will do. */
export function reasonForFullRead(
  job: JobRow,
  reads: ReadsRow,
  needs: ReadNeeds,
  timing: ReadTiming,
): string | undefined {
  if (reads.accepted === null) return "first";
  if (job.fullReadWanted !== null) return job.fullReadWanted;
  if (!isReadFor(job, reads.fullSchemaVersion ?? 1)) return "schema";
  // What the last full read brought in whole, not what an aborted one set out to.
  if (!isAskedFor(job, reads.fullAttributeSetHash, needs.attributeSetHash)) return "attributes";
  if (reads.fullScopeVersion !== job.scopeVersion) return "scope";
  if (timing.now - Date.parse(reads.accepted.at) > timing.watermarkMaxAgeMs) return "watermark-age";
  return undefined;
}

/** The row and operations that open a read; the caller writes them with what else belongs together. */
export function openRead(
  job: JobRow,
  reads: ReadsRow,
  needs: ReadNeeds,
  input: {
    readonly kind: "full" | "delta";
    readonly reason: string;
    readonly agentId: string;
    readonly leaseEpoch: number;
    readonly now: number;
  },
): ReadsRow {
  return {
    ...reads,
    nextReadNo: reads.nextReadNo + 1,
    openReadNo: reads.nextReadNo,
    kind: input.kind,
    reason: input.reason,
    leaseEpoch: input.leaseEpoch,
    agentId: input.agentId,
    nextSequence: 1,
    objects: 0,
    digest: "",
    upserts: 0,
    invocationId: null,
    server: "",
    visibility: null,
    schemaVersion: job.schemaVersion,
    scopeVersion: job.scopeVersion,
    attributeSetHash: needs.attributeSetHash,
    startedAt: input.now,
    ...heldAgainst(reads, input.reason),
  };
}

function heldAgainst(reads: ReadsRow, reason: string): Pick<ReadsRow, "atStart" | "unproven"> {
  return reason === WATERMARK_RESET ? { atStart: null, unproven: null } : { atStart: reads.accepted };
}

/**
 * Ends the open read without its last batch. If it brought batches, it gets its ReadEnd too (no absence, no sweep),
 * which must come before the next read's first batch; a read without batches leaves no trace.
 */
export function abortRead(
  reads: ReadsRow,
  reason: string,
  now: number,
): { readonly reads: ReadsRow; readonly operations: readonly RowOperation[] } {
  const closed: ReadsRow = { ...reads, openReadNo: 0 };
  if (reads.openReadNo === 0 || reads.nextSequence === 1) return { reads: closed, operations: [] };
  const ended: ReadRow = {
    readNo: reads.openReadNo,
    lane: laneOf(reads.kind),
    kind: reads.kind,
    state: "aborted",
    reason: reads.reason,
    complete: false,
    incompleteBecause: reason,
    visibility: reads.visibility ?? "partial",
    batches: reads.nextSequence - 1,
    objects: reads.objects,
    upserts: reads.upserts,
    agentId: reads.agentId,
    server: reads.server,
    startedAt: reads.startedAt,
    endedAt: now,
    schemaVersion: reads.schemaVersion,
  };
  return {
    reads: closed,
    operations: [
      { op: "insert", row: ROW.read(ended.readNo), values: pack(ended) },
      { op: "upsert", row: ROW.inbox(ended.lane), values: { n: now } },
    ],
  };
}

export function orderOf(job: JobRow, reads: ReadsRow, needs: ReadNeeds): ReadOrder {
  return {
    jobId: job.jobId,
    readNo: reads.openReadNo,
    kind: reads.kind,
    reason: reads.reason,
    leaseEpoch: reads.leaseEpoch,
    nextSequence: reads.nextSequence,
    watermark: reads.accepted,
    schemaVersion: reads.schemaVersion,
    scopeVersion: reads.scopeVersion,
    attributes: [...needs.attributes],
    attributeSetHash: reads.attributeSetHash,
    objectClasses: [...needs.objectClasses],
    scope: orderedScope(job, needs),
    // What was in the scope that the last full read went by and is not in this one leaves by evidence, not by its absence.
    reportsLeaves:
      reads.kind === "full" &&
      ((reads.fullScopeVersion !== null && reads.fullScopeVersion !== job.scopeVersion) ||
        isOtherPart(job, reads, needs) ||
        reads.reason === SCOPE_NESTING),
    ...proofAsked(reads),
  };
}

function proofAsked(reads: ReadsRow): Pick<ReadOrder, "replCursorOf"> {
  const known = reads.kind === "full" ? knownState(reads) : null;
  return known === null ? {} : { replCursorOf: known.invocationId };
}

/** What the directory was last known to have, before the open read; null: nothing, or of a file. */
export function knownState({ unproven, atStart }: ReadsRow): ServerState | null {
  if (unproven) return unproven;
  if (atStart?.mode !== "dirsync") return null;
  const { invocationId, dnsName, usn } = atStart;
  return { invocationId, dnsName, usn };
}

/** Whether the schema's filters may leave less to the agent than they did when the last full read was ordered. */
function isOtherPart(job: JobRow, reads: ReadsRow, needs: ReadNeeds): boolean {
  const isDerived = needs.scope !== undefined && orderedScope(job, needs) === needs.scope;
  return isDerived && reads.fullAttributeSetHash !== null && reads.fullAttributeSetHash !== needs.attributeSetHash;
}

/** What an agent goes by. A job's own scope is enough for it: the schema's filters are asked again in the cloud. */
export function orderedScope(job: JobRow, needs: ReadNeeds): AgentScope {
  const own = scopeOf(job);
  return own.organizationalUnits.length + own.groups.length > 0 ? own : (needs.scope ?? own);
}

/** A job from before there was a scope has none: everything is in it. */
export function scopeOf(job: JobRow): AgentScope {
  const { scope } = job.settings as { readonly scope?: AgentScope };
  return scope ?? { organizationalUnits: [], groups: [] };
}

/** Whether the lease is free for this agent: its own, never given, or not renewed in time. */
export function leaseIsFree(
  lease: Stored<LeaseRow> | undefined,
  agentId: string,
  now: number,
  leaseMs: number,
): boolean {
  return (
    !lease || lease.value.agentId === agentId || lease.value.agentId === "" || lease.value.renewedAt + leaseMs < now
  );
}
