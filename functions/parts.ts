/** What the use cases have in common: stores, references, rules and the quota, built once from the adapters. */

import { createAdminTokens } from "../shared/application/admin/verify-admin-token.ts";
import { createProofVerifier } from "../shared/application/agents/verify-proof.ts";
import { createTellBackupAge } from "../shared/application/backup/backup-age.ts";
import { createAccountAbandoned } from "../shared/application/cycles/abandoned-end.ts";
import { createCommit } from "../shared/application/cycles/commit-batch.ts";
import { createEntryCounts } from "../shared/application/cycles/entry-counts.ts";
import { createImageSources } from "../shared/application/cycles/image-sources.ts";
import { createReadEnd } from "../shared/application/cycles/read-end.ts";
import { createReleasedMeanwhile } from "../shared/application/cycles/released-meanwhile.ts";
import { createExclusions } from "../shared/application/exclusions/excluded.ts";
import type { JobContext } from "../shared/application/export/export-chunk.ts";
import { createReleaseRebuilt } from "../shared/application/export/rebuilt-hold.ts";
import { createReferences } from "../shared/application/export/references.ts";
import { createOpenQuota, createWriteQuota } from "../shared/application/export/write-quota.ts";
import { createRecentRemovals } from "../shared/application/guard/recent-removals.ts";
import { createLogStaged } from "../shared/application/guard/staged-log.ts";
import { createConfigurations } from "../shared/application/jobs/configurations.ts";
import { createEmptyJob } from "../shared/application/jobs/empty-job.ts";
import { createJobDeletion } from "../shared/application/jobs/job-deletion.ts";
import { createChunkFacts } from "../shared/application/lanes/chunk-facts.ts";
import { createQuarantines } from "../shared/application/lanes/quarantines.ts";
import { firstReadInWork } from "../shared/application/lanes/tick.ts";
import { createFence } from "../shared/application/lanes/wake-job.ts";
import { createJobMappings } from "../shared/application/mapping/job-mappings.ts";
import { createTargetPreparation } from "../shared/application/matching/prepare-target.ts";
import { createVanished } from "../shared/application/matching/vanished.ts";
import { createWaitingClaims } from "../shared/application/matching/waiting-claims.ts";
import { createFoldSaid } from "../shared/application/members/fold-links.ts";
import { createGoneGroups } from "../shared/application/members/gone-groups.ts";
import { createLinkAccounts } from "../shared/application/members/link-account.ts";
import { createAskedWorks } from "../shared/application/on-demand/asked-work.ts";
import { createTryAsked } from "../shared/application/on-demand/try-asked.ts";
import { createTryMembers } from "../shared/application/on-demand/try-members.ts";
import { createReconcile } from "../shared/application/reconcile/reconcile.ts";
import { createNoteScope } from "../shared/application/scope/note-scope.ts";
import { createScopeFacts } from "../shared/application/scope/scope-facts.ts";
import { createScopeGroups } from "../shared/application/scope/scope-groups.ts";
import { createScopeWork } from "../shared/application/scope/scope-work.ts";
import { createClaimIndex } from "../shared/application/state/claim-index.ts";
import { createCommands } from "../shared/application/state/command-rows.ts";
import { createDirtyRows } from "../shared/application/state/dirty-links.ts";
import { createEscrows } from "../shared/application/state/escrow-rows.ts";
import { createExclusionRows } from "../shared/application/state/exclusion-rows.ts";
import { createExpiries } from "../shared/application/state/expiry-rows.ts";
import { heldBecause, type JobRow, jobTable, ROW, readRow } from "../shared/application/state/job-rows.ts";
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
import { createRunWhatIf } from "../shared/application/what-if/run-what-if.ts";
import { createCountMembers } from "../shared/application/what-if/try-members.ts";
import { createTryObjects } from "../shared/application/what-if/try-objects.ts";
import { createWhatIfContexts } from "../shared/application/what-if/what-if-context.ts";
import { createWhatIfSlices } from "../shared/application/what-if/what-if-slices.ts";
import type { Config } from "../shared/config.ts";
import type { BlobStore } from "../shared/ports/blob-store.ts";
import type { Clock, Random } from "../shared/ports/clock.ts";
import type { Doorbell } from "../shared/ports/doorbell.ts";
import type { Log } from "../shared/ports/log.ts";
import type { RowStore } from "../shared/ports/row-store.ts";
import type { SecretStore } from "../shared/ports/secret-store.ts";
import type { TargetDirectory } from "../shared/ports/target-directory.ts";
import { NO_TELEMETRY, type Telemetry } from "../shared/ports/telemetry.ts";

