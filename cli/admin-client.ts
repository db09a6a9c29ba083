/**
 * The admin API by the names that commands use: lists without their envelope, pages one after the other. What has no name here is asked by its
 * declaration (`call`, `pages` of `service-call.ts`).
 */
import type { z } from "zod";
import { type AgentReply, listAgents } from "../shared/contracts/admin/agents.ts";
import {
  type ConfigurationReply,
  createConfiguration,
  listConfigurations,
} from "../shared/contracts/admin/configurations.ts";
import { type CycleReply, type DayReply, listCycles, listDays } from "../shared/contracts/admin/cycles.ts";
import { createEnrolmentToken, type TokenReply } from "../shared/contracts/admin/enrolment-tokens.ts";
import {
  type EscrowReply,
  type EscrowRetryReply,
  listEscrows,
  retryEscrows,
} from "../shared/contracts/admin/escrows.ts";
import {
  addExclusion,
  type ExclusionReply,
  listExclusions,
  removeExclusion,
} from "../shared/contracts/admin/exclusions.ts";
import {
  actOnJob,
  type ClearQuarantineReply,
  clearQuarantine,
  getLifecycle,
  type JobModeReply,
  type JobStatusReply,
  jobStatus,
  type LifecycleReply,
  type ReevaluateReply,
  reevaluate,
  type ScopeReply,
  setJobMode,
  setLifecycle,
  setScope,
} from "../shared/contracts/admin/jobs.ts";
import {
  type JoinRequest,
  joinLink,
  type LinkReply,
  type MoveRequest,
  moveLink,
  showLink,
  unlink,
} from "../shared/contracts/admin/links.ts";
import {
  askReconcile,
  listFindings,
  listReconciles,
  type ReconcileFindingReply,
  type ReconcileReply,
  showReconcile,
} from "../shared/contracts/admin/reconciles.ts";
import {
  diffSchemas,
  getSchema,
  listSchemaVersions,
  putSchema,
  type SchemaDiffReply,
  type SchemaReply,
  type SchemaVersionReply,
} from "../shared/contracts/admin/schemas.ts";
import {
  decideStaged,
  listStaged,
  listStagedObjects,
  type StagedDecisionReply,
  type StagedObjectReply,
  type StagedSetReply,
} from "../shared/contracts/admin/staged.ts";
import {
  approveWhatIf,
  getWhatIf,
  listWhatIfs,
  runWhatIf,
  type WhatIfApprovalReply,
  type WhatIfDetailReply,
  type WhatIfReply,
  type WhatIfRequest,
} from "../shared/contracts/admin/what-ifs.ts";
import type { AgentScope, CreateConfigurationRequest, LifecycleSettings } from "../shared/contracts/configuration.ts";
import type { BodyInput } from "../shared/contracts/operation.ts";
import { listProvisioningLog, type ProvisioningLogReply } from "../shared/contracts/provisioning-log.ts";
import { createServiceCalls, type ServiceCalls, type ServiceCallsDeps } from "./service-call.ts";

/** Entries of a page, where all are wanted. */
const MOST = 1000;

export type JobAction = "start" | "pause" | "restart";

interface JobAddress {
  readonly id: string;
  readonly jobId: string;
}

