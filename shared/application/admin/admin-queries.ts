/** What admins see: status of a job, its cycles, escrows, agents and log, in the shapes of the admin API. */
import type { AgentReply } from "../../contracts/admin/agents.ts";
import type { EscrowReply } from "../../contracts/admin/escrows.ts";
import type { JobStatusReply } from "../../contracts/admin/jobs.ts";
import type { Quarantine } from "../../domain/quarantine.ts";
import type { Clock } from "../../ports/clock.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { type AccountPages, createAccountPages, cycleReply } from "../cycles/account-pages.ts";
import { ok, type Result } from "../failure.ts";
import { noSuchJob } from "../jobs/configurations.ts";
import type { AskLog } from "../log/log-queries.ts";
import type { CommittedWatermark } from "../reading/committed-watermark.ts";
import { readProgress } from "../reading/read-progress.ts";
import { scopeOf } from "../reading/reads.ts";
import { type AgentRow, agentTable, LEASE_ROW, type LeaseRow } from "../state/agent-rows.ts";
import type { DirtyRows } from "../state/dirty-links.ts";
import type { Escrows } from "../state/escrow-rows.ts";
import {
  afterPrefix,
  type BatchRow,
  type CycleRow,
  type ExportsHeld,
  heldBecause,
  type JobRow,
  type JobTrouble,
  jobTable,
  LANES,
  listRows,
  type ReadRow,
  type ReadsRow,
  ROW,
  readRow,
  unpack,
  type WorkRow,
} from "../state/job-rows.ts";
import type { Removals } from "../state/removal-rows.ts";
import { keysetPage, type Page } from "./keyset-page.ts";

/** Behind the objectGUID of a group whose members failed: in a page it comes after the group itself. */
const OF_MEMBERS = ".members";
/** Numbers of reads that are looked through for the newest cycles besides as many as are wanted: one that is open has none yet. */
const CYCLES_BESIDE = 8;

export interface AdminQueries {
  status(jobId: string): Promise<Result<JobStatusReply>>;
  readonly cycles: AccountPages["cycles"];
  readonly days: AccountPages["days"];
  escrows(jobId: string): Promise<Result<EscrowReply[]>>;
  /** Some of them, by objectGUID, behind the `next` of a page. */
  escrowPage(jobId: string, top: number, after: string | undefined): Promise<Result<Page<EscrowReply>>>;
  agents(configurationId: string, jobId: string): Promise<AgentReply[]>;
  readonly log: AskLog;
}

export function createAdminQueries(deps: {
  readonly rows: RowStore;
  readonly clock: Clock;
  readonly escrows: Escrows;
  readonly dirty: DirtyRows;
  readonly removals: Removals;
  readonly askLog: AskLog;
}): AdminQueries {
  const jobs = jobTable(deps.rows);
  const accounts = createAccountPages(deps);
  /** Keys ascend, and the newest come last: from some before the last read's, and further back where some of those numbers have none. */
  const newestCycles = async (jobId: string, top: number) => {
    const found: CycleRow[] = [];
    const reads = await readRow<ReadsRow>(jobs, jobId, ROW.reads);
    let first = reads?.value.nextReadNo ?? 1;
    let to = afterPrefix("cycle:");
    for (let width = top + CYCLES_BESIDE; found.length < top && first > 1; width *= 4) {
      first = Math.max(1, first - width);
      const from = ROW.cycle(first);
      const older: CycleRow[] = [];
      for await (const rows of jobs.range(jobId, { from, to }))
        older.push(...rows.map((row) => unpack<CycleRow>(row).value));
      found.unshift(...older);
      to = from;
    }
    return found.slice(-top).reverse().map(cycleReply);
  };
  const hasJob = async (jobId: string) => (await jobs.get(jobId, ROW.job)) !== undefined;
  /** Groups whose members could not be brought to the target, as escrows are. */
  const failingLinks = async (jobId: string) => {
    const dirty = await deps.dirty.list(jobId);
    const byGroup = new Map(
      dirty.flatMap(({ dirty: { referrer, failure } }) =>
        failure ? [[referrer, { objectGuid: referrer, ...failure }]] : [],
      ),
    );
    return [...byGroup.values()];
  };
  return {
    async status(jobId) {
      const job = await readRow<JobRow>(jobs, jobId, ROW.job);
      const reads = await readRow<ReadsRow>(jobs, jobId, ROW.reads);
      if (!job || !reads) return noSuchJob(jobId);
      const work = (await Promise.all(LANES.map((lane) => listRows<WorkRow>(jobs, jobId, `work:${lane}:`)))).flat();
      const { batches, ending, changes, processed } = await readProgress(jobs, jobId, reads.value);
      const committed = await readRow<CommittedWatermark>(jobs, jobId, ROW.watermark);
      const [lastCycle] = await newestCycles(jobId, 1);
      const open = reads.value;
      return ok({
        jobId,
        configurationId: job.value.configurationId,
        displayName: job.value.displayName,
        state: job.value.state,
        openRead:
          open.openReadNo === 0
            ? null
            : { readNo: open.openReadNo, kind: open.kind, batches: open.nextSequence - 1, objects: open.objects },
        waiting: {
          batches: batches.length,
          changes,
          processed,
          readsEnding: ending.length,
          work: work.length,
          ...oldestOf(batches, ending, work),
        },
        acceptedWatermarkAt: open.accepted?.at ?? null,
        committedWatermarkAt: committed?.value.watermark.at ?? null,
        fullReadWanted: job.value.fullReadWanted,
        scope: scopeOf(job.value),
        scopeVersion: job.value.scopeVersion,
        trouble: troubleReply(job.value.trouble ?? missingInCloud(job.value)),
        quarantine: quarantineReply(job.value.quarantine ?? null),
        mode: job.value.settings.mode ?? "normal",
        exportsHeld: exportsHeldReply(heldBecause(job.value)),
        ...(job.value.emptying
          ? { emptying: { by: job.value.emptying.by, at: new Date(job.value.emptying.at).toISOString() } }
          : {}),
        steadyStateAt: moment(job.value.steadyStateAt),
        escrowed: (await deps.escrows.list(jobId)).length + (await failingLinks(jobId)).length,
        staged: (await deps.removals.staged(jobId)).length,
        lastCycle: lastCycle ?? null,
      });
    },
    cycles: accounts.cycles,
    days: accounts.days,
    async escrows(jobId) {
      if (!(await hasJob(jobId))) return noSuchJob(jobId);
      return ok([...(await deps.escrows.list(jobId)), ...(await failingLinks(jobId))].map(escrowReply));
    },
    async escrowPage(jobId, top, after) {
      if (!(await hasJob(jobId))) return noSuchJob(jobId);
      const rows = (await deps.escrows.page(jobId, after ?? "", top + 1)).map((own) => ({ own, key: own.objectGuid }));
      const links = (await failingLinks(jobId)).map((own) => ({ own, key: `${own.objectGuid}${OF_MEMBERS}` }));
      const page = keysetPage([...rows, ...links], ({ key }) => key, { top, after });
      return ok({ ...page, value: page.value.map(({ own }) => escrowReply(own)) });
    },
    async agents(configurationId, jobId) {
      const lease = jobId === "" ? undefined : await readRow<LeaseRow>(jobs, jobId, LEASE_ROW);
      const rows = await listRows<AgentRow>(agentTable(deps.rows), configurationId, "agent:");
      return rows.map(({ value }) => ({
        agentId: value.agentId,
        name: value.name,
        status: value.status,
        version: value.version,
        platform: value.platform,
        lastSeenAt: new Date(value.lastSeenAt).toISOString(),
        holdsLease: lease?.value.agentId === value.agentId,
        isCloned: value.clonedBoot !== "",
      }));
    },
    log: deps.askLog,
  };
}

