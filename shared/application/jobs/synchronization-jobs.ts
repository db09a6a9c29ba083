/**
 * Configurations, jobs and templates in the shapes of Graph's synchronization API: what rows say, in Graph's words. Read-only;
 * what is started, set and deleted is done by the use cases of those names.
 */
import {
  type Execution,
  type FilterOperatorReply,
  type MappingFunctionReply,
  NEVER,
  type ServicePrincipalReply,
  type SynchronizationJobReply,
  type SynchronizationStatusReply,
  type SynchronizationTemplateReply,
} from "../../contracts/admin/synchronization.ts";
import { JOB_TEMPLATE } from "../../contracts/configuration.ts";
import { defaultSchema } from "../../domain/default-schema.ts";
import type { Clock } from "../../ports/clock.ts";
import type { RowStore } from "../../ports/row-store.ts";
import type { EntryCounts } from "../cycles/entry-counts.ts";
import { ok, type Result } from "../failure.ts";
import { readProgress } from "../reading/read-progress.ts";
import {
  afterPrefix,
  type CycleRow,
  type JobRow,
  jobTable,
  type ReadsRow,
  ROW,
  readRow,
  unpack,
} from "../state/job-rows.ts";
import { type ConfigurationEntry, type Configurations, noSuchConfiguration, noSuchJob } from "./configurations.ts";
import {
  codeOf,
  executionOf,
  functionReplies,
  isoOf,
  noSuchTemplate,
  operatorReplies,
  quarantineOf,
  settingsOf,
} from "./synchronization-words.ts";

/** Microsoft's application template of "Azure AD Cloud Sync": clients look for configurations by it. */
const APPLICATION_TEMPLATE = "1a4721b3-e57f-4451-ae87-ef078703ec94";
/** Cycles that are looked through for the last one that succeeded, and that exported. */
const CYCLES_LOOKED_AT = 200;

export interface SynchronizationJobs {
  configurations(): Promise<ServicePrincipalReply[]>;
  /** Failures: 404. */
  configuration(configurationId: string): Promise<Result<ServicePrincipalReply>>;
  /** Failures: 404. */
  jobs(configurationId: string): Promise<Result<SynchronizationJobReply[]>>;
  /** Failures: 404, also for a job of another configuration. */
  job(configurationId: string, jobId: string): Promise<Result<SynchronizationJobReply>>;
  /** Failures: 404. */
  templates(configurationId: string): Promise<Result<SynchronizationTemplateReply[]>>;
  /** With its schema. Failures: 404. */
  template(configurationId: string, templateId: string): Promise<Result<SynchronizationTemplateReply>>;
  /** Failures: 404. */
  filterOperators(configurationId: string, jobId: string): Promise<Result<FilterOperatorReply[]>>;
  /** Failures: 404. */
  mappingFunctions(configurationId: string, jobId: string): Promise<Result<MappingFunctionReply[]>>;
}

