/** The use cases of the cloud side, wired to whatever adapters they are given: the real ones, or a test's. */
import { chunkActivities } from "../orchestrations/activities/chunk.activity.ts";
import { closeActivities } from "../orchestrations/activities/close.activity.ts";
import { linkActivities } from "../orchestrations/activities/links.activity.ts";
import { runActivities } from "../orchestrations/activities/run.activity.ts";
import { ORCHESTRATOR, syncRunId } from "../orchestrations/names.ts";
import { createAcceptBatch } from "../shared/application/accept-batch.ts";
import { createAdminQueries } from "../shared/application/admin-queries.ts";
import { createCommit } from "../shared/application/commit-batch.ts";
import { createConfigurations } from "../shared/application/configurations.ts";
import { createEnrolAgent } from "../shared/application/enrol-agent.ts";
import { createExclusions } from "../shared/application/excluded.ts";
import { createExclusionAdmin } from "../shared/application/exclusion-admin.ts";
import { createExportChunk, type JobContext } from "../shared/application/export-chunk.ts";
import { createExportLinks } from "../shared/application/export-links.ts";
import { createFoldLinks } from "../shared/application/fold-links.ts";
import { createFullSync } from "../shared/application/full-sync.ts";
import { createGoneGroups } from "../shared/application/gone-groups.ts";
import { createHeartbeat } from "../shared/application/heartbeat.ts";
import { createJobMappings } from "../shared/application/job-mappings.ts";
import { createTellLeftOut } from "../shared/application/left-out.ts";
import { createLinkAccounts } from "../shared/application/link-account.ts";
import { createLinkAdmin } from "../shared/application/link-admin.ts";
import { createLinkStore } from "../shared/application/link-store.ts";
import { createMapChunk } from "../shared/application/map-chunk.ts";
import { createNextBatch } from "../shared/application/next-batch.ts";
import { createNoteFailure } from "../shared/application/note-failure.ts";
import { createNoteScope } from "../shared/application/note-scope.ts";
import { createPlanChunks } from "../shared/application/plan-chunks.ts";
import { createPlanLinks } from "../shared/application/plan-links.ts";
import { createTargetPreparation } from "../shared/application/prepare-target.ts";
import { createQuarantines } from "../shared/application/quarantines.ts";
import { createReadEnd } from "../shared/application/read-end.ts";
import { createReferences } from "../shared/application/references.ts";
import { createRetryEscrows } from "../shared/application/retry-escrows.ts";
import { createSchemas } from "../shared/application/schemas.ts";
import { createScopeFacts } from "../shared/application/scope-facts.ts";
import { createScopeGroups } from "../shared/application/scope-groups.ts";
import { createScopeWork } from "../shared/application/scope-work.ts";
import { createStagedSets } from "../shared/application/staged-sets.ts";
import { createClaimIndex } from "../shared/application/state/claim-index.ts";
import { createDirtyRows } from "../shared/application/state/dirty-links.ts";
import { createEscrows } from "../shared/application/state/escrow-rows.ts";
import { createExclusionRows } from "../shared/application/state/exclusion-rows.ts";
import { type JobRow, jobTable, LANES, ROW, readRow } from "../shared/application/state/job-rows.ts";
import { createLinkReferrers } from "../shared/application/state/link-referrers.ts";
import { createLinkRows } from "../shared/application/state/link-rows.ts";
import { createObjectStore } from "../shared/application/state/object-store.ts";
import { createProvisioningLog } from "../shared/application/state/provisioning-log.ts";
import { createQuotaRows } from "../shared/application/state/quota-rows.ts";
import { createReferrerIndex } from "../shared/application/state/referrer-index.ts";
import { createRemovals } from "../shared/application/state/removal-rows.ts";
import { createScopeNotes } from "../shared/application/state/scope-notes.ts";
import { createScopedRows, namesOf } from "../shared/application/state/scoped-rows.ts";
import { createSids } from "../shared/application/state/sid-rows.ts";
import { createTick, type Tick } from "../shared/application/tick.ts";
import { createVanished } from "../shared/application/vanished.ts";
import { createAdminTokens } from "../shared/application/verify-admin-token.ts";
import { createProofVerifier } from "../shared/application/verify-proof.ts";
import { createWaitingClaims } from "../shared/application/waiting-claims.ts";
import { createFence, createWakeJob, type WakeJob } from "../shared/application/wake-job.ts";
import { createOpenQuota, createWriteQuota } from "../shared/application/write-quota.ts";
import type { Config } from "../shared/config.ts";
import type { BlobStore } from "../shared/ports/blob-store.ts";
import type { Clock, Random } from "../shared/ports/clock.ts";
import type { Doorbell } from "../shared/ports/doorbell.ts";
import type { Log } from "../shared/ports/log.ts";
import type { OrchestrationStarter } from "../shared/ports/orchestration-starter.ts";
import type { RowStore } from "../shared/ports/row-store.ts";
import type { TargetDirectory } from "../shared/ports/target-directory.ts";

