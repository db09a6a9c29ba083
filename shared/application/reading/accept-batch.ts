/**
 * Accepting a batch (N1): authenticated, validated, stored, and only then acknowledged.
 *
 * Accepting is one compare-and-swap on the job's `reads` row: epoch current, domain as enrolled, read open, sequence as
 * expected, watermark as accepted; the batch row, the lane's inbox and, with the last batch, the end of the read are
 * written in that very transaction. The payload lies in a blob before. The same batch again is acknowledged again.
 */
import { createHash } from "node:crypto";
import type { AcceptReply, Expected } from "../../contracts/agent-api.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Doorbell } from "../../ports/doorbell.ts";
import type { Log } from "../../ports/log.ts";
import type { RowOperation, RowStore } from "../../ports/row-store.ts";
import type { ProvenAgent } from "../agents/verify-proof.ts";
import { type Failure, fail, ok, type Result } from "../failure.ts";
import {
  type BatchRow,
  type JobRow,
  jobTable,
  pack,
  type ReadRow,
  type ReadsRow,
  ROW,
  readRow,
} from "../state/job-rows.ts";
import { type BatchHead, type IncomingBatch, readBatch } from "./incoming-batch.ts";
import { createReadStates } from "./read-states.ts";
import { knownState, laneOf } from "./reads.ts";
import { staleness, unprovenAfter } from "./server-currency.ts";

export type AcceptBatch = (proven: ProvenAgent, incoming: IncomingBatch) => Promise<Result<AcceptReply>>;

