/** The use cases behind HTTP routes: of agents and of admins. */
import { setTimeout as sleep } from "node:timers/promises";
import { createAdminQueries } from "../shared/application/admin/admin-queries.ts";
import { createAuditLog } from "../shared/application/admin/audit-log.ts";
import { createAuditSubjects } from "../shared/application/admin/audit-subjects.ts";
import type { FirstWrites } from "../shared/application/admin/first-write.ts";
import { createTellHealth } from "../shared/application/admin/service-health.ts";
import { createAgentAdmin } from "../shared/application/agents/agent-admin.ts";
import { createEnrolAgent } from "../shared/application/agents/enrol-agent.ts";
import { createEnrolmentTokens } from "../shared/application/agents/enrolment-tokens.ts";
import { createHeartbeat } from "../shared/application/agents/heartbeat.ts";
import { createRestoreRows } from "../shared/application/backup/restore-rows.ts";
import { createExclusionAdmin } from "../shared/application/exclusions/exclusion-admin.ts";
import { createHeldExports } from "../shared/application/export/held-exports.ts";
import { createStagedContents } from "../shared/application/guard/staged-contents.ts";
import { createStagedSets } from "../shared/application/guard/staged-sets.ts";
import { createConfigurationSecrets } from "../shared/application/jobs/configuration-secrets.ts";
import { createJobActions } from "../shared/application/jobs/job-actions.ts";
import { createJobSettings } from "../shared/application/jobs/job-settings.ts";
import { createSynchronizationJobs } from "../shared/application/jobs/synchronization-jobs.ts";
import { createRetryEscrows } from "../shared/application/lanes/retry-escrows.ts";
import { createWakeAnew } from "../shared/application/lanes/wake-anew.ts";
import { createLinkAdmin } from "../shared/application/links/link-admin.ts";
import { createFindTargetObjects } from "../shared/application/links/target-objects.ts";
import { createAskLog } from "../shared/application/log/log-queries.ts";
import { createLifecycles } from "../shared/application/mapping/lifecycle-settings.ts";
import { createSeekTargets } from "../shared/application/matching/seek-targets.ts";
import { createAgentCommands } from "../shared/application/on-demand/agent-commands.ts";
import { createProvisionOnDemand } from "../shared/application/on-demand/provision-on-demand.ts";
import { createAcceptBatch } from "../shared/application/reading/accept-batch.ts";
import { createReconcileAdmin } from "../shared/application/reconcile/reconcile-admin.ts";
import { createSchemas } from "../shared/application/schemas/schemas.ts";
import { createAuditRows } from "../shared/application/state/audit-rows.ts";
import { LANES } from "../shared/application/state/job-rows.ts";
import { createWhatIfs } from "../shared/application/what-if/what-ifs.ts";
import type { Parts } from "./parts.ts";

const COMMAND_WAIT_MS = 20_000;

