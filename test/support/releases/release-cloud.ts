/**
 * The present cloud side on what a release left behind: its rows and blobs in memory, its target's objects in the memory
 * target, the present use cases and orchestrators on top.
 */
import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { acceptBatchRoute } from "../../../functions/accept-batch.http.ts";
import { heartbeatRoute } from "../../../functions/heartbeat.http.ts";
import type { Route, RouteRequest } from "../../../functions/http-route.ts";
import { createUseCases } from "../../../functions/use-cases.ts";
import { bytesOf } from "../../../local/releases/recorded-bytes.ts";
import type { RecordedRow, RecordedValue, Release } from "../../../local/releases/release-files.ts";
import { migrate } from "../../../orchestrations/migrate.orchestrator.ts";
import { ORCHESTRATOR } from "../../../orchestrations/names.ts";
import { processBatch, processWork } from "../../../orchestrations/process-batch.orchestrator.ts";
import { readEnd } from "../../../orchestrations/read-end.orchestrator.ts";
import { syncRun } from "../../../orchestrations/sync-run.orchestrator.ts";
import { whatIf } from "../../../orchestrations/what-if.orchestrator.ts";
import { createMemoryBlobStore } from "../../../shared/adapters/memory/blob-store.ts";
import { createMemoryRowStore } from "../../../shared/adapters/memory/row-store.ts";
import { createMemoryTargetDirectory } from "../../../shared/adapters/memory/target-directory.ts";
import type { ProvenAgent } from "../../../shared/application/agents/verify-proof.ts";
import { type AgentRow, agentTable } from "../../../shared/application/state/agent-rows.ts";
import { listRows } from "../../../shared/application/state/job-rows.ts";
import type { TargetValues } from "../../../shared/domain/target-value.ts";
import type { Lane } from "../../../shared/ports/doorbell.ts";
import type { Log } from "../../../shared/ports/log.ts";
import type { RowStore } from "../../../shared/ports/row-store.ts";
import { DEFAULT_QUARANTINE } from "../cloud.ts";
import { createDriver } from "../orchestration-driver.ts";

export type ReleaseCloud = Awaited<ReturnType<typeof openRelease>>;
export type ReleaseJob = Release["manifest"]["jobs"][number];

export interface ReleaseCloudOptions {
  /** Default: a clock that stands a minute after the recording. */
  readonly now?: () => number;
  readonly publicUrl?: string;
}

