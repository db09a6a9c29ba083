/**
 * The admin API as the `uplink` program and the local runtime see it: thin over `fetch`, replies parsed by the contract,
 * refusals as errors that carry the service's own words and remedy.
 */
import { z } from "zod";
import { AgentError } from "../agent/agent-error.ts";
import { AgentReply } from "../shared/contracts/admin/agents.ts";
import { ConfigurationReply, TokenReply } from "../shared/contracts/admin/configurations.ts";
import { CycleReply, DayReply } from "../shared/contracts/admin/cycles.ts";
import { EscrowReply, EscrowRetryReply } from "../shared/contracts/admin/escrows.ts";
import { ExclusionReply } from "../shared/contracts/admin/exclusions.ts";
import {
  ClearQuarantineReply,
  JobModeReply,
  JobStatusReply,
  LifecycleReply,
  ReevaluateReply,
  ScopeReply,
} from "../shared/contracts/admin/jobs.ts";
import { type JoinRequest, LinkReply, type MoveRequest, RebuildReply } from "../shared/contracts/admin/links.ts";
import { ReconcileFindingReply, ReconcileReply } from "../shared/contracts/admin/reconciles.ts";
import { ADMIN_ROUTES } from "../shared/contracts/admin/routes.ts";
import { SchemaDiffReply, SchemaReply, SchemaVersionReply } from "../shared/contracts/admin/schemas.ts";
import { StagedDecisionReply, StagedObjectReply, StagedSetReply } from "../shared/contracts/admin/staged.ts";
import {
  WhatIfApprovalReply,
  WhatIfDetailReply,
  WhatIfReply,
  type WhatIfRequest,
} from "../shared/contracts/admin/what-ifs.ts";
import { ErrorReply } from "../shared/contracts/agent-api.ts";
import type { AgentScope, CreateConfigurationRequest, LifecycleSettings } from "../shared/contracts/configuration.ts";
import { ProvisioningLogReply } from "../shared/contracts/provisioning-log.ts";

/** The part of `fetch` that is used; `redirect` and the like have no place here. */
export type PlainFetch = (
  url: string,
  init?: { readonly method?: string; readonly headers?: Readonly<Record<string, string>>; readonly body?: string },
) => Promise<Response>;

export type JobAction = "start" | "pause" | "restart";

interface JobAddress {
  readonly id: string;
  readonly jobId: string;
}

/** Every method throws `AgentError`: service-unreachable, service-refused. */
export interface AdminClient {
  /** `path` below the service's `/api/`; any status comes back as it is. */
  fetch(path: string, init?: { readonly method?: string; readonly body?: unknown }): Promise<Response>;
  /** Asked again for the same domain it gives the one that exists. */
  createConfiguration(request: z.input<typeof CreateConfigurationRequest>): Promise<ConfigurationReply>;
  configurations(): Promise<ConfigurationReply[]>;
  createToken(configurationId: string, minutes?: number): Promise<TokenReply>;
  agents(configurationId: string): Promise<AgentReply[]>;
  status(jobId: string): Promise<JobStatusReply>;
  /** Newest first. */
  cycles(jobId: string, top?: number): Promise<CycleReply[]>;
  /** Newest first. */
  days(jobId: string, top?: number): Promise<DayReply[]>;
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
  act(configuration: JobAddress, action: JobAction, body?: unknown): Promise<void>;
  setMode(jobId: string, mode: JobModeReply["mode"]): Promise<JobModeReply>;
  reevaluate(jobId: string): Promise<ReevaluateReply>;
  clearQuarantine(jobId: string): Promise<ClearQuarantineReply>;
  setScope(jobId: string, scope: AgentScope): Promise<ScopeReply>;
  lifecycle(jobId: string): Promise<LifecycleReply>;
  setLifecycle(jobId: string, settings: LifecycleSettings): Promise<LifecycleReply>;
  /** As it was imported: fields and order of keys are what they were. Without a version the one in effect. */
  schema(configuration: JobAddress, version?: number): Promise<unknown>;
  putSchema(configuration: JobAddress, schema: unknown, expectedVersion?: number): Promise<SchemaReply>;
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
    action: "join" | "move" | "unlink",
    body: z.infer<typeof JoinRequest> | z.infer<typeof MoveRequest> | undefined,
  ): Promise<LinkReply>;
  /** One of 16 parts of the job's objects. */
  rebuildLinks(jobId: string, shard: string): Promise<RebuildReply>;
  exclusions(): Promise<ExclusionReply[]>;
  exclude(guid: string, reason: string): Promise<ExclusionReply>;
  removeExclusion(guid: string): Promise<ExclusionReply>;
  log(query: {
    readonly jobId: string;
    readonly objectGuid?: string;
    readonly top?: number;
  }): Promise<ProvisioningLogReply[]>;
}

export interface AdminClientDeps {
  /** The service's origin. */
  readonly url: string;
  readonly fetch: PlainFetch;
  readonly token: () => Promise<string>;
}