export interface Adapters {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly doorbell: Doorbell;
  readonly target: TargetDirectory;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface UseCaseSettings {
  /** The tenant set: jobs with one target share its objects' and claims' partitions. */
  readonly targetKey: string;
  readonly publicUrl: string;
  readonly admin: Config["admin"];
  readonly times: Config["times"];
  readonly chunkObjects: number;
  readonly escrowsAtOnce: number;
  readonly logMonths: number;
  /** What the application may write in the target; undefined: nobody watches that. */
  readonly quota?: { readonly key: string; readonly writes: number } | undefined;
  readonly quarantine: Config["quarantine"];
}

/** Edges that one activity carries out at most, by estimate: 250 writes of 20 members. */
const LINKS_A_CHUNK = 5_000;

export function createUseCases(adapters: Adapters, settings: UseCaseSettings) {
  const { rows, blobs, doorbell, target, clock, random, log } = adapters;
  const { targetKey } = settings;
  const objects = createObjectStore({ rows, targetKey });
  const claims = createClaimIndex({ rows, targetKey });
  const scopedRows = createScopedRows({ rows, targetKey });
  const scopeNotes = createScopeNotes({ rows });
  const escrows = createEscrows({ rows });
  const removals = createRemovals({ rows });
  const provisioningLog = createProvisioningLog({ rows });
  const mappings = createJobMappings({
    blobs,
    target,
    clock,
    random,
    namesOf: async (configurationId, guids) => namesOf(await scopedRows.getMany(configurationId, guids)),
  });
  const configurations = createConfigurations({ rows, clock, random, targetKey });
  const proofs = createProofVerifier({ rows, clock, publicUrl: settings.publicUrl });
  const adminTokens = createAdminTokens(settings.admin);
  const sids = createSids({ rows, targetKey });
  const references = createReferences({ objects, sids, configurations: () => configurations.list() });
  const links = createLinkRows({ rows, targetKey });
  const referrers = createReferrerIndex({ rows, targetKey });
  const dirty = createDirtyRows({ rows });
  const fence = createFence({ rows, clock });
  const exclusionRows = createExclusionRows({ rows, targetKey });
  const exclusions = createExclusions({
    list: exclusionRows,
    objects,
    claims,
    configurations: configurations.list,
    clock,
  });
  const jobs = jobTable(rows);
  const { quota: given } = settings;
  const quota = given
    ? createWriteQuota({
        quotaRows: createQuotaRows({ rows, clock, key: given.key }),
        clock,
        log,
        budget: given.writes,
      })
    : createOpenQuota();

  const ring = (jobId: string, lane: "bulk" | "live") => doorbell.ring(jobId, lane);
  const vanished = createVanished({ rows, blobs, clock, log, ring });

  /** A batch is mapped by the schema that it was read for: a later one may read attributes that it didn't bring. */
  async function contextOf(jobId: string, schemaVersion?: number): Promise<JobContext> {
    const job = await readRow<JobRow>(jobs, jobId, ROW.job);
    if (!job) throw new Error(`Job ${jobId} is gone.`);
    const mapping = await mappings(schemaVersion === undefined ? job.value : { ...job.value, schemaVersion });
    await mapping.prepare();
    return { mapping, objects, claims, target, vanished, excluded: await exclusions.load() };
  }

  const preparation = createTargetPreparation({ rows, clock, log, contextOf });
  const chunked = { rows, blobs, fence, clock, log, chunkObjects: settings.chunkObjects };
  const waiting = createWaitingClaims({ rows, blobs, clock, log, escrows, contextOf, ring });
  const linkReferrers = createLinkReferrers({ rows, targetKey });
  const groups = createScopeGroups({ links, linkReferrers, referrers, scopedRows });
  const facts = createScopeFacts({ scopedRows, groups });
  const scopeWork = createScopeWork({ rows, blobs, clock, log, notes: scopeNotes, facts, mappings, ring });
  const quarantines = createQuarantines({ rows, clock, log, escrows, settings: settings.quarantine });
  const answering = { clock, log, noteFault: quarantines.noteFault };
  const linkAccounts = createLinkAccounts({ rows, blobs, clock, log, dirty, ring });
  const closing = { removals, linkAccounts, waiting, scopeWork, quarantines };
  const commit = createCommit({ rows, blobs, fence, clock, log, ...closing });
  const goneGroups = createGoneGroups({ rows, blobs, clock, log, objects, claims, target, ring });
  const readEnd = createReadEnd({ ...chunked, removals, contextOf, excluded: exclusions.load });
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

  return {
    log,
    routes: {
      proofs,
      adminTokens,
      configurations,
      quarantines,
      enrolAgent: createEnrolAgent({ rows, clock, log }),
      heartbeat: createHeartbeat({
        rows,
        clock,
        log,
        times: settings.times,
        needsOf: async (job) => (await mappings(job)).needs,
        ring,
      }),
      acceptBatch: createAcceptBatch({ rows, blobs, doorbell, clock, log }),
      schemas: createSchemas({ rows, blobs, clock, log }),
      staged: createStagedSets({ rows, blobs, clock, log, removals, ring }),
      retryEscrows: createRetryEscrows({ ...chunked, escrows, dirty, ring, escrowsAtOnce: settings.escrowsAtOnce }),
      links: createLinkAdmin({ rows, blobs, clock, log, contextOf, ring }),
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
      queries: createAdminQueries({ rows, clock, escrows, dirty, removals, provisioningLog }),
      wakeJob: async (jobId: string) => {
        for (const lane of LANES) await ring(jobId, lane);
      },
    },
    wakeJobWith,
    tickWith: (starter: OrchestrationStarter): Tick =>
      createTick({
        rows,
        blobs,
        clock,
        log,
        configurations,
        escrows,
        dirty,
        linkAccounts,
        wakeJob: wakeJobWith(starter),
        watchQuarantine: quarantines.watch,
        times: { ...settings.times, logMonths: settings.logMonths, escrowsAtOnce: settings.escrowsAtOnce },
      }),
    fullSync: createFullSync({ rows, clock, log, configurations }),
    activities: {
      ...runActivities({
        ...answering,
        nextBatch: createNextBatch({ rows, clock, isPrepared: preparation.isPrepared }),
        prepareTarget: preparation.prepare,
        noteFailure: createNoteFailure({ rows, fence, clock, log, abandonCycle: commit.abandonCycle }),
      }),
      ...chunkActivities({
        ...answering,
        planChunks: createPlanChunks({ ...chunked, escrows, removals, scopeWork }),
        mapChunk: createMapChunk({ blobs, fence, clock, contextOf }),
        exportChunk: createExportChunk({
          blobs,
          fence,
          clock,
          log,
          escrows,
          removals,
          provisioningLog,
          references,
          links: createLinkStore({ rows, targetKey }),
          tellLeftOut: createTellLeftOut({ rows, provisioningLog }),
          scopeNotes,
          quota,
          contextOf,
        }),
      }),
      ...linkActivities({
        ...answering,
        foldLinks: createFoldLinks({
          rows,
          blobs,
          fence,
          links,
          sids,
          referrers,
          dirty,
          noteScope: createNoteScope({ mappings, notes: scopeNotes, scopedRows }),
        }),
        planLinks: createPlanLinks({ ...chunked, objects, links, referrers, dirty, ring, chunkEdges: LINKS_A_CHUNK }),
        exportLinks: createExportLinks({
          ...chunked,
          objects,
          links,
          references,
          dirty,
          removals,
          excluded: exclusions.load,
          target,
          provisioningLog,
          goneGroups,
          quota,
          flowsOf: async (job) => (await mappings(job)).flowsOf,
        }),
      }),
      ...closeActivities({ ...answering, commit, readEnd }),
    },
  };
}

export type UseCases = ReturnType<typeof createUseCases>;
