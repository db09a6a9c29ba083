/**
 * What is wrong, for whom, and what to do, from rows as they stand: what somebody would find who looked at every job, agent and the target.
 *
 * It asks the target nothing. Accounts that don't add up are told by what comes of them: the step fails, and is set aside in the end.
 */
import type { AgentReply } from "../../contracts/admin/agents.ts";
import { FINDINGS, type FindingCode, type FindingReply, type HealthReply } from "../../contracts/admin/health.ts";
import { usedAt } from "../../domain/quota.ts";
import type { Clock } from "../../ports/clock.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { isOverdue } from "../agents/silence.ts";
import type { TellBackupAge } from "../backup/backup-age.ts";
import { ok, type Result } from "../failure.ts";
import type { ConfigurationEntry, Configurations } from "../jobs/configurations.ts";
import { setAsideOf } from "../lanes/work-set-aside.ts";
import { readLagOf } from "../reading/read-lag.ts";
import {
  type BatchRow,
  type JobRow,
  jobTable,
  LANES,
  listRows,
  type ReadsRow,
  ROW,
  readRow,
} from "../state/job-rows.ts";
import type { QuotaRows } from "../state/quota-rows.ts";
import type { AdminQueries } from "./admin-queries.ts";

const BATCH_WAITS_MS = 600_000;
/** Twice the time after which an agent sends an empty batch of a quiet directory; the alert has the same. */
const UNREAD_MS = 7_200_000;
const QUOTA_USED = 0.9;
const CREDENTIAL_DAYS = 30;
const DAY_MS = 86_400_000;
/** A night, and time for the backup itself; the alert has the same. */
const BACKUP_OVERDUE_MS = 26 * 3_600_000;

export type TellHealth = () => Promise<Result<HealthReply>>;

