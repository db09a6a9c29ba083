/**
 * One history, played: forests, agents, the whole cloud side over a fake Graph, stores behind gates, orchestrators that replay at
 * every cut, all on one kernel. After every step the oracles look; at the end the faults stop, admins mend what only they can, time
 * passes, and the target has to be the projection, with nothing left to write.
 */
import { createUseCases, type UseCases } from "../../functions/use-cases.ts";
import { migrate } from "../../orchestrations/migrate.orchestrator.ts";
import { ORCHESTRATOR } from "../../orchestrations/names.ts";
import { processBatch, processWork } from "../../orchestrations/process-batch.orchestrator.ts";
import { readEnd } from "../../orchestrations/read-end.orchestrator.ts";
import { reconcile } from "../../orchestrations/reconcile.orchestrator.ts";
import { syncRun } from "../../orchestrations/sync-run.orchestrator.ts";
import { whatIf } from "../../orchestrations/what-if.orchestrator.ts";
import { createGraphTargetDirectory } from "../../shared/adapters/graph/graph-target-directory.ts";
import { type BatchRow, type JobRow, listRows, pack, ROW, readRow } from "../../shared/application/state/job-rows.ts";
import type { JobSettings } from "../../shared/contracts/configuration.ts";
import type { BlobStore } from "../../shared/ports/blob-store.ts";
import type { Lane } from "../../shared/ports/doorbell.ts";
import type { Log } from "../../shared/ports/log.ts";
import type { RowStore } from "../../shared/ports/row-store.ts";
import type { TargetDirectory } from "../../shared/ports/target-directory.ts";
import { DEFAULT_QUARANTINE, START } from "../support/cloud.ts";
import { createAgent, type SimulatedAgent } from "./agent.ts";
import { createDurable, isActivity } from "./durable.ts";
import { createFaultBox, type FaultBox } from "./faults.ts";
import { createForest, type Forest } from "./forest.ts";
import { createFakeGraph, type FakeGraph, ROOT } from "./graph.ts";
import { type Kernel, Stuck, turn } from "./kernel.ts";
import { createOracles, type Oracles, Violation } from "./oracles.ts";
import type { Dice } from "./random.ts";
import { bytesFrom } from "./seeded-crypto.ts";
import type { History } from "./steps.ts";
import { gatedBlobs, gatedRows } from "./stores.ts";
import { createStrangers, type Strangers } from "./strangers.ts";

export interface Stores {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
}

/** A change of the engine that the oracles must notice. */
export interface Mutation {
  readonly rows?: (rows: RowStore) => RowStore;
  readonly blobs?: (blobs: BlobStore) => BlobStore;
  readonly target?: (target: TargetDirectory, graph: FakeGraph) => TargetDirectory;
  readonly activities?: (activities: UseCases["activities"]) => UseCases["activities"];
}

export interface World {
  readonly history: History;
  readonly kernel: Kernel;
  readonly graph: FakeGraph;
  readonly faults: FaultBox;
  readonly forests: readonly Forest[];
  readonly agents: readonly SimulatedAgent[];
  readonly oracles: Oracles;
  readonly strangers: Strangers;
  readonly stores: Stores;
  /** A request that no fault hits; the rest runs beside it until it is over. */
  perform<T>(name: string, work: (cloud: UseCases) => Promise<T>): Promise<T>;
  /** Something outside of the service, that asks it. */
  attempt<T>(work: () => Promise<T>): Promise<T>;
  tick(): Promise<void>;
  /** Every process of the service dies, and comes back. */
  crash(): void;
  /** Lets the payload of a batch that waits disappear. */
  loseBlob(jobId: string): Promise<boolean>;
  setGuard(jobId: string, guard: History["guard"]): Promise<void>;
  check(): Promise<void>;
  /** Which schema each forest's job has by now. */
  readonly variants: Map<number, number>;
  readonly broken: readonly string[];
  readonly logged: readonly { readonly level: string; readonly event: string; readonly fields: unknown }[];
}

const TIMES = {
  heartbeatMs: 60_000,
  leaseMs: 180_000,
  agentSilentMs: 180_000,
  unrungMs: 120_000,
  stuckMs: 600_000,
  watermarkMaxAgeMs: 90 * 86_400_000,
  payloadRetentionMs: 7 * 86_400_000,
};
const MOST_RINGS = 4;
/** Hosts that share the work. */
const PROCESSES = 2;

