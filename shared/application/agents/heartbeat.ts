/**
 * The heartbeat: an agent says that it lives and what it wants; it learns whether it holds the domain's lease, and what
 * to read. One transaction on the job's partition decides lease, open read and order together.
 */
import type { HeartbeatReply, HeartbeatRequest } from "../../contracts/agent-api.ts";
import { isHeld } from "../../domain/quarantine.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Lane } from "../../ports/doorbell.ts";
import type { Log } from "../../ports/log.ts";
import type { RowOperation, RowStore } from "../../ports/row-store.ts";
import { type Failure, fail, ok, type Result } from "../failure.ts";
import {
  abortRead,
  laneOf,
  leaseIsFree,
  openRead,
  orderedScope,
  orderOf,
  type ReadNeeds,
  reasonForFullRead,
} from "../reading/reads.ts";
import { type AgentRow, agentTable, LEASE_ROW, type LeaseRow } from "../state/agent-rows.ts";
import {
  type JobRow,
  type JobTrouble,
  jobTable,
  pack,
  type ReadsRow,
  ROW,
  readRow,
  type Stored,
  unpack,
} from "../state/job-rows.ts";
import { troubleOf, withTrouble, withWish } from "./heard.ts";
import { type ProvenAgent, shutOut } from "./verify-proof.ts";

/** Two boots of one key that alternate within this long are a clone. */
const CLONE_WINDOW_MS = 120_000;

export interface HeartbeatTimes {
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  readonly watermarkMaxAgeMs: number;
}

export type Heartbeat = (proven: ProvenAgent, request: HeartbeatRequest) => Promise<Result<HeartbeatReply>>;

