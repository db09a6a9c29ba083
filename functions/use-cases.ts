/** The use cases of the cloud side, wired to whatever adapters they are given: the real ones, or a test's. */
import { backupInstanceId, migrationId, ORCHESTRATOR, syncRunId } from "../orchestrations/names.ts";
import { createFirstWrites } from "../shared/application/admin/first-write.ts";
import { createReportState } from "../shared/application/admin/report-state.ts";
import { createEnrolmentTokens } from "../shared/application/agents/enrolment-tokens.ts";
import { createBeginBackup } from "../shared/application/backup/back-up.ts";
import { createKeepMigrating } from "../shared/application/backup/migrate-rows.ts";
import { createDropGone } from "../shared/application/lanes/drop-gone.ts";
import { createTick, type Tick } from "../shared/application/lanes/tick.ts";
import { createWakeJob, type WakeJob } from "../shared/application/lanes/wake-job.ts";
import { createIndexOldLog } from "../shared/application/log/index-old-log.ts";
import { createLoggedJobs } from "../shared/application/log/logged-jobs.ts";
import { createFullSync } from "../shared/application/reading/full-sync.ts";
import { createClaimIndex } from "../shared/application/state/claim-index.ts";
import { knownTablesOf } from "../shared/application/state/known-tables.ts";
import { readableRowsOf } from "../shared/application/state/row-formats.ts";
import { createDropResults } from "../shared/application/what-if/drop-results.ts";
import type { OrchestrationStarter } from "../shared/ports/orchestration-starter.ts";
import { createActivityUseCases } from "./activity-use-cases.ts";
import { createAdminUseCases } from "./admin-use-cases.ts";
import { type Adapters, createParts, type UseCaseSettings } from "./parts.ts";

export function createUseCases(given: Adapters, settings: UseCaseSettings) {
  const firstWrites = createFirstWrites();
  const adapters: Adapters = {
    ...given,
    rows: firstWrites.rows(readableRowsOf(knownTablesOf(given.rows))),
    ...(given.secrets ? { secrets: firstWrites.secrets(given.secrets) } : {}),
  };
  const parts = createParts(adapters, settings);
  const { objects, escrows, expiries, configurations, dirty, quarantines, linkAccounts, entryCounts } = parts;
  const { provisioningLog, jobDeletion, commands } = parts;
  const { rows, blobs, clock, log } = adapters;
  const wakeJobWith = (starter: OrchestrationStarter): WakeJob =>
    createWakeJob({
      rows,
      starter,
      clock,
      log,
      orchestrator: ORCHESTRATOR.syncRun,
      instanceId: syncRunId,
      stuckAfterMs: settings.times.stuckMs,
    });

  const routes = createAdminUseCases(parts, firstWrites);

  return {
    log,
    routes,
    wakeJobWith,
    tickWith: (starter: OrchestrationStarter): Tick =>
      createTick({
        rows,
        blobs,
        clock,
        log,
        configurations,
        escrows,
        expiries,
        dirty,
        linkAccounts,
        wakeJob: wakeJobWith(starter),
        dropGone: createDropGone({
          ...{ rows, clock, log, objects, logMonths: settings.logMonths },
          dropResults: createDropResults({ rows, blobs, clock, log, logMonths: settings.logMonths }),
          claims: createClaimIndex({ rows, targetKey: settings.targetKey }),
          firstReadInWork: parts.readInWork,
        }),
        dropCommands: ({ jobId }) => commands.dropExpired(jobId, clock.now()),
        countEntries: entryCounts.count,
        indexOldLog: createIndexOldLog({ rows, clock, provisioningLog, logMonths: settings.logMonths }),
        migrateRows: createKeepMigrating({
          ...{ rows, clock, log, starter },
          orchestrator: ORCHESTRATOR.migrate,
          instanceId: migrationId,
          stuckAfterMs: settings.times.stuckMs,
        }),
        carryOnDeletion: jobDeletion.carryOn,
        noteJobs: createLoggedJobs({ rows }).noteAll,
        dropOldTokens: createEnrolmentTokens({ rows, clock, log }).dropOld,
        endExclusions: routes.exclusions.endRemovals,
        watchQuarantine: quarantines.watch,
        times: { ...settings.times, logMonths: settings.logMonths, escrowsAtOnce: settings.escrowsAtOnce },
      }),
    reportState: createReportState({
      rows,
      clock,
      ...{ telemetry: parts.telemetry, log, configurations, escrows, removals: parts.removals },
      agentSilentMs: settings.times.agentSilentMs,
      quota: parts.quotaRows && settings.quota && { rows: parts.quotaRows, writes: settings.quota.writes },
      credentialEndsAt: settings.credentialEndsAt,
      backupAge: parts.backupAge,
    }),
    fullSync: createFullSync({ rows, clock, log, configurations }),
    beginBackupWith: (starter: OrchestrationStarter) =>
      createBeginBackup({ clock, starter, orchestrator: ORCHESTRATOR.backUp, instanceId: backupInstanceId }),
    activities: createActivityUseCases(parts),
  };
}

export type UseCases = ReturnType<typeof createUseCases>;