export async function createWorld(
  history: History,
  stores: Stores,
  options: {
    readonly kernel: Kernel;
    readonly dice: Dice;
    readonly trace: (line: string) => void;
    readonly mutation?: Mutation;
    readonly checksOften: boolean;
  },
): Promise<World> {
  const { mutation = {}, kernel, dice } = options;
  const trace = (line: string) => options.trace(`${new Date(kernel.now()).toISOString()} ${line}`);
  const faults = createFaultBox(trace);
  const logged: { level: string; event: string; fields: unknown }[] = [];
  const level = (name: string) => (event: string, fields?: unknown) => {
    logged.push({ level: name, event, fields });
    if (name !== "debug") trace(`log ${name} ${event} ${JSON.stringify(fields ?? {})}`);
  };
  const log: Log = { debug: level("debug"), info: level("info"), warn: level("warn"), error: level("error") };
  const graph = createFakeGraph({ kernel, faults, trace, verifiedDomains: ["corp.example", "beta.example"] });
  let writes = 0;
  const noteWrite = (table: string): void => {
    if (table === "jobs") writes++;
  };
  const createProcess = (): UseCases => {
    const target = createGraphTargetDirectory({
      baseUrl: ROOT,
      credential: graph.credential,
      scope: "https://graph.example/.default",
      log,
      random: { bytes: (count) => bytesFrom(dice, count) },
      clock: kernel,
      maxParallelBatches: 2,
      fetch: graph.fetch,
      sleep: (ms) => kernel.sleep(ms),
    });
    return createUseCases(
      {
        rows: (mutation.rows ?? same)(gatedRows(stores.rows, kernel, faults, noteWrite)),
        blobs: (mutation.blobs ?? same)(gatedBlobs(stores.blobs, kernel, faults)),
        target: mutation.target?.(target, graph) ?? target,
        clock: kernel,
        log,
        random: { bytes: (count) => bytesFrom(dice, count) },
        doorbell: { ring, close: async () => undefined },
      },
      {
        targetKey: "tenant",
        publicUrl: "https://uplink.example",
        admin: { audience: "api://uplink", tenantId: "tenant", authorityUrl: "https://login.example" },
        times: TIMES,
        chunkObjects: history.chunkObjects,
        escrowsAtOnce: 1_000,
        logMonths: 12,
        ...(history.quota === null ? {} : { quota: { key: "cloud:tenant:app", writes: history.quota } }),
        quarantine: DEFAULT_QUARANTINE,
      },
    );
  };
  const ring = (jobId: string, lane: Lane) =>
    kernel.call("bell", 5, async () => {
      if (faults.take("bell", "unreachable")) throw new Error("The bus doesn't answer.");
      if (faults.take("bell", "dead-lettered")) return;
      deliver({ jobId, lane, tries: 0 });
      if (faults.take("bell", "twice")) deliver({ jobId, lane, tries: 0 });
    });
  /** Each with caches of its own; one that dies comes back without them. */
  const processes = Array.from({ length: PROCESSES }, createProcess);
  const processOf = (number: number): UseCases => processes[number] ?? raise();
  const nextProcess = () => dice.below(PROCESSES);
  const kill = (number: number): void => {
    processes[number] = createProcess();
    kernel.killProcess(number);
  };
  let isDue = false;
  const durable = createDurable({
    kernel,
    nextProcess,
    activities: (number) => (mutation.activities ?? same)(processOf(number).activities),
    orchestrators: {
      [ORCHESTRATOR.syncRun]: syncRun,
      [ORCHESTRATOR.processBatch]: processBatch,
      [ORCHESTRATOR.processWork]: processWork,
      [ORCHESTRATOR.readEnd]: readEnd,
      [ORCHESTRATOR.whatIf]: whatIf,
      [ORCHESTRATOR.reconcile]: reconcile,
      [ORCHESTRATOR.migrate]: migrate,
    },
    losesCompletion: () => faults.take("activity", "completion-lost"),
    onActivityEnd: () => {
      isDue = true;
    },
  });
  kernel.judge = (task) => {
    if (!isActivity(task)) return "go";
    const isKilled = faults.takeAny("activity", ["killed-before", "killed-after"]);
    if (isKilled !== undefined && task.process !== undefined) {
      // What dies comes back with empty caches.
      processes[task.process] = createProcess();
      return isKilled === "killed-before" ? "die-before" : "die-after";
    }
    if (faults.take("activity", "called-twice")) task.about.repeat();
    return "go";
  };

  function deliver(bell: { readonly jobId: string; readonly lane: Lane; readonly tries: number }): void {
    const again = () => {
      if (bell.tries < MOST_RINGS) kernel.at(kernel.now() + 10_000, () => deliver({ ...bell, tries: bell.tries + 1 }));
    };
    const process = nextProcess();
    const wakeJob = processOf(process).wakeJobWith(durable);
    void kernel.spawn({ name: "WakeJob", process, onKilled: again }, () => wakeJob(bell.jobId, bell.lane)).catch(again);
  }

  async function step(calls: number): Promise<void> {
    await kernel.run({ calls });
    if (!isDue || !options.checksOften) return;
    isDue = false;
    oracles.checkEffects();
    await oracles.checkAccounts();
  }

  /** Runs the rest beside it until it is over. */
  async function until<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    const settled = work.finally(() => {
      isOver = true;
    });
    settled.catch(() => undefined);
    await turn();
    while (!isOver) {
      const before = kernel.calls();
      const at = kernel.now();
      await step(1);
      await turn();
      if (!isOver && kernel.calls() === before && kernel.now() === at)
        throw new Stuck("A request waits, and nothing moves.");
    }
    return settled;
  }
  /** In a process of the service; fails as a connection does when that dies. */
  const request = <T>(name: string, work: (cloud: UseCases) => Promise<T>): Promise<T> => {
    const process = nextProcess();
    return new Promise((resolve, reject) => {
      const onKilled = () => reject(new Error("The connection was reset."));
      kernel.spawn({ name, process, onKilled }, () => work(processOf(process))).then(resolve, reject);
    });
  };
  const perform = <T>(name: string, work: (cloud: UseCases) => Promise<T>): Promise<T> =>
    until(kernel.spawn({ name }, () => work(processOf(0))));

  const forests = Array.from({ length: history.forests }, (_, number) => createForest({ number, kernel }));
  const agents: SimulatedAgent[] = [];
  for (const forest of forests) agents.push(await enrol(forest));
  const strangers = createStrangers({ graph, forests, note: faults.note });
  const oracles = createOracles({
    ...stores,
    strangers,
    graph,
    forests,
    agents,
    guard: history.guard,
    start: START,
    now: kernel.now,
    writes: () => writes,
  });

  async function enrol(forest: Forest): Promise<SimulatedAgent> {
    const settings = {
      scope: { organizationalUnits: [...forest.scope()], groups: [] },
      trustVisibility: null,
      guard: history.guard,
      suffixPolicy: "replace",
      signIn: "ownProcess",
      fullSync: { schedule: "0 2 * * *", timeZone: "UTC" },
      firstExport: history.asksFirst ? "approval" : "automatic",
    } as JobSettings;
    const { fqdn } = forest;
    return perform("Enrol", async (cloud) => {
      const made = await cloud.routes.configurations.create({
        displayName: fqdn,
        domainFqdn: fqdn,
        domainNetBios: fqdn.slice(0, 4).toUpperCase(),
        settings,
      });
      if (!made.ok) throw new Error(made.failure.message);
      const { configurationId, jobId } = made.value;
      const token = await cloud.routes.configurations.createToken(
        configurationId,
        { minutes: 60, policy: "active" },
        "test",
      );
      if (!token.ok) throw new Error(token.failure.message);
      const domain = {
        objectGuid:
          forest.number === 0 ? "11111111-1111-4111-8111-111111111111" : "22222222-2222-4222-8222-222222222222",
        sid: forest.number === 0 ? "S-1-5-21-1-2-3" : "S-1-5-21-1-2-4",
        fqdn,
      };
      const enrolled = await cloud.routes.enrolAgent(
        {
          token: token.value.token,
          publicKey: { kty: "EC", crv: "P-256", x: "x", y: "y" },
          name: `agent ${forest.number}`,
          version: "1",
          platform: "simulation",
          domain,
        },
        { keyId: `key-${forest.number}`, boot: "boot-1" },
      );
      if (!enrolled.ok) throw new Error(enrolled.failure.message);
      const { agentId } = enrolled.value;
      return createAgent({
        forest,
        kernel,
        request,
        faults,
        log,
        trace,
        enrolled: { agentId, configurationId, jobId },
      });
    });
  }

  async function check(): Promise<void> {
    oracles.checkEffects();
    await oracles.checkAccounts();
    await oracles.checkStores();
    const [broken] = durable.broken;
    if (broken !== undefined) throw new Violation("orchestration", broken);
  }

  return {
    history,
    kernel: { ...kernel, run: async (own) => void (await runAll(own?.calls)) },
    graph,
    faults,
    forests,
    agents,
    oracles,
    strangers,
    stores,
    perform,
    attempt: (work) => until(kernel.spawn({ name: "Agent" }, work)),
    tick: async () => {
      const ticking = request("Tick", (cloud) => cloud.tickWith(durable)());
      await until(ticking).catch((error: unknown) => trace(`tick failed: ${String(error)}`));
    },
    crash() {
      for (let number = 0; number < PROCESSES; number++) kill(number);
    },
    async loseBlob(jobId) {
      const open = await listRows<BatchRow>(stores.rows.table("jobs"), jobId, "batch:");
      const found = open.find((own) => own.value.state === "accepted");
      if (!found) return false;
      oracles.excuseBlob(found.value.batchId);
      await stores.blobs.delete(found.value.blob);
      return true;
    },
    async setGuard(jobId, guard) {
      const jobs = stores.rows.table("jobs");
      const job = await readRow<JobRow>(jobs, jobId, ROW.job);
      if (!job) throw new Error(`Job ${jobId} is gone.`);
      const settings = { ...job.value.settings, guard };
      await jobs.transact(jobId, [{ op: "replace", row: ROW.job, values: pack({ ...job.value, settings }) }]);
    },
    check,
    variants: new Map(),
    broken: durable.broken,
    logged,
  };

  /** All that can move, or so many calls; the oracles look in between. */
  async function runAll(calls = Number.POSITIVE_INFINITY): Promise<void> {
    const before = kernel.calls();
    while (kernel.calls() - before < calls) {
      const at = kernel.calls();
      await step(options.checksOften ? 20 : 1_000);
      if (kernel.calls() === at) return;
    }
  }
}

const same = <T>(own: T): T => own;

function raise(): never {
  throw new Error("There is no such process.");
}
