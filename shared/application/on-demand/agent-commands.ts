/**
 * Commands as an agent meets them: it waits for them, and says what came of them.
 *
 * Only the agent that holds the domain's lease is told any. While it waits, one row is read again and again, and nothing is
 * written. An answer is one compare-and-swap with the work that follows from it; one that comes late, from somebody else, from a
 * directory server that lags, or to a command whose job reads otherwise by now has no effect.
 */
import type { CommandAnswer, CommandsReply, ReadAnswer } from "../../contracts/agent-commands.ts";
import type { Change } from "../../contracts/change.ts";
import { shardOf } from "../../domain/shard.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Lane } from "../../ports/doorbell.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import type { ProvenAgent } from "../agents/verify-proof.ts";
import { type Failure, fail, ok, type Result } from "../failure.ts";
import { workOperations } from "../lanes/add-work.ts";
import { FILES, writeOnce } from "../lanes/chunk-files.ts";
import type { AskedWork } from "../lanes/plan-chunks.ts";
import { knownState, orderedScope, type ReadNeeds } from "../reading/reads.ts";
import { staleness } from "../reading/server-currency.ts";
import { LEASE_ROW, type LeaseRow } from "../state/agent-rows.ts";
import { COMMAND_FILES, type CommandEntry, type Commands, type CommandsRow } from "../state/command-rows.ts";
import {
  type JobRow,
  jobTable,
  listRows,
  type ReadRow,
  type ReadsRow,
  ROW,
  readRow,
  unpack,
} from "../state/job-rows.ts";
import { groupBy } from "../state/object-store.ts";
import { gzipJson } from "../state/packing.ts";
import { askedFault } from "./asked-faults.ts";

export interface AgentCommands {
  await(proven: ProvenAgent, leaseEpoch: number): Promise<Result<CommandsReply>>;
  answer(proven: ProvenAgent, id: string, answer: CommandAnswer): Promise<Result<null>>;
}

/** How often the row is looked at while an agent waits. */
const LOOK_MS = 700;
/** One that isn't the reader of its domain needn't ask often. */
const STANDBY_SECONDS = 30;

export function createAgentCommands(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly commands: Commands;
  readonly clock: Clock;
  readonly log: Log;
  readonly needsOf: (job: JobRow) => Promise<ReadNeeds>;
  readonly ring: (jobId: string, lane: Lane) => Promise<void>;
  readonly pause: (milliseconds: number) => Promise<void>;
  /** How long an agent is kept waiting: milliseconds. */
  readonly waitMs: number;
  readonly leaseMs: number;
}): AgentCommands {
  const jobs = jobTable(deps.rows);

  async function isHolder(jobId: string, agentId: string, epoch: number): Promise<boolean> {
    const lease = (await readRow<LeaseRow>(jobs, jobId, LEASE_ROW))?.value;
    return lease?.agentId === agentId && lease.epoch === epoch && lease.renewedAt + deps.leaseMs >= deps.clock.now();
  }

  const openOf = ({ entries }: CommandsRow) =>
    entries.filter((own) => own.state === "asked" && own.expiresAt > deps.clock.now());

  async function toldOf(jobId: string, open: readonly CommandEntry[]): Promise<CommandsReply["commands"]> {
    const job = (await readRow<JobRow>(jobs, jobId, ROW.job))?.value;
    const reads = (await readRow<ReadsRow>(jobs, jobId, ROW.reads))?.value;
    if (!job || !reads) return [];
    const needs = await deps.needsOf(job);
    const known = currentState(reads);
    return open.map(({ id, subject, members }) => ({
      id,
      kind: "read-object",
      subject,
      members: [...members],
      attributes: [...needs.attributes],
      objectClasses: [...needs.objectClasses],
      scope: orderedScope(job, needs),
      ...(known === null ? {} : { replCursorOf: known.invocationId }),
    }));
  }

  return {
    async await({ agent: { agentId, jobId } }, leaseEpoch) {
      if (!(await isHolder(jobId, agentId, leaseEpoch))) return ok({ commands: [], pollSeconds: STANDBY_SECONDS });
      for (let waited = 0; ; waited += LOOK_MS) {
        const open = openOf(await deps.commands.read(jobId));
        if (open.length > 0) {
          // It may have been taken over while it waited.
          if (!(await isHolder(jobId, agentId, leaseEpoch))) return ok({ commands: [], pollSeconds: STANDBY_SECONDS });
          return ok({ commands: await toldOf(jobId, open), pollSeconds: 0 });
        }
        if (waited >= deps.waitMs)
          return ok({ commands: [], pollSeconds: deps.waitMs === 0 ? STANDBY_SECONDS / 10 : 0 });
        await deps.pause(Math.min(LOOK_MS, deps.waitMs));
      }
    },

    async answer({ agent: { agentId, jobId } }, id, { leaseEpoch, outcome }) {
      let refused: Failure | undefined;
      let isWork = false;
      const row = await deps.commands.change(jobId, async (row) => {
        refused = undefined;
        isWork = false;
        const entry = openOf(row).find((own) => own.id === id);
        const rows = await jobs.getMany(jobId, [ROW.job, ROW.reads]);
        const [jobRow, readsRow] = [rows.get(ROW.job), rows.get(ROW.reads)];
        if (!jobRow || !readsRow) refused = jobGone(jobId);
        else if (!entry) refused = commandGone(id);
        else if (!(await isHolder(jobId, agentId, leaseEpoch))) refused = leaseNotHeld(agentId);
        if (!jobRow || !readsRow || !entry || refused) return undefined;
        const job = unpack<JobRow>(jobRow).value;
        const reads = unpack<ReadsRow>(readsRow).value;
        const put = (next: CommandEntry) => ({
          ...row,
          entries: row.entries.map((own) => (own.id === id ? { ...next, agentId } : own)),
        });
        const failure =
          outcome.kind === "failed" ? agentFailure(agentId, outcome) : faultOf(job, reads, entry, outcome);
        if (failure) return { row: put({ ...entry, state: "failed", failure }) };
        if (outcome.kind === "failed") return undefined;
        if (entry.isDryRun) {
          await deps.blobs.put(COMMAND_FILES.answer(jobId, id), gzipJson(outcome));
          return { row: put({ ...entry, state: "answered" }) };
        }
        isWork = true;
        const workId = `${jobId}-asked-${id}`;
        await noteSeen(jobId, id, reads, changesOf(outcome));
        const objectGuids = changesOf(outcome).map((change) => change.objectGuid);
        const [objectGuid] = objectGuids;
        const file = {
          objectGuids,
          asked: askedOf(entry, agentId, outcome),
        };
        return {
          row: put({ ...entry, state: "working", workId, ...(objectGuid === undefined ? {} : { objectGuid }) }),
          operations: await workOperations(deps, jobId, "provision", file, workId, "live"),
        };
      });
      if (refused) return fail(refused);
      if (row && isWork)
        await deps.ring(jobId, "live").catch(() => deps.log.warn("doorbell-unreachable", { jobId, lane: "live" }));
      return ok(null);
    },
  };

  /**
   * Whoever was read now is there, whatever a full read under way doesn't see of it: it may have been made after that read had
   * passed its place.
   */
  async function noteSeen(jobId: string, id: string, reads: ReadsRow, changes: readonly Change[]): Promise<void> {
    const guids = changes.filter((change) => change.op === "upsert").map((change) => change.objectGuid);
    if (guids.length === 0) return;
    const closing = (await listRows<ReadRow>(jobs, jobId, "read:")).filter((read) => read.value.kind === "full");
    const open = reads.openReadNo !== 0 && reads.kind === "full" ? [reads.openReadNo] : [];
    const byShard = Object.fromEntries(groupBy(guids, shardOf));
    for (const readNo of [...closing.map((read) => read.value.readNo), ...open])
      await writeOnce(deps.blobs, FILES.seenNow(jobId, readNo, id), byShard);
  }
}

