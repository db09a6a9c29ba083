/** Making configurations with their job, and the one-time tokens with which agents enrol. */
import { createHash } from "node:crypto";
import type { ScopeShownReply } from "../../contracts/admin/jobs.ts";
import {
  type AgentScope,
  type CreateConfigurationRequest,
  type CreateTokenRequest,
  JOB_TEMPLATE,
} from "../../contracts/configuration.ts";
import type { Clock, Random } from "../../ports/clock.ts";
import type { RowOperation, RowStore } from "../../ports/row-store.ts";
import { existsAlready, type Failure, fail, ok, type Result } from "../failure.ts";
import { createLoggedJobs } from "../log/logged-jobs.ts";
import { scheduleFault } from "../reading/full-sync-schedule.ts";
import { scopeOf, WATERMARK_RESET, wishBeside } from "../reading/reads.ts";
import { agentTable, TOKEN_PREFIX, type TokenRow } from "../state/agent-rows.ts";
import { type JobRow, jobTable, listRows, pack, type ReadsRow, ROW, readRow } from "../state/job-rows.ts";
import { OBJECT_FORMAT } from "../state/object-row.ts";

/** Partition of table `jobs` that lists what there is: `configuration:{id}`, `domain:{fqdn}`. */
export const CATALOGUE = "catalogue";

export interface ConfigurationEntry {
  readonly configurationId: string;
  readonly jobId: string;
  readonly displayName: string;
  readonly domainFqdn: string;
  /** Of the job that was deleted; `jobId` is empty then. */
  readonly former?: FormerJob;
}

/** What a configuration's next job has from the last one. */
export interface FormerJob extends Pick<JobRow, "domainNetBios" | "domain" | "settings"> {
  /** Numbers of reads go on: what is known of memberships has versions by them. */
  readonly nextReadNo: number;
}

export interface Configurations {
  /**
   * One configuration a domain and target; asking again for the same domain gives the one that exists, or 412 to who wants a
   * new one only.
   */
  create(
    request: CreateConfigurationRequest,
    options?: { readonly onlyNew?: boolean },
  ): Promise<Result<ConfigurationEntry & { readonly created: boolean }>>;
  /** Those that have a job. */
  list(): Promise<readonly ConfigurationEntry[]>;
  /** Those whose job was deleted, too: their `jobId` is empty. */
  all(): Promise<readonly ConfigurationEntry[]>;
  job(jobId: string): Promise<JobRow | undefined>;
  /** Failures: 404 where the configuration has no such job, whoever else has it; and where it is being deleted. */
  expectJob(configurationId: string, jobId: string): Promise<Result<null>>;
  /** The token is shown once; at rest there is its digest. Failures: 404. */
  createToken(
    configurationId: string,
    request: CreateTokenRequest,
    by: string,
  ): Promise<Result<{ readonly id: string; readonly token: string; readonly expiresAt: number }>>;
  /** Has everything read again. Failures: 404. */
  requestFullRead(
    jobId: string,
    reason: string,
    options?: { readonly restores?: boolean },
  ): Promise<Result<{ readonly jobId: string }>>;
  /** Failures: 404. */
  scope(jobId: string): Promise<Result<ScopeShownReply>>;
  /**
   * What the agent may send at all. Another scope is another version, and is read in full. Failures: 404, 409 with another
   * version in effect than `expectedVersion`.
   */
  setScope(
    jobId: string,
    scope: AgentScope,
    expectedVersion?: number,
  ): Promise<Result<{ readonly jobId: string; readonly scopeVersion: number; readonly changed: boolean }>>;
  setPaused(jobId: string, paused: boolean): Promise<Result<{ readonly jobId: string }>>;
}

