/**
 * One size of the bench: a fresh runtime, and on it the initial sync, a full read in which nothing changed, and one in
 * which a hundredth of the users did.
 *
 * The source is LDIF, which knows full reads only: the last two send every user again, and it is the cloud side that
 * finds out what changed. Host, agent, Azurite and the directory stand-in are processes of their own, as in `npm start`;
 * Azurite keeps everything in memory and the stand-in has no quota, so that neither disk nor quota is what is measured.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { AgentPlan } from "../local/start/agents.ts";
import { logTail, startChild } from "../local/start/child-process.ts";
import { projectRoot } from "../local/start/home.ts";
import type { Runtime } from "../local/start/runtime.ts";
import type { SecureFetch } from "../local/start/secure-fetch.ts";
import type { ConfigurationReply } from "../shared/contracts/admin/configurations.ts";
import type { CycleReply } from "../shared/contracts/admin/cycles.ts";
import { watchForClose } from "./close-watch.ts";
import { benchLdif, fewestWrites, groupsFor, MEMBERS_A_GROUP } from "./forest.ts";
import { difference, type Measured, type Meter, MeterReading, takeReadings } from "./measured.ts";
import { meterModule, withMeteredRuntime } from "./metered-runtime.ts";

export interface BenchOptions {
  readonly users: number;
  /** A folder for CPU profiles of the host, one a run. */
  readonly profiles?: string;
  readonly log: (line: string) => void;
  readonly done: (measured: Measured) => void;
}

interface Bench {
  readonly users: number;
  readonly runtime: Runtime;
  readonly fetch: SecureFetch;
  readonly meter: Meter;
  readonly configuration: ConfigurationReply;
  readonly plan: AgentPlan;
  readonly profiles?: string;
}

/** Calls `done` after each run. Rejects when a process fails or a cycle isn't closed in time; the logs are kept then. */
export async function benchSize({ users, profiles, log, done }: BenchOptions): Promise<void> {
  await withMeteredRuntime(log, async ({ runtime, folder, meter, fetch, configuration }) => {
    const file = join(folder, "bench.ldif");
    await writeFile(file, benchLdif(users));
    const plan: AgentPlan = {
      name: "bench",
      configurationId: configuration.id,
      source: ["--source", "ldif", "--file", file],
    };
    await runtime.agents.enrol(plan);
    const bench: Bench = { users, runtime, fetch, meter, configuration, plan, ...(profiles ? { profiles } : {}) };
    log(`${users} users: initial sync …`);
    done(await measure(bench, "initial sync", fewestWrites(users)));
    log(`${users} users: the same read again …`);
    await runtime.admin.act(configuration, "restart");
    done(await measure(bench, "no change (full read)", 0));
    log(`${users} users: a hundredth of them changed …`);
    await writeFile(file, benchLdif(users, 1));
    done(await measure(bench, "1 % changed (full read)", Math.ceil(users / 100)));
  });
}

async function measure(bench: Bench, run: string, fewest: number): Promise<Measured> {
  const { runtime, meter, users } = bench;
  const closed = await watchForClose(runtime);
  await meter.reset();
  const before = await takeReadings(runtime, bench.fetch, meter);
  const endProfile = bench.profiles === undefined ? undefined : await meter.profile();
  const agent = await runAgent(bench);
  await closed();
  await endProfile?.(join(bench.profiles ?? "", `host-${users}-${run.replaceAll(/\W+/g, "-")}.cpuprofile`));
  const after = await takeReadings(runtime, bench.fetch, meter);
  const [cycle] = await runtime.admin.cycles(bench.configuration.jobId, 1);
  if (!cycle) throw new Error("The cycle was closed and is not there.");
  check(cycle, users);

  const spent = difference(before, after);
  const { storage, peakBytes } = after.host;
  const seconds = (Date.parse(cycle.closedAt) - (agent.firstRequestAt ?? Number.NaN)) / 1000;
  return {
    users,
    run,
    groups: groupsFor(users),
    memberships: groupsFor(users) * Math.min(MEMBERS_A_GROUP, users),
    seconds,
    received: cycle.received,
    objectsPerSecond: cycle.received / seconds,
    created: cycle.created,
    updated: cycle.updated,
    graphWrites: spent.graphWrites,
    fewestWrites: fewest,
    writesToFewest: fewest === 0 ? 1 + spent.graphWrites : spent.graphWrites / fewest,
    graphRequests: spent.graphRequests,
    storage,
    rowsPerObject: storage.rows / cycle.received,
    transactionsPerObject: storage.transactions / cycle.received,
    durable: spent.durable,
    peakMegabytes: { host: peakBytes / 1_048_576, agent: agent.peakBytes / 1_048_576 },
    cpuSeconds: {
      host: spent.hostCpu,
      agent: agent.cpuSeconds,
      azurite: spent.azuriteCpu,
      directory: spent.directoryCpu,
    },
  };
}

/** A number that is quick because something went wrong is no result. */
function check(cycle: CycleReply, users: number): void {
  const { escrowed, staged } = cycle.outcomes;
  if (cycle.received < users + groupsFor(users) || escrowed > 0 || staged > 0) {
    throw new Error(
      `The cycle received ${cycle.received} of ${users} users and their groups; ${escrowed} failed (${JSON.stringify(cycle.escrowedBy)}) and ${staged} were staged.`,
    );
  }
}

async function runAgent({ runtime, plan }: Bench): Promise<MeterReading> {
  const endFile = join(runtime.paths.home, "agent-end.json");
  const child = await startChild({
    name: "agent",
    logFile: join(runtime.paths.logs, "agent-once.log"),
    program: [join(projectRoot, "dist", "uplink.cjs"), "agent", "once", "--state", runtime.agents.stateOf(plan.name)],
    environment: {
      NODE_EXTRA_CA_CERTS: runtime.caFile,
      NODE_OPTIONS: `--import ${meterModule}`,
      METER_END_FILE: endFile,
    },
  });
  if ((await child.ended) !== 0) throw new Error(`The agent failed. ${await logTail(child.logFile)}`);
  return MeterReading.parse(JSON.parse(await readFile(endFile, "utf8")));
}