export async function openRelease(release: Release, options: ReleaseCloudOptions = {}) {
  const { manifest } = release;
  let stands = Date.parse(manifest.recordedAt) + 60_000;
  const clock = {
    now: options.now ?? (() => stands),
    set: (to: number) => {
      stands = to;
    },
  };
  const rows = createMemoryRowStore();
  await loadRows(rows, release.rows);
  const blobs = createMemoryBlobStore();
  for (const [path, content] of Object.entries(release.blobs)) await blobs.put(path, bytesOf(content));
  const { initialDomain, verifiedDomains } = manifest;
  const target = createMemoryTargetDirectory({ initialDomain, verifiedDomains });
  seed(target, release);

  const bells: { jobId: string; lane: Lane }[] = [];
  const logged: { level: string; event: string; fields: unknown }[] = [];
  const level = (name: string) => (event: string, fields?: unknown) => void logged.push({ level: name, event, fields });
  const log: Log = { debug: level("debug"), info: level("info"), warn: level("warn"), error: level("error") };
  const cloud = createUseCases(
    {
      ...{ rows, blobs, target, clock, log },
      random: { bytes: (count) => randomBytes(count) },
      doorbell: { ring: async (jobId, lane) => void bells.push({ jobId, lane }), close: async () => undefined },
    },
    {
      targetKey: manifest.targetKey,
      publicUrl: options.publicUrl ?? "https://uplink.example",
      admin: { audience: "api://uplink", tenantId: "tenant", authorityUrl: "https://login.example" },
      times: {
        heartbeatMs: 60_000,
        leaseMs: 10_000,
        agentSilentMs: 180_000,
        unrungMs: 120_000,
        stuckMs: 600_000,
        watermarkMaxAgeMs: 10_000 * 86_400_000,
        payloadRetentionMs: 10_000 * 86_400_000,
      },
      chunkObjects: 200,
      escrowsAtOnce: 1000,
      logMonths: 120,
      quarantine: DEFAULT_QUARANTINE,
    },
  );
  const driver = createDriver({
    clock,
    activities: cloud.activities,
    orchestrators: {
      [ORCHESTRATOR.syncRun]: syncRun,
      [ORCHESTRATOR.processBatch]: processBatch,
      [ORCHESTRATOR.processWork]: processWork,
      [ORCHESTRATOR.readEnd]: readEnd,
      [ORCHESTRATOR.whatIf]: whatIf,
      [ORCHESTRATOR.migrate]: migrate,
    },
  });
  const wakeJob = cloud.wakeJobWith(driver);

  /** Answers every bell, then waits until nothing runs. */
  async function run(): Promise<void> {
    while (bells.length > 0) {
      for (const bell of bells.splice(0)) await wakeJob(bell.jobId, bell.lane);
      await driver.settled();
    }
  }

  /** The job's agent as the release enrolled it. */
  async function agentOf(job: ReleaseJob): Promise<ProvenAgent> {
    const [stored] = await listRows<AgentRow>(agentTable(rows), job.configurationId, "agent:");
    if (!stored) throw new Error(`No agent is enrolled for ${job.fqdn}.`);
    return { agent: stored.value, boot: stored.value.boot };
  }

  /** A request as the agent's proof would let it through: parsed and answered by the route. Throws when it is refused. */
  async function ask(job: ReleaseJob, kind: "heartbeat" | "batch", body: unknown): Promise<unknown> {
    const route: Route =
      kind === "heartbeat" ? heartbeatRoute(cloud.routes.heartbeat) : acceptBatchRoute(cloud.routes.acceptBatch);
    const bytes = Buffer.from(JSON.stringify(body));
    const request: RouteRequest = {
      method: "POST",
      params: { jobId: job.jobId },
      query: new URLSearchParams(),
      body: kind === "batch" ? gzipSync(bytes) : bytes,
      ifMatch: null,
      origin: "https://uplink.example",
      isGzip: kind === "batch",
      signed: { method: "POST", path: "", proof: null, body: bytes },
    };
    if (route.guard !== "agent") throw new Error(`${route.name} is no route for agents.`);
    const result = await route.handle(request, await agentOf(job));
    if (result.ok) return result.value.body;
    throw new Error(`${route.name} refused what release ${manifest.version} sent: ${JSON.stringify(result.failure)}`);
  }

  async function status(job: ReleaseJob) {
    const found = await cloud.routes.queries.status(job.jobId);
    if (!found.ok) throw new Error(found.failure.message);
    return found.value;
  }

  return { ...{ cloud, clock, rows, blobs, target, bells, logged, driver, run, wakeJob, agentOf, ask, status } };
}

async function loadRows(store: RowStore, tables: Release["rows"]): Promise<void> {
  for (const [table, recorded] of Object.entries(tables)) {
    for (const [partition, row, values] of recorded) {
      const written = await store.table(table).transact(partition, [{ op: "insert", row, values: valuesOf(values) }]);
      if (!written.ok) throw new Error(`Row ${partition} ${row} of ${table} is recorded twice.`);
    }
  }
}

function valuesOf(values: RecordedRow[2]) {
  const plain = (value: RecordedValue) => (typeof value === "object" ? bytesOf(value) : value);
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, plain(value)]));
}

function seed(target: ReturnType<typeof createMemoryTargetDirectory>, release: Release): void {
  target.seed(
    release.target.map(({ kind, id, properties, manager, members, deleted }) => ({
      ...{ id, type: kind, deleted },
      values: { ...properties, ...(manager === undefined ? {} : { manager }) } as TargetValues,
      ...(members === undefined ? {} : { members }),
    })),
  );
}