export function createAcceptBatch(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly doorbell: Doorbell;
  readonly clock: Clock;
  readonly log: Log;
}): AcceptBatch {
  const jobs = jobTable(deps.rows);
  const states = createReadStates(deps);

  return async ({ agent }, incoming) => {
    if (incoming.jobId !== agent.jobId) {
      return fail({
        status: 403,
        code: "not-your-job",
        message: `Agent ${agent.agentId} is enrolled for job ${agent.jobId}, not ${incoming.jobId}.`,
        remedy: "Send batches to the job of the read order.",
      });
    }
    const read = readBatch(incoming);
    if (!read.ok) return read;
    const { batch, bodyDigest, blob, content } = read.value;
    let isPut = false;
    for (;;) {
      const present = await states.before(batch);
      if (!present) {
        if (isPut) await deps.blobs.delete(blob);
        return fail({
          status: 404,
          code: "job-not-found",
          message: `There is no job ${incoming.jobId}.`,
          remedy: "Enrol the agent again.",
        });
      }
      const job = present.job.value;
      const reads = present.reads.value;
      // Accepting moves what is due on in one transaction: what is due was not accepted yet, and nothing has to be looked up.
      const isDue = reads.openReadNo === batch.readNo && reads.nextSequence === batch.sequence;
      const before = isDue ? "no" : await acceptedBefore(batch, bodyDigest);
      if (before === "same")
        return ok({ batchId: batch.batchId, accepted: "before", nextSequence: batch.sequence + 1 });
      const conflict =
        before === "other"
          ? "another batch with this number was accepted"
          : conflictOf(job, reads, batch, agent.agentId);
      if (conflict !== undefined && present.isRemembered) continue;
      if (conflict !== undefined) {
        // Somebody else's row came in between. This very content was not accepted, and never will be: no read goes back.
        if (isPut) await deps.blobs.delete(blob);
        return refuse(batch, conflict, expectedOf(job, reads));
      }

      const lane = laneOf(batch.kind);
      await deps.blobs.put(blob, content());
      isPut = true;
      const now = deps.clock.now();
      const row: BatchRow = {
        batchId: batch.batchId,
        jobId: incoming.jobId,
        lane,
        readNo: batch.readNo,
        sequence: batch.sequence,
        kind: batch.kind,
        blob,
        digest: bodyDigest,
        changes: batch.objects,
        agentId: agent.agentId,
        acceptedAt: now,
        isLast: batch.isLast,
        watermarkAfter: batch.watermarkAfter ?? null,
        state: "accepted",
        attempts: 0,
        counts: null,
        waiting: 0,
        chunks: 0,
        detail: null,
        ...(incoming.trace === undefined ? {} : { trace: incoming.trace }),
      };
      const after = advance(reads, batch, bodyDigest, now);
      const operations: RowOperation[] = [
        { op: "replace", row: ROW.reads, values: pack(after), etag: present.reads.etag },
        { op: "insert", row: ROW.batch(lane, batch.readNo, batch.sequence), values: pack(row) },
        { op: "upsert", row: ROW.inbox(lane), values: { n: now } },
      ];
      if (batch.isLast) {
        const ended = endOf(job, reads, batch, now);
        operations.push({ op: "insert", row: ROW.read(batch.readNo), values: pack(ended) });
        // What was asked while this read was under way may be about what it had brought already: it stays asked.
        const isFulfilled = job.fullReadWanted !== null && job.fullReadWantedAt <= reads.startedAt;
        if (batch.kind === "full" && isFulfilled) {
          operations.push({
            op: "replace",
            row: ROW.job,
            values: pack({ ...job, fullReadWanted: null, lastFullReadAt: now }),
            etag: present.job.etag,
          });
        }
        deps.log.info("read-ended", {
          jobId: job.jobId,
          readNo: batch.readNo,
          kind: reads.kind,
          objects: ended.objects,
          complete: ended.complete,
        });
        const unproven = after.unproven ?? null;
        if (batch.kind === "full" && unproven !== null)
          deps.log.error("directory-server-not-proven", {
            jobId: job.jobId,
            readNo: batch.readNo,
            server: batch.dsa.dnsName,
            because: staleness(unproven, batch.dsa),
          });
      }
      const written = await jobs.transact(incoming.jobId, operations);
      if (!written.ok) continue;
      const [etag] = written.etags;
      if (!batch.isLast && etag) states.remember({ job: present.job, reads: { value: after, etag, row: ROW.reads } });
      // A bell that can't be rung loses nothing: the tick looks for batches that nobody works on.
      await deps.doorbell
        .ring(incoming.jobId, lane)
        .catch(() => deps.log.warn("doorbell-unreachable", { jobId: incoming.jobId, lane }));
      return ok({ batchId: batch.batchId, accepted: "now", nextSequence: batch.sequence + 1 });
    }
  };

  async function acceptedBefore(batch: BatchHead, digest: string): Promise<"same" | "other" | "no"> {
    const open = await readRow<BatchRow>(
      jobs,
      batch.jobId,
      ROW.batch(laneOf(batch.kind), batch.readNo, batch.sequence),
    );
    const known = open ?? (await readRow<BatchRow>(jobs, batch.jobId, ROW.done(batch.readNo, batch.sequence)));
    if (!known) return "no";
    return known.value.digest === digest ? "same" : "other";
  }
}

function conflictOf(job: JobRow, reads: ReadsRow, batch: BatchHead, agentId: string): string | undefined {
  const { domain } = job;
  if (domain && (batch.domain.objectGuid !== domain.objectGuid || batch.domain.sid !== domain.sid))
    return "it comes from another domain than the enrolled one";
  if (reads.openReadNo !== batch.readNo) return `read ${batch.readNo} is not open`;
  if (reads.leaseEpoch !== batch.leaseEpoch || reads.agentId !== agentId)
    return `lease epoch ${batch.leaseEpoch} is stale`;
  if (reads.kind !== batch.kind) return `the open read is a ${reads.kind} one`;
  if (
    reads.schemaVersion !== batch.schemaVersion ||
    reads.scopeVersion !== batch.scopeVersion ||
    reads.attributeSetHash !== batch.attributeSetHash
  )
    return "schema, scope or attribute set are not those of the read order";
  if (reads.nextSequence !== batch.sequence) return `batch ${reads.nextSequence} is due, not ${batch.sequence}`;
  if ((reads.accepted?.id ?? null) !== batch.watermarkBefore)
    return "it goes on from another watermark than the accepted one";
  if (reads.invocationId !== null && reads.invocationId !== batch.dsa.invocationId)
    return "it comes from another directory server than the read's first batch";
  if (reads.kind === "full" && batch.watermarkAfter !== undefined && !batch.isLast)
    return "in a full read only the last batch carries a watermark";
  if (batch.isLast && batch.watermarkAfter === undefined) return "the last batch of a read carries a watermark";
  return undefined;
}

