/**
 * The task hub of two hosts is killed in the middle of an initial load, and all of it is started again over the same storage: hub, hosts,
 * and the bus that lies in the hub's process. The load goes on where the hub's journal ends, and ends as if nothing had happened.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Stats } from "../../local/directory/stats.ts";
import type { HostView } from "../../local/durable/task-hub.ts";
import { type ForestPlan, forestEntries } from "../../local/samples/forest.ts";
import { ldifOf } from "../../local/samples/ldif-text.ts";
import type { AgentPlan } from "../../local/start/agents.ts";
import { type Runtime, type RuntimeOptions, type ServerName, startRuntime } from "../../local/start/runtime.ts";
import { createTableRowStore } from "../../shared/adapters/tables/row-store.ts";
import type { TargetObject } from "../support/ad-runtime.ts";
import { differences } from "../support/compare-target.ts";
import { openBooks } from "../support/crash/books.ts";
import { readLoggedEffects } from "../support/crash/effects.ts";
import { projectForest } from "../support/forest-projection.ts";
import { until } from "../support/until.ts";

const INITIAL_DOMAIN = "uplinkdemo.onmicrosoft.com";
const PEOPLE = 60;
const HOSTS = ["host-1", "host-2"] as const satisfies readonly ServerName[];
/** A run that doesn't move is given up for a fresh one only after ten minutes: what is over sooner went on by the journal. */
const WITHIN_MS = 60_000;
const PLAN: ForestPlan = {
  ...{ fqdn: "contoso.example", netBios: "CONTOSO", company: "contoso", people: PEOPLE, offset: 0 },
  alsoElsewhere: { given: "Maya", family: "contoso", consistencyGuid: "0b5f6a52-6c1d-4a7e-8f4b-5d2e8c9a1f10" },
};

let home: string;
let options: RuntimeOptions;
let runtime: Runtime;
let job: { readonly id: string; readonly jobId: string };
let agent: AgentPlan;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "uplink-hub-killed-"));
  options = {
    ...{ home: join(home, "uplink"), quota: "off", hosts: 2, verifiedDomains: [PLAN.fqdn] },
    settings: {
      ...{ UPLINK_HEARTBEAT_SECONDS: "1", UPLINK_UNRUNG_SECONDS: "1", UPLINK_TICK_SCHEDULE: "* * * * * *" },
      // Many chunks, few at once: so there is a middle.
      UPLINK_CHUNK_OBJECTS: "4",
      AzureFunctionsJobHost__extensions__durableTask__maxConcurrentActivityFunctions: "2",
      AzureFunctionsJobHost__extensions__durableTask__storageProvider__workItemQueueVisibilityTimeout: "00:00:02",
    },
  };
  runtime = await startRuntime(options);
  job = await runtime.admin.createConfiguration({
    ...{ displayName: PLAN.company, domainFqdn: PLAN.fqdn, domainNetBios: PLAN.netBios },
    settings: { signIn: "ownProcess", firstExport: "automatic" },
  });
  const file = join(home, "contoso.ldif");
  await writeFile(file, `version: 1\n\n${forestEntries(PLAN).map(ldifOf).join("")}`);
  agent = { name: PLAN.company, configurationId: job.id, source: ["--source", "ldif", "--file", file] };
  await runtime.agents.enrol(agent);
}, 120_000);
afterAll(async () => {
  await runtime?.stop();
  await rm(home, { recursive: true, force: true });
});

const rows = () => createTableRowStore({ connectionString: runtime.storageConnection });

const hosts = async (): Promise<HostView[]> => {
  const { rpcBaseUrl } = JSON.parse(await readFile(join(runtime.paths.host, "hub", "hub.json"), "utf8")) as {
    rpcBaseUrl: string;
  };
  return (await (await fetch(new URL("/hosts", rpcBaseUrl))).json()) as HostView[];
};

/** How often somebody was made in the target since it was started, whoever is still there. */
async function creations(): Promise<number> {
  const { writes } = (await (await runtime.control("stats")).json()) as Stats;
  return Object.entries(writes).reduce((sum, [kind, count]) => sum + (kind.startsWith("create") ? count : 0), 0);
}

const objects = async (): Promise<TargetObject[]> =>
  ((await (await runtime.control("objects")).json()) as { value: TargetObject[] }).value;

let madeBefore: number;

test("a load goes on where the journal of the killed hub ends, once hub and hosts are there again", async () => {
  expect(await runtime.agents.once(agent)).toMatchObject({ exitCode: 0, result: { batches: 1 } });
  await until(
    "the load to be in its middle, with exports in the hands of the hosts",
    async () => {
      if ((await creations()) < PEOPLE / 5) return false;
      return (await hosts()).some(({ holds }) => holds.includes("ExportChunk"));
    },
    WITHIN_MS,
    5,
  );
  const hub = runtime.process("hub");
  hub.kill("SIGKILL");
  expect(await hub.ended).toBe(137);
  // They do nothing more without it, and have to be started with it.
  for (const name of HOSTS) {
    runtime.process(name).kill("SIGKILL");
    expect(await runtime.process(name).ended).toBe(137);
  }
  madeBefore = await creations();
  expect(madeBefore).toBeLessThan(PEOPLE);

  const { ports } = runtime;
  await runtime.stop();
  runtime = await startRuntime({ ...options, ports });
  const books = openBooks(rows(), job.jobId);
  const isOver = async () => (await books.underWay()).readUpTo !== undefined && (await books.isAtRest());
  await until(
    "the load to be at rest",
    async () => (await isOver()) && (await books.escrows()).length === 0,
    WITHIN_MS,
  );
  // What was done since was done by both of the new hosts, at the new hub.
  for (const { host, answered } of await hosts()) expect(answered["ExportChunk"], host).toBeGreaterThan(0);
}, 180_000);

test("the target is what the directory says, and nobody was made twice", async () => {
  const made = await objects();
  const wanted = await projectForest(PLAN, { configurationId: job.id, initialDomain: INITIAL_DOMAIN });
  expect(wanted.users.size).toBe(PEOPLE);
  expect(differences(made, wanted)).toEqual([]);
  expect(madeBefore + (await creations())).toBe(made.length);
});

test("every change is accounted for, the watermark follows the effect, and each effect is logged once", async () => {
  expect(await openBooks(rows(), job.jobId).faults()).toEqual([]);
  expect((await readLoggedEffects(rows(), job.jobId)).faults).toEqual([]);
});
