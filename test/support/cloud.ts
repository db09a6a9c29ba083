/**
 * The whole cloud side in memory: real use cases, real orchestrators, memory adapters, and a tiny agent that sends
 * changes through the real acceptance, with proofs left to their own tests.
 */
import { createHash, randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { UseCaseSettings } from "../../functions/parts.ts";
import { createUseCases, type UseCases } from "../../functions/use-cases.ts";
import { backUp } from "../../orchestrations/back-up.orchestrator.ts";
import { migrate } from "../../orchestrations/migrate.orchestrator.ts";
import { ORCHESTRATOR } from "../../orchestrations/names.ts";
import { processBatch, processWork } from "../../orchestrations/process-batch.orchestrator.ts";
import { readEnd } from "../../orchestrations/read-end.orchestrator.ts";
import { reconcile } from "../../orchestrations/reconcile.orchestrator.ts";
import { syncRun } from "../../orchestrations/sync-run.orchestrator.ts";
import { whatIf } from "../../orchestrations/what-if.orchestrator.ts";
import { createMemoryBlobStore } from "../../shared/adapters/memory/blob-store.ts";
import { createMemoryRowStore } from "../../shared/adapters/memory/row-store.ts";
import {
  createMemoryTargetDirectory,
  type MemoryTargetOptions,
} from "../../shared/adapters/memory/target-directory.ts";
import { createWatchedLog } from "../../shared/adapters/telemetry/watched-log.ts";
import type { ProvenAgent } from "../../shared/application/agents/verify-proof.ts";
import type { AgentRow } from "../../shared/application/state/agent-rows.ts";
import type { HeartbeatRequest, ReadOrder } from "../../shared/contracts/agent-api.ts";
import { batchIdOf, type Change, ChangeBatch, type DomainIdentity } from "../../shared/contracts/change.ts";
import type { JobSettings } from "../../shared/contracts/configuration.ts";
import type { QuarantineSettings } from "../../shared/domain/quarantine.ts";
import type { BlobStore } from "../../shared/ports/blob-store.ts";
import type { Lane } from "../../shared/ports/doorbell.ts";
import type { Log } from "../../shared/ports/log.ts";
import type { RowStore } from "../../shared/ports/row-store.ts";
import type { SecretStore } from "../../shared/ports/secret-store.ts";
import type { TargetDirectory } from "../../shared/ports/target-directory.ts";
import type { Telemetry } from "../../shared/ports/telemetry.ts";
import { createDriver, type DriverDeps } from "./orchestration-driver.ts";

/** The documented numbers, which are the settings' defaults. */
export const DEFAULT_QUARANTINE: QuarantineSettings = {
  failures: 5_000,
  percent: 40,
  count: 40_000,
  total: 60_000,
  retryHours: [6, 12, 24],
  disableAfterDays: 28,
};

export const START = Date.UTC(2026, 0, 5, 8, 0, 0);

export interface CloudOptions {
  readonly target?: MemoryTargetOptions;
  readonly settings?: Partial<JobSettings>;
  readonly beforeActivity?: DriverDeps["beforeActivity"];
  readonly chunkObjects?: number;
  readonly escrowsAtOnce?: number;
  readonly clonedAgent?: "refuse" | "lock";
  /** Writes in 150 seconds; nobody watches them when left out. */
  readonly quota?: number;
  readonly quarantine?: Partial<QuarantineSettings>;
  /** Faults of storage are put in here. */
  readonly wrapRows?: (rows: RowStore) => RowStore;
  readonly wrapBlobs?: (blobs: BlobStore) => BlobStore;
  /** Instead of the memory target, which then stays empty. */
  readonly targetDirectory?: TargetDirectory;
  readonly secrets?: SecretStore;
  readonly probeTarget?: (appKey: string | undefined) => Promise<unknown>;
  /** A clock that others move, and how a timer waits for it. */
  readonly time?: { readonly clock: DriverDeps["clock"]; readonly sleepUntil: (at: number) => Promise<void> };
  /** What happens while somebody waits for somebody else; left out: nothing, and no time passes. */
  readonly pause?: (milliseconds: number) => Promise<void>;
  /** How long somebody waits for work of his own; left out: by the clock on the wall. */
  readonly inTime?: UseCaseSettings["inTime"];
  readonly credentialEndsAt?: number;
  /** Instead of keeping all lines. */
  readonly log?: Log;
  /** Told as the service's own would be, the log's events among the rest; left out: nobody watches. */
  readonly telemetry?: Telemetry;
  /** Around every activity: a test may call it twice, fail it, or look at what it left behind. */
  readonly aroundActivity?: (name: string, input: unknown, run: () => Promise<unknown>) => Promise<unknown>;
}

export async function createCloud(options: CloudOptions = {}) {
  let now = START;
  const clock = options.time?.clock ?? {
    now: () => now,
    set: (to: number) => {
      now = to;
    },
  };
  const rows = (options.wrapRows ?? ((own) => own))(createMemoryRowStore());
  const blobs = (options.wrapBlobs ?? ((own) => own))(createMemoryBlobStore());
  const target = createMemoryTargetDirectory({ verifiedDomains: ["corp.example"], ...options.target });
  const bells: { jobId: string; lane: Lane }[] = [];
  const logged: { level: string; event: string; fields: unknown }[] = [];
  const level = (name: string) => (event: string, fields?: unknown) => void logged.push({ level: name, event, fields });
  const kept: Log = { debug: level("debug"), info: level("info"), warn: level("warn"), error: level("error") };
  const { telemetry } = options;
  const log = options.log ?? (telemetry ? createWatchedLog(kept, telemetry) : kept);
  const cloud: UseCases = createUseCases(
    {
      rows,
      blobs,
      target: options.targetDirectory ?? target,
      clock,
      log,
      random: { bytes: (count) => randomBytes(count) },
      ...(options.secrets ? { secrets: options.secrets } : {}),
      ...(options.probeTarget ? { probeTarget: options.probeTarget } : {}),
      ...(telemetry ? { telemetry } : {}),
      doorbell: { ring: async (jobId, lane) => void bells.push({ jobId, lane }), close: async () => undefined },
    },
    {
      targetKey: "tenant",
      publicUrl: "https://uplink.example",
      admin: { audience: "api://uplink", tenantId: "tenant", authorityUrl: "https://login.example" },
      times: {
        heartbeatMs: 60_000,
        leaseMs: 180_000,
        agentSilentMs: 180_000,
        unrungMs: 120_000,
        stuckMs: 600_000,
        watermarkMaxAgeMs: 90 * 86_400_000,
        payloadRetentionMs: 7 * 86_400_000,
      },
      chunkObjects: options.chunkObjects ?? 200,
      escrowsAtOnce: options.escrowsAtOnce ?? 1000,
      ...(options.clonedAgent === undefined ? {} : { clonedAgent: options.clonedAgent }),
      logMonths: 12,
      ...(options.quota === undefined ? {} : { quota: { key: "cloud:tenant:app", writes: options.quota } }),
      quarantine: { ...DEFAULT_QUARANTINE, ...options.quarantine },
      pause: options.pause ?? (async () => undefined),
      ...(options.inTime ? { inTime: options.inTime } : {}),
      ...(options.credentialEndsAt === undefined ? {} : { credentialEndsAt: options.credentialEndsAt }),
    },
  );
  const driver = createDriver({
    clock,
    activities: wrapped(cloud.activities, options.aroundActivity),
    orchestrators: {
      [ORCHESTRATOR.syncRun]: syncRun,
      [ORCHESTRATOR.processBatch]: processBatch,
      [ORCHESTRATOR.processWork]: processWork,
      [ORCHESTRATOR.readEnd]: readEnd,
      [ORCHESTRATOR.whatIf]: whatIf,
      [ORCHESTRATOR.reconcile]: reconcile,
      [ORCHESTRATOR.backUp]: backUp,
      [ORCHESTRATOR.migrate]: migrate,
    },
    ...(options.beforeActivity ? { beforeActivity: options.beforeActivity } : {}),
    ...(options.time ? { sleepUntil: options.time.sleepUntil } : {}),
  });
  const wakeJob = cloud.wakeJobWith(driver);

  /** Answers every bell, then waits until nothing runs. */
  async function run(): Promise<void> {
    while (bells.length > 0) {
      for (const bell of bells.splice(0)) await wakeJob(bell.jobId, bell.lane);
      await driver.settled();
    }
  }

  async function addDomain(fqdn: string, settings: Partial<JobSettings> = {}) {
    const made = await cloud.routes.configurations.create({
      displayName: fqdn,
      domainFqdn: fqdn,
      domainNetBios: fqdn.split(".")[0]?.toUpperCase() ?? "CORP",
      settings: {
        scope: { organizationalUnits: [], groups: [] },
        trustVisibility: { by: "test", at: "2026-01-01" },
        guard: { floor: 20, count: 500, percent: 10 },
        suffixPolicy: "replace",
        signIn: "ownProcess",
        firstExport: "automatic",
        fullSync: { schedule: "0 2 * * *", timeZone: "UTC" },
        ...options.settings,
        ...settings,
      },
    });
    if (!made.ok) throw new Error(made.failure.message);
    return createAgent({ ...made.value, fqdn });
  }

  async function createAgent(entry: {
    readonly configurationId: string;
    readonly jobId: string;
    readonly fqdn: string;
  }) {
    const { jobId, configurationId } = entry;
    const domain: DomainIdentity = {
      objectGuid: guidOf(`domain ${entry.fqdn}`),
      sid: "S-1-5-21-1-2-3",
      fqdn: entry.fqdn,
    };
    const token = await cloud.routes.configurations.createToken(
      configurationId,
      { minutes: 60, policy: "active" },
      "test",
    );
    if (!token.ok) throw new Error(token.failure.message);
    const keyId = `key-${randomBytes(4).toString("hex")}`;
    const enrolled = await cloud.routes.enrolAgent(
      {
        token: token.value.token,
        publicKey: { kty: "EC", crv: "P-256", x: "x", y: "y" },
        name: "agent",
        version: "1",
        platform: "test",
        domain,
      },
      { keyId, boot: "boot-1" },
    );
    if (!enrolled.ok) throw new Error(enrolled.failure.message);
    const stored: Pick<AgentRow, "agentId" | "configurationId" | "jobId"> = {
      agentId: enrolled.value.agentId,
      configurationId,
      jobId,
    };
    const proven = { agent: stored as AgentRow, boot: "boot-1" } satisfies ProvenAgent;
    let usn = 1000;

    async function heartbeat(request: Partial<HeartbeatRequest> = {}) {
      return cloud.routes.heartbeat(proven, { version: "1", domain, want: "delta", ...request });
    }
    async function order(want: "delta" | "full" | "continue"): Promise<ReadOrder> {
      const reply = await heartbeat({ want });
      if (!reply.ok) throw new Error(reply.failure.message);
      if (!reply.value.order) throw new Error("The heartbeat gave no read order.");
      return reply.value.order;
    }
    function batch(
      read: ReadOrder,
      sequence: number,
      changes: readonly Change[],
      more: Partial<ChangeBatch> = {},
    ): ChangeBatch {
      return ChangeBatch.parse({
        version: 1,
        batchId: batchIdOf(read.jobId, read.readNo, sequence),
        jobId: read.jobId,
        readNo: read.readNo,
        sequence,
        kind: read.kind,
        leaseEpoch: read.leaseEpoch,
        schemaVersion: read.schemaVersion,
        scopeVersion: read.scopeVersion,
        attributeSetHash: read.attributeSetHash,
        domain,
        dsa: { invocationId: guidOf("dc"), dnsName: "dc1", highestCommittedUsn: String(usn) },
        visibility: "partial",
        watermarkBefore: read.watermark?.id ?? null,
        isLast: false,
        changes,
        ...more,
      });
    }
    async function send(sent: ChangeBatch) {
      return cloud.routes.acceptBatch(proven, { jobId, body: gzipSync(JSON.stringify(sent)), isGzip: true });
    }
    /** One whole read, in batches of `size`; then everything runs. */
    async function read(want: "delta" | "full", changes: readonly Change[], size = 1000) {
      const parts = Array.from({ length: Math.max(1, Math.ceil(changes.length / size)) }, (_, at) =>
        changes.slice(at * size, (at + 1) * size),
      );
      const given = await sendRead(want, parts, parts.length);
      await run();
      return given;
    }
    /** One whole read in so many parts, one a batch; nothing runs by this. */
    async function sendRead(want: "delta" | "full", parts: Iterable<readonly Change[]>, batches: number) {
      const given = await order(want);
      let digest = "";
      let objects = 0;
      let sequence = 0;
      usn += 10;
      const token = randomBytes(6).toString("base64");
      for (const part of parts) {
        sequence++;
        objects += part.length;
        const isLast = sequence === batches;
        const sent = batch(given, sequence, part, {
          isLast,
          ...(isLast
            ? {
                end: { batches, objects, digest },
                watermarkAfter: {
                  mode: "dirsync" as const,
                  id: hash(token),
                  token,
                  invocationId: guidOf("dc"),
                  dnsName: "dc1",
                  usn: String(usn),
                  at: new Date(clock.now()).toISOString(),
                },
              }
            : {}),
        });
        const accepted = await send(sent);
        if (!accepted.ok) throw new Error(accepted.failure.message);
        digest = hash(digest + hash(JSON.stringify(sent)));
      }
      return given;
    }
    async function status() {
      const found = await cloud.routes.queries.status(jobId);
      if (!found.ok) throw new Error(found.failure.message);
      return found.value;
    }
    return { ...entry, domain, keyId, proven, heartbeat, order, batch, send, read, sendRead, status };
  }

  const tick = () => cloud.tickWith(driver)();
  return {
    cloud,
    target,
    rows,
    blobs,
    clock,
    driver,
    run,
    addDomain,
    addAgent: createAgent,
    tick,
    wakeJob,
    logged,
    bells,
  };
}

function wrapped(activities: UseCases["activities"], around: CloudOptions["aroundActivity"]): DriverDeps["activities"] {
  if (!around) return activities;
  return Object.fromEntries(
    Object.entries(activities).map(([name, run]) => [name, (input: unknown) => around(name, input, () => run(input))]),
  );
}

export type Cloud = Awaited<ReturnType<typeof createCloud>>;

/** A GUID from a name, so that tests can speak of people. */
export function guidOf(name: string): string {
  const hex = createHash("sha256").update(name).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** A user as an agent sends one. */
export function aUser(
  name: string,
  attributes: Readonly<Record<string, string | readonly string[]>> = {},
  changed?: readonly string[],
): Change {
  const all: Record<string, string | readonly string[]> = {
    sAMAccountName: name,
    userPrincipalName: `${name}@corp.example`,
    cn: name,
    displayName: name,
    userAccountControl: "512",
    ...attributes,
  };
  const values = Object.fromEntries(
    Object.entries(all).map(([key, value]) => [key, typeof value === "string" ? [value] : [...value]]),
  );
  return {
    op: "upsert",
    objectGuid: guidOf(name),
    objectClass: "user",
    dn: `CN=${name},OU=People,DC=corp,DC=example`,
    attributes: values,
    ...(changed ? { changed: [...changed] } : {}),
  };
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
