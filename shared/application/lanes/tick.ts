/**
 * The tick: what has to happen though nobody rings. Agents that fell silent become inactive and their lease is free;
 * lanes whose batches wait are woken; due escrows and accounts that expired become work; what is past its retention goes.
 */
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { RowOperation, RowStore, RowTable } from "../../ports/row-store.ts";
import type { ConfigurationEntry, Configurations } from "../jobs/configurations.ts";
import type { LinkAccounts } from "../members/link-account.ts";
import { type AgentRow, agentTable, LEASE_ROW, type LeaseRow } from "../state/agent-rows.ts";
import { auditTableName } from "../state/audit-rows.ts";
import type { DirtyRows } from "../state/dirty-links.ts";
import type { Escrows } from "../state/escrow-rows.ts";
import type { Expiries } from "../state/expiry-rows.ts";
import {
  type BatchRow,
  heldBecause,
  type JobRow,
  jobTable,
  LANES,
  listRows,
  pack,
  type ReadRow,
  type ReadsRow,
  ROW,
  readRow,
  type WorkRow,
} from "../state/job-rows.ts";
import { logKeptSince, logTableName } from "../state/provisioning-log.ts";
import { transactionChunks } from "../transaction-chunks.ts";
import { addWork } from "./add-work.ts";
import { FILES } from "./chunk-files.ts";
import { lookAtExpired } from "./expired-accounts.ts";
import { cycleIdOf } from "./plan-chunks.ts";
import type { WakeJob } from "./wake-job.ts";

export interface TickTimes {
  /** An agent silent for this long is inactive. */
  readonly agentSilentMs: number;
  /** A batch that waits for longer than this has lost its bell. */
  readonly unrungMs: number;
  /** Payloads of closed batches are kept for this long. */
  readonly payloadRetentionMs: number;
  /** Months of the provisioning log that are kept, besides the current one. */
  readonly logMonths: number;
  /** Escrows that one piece of work takes up at most. */
  readonly escrowsAtOnce: number;
}

type Duty = (entry: ConfigurationEntry) => Promise<void>;

export type Tick = () => Promise<void>;

