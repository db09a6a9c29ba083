/**
 * `npm run test:host`: runs the sample app on the real Functions host and on the local one and compares what each does.
 * Exit 0 when they agree, or, with a line that begins with "skipped:", when the real host can't be had here; 1 when they
 * differ or the real host fails.
 *
 * So far it has only ever skipped: on no machine could the packages be had, and what follows a restore is unproven.
 *
 * Arguments: none for the sample app of the tests; `--app FILE` for the built app (`see-app.ts`: its list of functions, and one sync
 * through it; host.json is taken from beside it or above).
 */

import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { type FunctionsHost, startFunctionsHost } from "../functions-host/host.ts";
import type { StartOtherHost } from "../start/services.ts";
import { differences, type Observations, observe } from "./observe.ts";
import { type RealHostFiles, restoreRealHost } from "./packages.ts";
import { functionNames, localHostIn, seeApp } from "./see-app.ts";
import { startRealHost } from "./start-real-host.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const sampleDir = join(root, "test/fixtures/functions-app");
const limitMs = 60_000;

const sampleSettings = {
  SAMPLE_SCHEDULE: "0 0 2 1 1 *",
  SAMPLE_QUEUE: "doorbell",
  "AzureWebJobs.bell.Disabled": "true",
  "AzureWebJobs.atStart.Disabled": "true",
  "AzureWebJobs.switchedOff.Disabled": "true",
};

async function readHostJson(appPath: string): Promise<unknown> {
  const beside = join(dirname(appPath), "host.json");
  const text = await readFile(beside, "utf8").catch(() => readFile(join(dirname(appPath), "..", "host.json"), "utf8"));
  return JSON.parse(text);
}

async function layOutApp(appPath: string | undefined, appDir: string): Promise<unknown> {
  await mkdir(appDir, { recursive: true });
  const main = join(appDir, "main.cjs");
  const source = appPath ?? join(sampleDir, "main.cjs");
  if (appPath === undefined) {
    const external = ["@azure/functions-core"];
    await build({ entryPoints: [source], bundle: true, platform: "node", format: "cjs", external, outfile: main });
  } else {
    await copyFile(appPath, main);
  }
  const hostJson = await readHostJson(source);
  await writeFile(join(appDir, "host.json"), JSON.stringify(hostJson));
  await writeFile(join(appDir, "package.json"), JSON.stringify({ name: "compared-app", main: "main.cjs" }));
  return hostJson;
}

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { app: { type: "string" } } });
  const appPath = values.app === undefined ? undefined : resolve(values.app);
  const restored = await restoreRealHost(join(root, "node_modules/.cache/real-host"));
  if ("skipped" in restored) {
    say(`skipped: the real Functions host is not at hand here: ${restored.skipped}.`);
    return 0;
  }
  const workDir = await mkdtemp(join(tmpdir(), "real-host-"));
  const appDir = join(workDir, "app");
  const hostJson = await layOutApp(appPath, appDir);
  try {
    const [ofReal, ofLocal] = await (appPath === undefined
      ? seeSample(restored.files, { appDir, workDir, hostJson })
      : seeBuilt(restored.files, { appDir, workDir }));
    const unequal = differences(ofReal, ofLocal);
    for (const [name, left, right] of unequal) say(`differs: ${name}\n  real:  ${left}\n  local: ${right}`);
    const total = Object.keys(ofReal).length;
    say(`${total - unequal.length} of ${total} observations are the same on the real and on the local host.`);
    return unequal.length === 0 ? 0 : 1;
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

type Pair = readonly [real: Observations, local: Observations];

/** One after the other: each has the runtime's storage, target and address to itself. */
async function seeBuilt(
  files: RealHostFiles,
  { appDir, workDir }: Readonly<Record<"appDir" | "workDir", string>>,
): Promise<Pair> {
  const see = async (name: string, start: (own: string) => StartOtherHost) => {
    const own = join(workDir, name);
    await mkdir(own);
    return seeApp(join(appDir, "main.cjs"), own, start(own));
  };
  const real = await see("real", (own) => (settings) => startRealHost({ files, appDir, workDir: own, settings }));
  return [real, await see("local", localHostIn)];
}

async function seeSample(
  files: RealHostFiles,
  { appDir, workDir, hostJson }: { readonly appDir: string; readonly workDir: string; readonly hostJson: unknown },
): Promise<Pair> {
  let local: FunctionsHost | undefined;
  const real = await startRealHost({ files, appDir, workDir, settings: sampleSettings });
  try {
    local = await startFunctionsHost({
      appPath: join(appDir, "main.cjs"),
      hostJson,
      port: 0,
      stateDir: join(workDir, "local"),
      env: { ...process.env, ...sampleSettings },
      log: () => undefined,
    });
    const see = async (url: string): Promise<Readonly<Record<string, unknown>>> => ({
      functions: await functionNames(url),
      ...(await observe({ url, limitMs })),
    });
    return [await see(real.url), await see(local.url)];
  } finally {
    await local?.stop();
    await real.stop();
  }
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);
