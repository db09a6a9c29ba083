/**
 * The service is exchanged under running work: a recorded release begins an initial load, the present bundle takes over in the middle
 * of it, the release comes back (a roll-back), and the present one again, over the same storage, task hub and target. Everything is
 * real but Azure: built bundles, agents (one of the release, one of now), journals, tables. The tests build upon each other in this order.
 */
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Program, readProgram } from "../../local/releases/release-files.ts";
import { createTableRowStore } from "../../shared/adapters/tables/row-store.ts";
import { type BatchRow, jobTable, LANES, listRows } from "../../shared/application/state/job-rows.ts";
import type { RowStore } from "../../shared/ports/row-store.ts";
import { type AdRuntime, type Job, startAdRuntime } from "../support/ad-runtime.ts";
import { type Books, openBooks } from "../support/crash/books.ts";
import { readLoggedEffects } from "../support/crash/effects.ts";
import { type RunningAgent, runningAgent } from "../support/crash/rig.ts";
import {
  differencesFrom,
  type FileEdition,
  type FileForest,
  GATES,
  writeForest,
} from "../support/releases/file-forest.ts";
import { buildPresentApp } from "../support/releases/present-app.ts";
import { recordedReleases } from "../support/releases/recorded.ts";
import { createAgent } from "../support/runtime/agent.ts";
import { projectRoot } from "../support/runtime/program.ts";
import { waitedMs } from "../support/runtime/waited.ts";
import { until } from "../support/until.ts";

/** For how long a deployment may keep the service from accepting. */
const INTERRUPTED_MS = 60_000;
/** With nothing in its way, whatever is waited for comes within this, on a busy machine too. */
const WITHIN_MS = 240_000;
const release = (await recordedReleases()).at(-1)!;
const { version } = release.manifest;
const FORESTS = {
  /** Its load begins under the release. */
  first: { fqdn: "first.example", people: 160, groups: 6 },
  /** Its load begins under the present one, and is in the middle, too, when the release comes back. */
  second: { fqdn: "second.example", people: 64, groups: 2 },
  /** There before; somebody edits it whenever the service is away. */
  edited: { fqdn: "edited.example", people: 12, groups: 1 },
} satisfies Record<string, FileForest>;
type Name = keyof typeof FORESTS;
const sizeOf = ({ people, groups }: FileForest): number => people + groups;
const ALL = Object.values(FORESTS).reduce((sum, forest) => sum + sizeOf(forest), 0);

interface Side {
  readonly forest: FileForest;
  readonly job: Job;
  readonly file: string;
  readonly agent: RunningAgent;
  readonly books: Books;
  edition: FileEdition;
}

interface Exchange {
  readonly to: "release" | "present";
  /** Objects that were in the target when the old one had ended. */
  readonly created: number;
  /** From when the old one was told to end until the new one accepted a batch. */
  readonly interruptedMs: number;
  /** How much of that the machine had no core for the host, or for the storage that it waits for: whoever else runs has it, not a deployment. */
  readonly waitedMs: number;
}

let folder: string;
let present: Awaited<ReturnType<typeof buildPresentApp>>;
let apps: Record<Exchange["to"], string>;
let runtime: AdRuntime;
let rows: RowStore;
let sides: Record<Name, Side>;
const exchanges: Exchange[] = [];
const settings: Record<string, string> = {
  // So small that a load has many of them: some are through and others aren't.
  UPLINK_CHUNK_OBJECTS: "10",
  AzureFunctionsJobHost__extensions__durableTask__storageProvider__workItemQueueVisibilityTimeout: "00:00:01",
};

async function unpacked(program: Program): Promise<string> {
  const path = join(folder, version, program);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(join(dirname(path), "package.json"), '{ "type": "commonjs" }\n');
  await writeFile(path, await readProgram(release.folder, program));
  return path;
}