export interface Adapters {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly doorbell: Doorbell;
  readonly target: TargetDirectory;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Absent: there is no place for secrets. */
  readonly secrets?: SecretStore | undefined;
  /** Reaches the target by another secret of its application; absent: by the target as it is. */
  readonly probeTarget?: (appKey: string | undefined) => Promise<unknown>;
  /** Absent: nobody watches. */
  readonly telemetry?: Telemetry;
}

export interface UseCaseSettings {
  /** The tenant set: jobs with one target share its objects' and claims' partitions. */
  readonly targetKey: string;
  readonly publicUrl: string;
  readonly admin: Config["admin"];
  readonly times: Config["times"];
  readonly chunkObjects: number;
  readonly escrowsAtOnce: number;
  /** Two processes with one agent's key. Absent: the younger is refused. */
  readonly clonedAgent?: "refuse" | "lock";
  readonly logMonths: number;
  /** Days that backups of rows are kept; 14 when left out. */
  readonly backupDays?: number;
  /** What the application may write in the target; undefined: nobody watches that. */
  readonly quota?: { readonly key: string; readonly writes: number } | undefined;
  readonly quarantine: Config["quarantine"];
  /** When the credential for the target ends: milliseconds since 1970; absent where nothing ends. */
  readonly credentialEndsAt?: number | undefined;
  /** How long a reconcile waits before it looks again at what differed: milliseconds; five minutes when left out. */
  readonly reconcileConfirmMs?: number;
  /** How long an agent that asks for commands is kept waiting: milliseconds; 20 seconds when left out. */
  readonly commandWaitMs?: number;
  /** How those wait who wait for somebody else; left out: by the clock on the wall. */
  readonly pause?: (milliseconds: number) => Promise<void>;
  /** How those give up who wait for work of their own; left out: by the clock on the wall. */
  readonly inTime?: <T>(work: Promise<T>, milliseconds: number) => Promise<T | undefined>;
}

