/**
 * Two hosts with nothing in common but the storage, the bus and the task hub, behind one address: both take requests and run activities of
 * the same initial loads. One is stopped for longer than its work is kept for it, comes back to what the other has meanwhile done,
 * and is killed with new work in its hands. The end is as if nothing had happened: nothing that a host keeps in memory was
 * needed by anybody else.
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
import { type Runtime, startRuntime } from "../../local/start/runtime.ts";
import { createTableRowStore } from "../../shared/adapters/tables/row-store.ts";
import type { RowStore } from "../../shared/ports/row-store.ts";
import type { TargetObject } from "../support/ad-runtime.ts";
import { differences } from "../support/compare-target.ts";
import { openBooks } from "../support/crash/books.ts";
import { readLoggedEffects } from "../support/crash/effects.ts";
import { projectForest } from "../support/forest-projection.ts";
import type { Projection } from "../support/samba/projection.ts";
import { until } from "../support/until.ts";

const INITIAL_DOMAIN = "uplinkdemo.onmicrosoft.com";
const PEOPLE = 60;
const VICTIM = "host-2";
const SURVIVOR = "host-1";

const forest = (name: string, offset: number): ForestPlan => ({
  ...{ fqdn: `${name}.example`, netBios: name.toUpperCase(), company: name, people: PEOPLE, offset },
  alsoElsewhere: { given: "Maya", family: name, consistencyGuid: `0b5f6a52-6c1d-4a7e-8f4b-5d2e8c9a1f${offset + 10}` },
});
const FORESTS = [forest("contoso", 0), forest("fabrikam", 11)];

type Line = { readonly plan: ForestPlan; readonly id: string; readonly jobId: string; readonly agent: AgentPlan };

let home: string;
let runtime: Runtime;
let rows: RowStore;
const said: string[] = [];
let lines: readonly Line[];

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "uplink-two-hosts-"));
  runtime = await startRuntime({
    ...{ home: join(home, "uplink"), inMemory: true, quota: "off", hosts: 2, log: (line) => said.push(line) },
    verifiedDomains: FORESTS.map(({ fqdn }) => fqdn),
    settings: {
      ...{ UPLINK_HEARTBEAT_SECONDS: "1", UPLINK_UNRUNG_SECONDS: "1", UPLINK_TICK_SCHEDULE: "* * * * * *" },
      // Many chunks, few at once: so there is a middle.
      UPLINK_CHUNK_OBJECTS: "4",
      AzureFunctionsJobHost__extensions__durableTask__maxConcurrentActivityFunctions: "2",
      AzureFunctionsJobHost__extensions__durableTask__storageProvider__workItemQueueVisibilityTimeout: "00:00:02",
    },
  });
  rows = createTableRowStore({ connectionString: runtime.storageConnection });
  lines = await Promise.all(
    FORESTS.map(async (plan) => {
      const { id, jobId } = await runtime.admin.createConfiguration({
        ...{ displayName: plan.company, domainFqdn: plan.fqdn, domainNetBios: plan.netBios },
        settings: { signIn: "ownProcess", firstExport: "automatic" },
      });
      const file = join(home, `${plan.company}.ldif`);
      await writeFile(file, `version: 1\n\n${forestEntries(plan).map(ldifOf).join("")}`);
      const agent = { name: plan.company, configurationId: id, source: ["--source", "ldif", "--file", file] };
      await runtime.agents.enrol(agent);
      return { plan, id, jobId, agent };
    }),
  );
}, 120_000);
afterAll(async () => {
  await runtime?.stop();

  await rm(home, { recursive: true, force: true });
});

const hub = async (path: string): Promise<unknown> => {
  const { rpcBaseUrl } = JSON.parse(await readFile(join(runtime.paths.host, "hub", "hub.json"), "utf8")) as {
    rpcBaseUrl: string;
  };
  return (await fetch(new URL(path, rpcBaseUrl))).json();
};
const hostOf = async (name: string): Promise<HostView> =>
  ((await hub("/hosts")) as HostView[]).find(({ host }) => host === name) ?? expect.fail(`${name} has not joined`);

const objects = async (): Promise<TargetObject[]> =>
  ((await (await runtime.control("objects")).json()) as { value: TargetObject[] }).value;

async function mustRest(): Promise<void> {
  for (const { jobId } of lines) {
    const books = openBooks(rows, jobId);
    const isOver = async () => (await books.underWay()).readUpTo !== undefined && (await books.isAtRest());
    await until("the load to be at rest", async () => (await isOver()) && (await books.escrows()).length === 0, 60_000);
  }
}

/** How often somebody was made in the target, whoever is still there. */
async function creations(): Promise<number> {
  const { writes } = (await (await runtime.control("stats")).json()) as Stats;
  return Object.entries(writes).reduce((sum, [kind, count]) => sum + (kind.startsWith("create") ? count : 0), 0);
}

