/**
 * `npm run test:host`: runs the sample app on the real Functions host and on the local one and compares what each does.
 * Exit 0 when they agree, or, with a line that begins with "skipped:", when the real host can't be had here; 1 when they
 * differ or the real host fails.
 *
 * So far it has only ever skipped: on no machine could the packages be had, and what follows a restore is unproven.
 *
 * Arguments: none for the sample app of the tests; `--app FILE` for another bundle (then only its start and its list of
 * functions are compared, host.json is taken from beside it or above).
 */

import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { type FunctionsHost, startFunctionsHost } from "../functions-host/host.ts";
import { differences, observe } from "./observe.ts";
import { restoreRealHost } from "./packages.ts";
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

async function functionNames(url: string): Promise<readonly string[]> {
  const list = (await (await fetch(`${url}/admin/functions`)).json()) as readonly { readonly name: string }[];
  return list.map(({ name }) => name).sort();
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
  const settings = appPath === undefined ? sampleSettings : {};
  let local: FunctionsHost | undefined;
  const real = await startRealHost({ files: restored.files, appDir, workDir, settings });
  try {
    local = await startFunctionsHost({
      appPath: join(appDir, "main.cjs"),
      hostJson,
      port: 0,
      stateDir: join(workDir, "local"),
      env: { ...process.env, ...settings },
      log: () => undefined,
    });
    const see = async (url: string): Promise<Readonly<Record<string, unknown>>> => ({
      functions: await functionNames(url),
      ...(appPath === undefined ? await observe({ url, limitMs }) : {}),
    });
    const [ofReal, ofLocal] = [await see(real.url), await see(local.url)];
    const unequal = differences(ofReal, ofLocal);
    for (const [name, left, right] of unequal) say(`differs: ${name}\n  real:  ${left}\n  local: ${right}`);
    const total = Object.keys(ofReal).length;
    say(`${total - unequal.length} of ${total} observations are the same on the real and on the local host.`);
    return unequal.length === 0 ? 0 : 1;
  } finally {
    await local?.stop();
    await real.stop();
    await rm(workDir, { recursive: true, force: true });
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