export function createAdminClient(deps: AdminClientDeps): AdminClient {
  const send: AdminClient["fetch"] = async (path, init = {}) => {
    const authorization = `Bearer ${await deps.token()}`;
    const body = init.body === undefined ? {} : { body: JSON.stringify(init.body) };
    return reach(deps.fetch, `${deps.url}/api/${path}`, {
      method: init.method ?? "GET",
      headers: {
        authorization,
        accept: "application/json",
        ...(init.body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...body,
    });
  };
  async function ask<T>(schema: z.ZodType<T>, path: string, init?: { method: string; body?: unknown }): Promise<T> {
    const response = await send(path, init);
    const text = await response.text();
    if (!response.ok) throw refusal(`${init?.method ?? "GET"} ${path}`, response.status, text);
    const parsed = schema.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    throw new AgentError(
      "service-refused",
      `${deps.url} answered ${path} with something unexpected (at '${parsed.error.issues[0]?.path.join(".")}').`,
      "Use the uplink program of the same version as the service.",
    );
  }
  const list = async <T>(item: z.ZodType<T>, path: string): Promise<T[]> =>
    (await ask(z.object({ value: z.array(item) }), path)).value;
  async function* pages<T>(item: z.ZodType<T>, path: string): AsyncGenerator<readonly T[]> {
    const Page = z.object({ value: z.array(item), "@odata.nextLink": z.string().optional() });
    for (let next: string | undefined = `${path}?$top=1000`; next !== undefined; ) {
      const page: { readonly value: readonly T[]; readonly "@odata.nextLink"?: string | undefined } = await ask(
        Page,
        next,
      );
      yield page.value;
      next = page["@odata.nextLink"]?.replace(/^\/api\//, "");
    }
  }
  const fill = (route: string, values: Readonly<Record<string, string>>): string =>
    route.replace(/\{(\w+)(?::[^}]*\))?\}/g, (_all, name: string) => encodeURIComponent(values[name] ?? ""));

  return {
    fetch: send,
    createConfiguration: (request) =>
      ask(ConfigurationReply, ADMIN_ROUTES.configurations, { method: "POST", body: request }),
    configurations: () => list(ConfigurationReply, ADMIN_ROUTES.configurations),
    createToken: (configurationId, minutes) =>
      ask(TokenReply, fill(ADMIN_ROUTES.tokens, { configurationId }), {
        method: "POST",
        body: minutes === undefined ? {} : { minutes },
      }),
    agents: (configurationId) => list(AgentReply, fill(ADMIN_ROUTES.agents, { configurationId })),
    setMode: (jobId, mode) =>
      ask(JobModeReply, fill(ADMIN_ROUTES.jobMode, { jobId }), { method: "POST", body: { mode } }),
    reevaluate: (jobId) => ask(ReevaluateReply, fill(ADMIN_ROUTES.reevaluate, { jobId }), { method: "POST" }),
    status: (jobId) => ask(JobStatusReply, fill(ADMIN_ROUTES.jobStatus, { jobId })),
    cycles: (jobId, top) => list(CycleReply, `${fill(ADMIN_ROUTES.cycles, { jobId })}${top ? `?$top=${top}` : ""}`),
    days: (jobId, top) => list(DayReply, `${fill(ADMIN_ROUTES.days, { jobId })}${top ? `?$top=${top}` : ""}`),
    escrows: (jobId) => list(EscrowReply, fill(ADMIN_ROUTES.escrows, { jobId })),
    retryEscrows: (jobId, objectGuid) =>
      ask(EscrowRetryReply, fill(ADMIN_ROUTES.escrowRetry, { jobId }), {
        method: "POST",
        body: objectGuid === undefined ? {} : { objectGuid },
      }),
    staged: (jobId, { members }) =>
      list(StagedSetReply, `${fill(ADMIN_ROUTES.staged, { jobId })}${members ? "?members=true" : ""}`),
    stagedObjects: (jobId, set) => pages(StagedObjectReply, fill(ADMIN_ROUTES.stagedObjects, { jobId, ...set })),
    decideStaged: (jobId, of, action, digest) =>
      ask(StagedDecisionReply, fill(ADMIN_ROUTES.stagedDecision, { jobId, class: of, action }), {
        method: "POST",
        body: { digest },
      }),
    async act({ id, jobId }, action, body) {
      const path = fill(ADMIN_ROUTES.jobAction, { configurationId: id, jobId, action });
      const response = await send(path, { method: "POST", ...(body === undefined ? {} : { body }) });
      if (!response.ok) throw refusal(`POST ${path}`, response.status, await response.text());
    },
    clearQuarantine: (jobId) =>
      ask(ClearQuarantineReply, fill(ADMIN_ROUTES.clearQuarantine, { jobId }), { method: "POST" }),
    lifecycle: (jobId) => ask(LifecycleReply, fill(ADMIN_ROUTES.jobLifecycle, { jobId })),
    setLifecycle: (jobId, settings) =>
      ask(LifecycleReply, fill(ADMIN_ROUTES.jobLifecycle, { jobId }), { method: "PATCH", body: settings }),
    setScope: (jobId, scope) => ask(ScopeReply, fill(ADMIN_ROUTES.jobScope, { jobId }), { method: "PUT", body: scope }),
    schema: ({ id, jobId }, version) =>
      ask(z.unknown(), `${fill(ADMIN_ROUTES.schema, { configurationId: id, jobId })}${queryOf({ version })}`),
    putSchema: ({ id, jobId }, schema, expectedVersion) =>
      ask(SchemaReply, `${fill(ADMIN_ROUTES.schema, { configurationId: id, jobId })}${queryOf({ expectedVersion })}`, {
        method: "PUT",
        body: schema,
      }),
    schemaVersions: (jobId) => list(SchemaVersionReply, fill(ADMIN_ROUTES.schemaVersions, { jobId })),
    schemaDiff: (jobId, from, to) =>
      ask(SchemaDiffReply, `${fill(ADMIN_ROUTES.schemaDiff, { jobId })}${queryOf({ from, to })}`),
    runWhatIf: (jobId, request) =>
      ask(WhatIfReply, fill(ADMIN_ROUTES.whatIf, { jobId }), { method: "POST", body: request }),
    whatIfs: (jobId) => list(WhatIfReply, fill(ADMIN_ROUTES.whatIfs, { jobId })),
    whatIf: (jobId, id) => ask(WhatIfDetailReply, fill(ADMIN_ROUTES.oneWhatIf, { jobId, id })),
    approveWhatIf: (jobId, digest) =>
      ask(WhatIfApprovalReply, fill(ADMIN_ROUTES.whatIfApproval, { jobId }), { method: "POST", body: { digest } }),
    reconcile: (jobId, policy) =>
      ask(ReconcileReply, fill(ADMIN_ROUTES.reconcile, { jobId }), { method: "POST", body: { policy } }),
    reconciles: (jobId) => list(ReconcileReply, fill(ADMIN_ROUTES.reconciles, { jobId })),
    reconcileOf: (jobId, reconcileId) => ask(ReconcileReply, fill(ADMIN_ROUTES.reconcileOne, { jobId, reconcileId })),
    findings: (jobId, reconcileId) =>
      pages(ReconcileFindingReply, fill(ADMIN_ROUTES.reconcileFindings, { jobId, reconcileId })),
    link: (jobId, objectGuid) => ask(LinkReply, fill(ADMIN_ROUTES.link, { jobId, objectGuid })),
    changeLink: (jobId, objectGuid, action, body) =>
      ask(LinkReply, fill(ADMIN_ROUTES.linkAction, { jobId, objectGuid, action }), { method: "POST", body }),
    rebuildLinks: (jobId, shard) =>
      ask(RebuildReply, fill(ADMIN_ROUTES.rebuildLinks, { jobId }), { method: "POST", body: { shard } }),
    exclusions: () => list(ExclusionReply, ADMIN_ROUTES.exclusions),
    exclude: (guid, reason) =>
      ask(ExclusionReply, fill(ADMIN_ROUTES.exclusion, { guid }), { method: "PUT", body: { reason } }),
    removeExclusion: (guid) => ask(ExclusionReply, fill(ADMIN_ROUTES.exclusion, { guid }), { method: "DELETE" }),
    log: ({ jobId, objectGuid, top }) => {
      const query = new URLSearchParams({ jobId, ...(objectGuid === undefined ? {} : { objectGuid }) });
      if (top !== undefined) query.set("$top", String(top));
      return list(ProvisioningLogReply, `${ADMIN_ROUTES.provisioningLog}?${query}`);
    },
  };
}

function queryOf(values: Readonly<Record<string, number | undefined>>): string {
  const given = Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  return given.length === 0 ? "" : `?${given.join("&")}`;
}

/** One request; what goes wrong below HTTP becomes an error with a remedy. */
export async function reach(fetch: PlainFetch, url: string, init: Parameters<PlainFetch>[1]): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const why =
      cause instanceof Error ? cause.message || String("code" in cause ? cause.code : cause.name) : String(cause);
    const isUntrusted = /certificate|self.signed/i.test(why);
    throw new AgentError(
      "service-unreachable",
      `Cannot reach ${new URL(url).origin}: ${why || "no connection"}.`,
      isUntrusted
        ? "Set NODE_EXTRA_CA_CERTS to the authority's PEM file before the program starts (npm run uplink does it by itself)."
        : "On this machine: see that npm start runs. Elsewhere: check the address, the network and the firewall.",
      { cause: error },
    );
  }
}

function refusal(what: string, status: number, text: string): AgentError {
  const parsed = ErrorReply.safeParse(parseJson(text));
  if (!parsed.success) {
    return new AgentError("service-refused", `${what} was answered with status ${status}.`, "See the service's log.");
  }
  const { message, remedy, details } = parsed.data.error;
  const parts = (details ?? []).map((one) => `\n  ${one.target}: ${one.message}`).join("");
  return new AgentError("service-refused", `${message}${parts}`, remedy ?? "See the service's log.");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