export function createTellHealth(deps: {
  readonly rows: RowStore;
  readonly clock: Clock;
  readonly configurations: Pick<Configurations, "list">;
  readonly queries: Pick<AdminQueries, "status" | "agents">;
  readonly agentSilentMs: number;
  /** Undefined: nobody watches the quota. */
  readonly quota: { readonly rows: QuotaRows; readonly writes: number } | undefined;
  /** Milliseconds since 1970; undefined where nothing ends. */
  readonly credentialEndsAt: number | undefined;
  readonly backupAge: TellBackupAge;
}): TellHealth {
  const { clock } = deps;

  return async () => {
    const findings: FindingReply[] = await ofTarget();
    for (const entry of await deps.configurations.list())
      findings.push(...(await ofJob(entry)), ...(await ofAgents(entry)));
    return ok({ status: findings.length === 0 ? "healthy" : "needs-attention", findings });
  };

  async function ofTarget(): Promise<FindingReply[]> {
    const found: FindingReply[] = [];
    const tell = (code: FindingCode, message: string, remedy: string) =>
      found.push(finding(code, null, null, message, remedy));
    if (deps.quota) {
      const { state } = await deps.quota.rows.change((before) => ({ state: before }));
      const used = usedAt(state, clock.now()) / deps.quota.writes;
      if (used > QUOTA_USED)
        tell(
          "quota-used",
          `${Math.round(used * 100)} % of what the application may write to the target is used.`,
          "Nothing, during an initial load. If it lasts, look for what else writes with the same application.",
        );
    }
    const days = ((deps.credentialEndsAt ?? Number.POSITIVE_INFINITY) - clock.now()) / DAY_MS;
    if (days < CREDENTIAL_DAYS)
      tell(
        "credential-expiring",
        `The certificate for the target ends in ${Math.floor(days)} days.`,
        "Give the application a new certificate, and the service after it.",
      );
    const { ms, newest } = await deps.backupAge();
    if (ms > BACKUP_OVERDUE_MS)
      tell(
        "backup-missing",
        `No backup of object rows and index has become whole for ${Math.floor(ms / 3_600_000)} hours; ${newest === undefined ? "there is none" : `the newest is ${newest}`}.`,
        "See whether the timer Backup ran, and what backup-failed says; the next night makes another.",
      );
    return found;
  }

  /** Commands name the job by its domain: one word, and of one job only. */
  async function ofJob({ jobId, domainFqdn }: ConfigurationEntry): Promise<FindingReply[]> {
    const status = await deps.queries.status(jobId);
    // Gone since the list was read.
    if (!status.ok) return [];
    const { quarantine, trouble, staged, escrowed, exportsHeld } = status.value;
    const found: FindingReply[] = [];
    const tell = (code: FindingCode, message: string, remedy: string) =>
      found.push(finding(code, jobId, null, message, remedy));
    if (quarantine)
      tell(
        "job-quarantined",
        quarantine.error.message,
        `${quarantine.error.remedy} Then: uplink quarantine clear ${domainFqdn}`,
      );
    if (trouble) tell("job-trouble", trouble.message, "Bring back what the scope names, or take it out of the scope.");
    if (staged > 0)
      tell(
        "removals-staged",
        `${staged} removals wait for an admin.`,
        `Look at them first: uplink staged list ${domainFqdn}`,
      );
    if (escrowed > 0)
      tell(
        "objects-failing",
        `${escrowed} objects failed and are tried again.`,
        `Each has a remedy: uplink escrow list ${domainFqdn}`,
      );
    if (exportsHeld)
      tell("exports-held", `Nothing is exported (${exportsHeld.because}).`, "What lets it go on: uplink status");
    const job = await readRow<JobRow>(jobTable(deps.rows), jobId, ROW.job);
    const setAside = job && setAsideOf(job.value);
    if (setAside !== undefined)
      tell(
        "work-set-aside",
        `Work failed three times and was set aside; a full read has to bring it again: ${setAside}`,
        `Nothing, if the full read goes through: uplink job show ${domainFqdn} says whether it runs. If it comes again, the message names the defect.`,
      );
    const unreadMs = job ? await unreadFor(job.value) : 0;
    if (unreadMs > UNREAD_MS)
      tell(
        "job-behind",
        `No batch was accepted for ${Math.floor(unreadMs / 3_600_000)} hours: what the directory holds since isn't known.`,
        `See whether an agent lives and reads: uplink agent list ${domainFqdn}; on its machine: uplink agent check`,
      );
    const oldest = await oldestBatch(jobId);
    const waitsMs = clock.now() - oldest;
    // A job that is stopped says why already.
    if (!quarantine && waitsMs > BATCH_WAITS_MS)
      tell(
        "batch-waiting",
        `A batch was accepted ${Math.round(waitsMs / 60_000)} minutes ago and isn't in effect.`,
        `See what the job does: uplink job show ${domainFqdn}`,
      );
    return found;
  }

  /** Of a job that should be read; one that is stopped says why already. */
  async function unreadFor(job: JobRow): Promise<number> {
    const reads = await readRow<ReadsRow>(jobTable(deps.rows), job.jobId, ROW.reads);
    const { ms, state } = readLagOf(job, reads?.value, clock.now());
    return state === "active" ? ms : 0;
  }

  async function oldestBatch(jobId: string): Promise<number> {
    const jobs = jobTable(deps.rows);
    const rows = await Promise.all(LANES.map((lane) => listRows<BatchRow>(jobs, jobId, `batch:${lane}:`)));
    const accepted = rows.flat().filter(({ value }) => value.state === "accepted");
    return Math.min(...accepted.map(({ value }) => value.acceptedAt), Number.POSITIVE_INFINITY);
  }

  async function ofAgents({ configurationId, jobId, domainFqdn }: ConfigurationEntry): Promise<FindingReply[]> {
    const agents = (await deps.queries.agents(configurationId, jobId)).filter(({ status }) => status !== "revoked");
    if (agents.length === 0) {
      const remedy = `Enrol one with a token: uplink agent token ${domainFqdn}`;
      return [finding("no-agent", jobId, null, `No agent reads ${domainFqdn}.`, remedy)];
    }
    return agents.flatMap((agent) => ofAgent(jobId, agent));
  }

  function ofAgent(jobId: string, { agentId, name, status, lastSeenAt, isCloned }: AgentReply): FindingReply[] {
    const found: FindingReply[] = [];
    const tell = (code: FindingCode, message: string, remedy: string) =>
      found.push(finding(code, jobId, agentId, message, remedy));
    if (isCloned)
      tell(
        "agent-cloned",
        `Two processes used the key of agent '${name}'; the younger one is refused.`,
        `Find out who copied the key and stop that process. Then: uplink agent unlock ${agentId}`,
      );
    if (status === "pending")
      tell(
        "agent-waits",
        `Agent '${name}' waits to be let in.`,
        `If you know whose it is: uplink agent approve ${agentId}`,
      );
    if (isOverdue(status, clock.now() - Date.parse(lastSeenAt), deps.agentSilentMs))
      tell(
        "agent-silent",
        `Agent '${name}' was last heard at ${lastSeenAt}.`,
        `Start it; uplink agent check on its machine says what is wrong. One that is gone for good: uplink agent revoke ${agentId}`,
      );
    return found;
  }
}

function finding(
  code: FindingCode,
  jobId: string | null,
  agentId: string | null,
  message: string,
  remedy: string,
): FindingReply {
  return { code, jobId, agentId, message, remedy, runbook: `docs/runbook.md#${FINDINGS[code]}` };
}