export function createAdminUseCases(parts: Parts, firstWrites: FirstWrites) {
  const {
    rows,
    blobs,
    doorbell,
    clock,
    log,
    settings,
    escrows,
    removals,
    provisioningLog,
    mappings,
    configurations,
    proofs,
    adminTokens,
    dirty,
    exclusionRows,
    exclusions,
    ring,
    quarantines,
    contextOf,
    chunked,
    entryCounts,
    jobDeletion,
    commands,
    tryAsked,
  } = parts;
  const pause = settings.pause ?? ((milliseconds: number) => sleep(milliseconds));
  const schemas = createSchemas({ rows, blobs, clock, log, mappings, ring });
  const { logMonths } = settings;
  const askLog = createAskLog({ rows, clock, provisioningLog, logMonths });
  const heldExports = createHeldExports({ rows, blobs, clock, log, ring });
  const { escrowsAtOnce } = settings;
  const retryEscrows = createRetryEscrows({ ...chunked, escrows, dirty, ring, escrowsAtOnce });
  const queries = createAdminQueries({ rows, clock, escrows, dirty, removals, askLog });
  const wakeJob = async (jobId: string) => {
    for (const lane of LANES) await ring(jobId, lane);
  };
  const secrets = createConfigurationSecrets({
    ...{ rows, log },
    secrets: parts.secrets,
    probeTarget: parts.probeTarget ?? (() => parts.target.describe()),
  });
  return {
    log,
    telemetry: parts.telemetry,
    proofs,
    adminTokens,
    configurations,
    quarantines,
    audit: createAuditLog({
      auditRows: createAuditRows({ rows }),
      subjects: createAuditSubjects({ rows, objects: parts.objects, exclusionRows, removals, secrets }),
      ...{ clock, log, firstWrites },
    }),
    secrets,
    agents: createAgentAdmin({ rows, log, proofs }),
    enrolAgent: createEnrolAgent({ rows, clock, log }),
    enrolmentTokens: createEnrolmentTokens({ rows, clock, log }),
    heartbeat: createHeartbeat({
      rows,
      clock,
      log,
      times: settings.times,
      clonedAgent: settings.clonedAgent,
      needsOf: async (job) => (await mappings(job)).needs,
      ring,
    }),
    agentCommands: createAgentCommands({
      ...{ rows, blobs, commands, clock, log, ring },
      needsOf: async (job) => (await mappings(job)).needs,
      pause,
      waitMs: settings.commandWaitMs ?? COMMAND_WAIT_MS,
      leaseMs: settings.times.leaseMs,
    }),
    provisionOnDemand: createProvisionOnDemand({
      ...{ rows, blobs, commands, clock, log, tryAsked, pause },
      inTime: settings.inTime ?? inTime,
      leaseMs: settings.times.leaseMs,
    }),
    acceptBatch: createAcceptBatch({ rows, blobs, doorbell, clock, log }),
    schemas,
    jobDeletion,
    synchronization: createSynchronizationJobs({
      ...{ rows, clock, configurations, entryCounts },
      heartbeatMs: settings.times.heartbeatMs,
    }),
    whatIfs: createWhatIfs({
      rows,
      blobs,
      clock,
      log,
      schemas,
      configurations,
      heldExports,
      exclusionRows,
      objects: parts.objects,
      ring,
    }),
    reconciles: createReconcileAdmin({ rows, blobs, clock, log, ring }),
    staged: createStagedSets({ rows, blobs, clock, log, removals, emptyJob: parts.emptyJob, ring }),
    stagedContents: createStagedContents({ rows, blobs, removals, contextOf, configurations: configurations.list }),
    retryEscrows,
    jobActions: createJobActions({ configurations, quarantines, retryEscrows, wakeJob }),
    lifecycles: createLifecycles({ rows, clock, log }),
    jobSettings: createJobSettings({ rows, blobs, clock, log, ring }),
    restoreRows: createRestoreRows({
      ...{ rows, blobs, clock, log, configurations, provisioningLog },
      ...{ targetKey: parts.targetKey, claims: parts.claims, auditRows: createAuditRows({ rows }), contextOf },
    }),
    seekTargets: createSeekTargets({ rows, clock, log, configurations, contextOf }),
    links: createLinkAdmin({ rows, blobs, clock, log, contextOf, ring }),
    findTargetObjects: createFindTargetObjects({ target: parts.target, claims: parts.claims }),
    exclusions: createExclusionAdmin({
      rows,
      blobs,
      clock,
      log,
      list: exclusionRows,
      exclusions,
      escrows,
      configurations: configurations.list,
      ring,
    }),
    heldExports,
    queries,
    tellHealth: createTellHealth({
      ...{ rows, clock, configurations, queries },
      agentSilentMs: settings.times.agentSilentMs,
      quota: parts.quotaRows && settings.quota && { rows: parts.quotaRows, writes: settings.quota.writes },
      credentialEndsAt: settings.credentialEndsAt,
      backupAge: parts.backupAge,
    }),
    wakeJob,
    wakeAnew: createWakeAnew({ rows, clock, log, ring }),
  };
}

/** Undefined: it isn't done after so long. It goes on then, and nobody hears of it. */
async function inTime<T>(work: Promise<T>, milliseconds: number): Promise<T | undefined> {
  const done = new AbortController();
  const over = sleep(Math.max(0, milliseconds), undefined, { signal: done.signal }).catch(() => undefined);
  try {
    return await Promise.race([work, over]);
  } finally {
    done.abort();
  }
}
