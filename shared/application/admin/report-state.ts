/**
 * How things stand, as gauges: what waits, for how long, what is held, and when agents were last heard. The tick reports all of it each
 * time, zeros too, so that silence means that nothing runs.
 */
import { usedAt } from "../../domain/quota.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { NO_TELEMETRY, type Telemetry } from "../../ports/telemetry.ts";
import { isOverdue } from "../agents/silence.ts";
import type { TellBackupAge } from "../backup/backup-age.ts";
import type { ConfigurationEntry, Configurations } from "../jobs/configurations.ts";
import { setAsideOf } from "../lanes/work-set-aside.ts";
import { readLagOf } from "../reading/read-lag.ts";
import { type AgentRow, agentTable } from "../state/agent-rows.ts";
import type { Escrows } from "../state/escrow-rows.ts";
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
import type { Removals } from "../state/removal-rows.ts";

/** Before a credential ends: time enough to have another one made. */
const WARN_DAYS = 30;

export type ReportState = () => Promise<void>;

export function createReportState(deps: {
  readonly rows: RowStore;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly log: Log;
  readonly configurations: Pick<Configurations, "list">;
  readonly escrows: Pick<Escrows, "list">;
  readonly removals: Pick<Removals, "staged">;
  readonly agentSilentMs: number;
  /** Undefined: nobody watches the quota. */
  readonly quota: { readonly rows: QuotaRows; readonly writes: number } | undefined;
  /** When the credential for the target ends: milliseconds since 1970; undefined where nothing ends. */
  readonly credentialEndsAt: number | undefined;
  readonly backupAge: TellBackupAge;
}): ReportState {
  const { clock, telemetry } = deps;
  const jobs = jobTable(deps.rows);
  const agents = agentTable(deps.rows);
  const since = (moment: number) => Math.max(0, clock.now() - moment) / 1000;

  const today = () => Math.floor(clock.now() / 86_400_000);
  let warnedOn = 0;

  return async () => {
    if (telemetry !== NO_TELEMETRY) await reportAll();
    if (deps.credentialEndsAt !== undefined) {
      const days = (deps.credentialEndsAt - clock.now()) / 86_400_000;
      telemetry.record("uplink.credential.days", days, { credential: "target" });
      if (days < WARN_DAYS && warnedOn !== today()) {
        warnedOn = today();
        const remedy = "Give the application a new certificate, and the service after it.";
        deps.log.warn("credential-expiring", { credential: "target", days: Math.floor(days), remedy });
      }
    }
  };

  async function reportAll(): Promise<void> {
    for (const entry of await deps.configurations.list())
      await reportJob(entry).catch((error: unknown) =>
        deps.log.error("tick-duty-failed", { duty: "reportState", jobId: entry.jobId, message: String(error) }),
      );
    await deps
      .backupAge()
      .then(({ ms }) => telemetry.record("uplink.backup.age", ms / 1000, {}))
      .catch((error: unknown) =>
        deps.log.error("tick-duty-failed", { duty: "reportState", jobId: "", message: String(error) }),
      );
    if (!deps.quota) return;
    const { state } = await deps.quota.rows.change((before) => ({ state: before }));
    telemetry.record("uplink.quota.used", usedAt(state, clock.now()) / deps.quota.writes, {});
  }

  async function reportJob({ configurationId, jobId }: ConfigurationEntry): Promise<void> {
    const job = await readRow<JobRow>(jobs, jobId, ROW.job);
    if (!job) return;
    telemetry.record("uplink.job.quarantined", job.value.quarantine ? 1 : 0, { jobId });
    telemetry.record("uplink.job.parked", setAsideOf(job.value) === undefined ? 0 : 1, { jobId });
    for (const lane of LANES) {
      // One that is only open for what waits for the end of its read is in effect as far as it can be.
      const oldest = (await listRows<BatchRow>(jobs, jobId, `batch:${lane}:`)).find(
        ({ value }) => value.state === "accepted",
      );
      telemetry.record("uplink.batch.oldest", oldest ? since(oldest.value.acceptedAt) : 0, { jobId, lane });
    }
    const reads = await readRow<ReadsRow>(jobs, jobId, ROW.reads);
    const lag = readLagOf(job.value, reads?.value, clock.now());
    telemetry.record("uplink.agent.lag", lag.ms / 1000, { jobId, state: lag.state });
    const codes = (await deps.escrows.list(jobId)).map(({ code }) => code);
    for (const [code, count] of tally(codes)) telemetry.record("uplink.escrows", count, { jobId, code });
    const classes = (await deps.removals.staged(jobId)).map((row) => row.class);
    for (const [name, count] of tally(classes)) telemetry.record("uplink.staged", count, { jobId, class: name });
    for (const { value } of await listRows<AgentRow>(agents, configurationId, "agent:"))
      reportAgent(configurationId, value);
  }

  function reportAgent(configurationId: string, agent: AgentRow): void {
    if (agent.status === "revoked") return;
    const own = { configurationId, agentId: agent.agentId };
    const isSilent = isOverdue(agent.status, clock.now() - agent.lastSeenAt, deps.agentSilentMs);
    telemetry.record("uplink.agent.silence", since(agent.lastSeenAt), own);
    telemetry.record("uplink.agent.silent", isSilent ? 1 : 0, own);
    telemetry.record("uplink.agent.cloned", agent.clonedBoot === "" ? 0 : 1, own);
  }
}

/** How many of each; nothing at all: none. */
function tally(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts.size === 0 ? new Map([["none", 0]]) : counts;
}
