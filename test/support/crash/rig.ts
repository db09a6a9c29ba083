/**
 * What the crash tests kill and what they look at: a real directory, a host that reaches its storage through a door, two
 * agents of one domain that run until they are stopped, and the service's books, which can be read while it is dead.
 *
 * Everything that the service waits for is set to seconds, so that a test sees it recover and not wait.
 */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createBlobStore } from "../../../shared/adapters/blobs/blob-store.ts";
import { createTableRowStore } from "../../../shared/adapters/tables/row-store.ts";
import { type Stage, setUpStage } from "../../ad/stage.ts";
import { createAgent, type TestAgent } from "../runtime/agent.ts";
import type { Program } from "../runtime/program.ts";
import type { SceneOptions } from "../samba/scene.ts";
import { type Books, openBooks } from "./books.ts";
import { createJournalWitness, type JournalWitness } from "./journal-witness.ts";
import { createStorageDoor, type StorageDoor } from "./storage-door.ts";
import { traceOf } from "./trace.ts";

const visibilityTimeoutMs = 1000;

const hostSettings = {
  UPLINK_HEARTBEAT_SECONDS: "1",
  UPLINK_LEASE_SECONDS: "5",
  UPLINK_AGENT_SILENT_SECONDS: "6",
  UPLINK_UNRUNG_SECONDS: "1",
  // A run notes every half minute that it moves.
  UPLINK_STUCK_SECONDS: "60",
  UPLINK_TICK_SCHEDULE: "* * * * * *",
  // Small enough that several activities run at once.
  UPLINK_CHUNK_OBJECTS: "50",
  AzureFunctionsJobHost__extensions__durableTask__storageProvider__workItemQueueVisibilityTimeout: "00:00:01",
};
/** The target's budget of writes in 150 seconds, as the host knows it from its next start; 0: nobody counts. */
const budgetSetting = "UPLINK_TARGET_WRITES";
const agentIntervals = { retryFirstSeconds: 0.2, retryMostSeconds: 1 };

export type RunningAgent = {
  readonly name: string;
  /** As the service calls it. */
  readonly agentId: string;
  start(): void;
  kill(): Promise<void>;
  /** It ended though nobody asked it to. */
  hasGivenUp(): boolean;
  /** Asks it to end; returns its exit code. */
  stop(): Promise<number | null>;
  /** Batches that it has and the service has not acknowledged. */
  outbox(): Promise<number>;
  /** The end of what it has said since it was started last. */
  log(): string;
};

export type Rig = {
  readonly stage: Stage;
  readonly door: StorageDoor;
  readonly witness: JournalWitness;
  readonly books: Books;
  readonly rows: ReturnType<typeof createTableRowStore>;
  /** What the service has of an object, in words. */
  trace(objectGuid: string): Promise<string[]>;
  readonly agents: readonly RunningAgent[];
  /** Kills the host and starts it again, with another budget of writes in 150 seconds where one is given (0: none). */
  killHost(budget?: number): Promise<void>;
  /** What everybody said, for the message of a failed test. */
  said(): string;
  destroy(): Promise<void>;
};

/** How large the forest is; whatever the sample population knows besides users can be asked for. */
export type ForestSize = Pick<SceneOptions, "users" | "groups" | "largestGroup">;

export async function setUpRig(options: ForestSize & { readonly address: string }): Promise<Rig> {
  const door = createStorageDoor();
  const settings: Record<string, string> = { ...hostSettings };
  const stage = await setUpStage({ ...options, runtime: { hostSettings: settings, storageThrough: door.through } });
  const { runtime, job } = stage.main;
  try {
    const { controller, account } = stage;
    const second = await createAgent(runtime, "second", { kind: "ldap", controller, account });
    await second.mustEnrol(job);
    const agents = [await runningAgent("first", stage.main.agent), await runningAgent("second", second)];
    const connectionString = runtime.azurite.connectionString();
    const rows = createTableRowStore({ connectionString });
    const witness = createJournalWitness({
      ...{ hostFolder: runtime.hostFolder, folder: join(runtime.home, "witness"), visibilityTimeoutMs },
    });
    const blobs = createBlobStore({ connectionString, container: "uplink" });
    return {
      stage,
      door,
      rows,
      trace: (objectGuid) => traceOf({ rows, blobs, jobId: job.jobId }, objectGuid),
      agents,
      books: openBooks(rows, job.jobId),
      witness,
      async killHost(budget) {
        await runtime.host.end("SIGKILL");
        await witness.keep();
        if (budget !== undefined) settings[budgetSetting] = String(budget);
        await runtime.host.start();
      },
      said: () =>
        [...agents.map((agent) => `${agent.name}: ${agent.log()}`), `host: ${runtime.host.log().slice(-3000)}`].join(
          "\n",
        ),
      async destroy() {
        await Promise.all(agents.map((agent) => agent.kill()));
        await stage.destroy();
        await door.end();
      },
    };
  } catch (error) {
    await stage.destroy();
    throw error;
  }
}

/** `source`: settings of its source, over those that it was enrolled with. */
export async function runningAgent(
  name: string,
  agent: TestAgent,
  source: Readonly<Record<string, unknown>> = {},
): Promise<RunningAgent> {
  const file = join(agent.state, "agent.json");
  const config = JSON.parse(await readFile(file, "utf8")) as {
    agentId: string;
    source: Readonly<Record<string, unknown>>;
  };
  const changed = { ...config, source: { ...config.source, ...source }, intervals: agentIntervals };
  await writeFile(file, JSON.stringify(changed));
  let program: Program | undefined;
  let isWanted = false;
  return {
    name,
    agentId: config.agentId,
    start: () => {
      isWanted = true;
      program = agent.start("run");
    },
    async kill() {
      isWanted = false;
      await program?.end("SIGKILL");
    },
    hasGivenUp: () => isWanted && program?.hasEnded() === true,
    async stop() {
      isWanted = false;
      await program?.end("SIGTERM");
      return program === undefined ? null : program.ended;
    },
    outbox: async () =>
      (await readdir(join(agent.state, "outbox")).catch(() => [])).filter((file) => file.endsWith(".batch")).length,
    log: () => (program?.stderr() ?? "").slice(-2000),
  };
}