export function createHeartbeat(deps: {
  readonly rows: RowStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly times: HeartbeatTimes;
  /** Two processes with one key: the younger is refused, or neither gets on. Absent: refuse. */
  readonly clonedAgent?: "refuse" | "lock" | undefined;
  /** What the job's current schema needs of the directory. */
  readonly needsOf: (job: JobRow) => Promise<ReadNeeds>;
  /** Rings the job's bell, for a read that this heartbeat ended. */
  readonly ring: (jobId: string, lane: Lane) => Promise<void>;
}): Heartbeat {
  const jobs = jobTable(deps.rows);
  const agents = agentTable(deps.rows);

  async function noteAlive(proven: ProvenAgent, request: HeartbeatRequest): Promise<Result<AgentRow>> {
    const { configurationId, agentId } = proven.agent;
    for (;;) {
      const stored = await readRow<AgentRow>(agents, configurationId, `agent:${agentId}`);
      if (!stored)
        return fail({
          status: 401,
          code: "agent-unknown",
          message: `Agent ${agentId} is not enrolled.`,
          remedy: "Enrol it again.",
        });
      const before = stored.value;
      const now = deps.clock.now();
      // Whoever verified its proof may remember it as it was.
      if (before.status === "revoked" || before.status === "locked") return shutOut(before);
      if (proven.boot === before.clonedBoot) {
        return fail({
          status: 409,
          code: "agent-cloned",
          message: `Two processes speak with the key of agent ${agentId}.`,
          remedy:
            "Stop one of them, then 'uplink agent unlock'; if nobody copied the key knowingly, 'uplink agent revoke' and enrol it again.",
        });
      }
      const signedAt = proven.signedAt ?? now;
      // Signed before its successor spoke, it was only held up on its way: what a killed process sent last.
      const isLate = proven.boot !== before.boot && signedAt <= (before.bootSince ?? 0);
      const keepsBoot = isLate || proven.boot === before.boot;
      // A process that speaks again after its successor did was never replaced: the younger one is a copy.
      const isReturn =
        !keepsBoot && proven.boot === before.bootBefore && now - before.bootBeforeSeenAt < CLONE_WINDOW_MS;
      // Who wasn't let in yet can't be shut out: unlocking it would let it in.
      const locks = isReturn && deps.clonedAgent === "lock" && before.status !== "pending";
      const agent: AgentRow = {
        ...before,
        status: locks ? "locked" : before.status === "inactive" ? "active" : before.status,
        version: request.version,
        lastSeenAt: now,
        ...(keepsBoot
          ? {}
          : {
              boot: proven.boot,
              bootSince: signedAt,
              bootBefore: before.boot,
              bootBeforeSeenAt: before.lastSeenAt,
            }),
        clonedBoot: isReturn ? before.boot : before.clonedBoot,
      };
      if (before.status === "inactive") deps.log.info("agent-active-again", { agentId, configurationId });
      const written = await agents.transact(configurationId, [
        { op: "replace", row: stored.row, values: pack(agent), etag: stored.etag },
      ]);
      if (!written.ok) continue;
      if (isReturn) deps.log.error("agent-cloned", { agentId, configurationId });
      return agent.status === "locked" ? shutOut(agent) : ok(agent);
    }
  }

  function logTrouble({ jobId }: JobRow, trouble: JobTrouble | null): void {
    if (trouble === null) deps.log.info("job-trouble-over", { jobId });
    else deps.log.error("job-trouble", { jobId, code: trouble.code, message: trouble.message });
  }

  return async (proven, request) => {
    const alive = await noteAlive(proven, request);
    if (!alive.ok) return alive;
    const agent = alive.value;
    const nothing = {
      heartbeatSeconds: deps.times.heartbeatMs / 1000,
      lease: { held: false, epoch: 0, seconds: 0 },
      order: null,
    };
    if (agent.status === "pending")
      return ok({ ...nothing, agentStatus: "pending", message: "An admin has to approve this agent." });
    for (;;) {
      const rows = await jobs.getMany(agent.jobId, [ROW.job, ROW.reads, LEASE_ROW]);
      const jobRow = rows.get(ROW.job);
      const readsRow = rows.get(ROW.reads);
      const leaseRow = rows.get(LEASE_ROW);
      if (!jobRow || !readsRow)
        return ok({
          ...nothing,
          agentStatus: "active",
          message: "The job was deleted; the next one is read as it comes.",
        });
      const job = unpack<JobRow>(jobRow).value;
      const mismatch = domainMismatch(job, request);
      if (mismatch) return mismatch;
      const lease = leaseRow && unpack<LeaseRow>(leaseRow);
      const now = deps.clock.now();
      if (!leaseIsFree(lease, agent.agentId, now, deps.times.leaseMs)) {
        return ok({
          ...nothing,
          agentStatus: "active",
          lease: { held: false, epoch: lease?.value.epoch ?? 0, seconds: 0 },
        });
      }
      const needs = await deps.needsOf(job);
      const trouble = troubleOf(orderedScope(job, needs), request, agent.agentId, now);
      const changed = withTrouble(withWish(job, request, now), trouble);
      const step = decide({
        job: changed,
        reads: unpack<ReadsRow>(readsRow).value,
        lease,
        agent,
        request,
        needs,
        now,
        times: deps.times,
      });
      const operations: RowOperation[] = [
        ...(changed === job
          ? []
          : [{ op: "replace" as const, row: ROW.job, values: pack(changed), etag: jobRow.etag }]),
        lease
          ? { op: "replace", row: LEASE_ROW, values: pack(step.lease), etag: lease.etag }
          : { op: "insert", row: LEASE_ROW, values: pack(step.lease) },
        // Written even when unchanged: the etag is what makes lease, read and order one decision.
        { op: "replace", row: ROW.reads, values: pack(step.reads), etag: readsRow.etag },
        ...step.operations,
      ];
      const written = await jobs.transact(agent.jobId, operations);
      if (!written.ok) continue;
      if (changed.trouble !== job.trouble) logTrouble(job, trouble);
      if (step.aborted !== undefined) {
        deps.log.warn("read-aborted", { jobId: job.jobId, readNo: step.aborted.readNo, reason: step.aborted.reason });
        await deps
          .ring(job.jobId, laneOf(step.aborted.kind))
          .catch(() => deps.log.warn("doorbell-unreachable", { jobId: job.jobId }));
      }
      return ok({
        ...nothing,
        agentStatus: "active",
        lease: { held: true, epoch: step.lease.epoch, seconds: deps.times.leaseMs / 1000 },
        order: step.hasOrder ? orderOf(changed, step.reads, needs) : null,
        ...messageOf(job, now),
      });
    }
  };
}