/** Every method throws `AgentError`: service-unreachable, service-refused. */
export interface AdminClient extends ServiceCalls {
  /** Asked again for the same domain it gives the one that exists. */
  createConfiguration(request: z.input<typeof CreateConfigurationRequest>): Promise<ConfigurationReply>;
  configurations(): Promise<ConfigurationReply[]>;
  createToken(configurationId: string, minutes?: number): Promise<TokenReply>;
  agents(configurationId: string): Promise<AgentReply[]>;
  status(jobId: string): Promise<JobStatusReply>;
  /** Newest first. */
  cycles(jobId: string, top: number): Promise<CycleReply[]>;
  /** Newest first. */
  days(jobId: string, top: number): Promise<DayReply[]>;
  escrows(jobId: string): Promise<EscrowReply[]>;
  /** Of one object, or of all. */
  retryEscrows(jobId: string, objectGuid?: string): Promise<EscrowRetryReply>;
  staged(jobId: string, options: { readonly members: boolean }): Promise<StagedSetReply[]>;
  /** All of a set, page by page. */
  stagedObjects(
    jobId: string,
    set: Pick<StagedSetReply, "class" | "digest">,
  ): AsyncIterable<readonly StagedObjectReply[]>;
  decideStaged(
    jobId: string,
    of: StagedSetReply["class"],
    action: "approve" | "drop",
    digest: string,
  ): Promise<StagedDecisionReply>;
  act(configuration: JobAddress, action: JobAction, body?: BodyInput<typeof actOnJob>): Promise<void>;
  setMode(jobId: string, mode: JobModeReply["mode"]): Promise<JobModeReply>;
  reevaluate(jobId: string): Promise<ReevaluateReply>;
  clearQuarantine(jobId: string): Promise<ClearQuarantineReply>;
  setScope(jobId: string, scope: AgentScope): Promise<ScopeReply>;
  lifecycle(jobId: string): Promise<LifecycleReply>;
  setLifecycle(jobId: string, settings: LifecycleSettings): Promise<LifecycleReply>;
  /** As it was imported: fields and order of keys are what they were. Without a version the one in effect. */
  schema(configuration: JobAddress, version?: number): Promise<unknown>;
  putSchema(
    configuration: JobAddress,
    schema: BodyInput<typeof putSchema>,
    expectedVersion?: number,
  ): Promise<SchemaReply>;
  /** Newest first. */
  schemaVersions(jobId: string): Promise<SchemaVersionReply[]>;
  schemaDiff(jobId: string, from: number, to: number): Promise<z.infer<typeof SchemaDiffReply>>;
  runWhatIf(jobId: string, request: WhatIfRequest): Promise<WhatIfReply>;
  /** Newest first. */
  whatIfs(jobId: string): Promise<WhatIfReply[]>;
  whatIf(jobId: string, id: string): Promise<WhatIfDetailReply>;
  approveWhatIf(jobId: string, digest: string): Promise<WhatIfApprovalReply>;
  reconcile(jobId: string, policy: ReconcileReply["policy"]): Promise<ReconcileReply>;
  /** Newest first. */
  reconciles(jobId: string): Promise<ReconcileReply[]>;
  reconcileOf(jobId: string, id: string): Promise<ReconcileReply>;
  /** All of them, page by page. */
  findings(jobId: string, id: string): AsyncIterable<readonly ReconcileFindingReply[]>;
  link(jobId: string, objectGuid: string): Promise<LinkReply>;
  changeLink(
    jobId: string,
    objectGuid: string,
    change:
      | ({ readonly action: "join" } & z.input<typeof JoinRequest>)
      | ({ readonly action: "move" } & z.input<typeof MoveRequest>)
      | { readonly action: "unlink" },
  ): Promise<LinkReply>;
  exclusions(): Promise<ExclusionReply[]>;
  exclude(guid: string, reason: string): Promise<ExclusionReply>;
  removeExclusion(guid: string): Promise<ExclusionReply>;
  /** The newest entries: as many as fit on a page. */
  log(query: {
    readonly jobId: string;
    readonly objectGuid?: string;
    readonly top?: number;
  }): Promise<ProvisioningLogReply[]>;
}