/** The time at which the log's next entries may stand: what is processed and waits for its read's end has them from there. */
function oldestOf(
  batches: readonly BatchRow[],
  ending: readonly ReadRow[],
  work: readonly { readonly value: WorkRow }[],
): { readonly oldestAt?: string } {
  const moments = [
    ...batches.flatMap(({ state, acceptedAt }) => (state === "accepted" ? [acceptedAt] : [])),
    ...ending.map(({ endedAt }) => endedAt),
    ...work.map(({ value }) => value.createdAt),
  ];
  return moments.length === 0 ? {} : { oldestAt: new Date(Math.min(...moments)).toISOString() };
}

/** Named one by one: what a row keeps besides is nobody's business outside. */
function escrowReply({
  objectGuid,
  code,
  message,
  remedy,
  attempts,
  firstAt,
  nextAttemptAt,
}: Omit<EscrowReply, "firstAt" | "nextAttemptAt"> & {
  readonly firstAt: number;
  readonly nextAttemptAt: number;
}): EscrowReply {
  return {
    ...{ objectGuid, code, message, remedy, attempts },
    firstAt: new Date(firstAt).toISOString(),
    nextAttemptAt: new Date(nextAttemptAt).toISOString(),
  };
}

export function exportsHeldReply(held: ExportsHeld | null): JobStatusReply["exportsHeld"] {
  return held && { because: held.because, at: new Date(held.at).toISOString(), by: held.by ?? null };
}

/** Objects that the schema's scopes name: reading goes on, for it may bring them back. */
function missingInCloud({ scopeKnown }: JobRow): JobTrouble | null {
  if (!scopeKnown || scopeKnown.missing.length === 0) return null;
  const { missing, at } = scopeKnown;
  const more = missing.length > 1 ? ` and ${missing.length - 1} more` : "";
  const message = `The schema's scoping filters name an object that isn't in the directory as far as agents may tell: ${missing[0]}${more}. Nobody is made or removed on its account. Bring it back, let the agents read it, or take it out of the filters.`;
  return { code: "ScopeObjectMissing", message, objectGuids: missing.slice(0, 100), at, agentId: "" };
}

function troubleReply(trouble: JobTrouble | null): JobStatusReply["trouble"] {
  if (trouble === null) return null;
  return { ...trouble, objectGuids: [...trouble.objectGuids], at: new Date(trouble.at).toISOString() };
}

function quarantineReply(quarantine: Quarantine | null): JobStatusReply["quarantine"] {
  if (quarantine === null) return null;
  const { reason, currentBegan, nextAttempt, seriesBegan, seriesCount, error } = quarantine;
  return {
    reason,
    currentBegan: new Date(currentBegan).toISOString(),
    nextAttempt: moment(nextAttempt),
    seriesBegan: new Date(seriesBegan).toISOString(),
    seriesCount,
    error,
  };
}

function moment(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
