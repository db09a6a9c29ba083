/**
 * `npm run bench -- --cold-load [--rounds N] [--json FILE]`: how long the built functions app takes to load, in a fresh process each round, which is what
 * our part of a cold start is. The files are in the machine's cache; fetching the zip and starting Node and host come on top of it on Azure.
 */
import { execFile } from "node:child_process";
import { stat, writeFile } from "node:fs/promises";
import { loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { LOADING_SETTINGS } from "../local/releases/app-functions.ts";
import { projectRoot } from "../local/start/home.ts";
import { type ColdLoad, type ColdLoadResult, coldLoadSummary } from "./cold-load-measured.ts";
import { conditionsHere } from "./conditions.ts";

interface Round {
  readonly ms: number;
  readonly cpuMs: number;
  readonly functions: number;
  readonly rssBytes: number;
}

/** `appPath`: the bundle. Rejects with the child's words when it can't be loaded. */
export async function measureColdLoad(appPath: string, rounds: number): Promise<ColdLoad> {
  const child = join(projectRoot, "bench", "cold-load-child.cjs");
  const seen: Round[] = [];
  for (let round = 0; round < rounds; round++) {
    const env = { PATH: process.env["PATH"], ...LOADING_SETTINGS };
    const { stdout } = await promisify(execFile)(process.execPath, [child, appPath], { env });
    seen.push(JSON.parse(stdout) as Round);
  }
  return {
    rounds,
    medianMs: median(seen.map(({ ms }) => ms)),
    slowestMs: Math.max(...seen.map(({ ms }) => ms)),
    cpuMs: median(seen.map(({ cpuMs }) => cpuMs)),
    functions: seen[0]?.functions ?? 0,
    rssMegabytes: Math.max(...seen.map(({ rssBytes }) => rssBytes)) / 1_048_576,
    bundleMegabytes: (await stat(appPath)).size / 1_048_576,
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN;
}

export async function runColdLoadBench(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      "cold-load": { type: "boolean" },
      rounds: { type: "string", default: "9" },
      json: { type: "string" },
    },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100) throw new Error("--rounds takes 1 to 100.");
  const before = loadavg()[0] ?? 0;
  const measured = await measureColdLoad(join(projectRoot, "dist", "main.cjs"), rounds);
  const conditions = {
    command: ["npm run bench --", ...args].join(" "),
    date: new Date().toISOString().slice(0, 10),
    load: `${before.toFixed(1)} before, ${(loadavg()[0] ?? 0).toFixed(1)} after`,
    ...conditionsHere(),
  };
  const result: ColdLoadResult = { conditions, ...measured };
  process.stdout.write(`${coldLoadSummary(result)}\n`);
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(result, null, 2)}\n`);
}