export function createAdminClient(deps: ServiceCallsDeps): AdminClient {
  const calls = createServiceCalls(deps);
  const { call, pages } = calls;
  const all = async <T>(of: AsyncIterable<{ readonly value: T[] }>): Promise<T[]> => {
    const found: T[] = [];
    for await (const page of of) found.push(...page.value);
    return found;
  };
  /** As many as are wanted, of as many pages as hold them. */
  const first = async <T>(count: number, of: AsyncIterable<{ readonly value: T[] }>): Promise<T[]> => {
    const found: T[] = [];
    for await (const page of of) {
      found.push(...page.value);
      if (found.length >= count) break;
    }
    return found.slice(0, count);
  };
  const list = async <T>(page: Promise<{ readonly value: T[] }>): Promise<T[]> => (await page).value;

  return {
    ...calls,
    createConfiguration: (body) => call(createConfiguration, { body }),
    configurations: async () => {
      const all = await list(call(listConfigurations, {}));
      all.forEach(calls.nameJob);
      return all;
    },
    createToken: (configurationId, minutes) =>
      call(createEnrolmentToken, { params: { configurationId }, body: minutes === undefined ? {} : { minutes } }),
    agents: (configurationId) => all(pages(listAgents, { params: { configurationId }, query: { $top: MOST } })),
    setMode: (jobId, mode) => call(setJobMode, { params: { jobId }, body: { mode } }),
    reevaluate: (jobId) => call(reevaluate, { params: { jobId } }),
    status: (jobId) => call(jobStatus, { params: { jobId } }),
    cycles: (jobId, top) => first(top, pages(listCycles, { params: { jobId }, query: { $top: Math.min(top, MOST) } })),
    days: (jobId, top) => first(top, pages(listDays, { params: { jobId }, query: { $top: Math.min(top, MOST) } })),
    escrows: (jobId) => all(pages(listEscrows, { params: { jobId }, query: { $top: MOST } })),
    retryEscrows: (jobId, objectGuid) =>
      call(retryEscrows, { params: { jobId }, body: objectGuid === undefined ? {} : { objectGuid } }),
    staged: (jobId, { members }) =>
      list(call(listStaged, { params: { jobId }, query: { members: members ? "true" : undefined } })),
    async *stagedObjects(jobId, set) {
      for await (const page of pages(listStagedObjects, { params: { jobId, ...set }, query: { $top: MOST } }))
        yield page.value;
    },
    decideStaged: (jobId, of, action, digest) =>
      call(decideStaged, { params: { jobId, class: of, action }, body: { digest } }),
    async act({ id, jobId }, action, body) {
      await call(actOnJob, { params: { configurationId: id, jobId, action }, ...(body === undefined ? {} : { body }) });
    },
    clearQuarantine: (jobId) => call(clearQuarantine, { params: { jobId } }),
    lifecycle: (jobId) => call(getLifecycle, { params: { jobId } }),
    setLifecycle: (jobId, body) => call(setLifecycle, { params: { jobId }, body }),
    setScope: (jobId, body) => call(setScope, { params: { jobId }, body }),
    schema: ({ id, jobId }, version) => call(getSchema, { params: { configurationId: id, jobId }, query: { version } }),
    putSchema: ({ id, jobId }, body, expectedVersion) =>
      call(putSchema, { params: { configurationId: id, jobId }, query: { expectedVersion }, body }),
    schemaVersions: (jobId) => list(call(listSchemaVersions, { params: { jobId } })),
    schemaDiff: (jobId, from, to) => call(diffSchemas, { params: { jobId }, query: { from, to } }),
    runWhatIf: (jobId, body) => call(runWhatIf, { params: { jobId }, body }),
    whatIfs: (jobId) => list(call(listWhatIfs, { params: { jobId } })),
    whatIf: (jobId, id) => call(getWhatIf, { params: { jobId, id } }),
    approveWhatIf: (jobId, digest) => call(approveWhatIf, { params: { jobId }, body: { digest } }),
    reconcile: (jobId, policy) => call(askReconcile, { params: { jobId }, body: { policy } }),
    reconciles: (jobId) => list(call(listReconciles, { params: { jobId } })),
    reconcileOf: (jobId, reconcileId) => call(showReconcile, { params: { jobId, reconcileId } }),
    async *findings(jobId, reconcileId) {
      for await (const page of pages(listFindings, { params: { jobId, reconcileId }, query: { $top: MOST } }))
        yield page.value;
    },
    link: (jobId, objectGuid) => call(showLink, { params: { jobId, objectGuid } }),
    changeLink: (jobId, objectGuid, change) => {
      const params = { jobId, objectGuid };
      if (change.action === "join") return call(joinLink, { params, body: { targetId: change.targetId } });
      if (change.action === "unlink") return call(unlink, { params });
      const { action: _, ...body } = change;
      return call(moveLink, { params, body });
    },
    exclusions: () => all(pages(listExclusions, { query: { $top: MOST } })),
    exclude: (guid, reason) => call(addExclusion, { params: { guid }, body: { reason } }),
    removeExclusion: (guid) => call(removeExclusion, { params: { guid } }),
    log: ({ jobId, objectGuid, top }) => list(call(listProvisioningLog, { query: { jobId, objectGuid, $top: top } })),
  };
}