/** Stops the victim at a moment when it holds an export, once so many were made. Tells what it holds. */
async function stopVictim(made: number): Promise<readonly string[]> {
  const victim = runtime.process(VICTIM);
  return until(
    "the victim to hold an export",
    async () => {
      if (!(await hostOf(VICTIM)).holds.includes("ExportChunk") || (await creations()) < made) return undefined;
      victim.kill("SIGSTOP");
      // What it answered before is in by now.
      const { holds } = await hostOf(VICTIM);
      if (holds.includes("ExportChunk")) return holds;
      victim.kill("SIGCONT");
      return undefined;
    },
    60_000,
    5,
  );
}

test("two hosts end the loads of two directories, though one is stopped and killed in the middle", async () => {
  const victim = runtime.process(VICTIM);
  const [first, second] = lines;
  const reads = [runtime.agents.once(first!.agent)];
  const stopped = await stopVictim(PEOPLE / 5);
  await until("its work to go to the other", async () => (await hostOf(VICTIM)).lost.length >= stopped.length);
  victim.kill("SIGCONT");

  // Another load, for the first may be over. Its batch goes to the victim, whose turn it is.
  reads.push(runtime.agents.once(second!.agent));
  await until("the victim to take a batch", () => runtime.served()[VICTIM]?.["POST batches"] === 1);
  const held = await stopVictim((await creations()) + PEOPLE / 10);
  victim.kill("SIGKILL");
  expect(await victim.ended).toBe(137);
  expect(await creations()).toBeLessThan(2 * PEOPLE);

  for (const read of reads) expect(await read).toMatchObject({ exitCode: 0, result: { batches: 1 } });
  await mustRest();
  const [dead, alive] = [await hostOf(VICTIM), await hostOf(SURVIVOR)];
  expect(dead.lost.length).toBeGreaterThanOrEqual(stopped.length + held.length);
  for (const { host, answered } of [dead, alive]) {
    for (const name of ["MapChunk", "ExportChunk", "ProcessBatch", "SyncRun"])
      expect(answered[name], `${name} on ${host}`).toBeGreaterThan(0);
    for (const kind of ["POST batches", "POST heartbeat"])
      expect(runtime.served()[host]?.[kind], `${kind} on ${host}`).toBeGreaterThan(0);
  }
}, 120_000);

test("the target is what the directories say, and nobody was made twice", async () => {
  const all = await Promise.all(
    lines.map(({ plan, id }) => projectForest(plan, { configurationId: id, initialDomain: INITIAL_DOMAIN })),
  );
  const both = <T>(part: (own: Projection) => Iterable<readonly [string, T]>): Map<string, T> =>
    new Map(all.flatMap((own) => [...part(own)]));
  const wanted: Projection = {
    ...all[0]!,
    ...{ users: both((own) => own.users), groups: both((own) => own.groups) },
    ...{ managers: both((own) => own.managers), members: both((own) => own.members) },
  };
  expect(wanted.users.size).toBe(2 * PEOPLE);
  const made = await objects();
  expect(differences(made, wanted)).toEqual([]);
  expect(await creations()).toBe(made.length);
});

test("every change is accounted for, the watermark follows the effect, and each effect is logged once", async () => {
  for (const { jobId } of lines) {
    expect(await openBooks(rows, jobId).faults()).toEqual([]);
    expect((await readLoggedEffects(rows, jobId)).faults).toEqual([]);
  }
});