function messageOf(job: JobRow, now: number): { readonly message?: string } {
  if (job.state === "paused") return { message: "The job is paused." };
  return isHeld(job.quarantine, now) ? { message: "The job is in quarantine." } : {};
}

interface Decision {
  readonly lease: LeaseRow;
  readonly reads: ReadsRow;
  readonly operations: readonly RowOperation[];
  readonly hasOrder: boolean;
  readonly aborted?: { readonly readNo: number; readonly kind: "full" | "delta"; readonly reason: string };
}

function decide(input: {
  readonly job: JobRow;
  readonly reads: ReadsRow;
  readonly lease: Stored<LeaseRow> | undefined;
  readonly agent: AgentRow;
  readonly request: HeartbeatRequest;
  readonly needs: ReadNeeds;
  readonly now: number;
  readonly times: HeartbeatTimes;
}): Decision {
  const { job, request, needs, now, agent } = input;
  const isTakeover = input.lease?.value.agentId !== agent.agentId;
  const epoch = (input.lease?.value.epoch ?? 0) + (isTakeover ? 1 : 0);
  const lease: LeaseRow = { agentId: agent.agentId, epoch, renewedAt: now };
  let reads = input.reads;
  let operations: readonly RowOperation[] = [];
  let aborted: Decision["aborted"];
  const abort = (reason: string) => {
    aborted = { readNo: reads.openReadNo, kind: reads.kind, reason };
    ({ reads, operations } = abortRead(reads, reason, now));
  };
  const isOpen = () => reads.openReadNo !== 0;
  if (isOpen() && isTakeover) abort("takeover");
  if (isOpen() && request.abortReadNo === reads.openReadNo) abort(request.reason ?? "asked by the agent");
  // What is sent under another scope may be more than this one lets out of the building.
  if (isOpen() && reads.scopeVersion !== job.scopeVersion) abort("scope");
  // Another schema may want other attributes and classes than this read brings.
  if (isOpen() && reads.schemaVersion !== job.schemaVersion) abort("schema");
  const isTroubled = (job.trouble ?? null) !== null;
  if (isOpen() && isTroubled) abort("ScopeObjectMissing");
  const full = reasonForFullRead(job, reads, needs, { now, watermarkMaxAgeMs: input.times.watermarkMaxAgeMs });
  const done = (hasOrder: boolean): Decision => ({
    lease,
    reads,
    operations,
    hasOrder,
    ...(aborted ? { aborted } : {}),
  });
  if (isTroubled) return done(false);
  const isForced = full !== undefined && full !== "first";
  const isStopped = job.state === "paused" || isHeld(job.quarantine, now);
  if (request.want === "continue") {
    // It may have ended while this request was under way: that is no wish for another read.
    if (!isOpen()) return done(false);
    // A delta that polls and has sent nothing yet may stay open for an hour: a full read that is wanted needn't wait for it.
    const yields = isForced && !isStopped && reads.kind === "delta" && reads.nextSequence === 1;
    if (!yields) return done(true);
  }
  if (isStopped || (request.want === "none" && !isForced)) return done(isOpen());
  const kind = full !== undefined || request.want === "full" ? "full" : "delta";
  const reason = full ?? request.reason ?? (kind === "full" ? "asked by the agent" : "delta");
  // A read without batches is the same read asked for again; one with batches was lost by a restart of the agent.
  if (isOpen() && reads.nextSequence === 1 && reads.kind === kind && reads.attributeSetHash === needs.attributeSetHash)
    return done(true);
  if (isOpen()) abort("the agent began anew");
  reads = openRead(job, reads, needs, { kind, reason, agentId: agent.agentId, leaseEpoch: epoch, now });
  return done(true);
}

function domainMismatch(
  job: JobRow,
  request: HeartbeatRequest,
): { readonly ok: false; readonly failure: Failure } | undefined {
  const { domain } = job;
  if (!domain || (domain.objectGuid === request.domain.objectGuid && domain.sid === request.domain.sid))
    return undefined;
  return fail({
    status: 409,
    code: "domain-changed",
    message: `The agent reads a domain with objectGUID ${request.domain.objectGuid}; enrolled is ${domain.objectGuid}.`,
    remedy: "Point the agent at the enrolled domain, or make a new configuration for the new one.",
  });
}
