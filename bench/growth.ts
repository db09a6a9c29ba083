/**
 * What an object costs in directories of different sizes: `npx tsx bench/growth.ts [--objects N …] [--azurite N …]
 * [--json FILE]`; 1,000, 10,000 and 100,000 objects when none is given, and 1,000 and 10,000 of them in Azurite. What it
 * wrote to `bench/results/growth.json` is what the README shows (`npm run docs`).
 *
 * A first load, a delta of as many changes everywhere, and the same full read again, over memory stores, the real Graph
 * adapter and the directory stand-in without quota. Reads, rows, transactions, calls of Graph and bytes are counted at
 * the ports and divided by what the run received; so is the CPU of this process. Then the engine is let go, and what that
 * gives back is what it kept in memory: stores and target stay. Every size has a process of its own.
 */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs, promisify } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { memoryJournal } from "../local/directory/journal.ts";
import { createStore, type Store } from "../local/directory/store.ts";
import { createBlobStore } from "../shared/adapters/blobs/blob-store.ts";
import { createMemoryBlobStore } from "../shared/adapters/memory/blob-store.ts";
import { createMemoryRowStore } from "../shared/adapters/memory/row-store.ts";
import { createTableRowStore } from "../shared/adapters/tables/row-store.ts";
import type { BlobStore } from "../shared/ports/blob-store.ts";
import type { RowStore } from "../shared/ports/row-store.ts";
import { startAzurite } from "../test/support/azurite.ts";
import { createCloud, START } from "../test/support/cloud.ts";
import { conditionsHere } from "./conditions.ts";
import { countBlobs, countRows, noUse } from "./counted-stores.ts";
import { createGraphInProcess } from "./graph-in-process.ts";
import type { AllGrowth, AzuriteMeasured, GrowthMeasured, KeptMeasured, RunName } from "./growth-measured.ts";
import { growthReport, missedByGrowth } from "./growth-report.ts";
import { cpuSecondsOf } from "./measured.ts";
import { batchesIn, batchesOf, objectsOf, type Population, personOf } from "./population.ts";

const USUAL = [1_000, 10_000, 100_000];
const USUAL_AZURITE = [1_000, 10_000];
const DELTA = 500;
const WARM_UP = 1_000;
const RUNS: readonly RunName[] = ["first load", "delta", "same full read again"];
/** The stores of 100,000 objects lie in the process, too. */
const HEAP = ["--max-old-space-size=6000"];
const UNGUARDED = { floor: 1_000, count: 1_000_000, percent: 100 };
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

function populationOf(objects: number): Population {
  const groups = Math.floor((objects * 2) / 17);
  return { domain: "bench.example", people: objects - groups, groups, isEven: true };
}

interface Backing {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  /** The target's objects. */
  readonly store?: Store;
}

/** A cloud side with its agent, and what measures one run of it. */
async function start(population: Population, backing: Backing) {
  const use = noUse();
  const graph = createGraphInProcess({
    ...{ clock: { now: () => START }, sleep: async () => undefined, callMs: 0, quota: "off", log: silent },
    verifiedDomains: [population.domain],
    ...(backing.store ? { store: backing.store } : {}),
  });
  const cloud = await createCloud({
    targetDirectory: graph.target,
    log: silent,
    settings: { guard: UNGUARDED },
    wrapRows: () => countRows(backing.rows, use),
    wrapBlobs: () => countBlobs(backing.blobs, use),
  });
  const agent = await cloud.addDomain(population.domain);

  async function measure(run: RunName): Promise<GrowthMeasured> {
    Object.assign(use, noUse());
    const before = graph.exchanges();
    const cpu = process.cpuUsage();
    const objects = run === "delta" ? await sendDelta() : await sendAll();
    await cloud.run();
    const { user, system } = process.cpuUsage(cpu);
    const after = graph.exchanges();
    const { escrowed, staged } = await agent.status();
    if (escrowed + staged > 0) throw new Error(`${escrowed} objects failed and ${staged} were staged in the ${run}.`);
    if (graph.people() !== population.people || graph.groups() !== population.groups)
      throw new Error(`The target holds ${graph.people()} people and ${graph.groups()} groups.`);
    return {
      ...{ run, objects, population: objectsOf(population) },
      operations: { ...use, graphCalls: after.calls - before.calls, graphBytes: after.bytes - before.bytes },
      cpuSeconds: (user + system) / 1e6,
    };
  }
  async function sendAll(): Promise<number> {
    await agent.sendRead("full", batchesIn(population), batchesOf(population));
    return objectsOf(population);
  }
  async function sendDelta(): Promise<number> {
    const changes = Math.min(DELTA, Math.floor(population.people / 2));
    const all = Array.from({ length: changes }, (_, index) => personOf(population, index, "Boss"));
    await agent.sendRead("delta", [all], 1);
    return changes;
  }
  return { measure, end: () => void cloud.driver };
}