export function createSynchronizationJobs(deps: {
  readonly rows: RowStore;
  readonly clock: Clock;
  readonly configurations: Pick<Configurations, "all">;
  readonly entryCounts: Pick<EntryCounts, "of">;
  /** How often agents ask for changes: milliseconds. */
  readonly heartbeatMs: number;
}): SynchronizationJobs {
  const jobs = jobTable(deps.rows);

  async function entryOf(configurationId: string): Promise<Result<ConfigurationEntry>> {
    const entry = (await deps.configurations.all()).find((own) => own.configurationId === configurationId);
    return entry ? ok(entry) : noSuchConfiguration(configurationId);
  }

  async function rowOf(configurationId: string, jobId: string): Promise<Result<JobRow>> {
    const job = await readRow<JobRow>(jobs, jobId, ROW.job);
    const isThere = job?.value.configurationId === configurationId && !job.value.deleting;
    return isThere ? ok(job.value) : noSuchJob(jobId);
  }

  /** The newest cycles, newest first. */
  async function cyclesOf(jobId: string, nextReadNo: number): Promise<CycleRow[]> {
    const found: CycleRow[] = [];
    const from = ROW.cycle(Math.max(1, nextReadNo - CYCLES_LOOKED_AT));
    for await (const rows of jobs.range(jobId, { from, to: afterPrefix("cycle:") }))
      found.push(...rows.map((row) => unpack<CycleRow>(row).value));
    return found.reverse();
  }

  async function statusOf(job: JobRow): Promise<SynchronizationStatusReply> {
    const { jobId } = job;
    const reads = await readRow<ReadsRow>(jobs, jobId, ROW.reads);
    const cycles = await cyclesOf(jobId, reads?.value.nextReadNo ?? 1);
    const executions = cycles.map(executionOf);
    const isSuccess = ({ state }: Execution) => state === "Succeeded";
    const failures = executions.findIndex(({ state }) => state !== "Failed");
    const steady = job.steadyStateAt === null ? undefined : cycles.find(({ state }) => state === "ended");
    const linked = await deps.entryCounts.of(jobId);
    return {
      code: codeOf(job, cycles.length === 0 && reads?.value.openReadNo === 0),
      countSuccessiveCompleteFailures: failures === -1 ? executions.length : failures,
      escrowsPruned: false,
      lastExecution: executions[0] ?? null,
      lastSuccessfulExecution: executions.find(isSuccess) ?? null,
      lastSuccessfulExecutionWithExports: executions.find((own) => isSuccess(own) && own.countExported > 0) ?? null,
      progress: await progressOf(jobId),
      quarantine: quarantineOf(job),
      steadyStateFirstAchievedTime: job.steadyStateAt === null ? NEVER : isoOf(job.steadyStateAt),
      steadyStateLastAchievedTime: steady ? isoOf(steady.closedAt) : NEVER,
      synchronizedEntryCountByType: linked
        ? [
            { key: "user to User", value: linked.users },
            { key: "group to Group", value: linked.groups },
          ]
        : [],
      troubleshootingUrl: null,
    };
  }

  /** Of the reads under way, in changes; nothing where none is. */
  async function progressOf(jobId: string): Promise<SynchronizationStatusReply["progress"]> {
    const reads = await readRow<ReadsRow>(jobs, jobId, ROW.reads);
    const { changes, processed } = await readProgress(jobs, jobId, reads?.value ?? { openReadNo: 0 });
    if (changes === 0) return [];
    return [
      {
        completedUnits: processed,
        totalUnits: changes,
        units: "changes",
        progressObservationDateTime: isoOf(deps.clock.now()),
      },
    ];
  }

  async function replyOf(job: JobRow): Promise<SynchronizationJobReply> {
    return {
      id: job.jobId,
      templateId: JOB_TEMPLATE,
      schedule: {
        expiration: null,
        interval: `PT${Math.max(1, Math.round(deps.heartbeatMs / 1000))}S`,
        state: job.quarantine?.nextAttempt === null ? "Disabled" : job.state === "paused" ? "Paused" : "Active",
      },
      status: await statusOf(job),
      synchronizationJobSettings: settingsOf(job),
    };
  }

  return {
    async configurations() {
      return (await deps.configurations.all()).map(principalOf);
    },
    async configuration(configurationId) {
      const entry = await entryOf(configurationId);
      return entry.ok ? ok(principalOf(entry.value)) : entry;
    },
    async jobs(configurationId) {
      const entry = await entryOf(configurationId);
      if (!entry.ok) return entry;
      const { jobId } = entry.value;
      const job = jobId === "" ? noSuchJob(jobId) : await rowOf(configurationId, jobId);
      return ok(job.ok ? [await replyOf(job.value)] : []);
    },
    async job(configurationId, jobId) {
      const job = await rowOf(configurationId, jobId);
      return job.ok ? ok(await replyOf(job.value)) : job;
    },
    async templates(configurationId) {
      const entry = await entryOf(configurationId);
      return entry.ok ? ok([TEMPLATE]) : entry;
    },
    async template(configurationId, templateId) {
      const entry = await entryOf(configurationId);
      if (!entry.ok) return entry;
      return templateId === TEMPLATE.id ? ok({ ...TEMPLATE, schema: defaultSchema() }) : noSuchTemplate(templateId);
    },
    async filterOperators(configurationId, jobId) {
      const job = await rowOf(configurationId, jobId);
      return job.ok ? ok(operatorReplies()) : job;
    },
    async mappingFunctions(configurationId, jobId) {
      const job = await rowOf(configurationId, jobId);
      return job.ok ? ok(functionReplies()) : job;
    },
  };
}

const TEMPLATE: SynchronizationTemplateReply = {
  id: JOB_TEMPLATE,
  applicationId: APPLICATION_TEMPLATE,
  default: true,
  description: "People and groups of one Active Directory domain.",
  discoverable: true,
  factoryTag: JOB_TEMPLATE,
};

function principalOf({ configurationId, displayName }: ConfigurationEntry): ServicePrincipalReply {
  const applicationTemplateId = APPLICATION_TEMPLATE;
  return { id: configurationId, displayName, servicePrincipalType: "Application", applicationTemplateId };
}