export function createConfigurations(deps: {
  readonly rows: RowStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly targetKey: string;
}): Configurations {
  const jobs = jobTable(deps.rows);
  const loggedJobs = createLoggedJobs(deps);
  const catalogue = () => listRows<ConfigurationEntry>(jobs, CATALOGUE, "configuration:");
  const newId = () => Buffer.from(deps.random.bytes(16)).toString("hex");

  async function changeJob(
    jobId: string,
    change: (job: JobRow) => JobRow,
  ): Promise<Result<{ readonly jobId: string }>> {
    for (;;) {
      const job = await readRow<JobRow>(jobs, jobId, ROW.job);
      if (!job || job.value.deleting) return noSuchJob(jobId);
      const result = await jobs.transact(jobId, [
        { op: "replace", row: ROW.job, values: pack(change(job.value)), etag: job.etag },
      ]);
      if (result.ok) return ok({ jobId });
    }
  }

  return {
    async create(request, options = {}) {
      const fault = scheduleFault(request.settings.fullSync);
      if (fault !== undefined) return invalidSchedule("settings.fullSync", fault);
      const fqdn = request.domainFqdn.toLowerCase();
      const existing = await jobs.get(CATALOGUE, `domain:${fqdn}`);
      if (existing) {
        const entry = await readRow<ConfigurationEntry>(
          jobs,
          CATALOGUE,
          `configuration:${String(existing.values["configurationId"])}`,
        );
        if (entry && options.onlyNew) return configurationExists(entry.value);
        if (entry) return ok({ ...entry.value, created: false });
      }
      const configurationId = newId();
      const jobId = `${JOB_TEMPLATE}.${newId()}`;
      const entry: ConfigurationEntry = { configurationId, jobId, displayName: request.displayName, domainFqdn: fqdn };
      const of = { ...entry, domainNetBios: request.domainNetBios, settings: request.settings };
      // The job first: an entry of the catalogue must never point at nothing.
      await jobs.transact(jobId, jobOperations({ ...of, targetKey: deps.targetKey, now: deps.clock.now() }));
      const listed = await jobs.transact(CATALOGUE, [
        { op: "insert", row: `domain:${fqdn}`, values: { configurationId } },
        { op: "insert", row: `configuration:${configurationId}`, values: pack(entry) },
      ]);
      if (!listed.ok) return this.create(request, options);
      await loggedJobs.note(jobId);
      return ok({ ...entry, created: true });
    },
    async list() {
      return (await catalogue()).map((entry) => entry.value).filter(({ jobId }) => jobId !== "");
    },
    async all() {
      return (await catalogue()).map((entry) => entry.value);
    },
    async job(jobId) {
      return (await readRow<JobRow>(jobs, jobId, ROW.job))?.value;
    },
    async expectJob(configurationId, jobId) {
      const job = (await readRow<JobRow>(jobs, jobId, ROW.job))?.value;
      return job?.configurationId === configurationId && !job.deleting ? ok(null) : noSuchJob(jobId);
    },
    async createToken(configurationId, request, by) {
      const entry = await readRow<ConfigurationEntry>(jobs, CATALOGUE, `configuration:${configurationId}`);
      if (!entry) return noSuchConfiguration(configurationId);
      const token = `${configurationId}.${Buffer.from(deps.random.bytes(32)).toString("base64url")}`;
      const expiresAt = deps.clock.now() + request.minutes * 60_000;
      const row: TokenRow = { expiresAt, policy: request.policy, madeBy: by, usedBy: null };
      const id = tokenDigest(token);
      await agentTable(deps.rows).transact(configurationId, [
        { op: "insert", row: `${TOKEN_PREFIX}${id}`, values: pack(row) },
      ]);
      return ok({ id, token, expiresAt });
    },
    requestFullRead: (jobId, reason, { restores = false } = {}) =>
      changeJob(jobId, (job) => ({
        ...job,
        fullReadWanted: reason === WATERMARK_RESET ? reason : wishBeside(job.fullReadWanted, reason),
        fullReadWantedAt: deps.clock.now(),
        ...(restores ? { restoredAt: deps.clock.now() } : {}),
      })),
    async scope(jobId) {
      const job = (await readRow<JobRow>(jobs, jobId, ROW.job))?.value;
      if (!job) return noSuchJob(jobId);
      return ok({ jobId, scopeVersion: job.scopeVersion, ...orderedScope(scopeOf(job)) });
    },
    async setScope(jobId, asked, expectedVersion) {
      const scope = orderedScope(asked);
      let answer = { scopeVersion: 0, changed: false };
      let present = 0;
      const done = await changeJob(jobId, (job) => {
        present = job.scopeVersion;
        if (expectedVersion !== undefined && present !== expectedVersion) return job;
        const changed = JSON.stringify(orderedScope(scopeOf(job))) !== JSON.stringify(scope);
        answer = { scopeVersion: job.scopeVersion + (changed ? 1 : 0), changed };
        return changed ? { ...job, scopeVersion: answer.scopeVersion, settings: { ...job.settings, scope } } : job;
      });
      if (done.ok && expectedVersion !== undefined && present !== expectedVersion)
        return scopeNotExpected(jobId, expectedVersion, present);
      return done.ok ? ok({ jobId, ...answer }) : done;
    },
    setPaused: (jobId, paused) =>
      changeJob(jobId, (job) => {
        if (paused) return { ...job, state: "paused" };
        return job.state === "active" ? job : { ...job, state: "active", resumedAt: deps.clock.now() };
      }),
  };
}