function advance(reads: ReadsRow, batch: BatchHead, bodyDigest: string, now: number): ReadsRow {
  return {
    ...reads,
    openReadNo: batch.isLast ? 0 : reads.openReadNo,
    nextSequence: reads.nextSequence + 1,
    objects: reads.objects + batch.objects,
    upserts: reads.upserts + batch.upserts,
    digest: createHash("sha256")
      .update(reads.digest + bodyDigest)
      .digest("base64url"),
    invocationId: batch.dsa.invocationId,
    server: batch.dsa.dnsName,
    // One batch with partial sight makes the whole read partial.
    visibility: reads.visibility === "partial" ? "partial" : batch.visibility,
    lastBatchAt: now,
    accepted: batch.watermarkAfter ?? reads.accepted,
    ...(batch.isLast && reads.kind === "full"
      ? {
          fullAttributeSetHash: reads.attributeSetHash,
          fullScopeVersion: reads.scopeVersion,
          fullSchemaVersion: reads.schemaVersion,
          unproven: unprovenAfter(knownState(reads), batch.dsa),
        }
      : {}),
  };
}

/** What the end of a read is worth as evidence of absence (N4 c). */
function endOf(job: JobRow, reads: ReadsRow, batch: BatchHead, now: number): ReadRow {
  const objects = reads.objects + batch.objects;
  const because = incompleteness(job, reads, batch, objects);
  return {
    readNo: batch.readNo,
    lane: laneOf(batch.kind),
    kind: reads.kind,
    state: "ended",
    reason: reads.reason,
    complete: because === null,
    incompleteBecause: because,
    visibility: reads.visibility === "partial" ? "partial" : batch.visibility,
    batches: batch.sequence,
    objects,
    upserts: reads.upserts + batch.upserts,
    agentId: reads.agentId,
    server: batch.dsa.dnsName,
    startedAt: reads.startedAt,
    endedAt: now,
    schemaVersion: reads.schemaVersion,
    attributeSetHash: reads.attributeSetHash,
  };
}

function incompleteness(job: JobRow, reads: ReadsRow, batch: BatchHead, objects: number): string | null {
  if (reads.kind !== "full") return "a delta says nothing of what it doesn't name";
  if (reads.scopeVersion !== job.scopeVersion) return "the scope changed while it was read";
  if (reads.schemaVersion !== job.schemaVersion) return "the schema changed while it was read";
  if (batch.end?.batches !== batch.sequence)
    return `the agent counted ${batch.end?.batches} batches, ${batch.sequence} arrived`;
  if (batch.end.objects !== objects) return `the agent counted ${batch.end.objects} objects, ${objects} arrived`;
  if (batch.end.digest !== reads.digest) return "the agent's digest over the batches is another than ours";
  return staleness(knownState(reads), batch.dsa);
}

function expectedOf(job: JobRow, reads: ReadsRow): Expected {
  return {
    readNo: reads.openReadNo === 0 ? null : reads.openReadNo,
    nextSequence: reads.nextSequence,
    leaseEpoch: reads.leaseEpoch,
    watermark: reads.accepted?.id ?? null,
    domainObjectGuid: job.domain?.objectGuid ?? null,
    domainSid: job.domain?.sid ?? null,
  };
}

function refuse(
  batch: BatchHead,
  reason: string,
  expected: Expected,
): { readonly ok: false; readonly failure: Failure } {
  return fail({
    status: 409,
    code: "batch-not-expected",
    message: `Batch ${batch.batchId} is refused: ${reason}.`,
    remedy: "Send a heartbeat, take the read order that it gives, and go on from there.",
    expected,
  });
}