export function askedOf(entry: CommandEntry, agentId: string, answer: ReadAnswer): AskedWork {
  const { id, by, version, schemaVersion, scopeVersion } = entry;
  return { commandId: id, by, agentId, version, schemaVersion, scopeVersion, answer };
}

/**
 * What the directory says, in the order of positions: the subject, then its members. Of a group's list it says just these members,
 * whatever the agent sent of it.
 */
export function changesOf({ object, members }: ReadAnswer): Change[] {
  const [subject, ...others] = [object, ...members].flatMap((found): Change[] =>
    found.kind === "found" ? [found.change] : [],
  );
  if (!subject) return [];
  return [subject, ...others].map((change, index) => {
    if (change.op !== "upsert") return change;
    const { links = [], ...rest } = change;
    const own = links.filter((link) => !["member", "memberof"].includes(link.attribute.toLowerCase()));
    const add =
      index === 0 ? others.flatMap(({ op, objectGuid }) => (op === "upsert" ? [{ guid: objectGuid }] : [])) : [];
    const chosen = { attribute: "member", mode: "delta" as const, add, remove: [], part: 0, last: true };
    const said = add.length > 0 ? [...own, chosen] : own;
    return said.length > 0 ? { ...rest, links: said } : rest;
  });
}

/** What the directory is known to have had when the accepted watermark was taken. */
export function currentState(reads: ReadsRow) {
  return knownState({ ...reads, atStart: reads.accepted });
}

function faultOf(job: JobRow, reads: ReadsRow, entry: CommandEntry, answer: ReadAnswer): Failure | undefined {
  if (job.schemaVersion !== entry.schemaVersion || job.scopeVersion !== entry.scopeVersion)
    return {
      status: 409,
      code: "changed-meanwhile",
      message: "The job's schema or scope was changed while the object was read.",
      remedy: "Ask again.",
    };
  const { domain } = job;
  if (domain && (answer.domain.objectGuid !== domain.objectGuid || answer.domain.sid !== domain.sid))
    return {
      status: 409,
      code: "domain-changed",
      message: `The agent reads a domain with objectGUID ${answer.domain.objectGuid}; enrolled is ${domain.objectGuid}.`,
      remedy: "Point the agent at the enrolled domain.",
    };
  const stale = staleness(currentState(reads), answer.dsa);
  if (stale === null) return askedFault(entry, answer);
  return {
    status: 409,
    code: "directory-server-not-proven",
    message: `What was read may be older than what is known already: ${stale}.`,
    remedy: "Wait until the domain controllers have replicated, and ask again.",
  };
}

function agentFailure(
  agentId: string,
  { code, message, remedy }: Extract<CommandAnswer["outcome"], { kind: "failed" }>,
): Failure {
  return {
    status: 409,
    code: "agent-failed",
    message: `Agent ${agentId} could not read it (${code}): ${message}`,
    remedy: remedy || "See the agent's log.",
  };
}

function jobGone(jobId: string): Failure {
  return { status: 404, code: "job-not-found", message: `There is no job ${jobId}.`, remedy: "Enrol the agent again." };
}

function commandGone(id: string): Failure {
  return {
    status: 404,
    code: "command-gone",
    message: `Command ${id} was answered, or nobody waits for it any more.`,
    remedy: "Nothing to do.",
  };
}

function leaseNotHeld(agentId: string): Failure {
  return {
    status: 409,
    code: "lease-not-held",
    message: `Agent ${agentId} doesn't hold the domain's lease, or holds it under another epoch.`,
    remedy: "Send a heartbeat.",
  };
}