export interface SizeMeasured {
  readonly runs: readonly GrowthMeasured[];
  readonly kept: KeptMeasured;
}

/** In this process. Rejects when anything failed in a run: a quick wrong one is no result. */
export async function measureSize(objects: number, warmUp = WARM_UP): Promise<SizeMeasured> {
  // The first objects of a process pay for its warming up.
  if (warmUp > 0) await measureRuns(warmUp, ownBacking());
  const backing = ownBacking();
  const { runs, bytes } = await measureRuns(objects, backing);
  const left = await bytesInUse();
  if (backing.store.count("user") === 0) throw new Error("The target is empty.");
  return { runs, kept: { population: objects, megabytes: (bytes - left) / 1_048_576 } };
}

function ownBacking() {
  return {
    rows: createMemoryRowStore(),
    blobs: createMemoryBlobStore(),
    store: createStore({ journal: () => memoryJournal }),
  };
}

/** `bytes`: in use while the engine is still there. */
async function measureRuns(objects: number, backing: Backing) {
  const engine = await start(populationOf(objects), backing);
  const runs: GrowthMeasured[] = [];
  for (const run of RUNS) runs.push(await engine.measure(run));
  const bytes = await bytesInUse();
  // It must be there until then, or nothing shows.
  engine.end();
  return { runs, bytes };
}

/** After a collection. */
async function bytesInUse(): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  for (let again = 0; again < 3; again++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

export async function measureAzurite(objects: number): Promise<AzuriteMeasured> {
  const azurite = await startAzurite();
  try {
    const { connectionString, pid } = azurite;
    const backing: Backing = {
      rows: createTableRowStore({ connectionString }),
      blobs: createBlobStore({ connectionString, container: "growth" }),
    };
    const engine = await start(populationOf(objects), backing);
    const before = cpuSecondsOf(pid);
    const { cpuSeconds } = await engine.measure("first load");
    return { population: objects, ownSeconds: cpuSeconds, azuriteSeconds: cpuSecondsOf(pid) - before };
  } finally {
    await azurite.stop();
  }
}

/** A process for each size: what one leaves behind is no cost of the next. */
async function measureAll(sizes: readonly number[], azurite: readonly number[]): Promise<AllGrowth> {
  const child = async (what: string, objects: number): Promise<unknown> => {
    process.stderr.write(`${objects} objects, ${what} …\n`);
    const args = [...HEAP, "--import", import.meta.resolve("tsx"), fileURLToPath(import.meta.url), "--child", what];
    const { stdout } = await promisify(execFile)(process.execPath, [...args, "--objects", String(objects)]);
    return JSON.parse(stdout);
  };
  const measured: SizeMeasured[] = [];
  for (const objects of sizes) measured.push((await child("memory", objects)) as SizeMeasured);
  const beside: AzuriteMeasured[] = [];
  for (const objects of azurite) beside.push((await child("azurite", objects)) as AzuriteMeasured);
  const runs = measured.flatMap((size) => size.runs);
  return {
    runs: RUNS.flatMap((name) => runs.filter(({ run }) => run === name)),
    kept: measured.map(({ kept }) => kept),
    azurite: beside,
  };
}

/** Table on standard output, the same as JSON behind it or in the file. */
async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      objects: { type: "string", multiple: true },
      azurite: { type: "string", multiple: true },
      child: { type: "string" },
      json: { type: "string" },
    },
  });
  const sizes = values.objects?.map(sizeOf) ?? USUAL;
  if (values.child !== undefined) {
    const [objects = 0] = sizes;
    const measured = values.child === "azurite" ? await measureAzurite(objects) : await measureSize(objects);
    process.stdout.write(JSON.stringify(measured));
    return;
  }
  const measured = await measureAll(sizes, values.azurite?.map(sizeOf) ?? (values.objects ? [] : USUAL_AZURITE));
  const conditions = {
    command: ["npx tsx bench/growth.ts", ...args].join(" "),
    date: new Date().toISOString().slice(0, 10),
    storage: "memory, in the process that is measured",
    ...conditionsHere(),
  };
  const json = `${JSON.stringify({ conditions, ...measured, missed: missedByGrowth(measured) }, null, 2)}\n`;
  process.stdout.write(`${growthReport(conditions, measured)}\n`);
  if (values.json === undefined) process.stdout.write(`\n${json}`);
  else await writeFile(values.json, json);
}

function sizeOf(text: string): number {
  const size = Number(text);
  if (!Number.isInteger(size) || size < 100 || size > 500_000)
    throw new Error("--objects and --azurite take whole numbers from 100 to 500000.");
  return size;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  main(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
