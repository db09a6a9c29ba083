/**
 * How fast objects are mapped: `npx tsx bench/mapping.ts [--objects N] [--rounds N] [--memory-objects N] [--json FILE]`,
 * or `npm run bench -- --mapping` with the same options.
 *
 * The measured code is bundled first, as it ships, and each reading is taken in a process of its own: throughput beside
 * the yardstick, the first compilation of a process three times, memory over as many different objects as asked.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs, promisify } from "node:util";
import { build } from "esbuild";
import { conditionsHere } from "./conditions.ts";
import {
  type Compilation,
  type HeapReading,
  type MappingMeasured,
  median,
  type Throughput,
} from "./mapping-measured.ts";
import { mappingReport, missedByMapping } from "./mapping-report.ts";

export interface MappingOptions {
  /** Mapped in each round, for each kind of object. */
  readonly objects: number;
  readonly rounds: number;
  readonly memoryObjects: number;
  readonly log: (line: string) => void;
}

const FRESH_PROCESSES = 3;
const LATER_COMPILATIONS = 20;
const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Rejects with what the process wrote when one of them fails. */
export async function benchMapping({ objects, rounds, memoryObjects, log }: MappingOptions): Promise<MappingMeasured> {
  const folder = await mkdtemp(join(tmpdir(), "uplink-mapping-"));
  const program = join(folder, "mapping.cjs");
  const run = async (...args: (string | number)[]): Promise<unknown> => {
    const child = promisify(execFile)(process.execPath, ["--expose-gc", program, ...args.map(String)]);
    return JSON.parse((await child).stdout);
  };
  try {
    await build({
      absWorkingDir: ROOT,
      entryPoints: ["bench/mapping-child.ts"],
      outfile: program,
      bundle: true,
      format: "cjs",
      platform: "node",
      target: "node20",
      minifySyntax: true,
      logLevel: "warning",
    });
    log("Compiling the schema …");
    const compilations: Compilation[] = [];
    for (let at = 0; at < FRESH_PROCESSES; at++)
      compilations.push((await run("compile", LATER_COMPILATIONS)) as Compilation);
    log(`Mapping ${objects} objects of each kind, ${rounds} times …`);
    const throughput = (await run("throughput", objects, rounds)) as Throughput;
    log(`Memory over ${memoryObjects} objects …`);
    const heap = (await run("memory", memoryObjects)) as readonly HeapReading[];
    const compilation = {
      first: median(compilations.map(({ first }) => first)),
      later: median(compilations.map(({ later }) => later)),
    };
    return { objects, throughput, compilation, heap };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Table on standard output, the same as JSON behind it or in the file. `args` are those after the program's name. */
export async function runMappingBench(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: args.filter((own) => own !== "--mapping"),
    options: {
      objects: { type: "string", default: "8000" },
      rounds: { type: "string", default: "7" },
      "memory-objects": { type: "string", default: "1000000" },
      json: { type: "string" },
    },
  });
  const measured = await benchMapping({
    objects: wholeNumber("objects", values.objects, 1_000_000),
    rounds: wholeNumber("rounds", values.rounds, 1_000),
    memoryObjects: wholeNumber("memory-objects", values["memory-objects"], 100_000_000),
    log: (line) => void process.stderr.write(`${line}\n`),
  });
  const conditions = conditionsHere();
  const json = `${JSON.stringify({ conditions, ...measured, missed: missedByMapping(measured) }, null, 2)}\n`;
  process.stdout.write(`${mappingReport(conditions, measured)}\n`);
  if (values.json === undefined) process.stdout.write(`\n${json}`);
  else await writeFile(values.json, json);
}

function wholeNumber(name: string, text: string, most: number): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > most)
    throw new Error(`--${name} takes a whole number from 1 to ${most}.`);
  return number;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  runMappingBench(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