/** The rows that a new job begins with. */
export function jobOperations(
  of: ConfigurationEntry &
    Pick<JobRow, "domainNetBios" | "settings" | "targetKey" | "domain"> & {
      readonly now: number;
      readonly nextReadNo?: number;
    },
): RowOperation[] {
  const { jobId, configurationId, displayName, targetKey, domainFqdn, domainNetBios, domain, settings, now } = of;
  const job: JobRow = {
    ...{ jobId, configurationId, displayName, targetKey },
    state: "active",
    domainFqdn,
    domainNetBios,
    ...(domain ? { domain } : {}),
    schemaVersion: 1,
    scopeVersion: 1,
    settings,
    createdAt: now,
    ...(of.nextReadNo === undefined ? { objectFormat: OBJECT_FORMAT } : {}),
    fullReadWanted: null,
    fullReadWantedAt: 0,
    lastFullReadAt: null,
    steadyStateAt: null,
    lastScheduledAt: null,
    ...heldAtFirst(settings, now),
  };
  return [
    { op: "insert", row: ROW.job, values: pack(job) },
    { op: "insert", row: ROW.reads, values: pack({ ...noReads(now), nextReadNo: of.nextReadNo ?? 1 }) },
    ...(["bulk", "live"] as const).map(
      (lane): RowOperation => ({
        op: "insert",
        row: ROW.inbox(lane),
        values: { n: 0 },
      }),
    ),
  ];
}

/** As a new job begins. */
function heldAtFirst(
  { firstExport, mode }: Pick<JobRow["settings"], "mode" | "firstExport">,
  at: number,
): Pick<JobRow, "exportsHeld"> {
  if (firstExport === "approval") return { exportsHeld: { because: "first-export", at } };
  return mode === "staging" ? { exportsHeld: { because: "staging", at } } : {};
}

function orderedScope({ organizationalUnits, groups }: AgentScope): AgentScope {
  return { organizationalUnits: [...new Set(organizationalUnits)].sort(), groups: [...new Set(groups)].sort() };
}

/** `target`: where in the body the schedule stands. */
export function invalidSchedule(target: string, fault: string): { readonly ok: false; readonly failure: Failure } {
  return fail({
    status: 422,
    code: "invalid-body",
    message: `The configuration is refused at '${target}': ${fault}`,
    remedy: "Give a cron expression of five fields and an IANA time zone, such as '0 2 * * *' and 'Europe/Berlin'.",
    details: [{ target, message: fault }],
  });
}

function scopeNotExpected(jobId: string, expected: number, present: number) {
  return fail({
    status: 409,
    code: "scope-version-not-expected",
    message: `The scope of job ${jobId} is at version ${present}, not ${expected}: somebody changed it.`,
    remedy: "Look at the scope that is in effect, and decide anew.",
  });
}

export function tokenDigest(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

function configurationExists({ domainFqdn, configurationId, jobId }: ConfigurationEntry) {
  const { failure } = existsAlready(`A configuration of ${domainFqdn} (${configurationId})`);
  if (jobId !== "") return fail(failure);
  const message = `A configuration of ${domainFqdn} (${configurationId}) is there already; its job was deleted.`;
  return fail({
    ...failure,
    message,
    remedy: `Make its next job (uplink job create ${domainFqdn} --sign-in …); plan again where you plan.`,
  });
}

export function noSuchConfiguration(configurationId: string): { readonly ok: false; readonly failure: Failure } {
  return fail({
    status: 404,
    code: "configuration-not-found",
    message: `There is no configuration ${configurationId}.`,
    remedy: "List the configurations and take an id from there.",
  });
}

export function noSuchJob(jobId: string): { readonly ok: false; readonly failure: Failure } {
  return fail({
    status: 404,
    code: "job-not-found",
    message: `There is no job ${jobId}.`,
    remedy: "List the jobs and take an id from there.",
  });
}

function noReads(now: number): ReadsRow {
  return {
    nextReadNo: 1,
    openReadNo: 0,
    kind: "full",
    reason: "",
    leaseEpoch: 0,
    agentId: "",
    nextSequence: 1,
    objects: 0,
    digest: "",
    upserts: 0,
    invocationId: null,
    server: "",
    visibility: null,
    schemaVersion: 1,
    scopeVersion: 1,
    attributeSetHash: "",
    fullAttributeSetHash: null,
    fullScopeVersion: null,
    fullSchemaVersion: null,
    startedAt: now,
    lastBatchAt: 0,
    accepted: null,
    atStart: null,
  };
}