export function createTick(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly configurations: Configurations;
  readonly escrows: Escrows;
  readonly expiries: Expiries;
  readonly dirty: DirtyRows;
  readonly linkAccounts: LinkAccounts;
  readonly wakeJob: WakeJob;
  /** Drops rows of objects that are gone for good, and old accounts. */
  readonly dropGone: Duty;
  /** Drops what was asked for on demand, once nobody can wait for it any more. */
  readonly dropCommands: Duty;
  /** Counts linked objects, from time to time. */
  readonly countEntries: Duty;
  /** Gives entries of older releases the rows that questions about the log need. */
  readonly indexOldLog: Duty;
  /** Brings rows of older releases to the present format, from time to time. */
  readonly migrateRows: Duty;
  /** Goes on with a job that is being deleted. */
  readonly carryOnDeletion: Duty;
  /** Notes what the log shows of each job. */
  readonly noteJobs: (jobIds: readonly string[]) => Promise<void>;
  /** Lets go of enrolment tokens that expired long ago. */
  readonly dropOldTokens: () => Promise<void>;
  /** Goes on with what is being taken off the exclusion list. */
  readonly endExclusions: () => Promise<void>;
  /** Looks after a job's quarantine; whether the job must wait. */
  readonly watchQuarantine: (jobId: string) => Promise<boolean>;
  readonly times: TickTimes;
}): Tick {
  const jobs = jobTable(deps.rows);
  const agents = agentTable(deps.rows);

  return async () => {
    const entries = await deps.configurations.list();
    const tried = (duty: string, work: Promise<void>) =>
      work.catch((error: unknown) => deps.log.error("tick-duty-failed", { duty, jobId: "", message: String(error) }));
    await tried("noteJobs", deps.noteJobs(entries.map(({ jobId }) => jobId)));
    await tried("dropOldTokens", deps.dropOldTokens());
    await tried("endExclusions", deps.endExclusions());
    for (const entry of entries) {
      let isHeld = false;
      const watchQuarantine = async () => {
        isHeld = await deps.watchQuarantine(entry.jobId);
      };
      // A job in quarantine sleeps until its next attempt, which begins as what waited for too long always does.
      const wakers: readonly Duty[] = [retryEscrows, disableExpired, sweep];
      // One job's trouble must not keep the others from being looked after.
      const kept: readonly Duty[] = [
        dropPayloads,
        deps.dropGone,
        deps.dropCommands,
        deps.countEntries,
        deps.indexOldLog,
        deps.migrateRows,
      ];
      // The last one: what it drops, nobody writes again.
      const keepers: readonly Duty[] = [...kept, deps.carryOnDeletion];
      for (const duty of [checkAgents, watchQuarantine, ...wakers, ...keepers]) {
        if (isHeld && wakers.includes(duty)) continue;
        await duty(entry).catch((error: unknown) =>
          deps.log.error("tick-duty-failed", { duty: duty.name, jobId: entry.jobId, message: String(error) }),
        );
      }
    }
    await tried("dropOldLogs", dropOldLogs());
  };

  async function checkAgents({ configurationId, jobId }: ConfigurationEntry): Promise<void> {
    const now = deps.clock.now();
    for (const { value: agent, etag, row } of await listRows<AgentRow>(agents, configurationId, "agent:")) {
      if (agent.status !== "active" || now - agent.lastSeenAt < deps.times.agentSilentMs) continue;
      const written = await agents.transact(configurationId, [
        { op: "replace", row, values: pack({ ...agent, status: "inactive" }), etag },
      ]);
      if (!written.ok) continue;
      deps.log.warn("agent-inactive", { agentId: agent.agentId, configurationId, silentForMs: now - agent.lastSeenAt });
      const lease = await readRow<LeaseRow>(jobs, jobId, LEASE_ROW);
      // Free, with its epoch: whoever takes it next still fences the silent one off.
      if (lease?.value.agentId === agent.agentId)
        await jobs.transact(jobId, [
          { op: "replace", row: LEASE_ROW, values: pack({ ...lease.value, agentId: "" }), etag: lease.etag },
        ]);
    }
  }

  async function sweep({ jobId }: ConfigurationEntry): Promise<void> {
    const before = deps.clock.now() - deps.times.unrungMs;
    const reads = await listRows<ReadRow>(jobs, jobId, "read:");
    for (const lane of LANES) {
      const [batch] = (await listRows<BatchRow>(jobs, jobId, `batch:${lane}:`)).filter(
        (row) => row.value.state === "accepted",
      );
      const [work] = await listRows<WorkRow>(jobs, jobId, `work:${lane}:`, 1);
      const read = reads.find((row) => row.value.lane === lane);
      const oldest = Math.min(
        batch?.value.acceptedAt ?? Number.POSITIVE_INFINITY,
        work?.value.createdAt ?? Number.POSITIVE_INFINITY,
        read?.value.endedAt ?? Number.POSITIVE_INFINITY,
      );
      if (oldest <= before) await deps.wakeJob(jobId, lane);
    }
  }

  async function retryEscrows({ jobId }: ConfigurationEntry): Promise<void> {
    const now = deps.clock.now();
    const open = await listRows<WorkRow>(jobs, jobId, "work:live:", 1);
    if (open.length > 0) return;
    const job = await readRow<JobRow>(jobs, jobId, ROW.job);
    // They are tried with everything else when exports are released.
    if (job && heldBecause(job.value)) return;
    // Who has waited longest goes first: however many fail again and again, everybody gets a turn.
    const due = (await deps.escrows.list(jobId))
      .filter((escrow) => escrow.nextAttemptAt <= now)
      .sort((one, other) => one.nextAttemptAt - other.nextAttemptAt);
    if (due.length === 0) return retryLinks(jobId, now);
    const objectGuids = due.slice(0, deps.times.escrowsAtOnce).map((escrow) => escrow.objectGuid);
    await addWork(deps, jobId, "escrows", { objectGuids });
    await deps.wakeJob(jobId, "live");
  }

  async function disableExpired({ jobId }: ConfigurationEntry): Promise<void> {
    const count = await lookAtExpired({ ...deps, atOnce: deps.times.escrowsAtOnce }, jobId);
    if (count > 0) await deps.wakeJob(jobId, "live");
  }

  /** Links whose last attempt failed; work of escrows takes them along. */
  async function retryLinks(jobId: string, now: number): Promise<void> {
    const dirty = await deps.dirty.list(jobId);
    if (!dirty.some((own) => (own.dirty.failure?.nextAttemptAt ?? Number.POSITIVE_INFINITY) <= now)) return;
    await addWork(deps, jobId, "links", { objectGuids: [] });
    await deps.wakeJob(jobId, "live");
  }

  async function dropPayloads({ jobId }: ConfigurationEntry): Promise<void> {
    const before = deps.clock.now() - deps.times.payloadRetentionMs;
    const old: RowOperation[] = [];
    const firstNeeded = await firstReadInWork(jobs, jobId);
    for (const { value: batch, row } of await listRows<BatchRow>(jobs, jobId, "done:", 200)) {
      // Until a read has its cycle, its lists of seen objects and its accounts are needed, however old (a paused job).
      if (batch.acceptedAt > before || batch.readNo >= firstNeeded) break;
      await deps.blobs.delete(batch.blob);
      for (const folder of [
        FILES.folder(batch.batchId),
        FILES.folder(`${cycleIdOf(jobId, batch.readNo)}-end`),
        ...deps.linkAccounts.folders(cycleIdOf(jobId, batch.readNo)),
        FILES.seenOf(jobId, batch.readNo),
        FILES.seenNowIn(jobId, batch.readNo),
      ]) {
        for await (const path of deps.blobs.list(folder)) await deps.blobs.delete(path);
      }
      old.push({ op: "delete", row });
    }
    for (const chunk of transactionChunks(old)) await jobs.transact(jobId, chunk);
  }

  async function dropOldLogs(): Promise<void> {
    const since = logKeptSince(deps.clock.now(), deps.times.logMonths);
    const [oldest, oldestAudit] = [logTableName(since), auditTableName(since)];
    for (const name of await deps.rows.listTables()) {
      const isOld = /^log\d{6}$/.test(name) ? name < oldest : /^audit\d{6}$/.test(name) && name < oldestAudit;
      if (isOld) await deps.rows.deleteTable(name);
    }
  }
}

/** The first read that has no cycle yet: its payloads, lists and versions are still needed. */
export async function firstReadInWork(jobs: RowTable, jobId: string): Promise<number> {
  const reads = await readRow<ReadsRow>(jobs, jobId, ROW.reads);
  const ending = await listRows<ReadRow>(jobs, jobId, "read:", 1);
  const open = await Promise.all(LANES.map((lane) => listRows<BatchRow>(jobs, jobId, `batch:${lane}:`, 1)));
  const numbers = [...ending, ...open.flat()].map((row) => row.value.readNo);
  if (reads && reads.value.openReadNo !== 0) numbers.push(reads.value.openReadNo);
  return Math.min(...numbers, Number.POSITIVE_INFINITY);
}