async function side(name: Name, program?: string): Promise<Side> {
  const forest = FORESTS[name];
  const job = await runtime.createConfiguration(forest.fqdn, name.toUpperCase(), {
    // The release didn't know it: there, a first export goes by itself.
    firstExport: undefined,
    trustVisibility: { by: "a test", at: "2026-01-01T00:00:00.000Z" },
  });
  const file = join(folder, `${name}.ldif`);
  const edition = { title: "First" };
  await writeForest(file, forest, edition);
  const agent = await createAgent(runtime, name, { kind: "ldif", file }, {}, program);
  await agent.mustEnrol(job);
  const quick = { pollSeconds: 0.2, settleMilliseconds: 0 };
  const books = openBooks(rows, job.jobId);
  return { forest, job, file, edition, books, agent: await runningAgent(name, agent, quick) };
}

/** Everything of a job that was accepted, closed or not. */
async function batchesOf({ job: { jobId } }: Side): Promise<BatchRow[]> {
  const jobs = jobTable(rows);
  const prefixes = [...LANES.map((lane) => `batch:${lane}:`), "done:"];
  const found = await Promise.all(prefixes.map((prefix) => listRows<BatchRow>(jobs, jobId, prefix)));
  return found.flat().map(({ value }) => value);
}

async function creates(): Promise<number> {
  const { writes } = await runtime.stats();
  return Object.entries(writes).reduce((sum, [kind, count]) => sum + (kind.startsWith("create") ? count : 0), 0);
}

/** Ends the host as Azure does (asked to, or gone at once), and starts the other version over what it left. */
async function exchange(to: Exchange["to"], signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  const { edited } = sides;
  const storageWaited = await waitedMs(runtime.azurite.pid());
  const told = Date.now();
  await runtime.host.end(signal);
  const ended = Date.now();
  // Somebody has something to send just then. Earlier, it could still be taken by the one that ends.
  edited.edition = { title: `Edited ${exchanges.length + 1}` };
  await writeForest(edited.file, edited.forest, edited.edition);
  const created = await creates();
  settings["UPLINK_APP_PATH"] = apps[to];
  await runtime.host.start();
  const accepted = await mustCome("a batch to be accepted", async () => {
    const later = (await Promise.all(Object.values(sides).map(batchesOf)))
      .flat()
      .flatMap(({ acceptedAt }) => (acceptedAt > ended ? [acceptedAt] : []));
    return later.length > 0 && Math.min(...later);
  });
  const waited = (await waitedMs(runtime.host.pid())) + (await waitedMs(runtime.azurite.pid())) - storageWaited;
  exchanges.push({ to, created, interruptedMs: accepted - told, waitedMs: waited });
}

/** Lets everybody through but those behind a gate; comes back when more are in the target, and somebody waits at the gate. */
async function loadsGetTo(gate: string, by: Side): Promise<void> {
  const { held } = await runtime.stats();
  const before = await creates();
  await runtime.orderFaults({ hold: { match: { contains: gate } } });
  await mustCome(`the loads to get to ${gate}`, async () => {
    const isMore = (await creates()) > before && (await runtime.stats()).held > held;
    return isMore && (await batchesOf(by)).length > 0;
  });
}

/** What was held at a gate for so long that its call was given up is asked for again, as an admin would. */
async function isSettled({ books, job }: Side): Promise<boolean> {
  if (!(await books.isAtRest())) return false;
  if ((await books.escrows()).length === 0) return true;
  await runtime.retryEscrows(job);
  return false;
}

async function mustCome<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  try {
    return await until(what, look, WITHIN_MS, 30);
  } catch (error) {
    const told = await Promise.all(Object.values(sides).map(({ books }) => books.underWay()));
    const logs = Object.values(sides).map(({ agent }) => agent.log());
    const words = [String(error), JSON.stringify({ told, exchanges }), ...logs, runtime.host.log().slice(-4000)];
    throw new Error(words.join("\n"), { cause: error });
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "uplink-deployed-"));
  present = await buildPresentApp();
  apps = { release: await unpacked("main.cjs"), present: present.appPath };
  for (const app of Object.values(apps))
    await copyFile(join(projectRoot, "host.json"), join(dirname(app), "host.json"));
  settings["UPLINK_APP_PATH"] = apps.release;
  const verifiedDomains = Object.values(FORESTS).map(({ fqdn }) => fqdn);
  runtime = await startAdRuntime({ verifiedDomains, hostSettings: settings });
  rows = createTableRowStore({ connectionString: runtime.azurite.connectionString() });
  const released = await unpacked("uplink.cjs");
  sides = { first: await side("first"), second: await side("second"), edited: await side("edited", released) };
  sides.edited.agent.start();
  await mustCome("those who are there before", async () => (await creates()) === sizeOf(FORESTS.edited));
}, 2 * WITHIN_MS);
afterAll(async () => {
  for (const { agent } of Object.values(sides ?? {})) await agent.kill();
  await runtime?.destroy();
  await present?.remove();
  await rm(folder, { recursive: true, force: true });
});