export function createParts(adapters: Adapters, settings: UseCaseSettings) {
  const { rows, blobs, doorbell, target, clock, random, log } = adapters;
  const { targetKey } = settings;
  const objects = createObjectStore({ rows, targetKey });
  const claims = createClaimIndex({ rows, targetKey });
  const scopedRows = createScopedRows({ rows, targetKey });
  const scopeNotes = createScopeNotes({ rows });
  const escrows = createEscrows({ rows });
  const expiries = createExpiries({ rows });
  const removals = createRemovals({ rows });
  const provisioningLog = createProvisioningLog({ rows });
  const mappingsOver = (own: BlobStore) =>
    createJobMappings({
      blobs: own,
      target,
      clock,
      random,
      namesOf: async (configurationId, guids) => namesOf(await scopedRows.getMany(configurationId, guids)),
    });
  const mappings = mappingsOver(blobs);
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
  const quotaRows = given && createQuotaRows({ rows, clock, key: given.key });
  const quota = quotaRows
    ? createWriteQuota({
        quotaRows,
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
    const holdsExports = heldBecause(job.value) !== null;
    return { mapping, objects, claims, target, vanished, expiries, excluded: await exclusions.load(), holdsExports };
  }

  const preparation = createTargetPreparation({ rows, clock, log, contextOf });
  const chunked = { rows, blobs, fence, clock, log, chunkObjects: settings.chunkObjects };
  const waiting = createWaitingClaims({ rows, blobs, clock, log, escrows, contextOf, ring });
  const linkReferrers = createLinkReferrers({ rows, targetKey });
  const groups = createScopeGroups({ links, linkReferrers, referrers, scopedRows });
  const facts = createScopeFacts({ scopedRows, groups });
  const scopeWork = createScopeWork({ rows, blobs, clock, log, notes: scopeNotes, facts, mappings, ring });
  const quarantines = createQuarantines({ rows, blobs, clock, log, escrows, settings: settings.quarantine });
  const answering = { clock, log, noteFault: quarantines.noteFault };
  const linkAccounts = createLinkAccounts({ rows, blobs, clock, log, dirty, ring });
  const recent = createRecentRemovals({ rows, clock });
  const releasedMeanwhile = createReleasedMeanwhile({ rows, blobs, clock });
  const logStaged = createLogStaged({ rows, objects, provisioningLog });
  const noteScope = createNoteScope({ mappings, notes: scopeNotes, scopedRows });
  const foldSaid = createFoldSaid({ links, sids, referrers, dirty, noteScope, log });
  const commands = createCommands({ rows, blobs });
  const askedWork = createAskedWorks({ rows, blobs, log, commands, foldSaid, linkAccounts });
  const releaseRebuilt = createReleaseRebuilt({ rows, blobs, clock, log });
  const closing = { removals, recent, linkAccounts, waiting, scopeWork, quarantines, releasedMeanwhile, askedWork };
  const readFacts = createChunkFacts({
    ...{ blobs, clock, log, objects, claims, escrows, removals, provisioningLog, scopeNotes },
    imageSources: createImageSources({ rows }),
  });
  const accountAbandoned = createAccountAbandoned({
    ...{ rows, blobs, log, objects, removals, provisioningLog, linkAccounts, logStaged, readFacts },
  });
  const commit = createCommit({
    rows,
    blobs,
    fence,
    clock,
    log,
    ...closing,
    logStaged,
    accountAbandoned,
    releaseRebuilt,
  });
  const goneGroups = createGoneGroups({ rows, blobs, clock, log, objects, claims, target, ring });
  const readEnd = createReadEnd({ ...chunked, recent, removals, contextOf, excluded: exclusions.load });
  const whatIfContexts = createWhatIfContexts({ blobs, mappingsOver, facts });
  // Apart from the one that exports: what it remembers of a first load isn't touched.
  const looking = createReferences({ objects, sids, configurations: () => configurations.list() });
  const countMembers = createCountMembers({ links, references: looking });
  const tryMembers = createTryMembers({ links, references: looking });
  const tryAsked = createTryAsked({ clock, references: looking, tryMembers, contextOf });
  const tryObjects = createTryObjects({ clock, references: looking, contextOf, countMembers });
  const sliceObjects = settings.chunkObjects;
  const slices = createWhatIfSlices({ blobs, objects, contexts: whatIfContexts, tryObjects, sliceObjects });
  const trying = { objects, recent, exclusionRows, contexts: whatIfContexts, slices, tryObjects, quota: given?.writes };
  const reconcile = createReconcile({
    rows,
    blobs,
    fence,
    clock,
    log,
    objects,
    links,
    dirty,
    contextOf,
    confirmMs: settings.reconcileConfirmMs ?? 300_000,
  });
  const readInWork = (jobId: string) => firstReadInWork(jobs, jobId);
  const entryCounts = createEntryCounts({ rows, clock, objects, firstReadInWork: readInWork });
  const emptyJob = createEmptyJob({ rows, blobs, clock, log, objects, removals, escrows, contextOf, ring });
  const jobDeletion = createJobDeletion({
    ...{ rows, blobs, clock, random, log, targetKey },
    ...{ objects, claims, proofs, emptyJob, ring },
  });
  const backupAge = createTellBackupAge({ rows, blobs, clock, configurations, targetKey });
  const runWhatIf = createRunWhatIf({ rows, blobs, fence, clock, log, ...trying });
  return {
    telemetry: NO_TELEMETRY,
    ...adapters,
    quotaRows,
    targetKey,
    backupAge,
    settings,
    chunked,
    answering,
    objects,
    claims,
    scopedRows,
    scopeNotes,
    escrows,
    expiries,
    removals,
    provisioningLog,
    mappings,
    configurations,
    proofs,
    adminTokens,
    sids,
    references,
    links,
    referrers,
    dirty,
    fence,
    exclusionRows,
    exclusions,
    quota,
    ring,
    preparation,
    entryCounts,
    readInWork,
    emptyJob,
    jobDeletion,
    scopeWork,
    quarantines,
    linkAccounts,
    readFacts,
    commit,
    goneGroups,
    readEnd,
    runWhatIf,
    reconcile,
    foldSaid,
    commands,
    askedWork,
    tryAsked,
    contextOf,
  };
}

export type Parts = ReturnType<typeof createParts>;
