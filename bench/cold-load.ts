/**
 * `npm run bench -- --cold-load [--rounds N]`: how long the built functions app takes to load, in a fresh process each round, which is what
 * our part of a cold start is. The files are in the machine's cache; fetching the zip and starting Node and host come on top of it on Azure.
 */
import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { LOADING_SETTINGS } from "../local/releases/app-functions.ts";
import { projectRoot } from "../local/start/home.ts";
import { conditionsHere } from "./conditions.ts";

export interface ColdLoad {
  /** Milliseconds until every function is registered. */
  readonly medianMs: number;
  readonly slowestMs: number;
  readonly functions: number;
  /** The process's memory after it. */
  readonly rssMegabytes: number;
  readonly bundleMegabytes: number;
}

interface Round {
  readonly ms: number;
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
  const times = seen.map(({ ms }) => ms).toSorted((left, right) => left - right);
  return {
    medianMs: times[Math.floor(times.length / 2)] ?? Number.NaN,
    slowestMs: times.at(-1) ?? Number.NaN,
    functions: seen[0]?.functions ?? 0,
    rssMegabytes: Math.max(...seen.map(({ rssBytes }) => rssBytes)) / 1_048_576,
    bundleMegabytes: (await stat(appPath)).size / 1_048_576,
  };
}

export async function runColdLoadBench(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { "cold-load": { type: "boolean" }, rounds: { type: "string", default: "9" } },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100) throw new Error("--rounds takes 1 to 100.");
  const { medianMs, slowestMs, functions, rssMegabytes, bundleMegabytes } = await measureColdLoad(
    join(projectRoot, "dist", "main.cjs"),
    rounds,
  );
  const { node, cpus } = conditionsHere();
  process.stdout.write(
    `Loading ${functions} functions from a bundle of ${bundleMegabytes.toFixed(1)} MB: ${medianMs.toFixed(0)} ms (median of ${rounds}, slowest ${slowestMs.toFixed(0)}), ${rssMegabytes.toFixed(0)} MB of memory; Node ${node}, ${cpus}.\n`,
  );
}