describe(`release ${version} and the present one, exchanged in the middle of initial loads`, () => {
  it(
    "go on with each other's work, forward, back and forward again, each time where it stood",
    async () => {
      const { first, second, edited } = sides;
      first.agent.start();
      await loadsGetTo(GATES[0], first);
      await exchange("present", "SIGKILL");
      second.agent.start();
      await loadsGetTo(GATES[1], second);
      await exchange("release", "SIGTERM");
      // What the runbook says of a roll-back, in the release's own words.
      for (const { job } of [first, second, edited]) await runtime.start(job);
      await loadsGetTo(GATES[2], first);
      await exchange("present", "SIGKILL");
      for (const { job } of [first, second, edited]) expect((await runtime.wake(job)).jobId).toBe(job.jobId);
      await runtime.clearFaults();
      await mustCome("everything accepted to be closed", async () => {
        const last = (await batchesOf(edited)).length;
        const are = await Promise.all(Object.values(sides).map(isSettled));
        return last > exchanges.length && are.every(Boolean);
      });
    },
    4 * WITHIN_MS,
  );

  it("were each exchanged when some were in the target and others not", () => {
    expect(exchanges.map(({ to }) => to)).toEqual(["present", "release", "present"]);
    const created = exchanges.map((one) => one.created);
    expect(created).toEqual(created.toSorted((one, other) => one - other));
    expect(created[0]).toBeGreaterThan(sizeOf(FORESTS.edited));
    expect(created.at(-1)).toBeLessThan(ALL);
  });

  it("interrupted accepting for less than a minute", () => {
    expect(exchanges).toHaveLength(3);
    for (const { interruptedMs, waitedMs: waited, to } of exchanges)
      expect(interruptedMs - waited, `to the ${to}, of ${interruptedMs} ms`).toBeLessThan(INTERRUPTED_MS);
  });

  it("left the target as the directories say, with nobody made twice", async () => {
    const objects = await runtime.objects();
    const said = Object.values(sides).map(({ forest, edition, job: { configurationId } }) => ({
      ...{ forest, edition, configurationId },
    }));
    expect(differencesFrom(objects, said)).toEqual([]);
    expect(await creates()).toBe(objects.length);
  });

  it("lost no batch: each is closed, and accounts for all that it brought", async () => {
    for (const { books } of Object.values(sides)) expect(await books.faults()).toEqual([]);
    expect((await sides.edited.books.totals()).batches).toBeGreaterThan(exchanges.length);
  });

  it("had each effect once, and logged it once", async () => {
    const objects = await runtime.objects();
    const logged = new Set<string | undefined>();
    for (const { job } of Object.values(sides)) {
      const { faults, entries } = await readLoggedEffects(rows, job.jobId);
      expect(faults).toEqual([]);
      for (const { outcome, targetId } of entries) if (outcome === "exported") logged.add(targetId ?? undefined);
    }
    expect(objects.filter(({ id }) => !logged.has(id))).toEqual([]);
  });

  it(
    "left nothing to do: another read of everything writes nothing",
    async () => {
      await runtime.resetStats();
      const counts = await Promise.all(Object.values(sides).map(async (own) => (await batchesOf(own)).length));
      for (const { job } of Object.values(sides)) await runtime.restart(job);
      await mustCome("another read of each", async () => {
        const now = await Promise.all(Object.values(sides).map(async (own) => (await batchesOf(own)).length));
        const isAtRest = await Promise.all(Object.values(sides).map(({ books }) => books.isAtRest()));
        return now.every((count, index) => count > (counts[index] ?? 0)) && isAtRest.every(Boolean);
      });
      expect((await runtime.stats()).writesInEffect).toBe(0);
    },
    2 * WITHIN_MS,
  );
});
