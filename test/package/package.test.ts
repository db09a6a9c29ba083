/**
 * What `npm run package` makes, as Azure gets it: the zip, unfolded where there is no node_modules, run by the local host under each Node that
 * it has to run on.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, readlink, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { unzipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { differences } from "../../local/real-host/observe.ts";
import { localHostIn, seeApp } from "../../local/real-host/see-app.ts";
import { SMALL_DOMAIN, syncSmallDirectory } from "../../local/real-host/sync.ts";
import { projectRoot } from "../../local/start/home.ts";
import { startRuntime } from "../../local/start/runtime.ts";

const run = promisify(execFile);
async function evaluate(code: string, environment: Readonly<Record<string, string>> = {}): Promise<string> {
  const options = { cwd: projectRoot, env: { ...process.env, ...environment } };
  return (await run(process.execPath, ["--input-type=module", "--eval", code], options)).stdout.trim();
}
const node22 = await evaluate('console.log((await import("./scripts/node22.mjs")).findNode22() ?? "")');

let folder: string;
let made: string;
/** Made again, for the Durable Task Scheduler. */
let other: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "uplink-package-"));
  made = join(folder, "made");
  await run(process.execPath, [join(projectRoot, "scripts", "package.mjs"), "--to", made]);
  other = join(folder, "other");
  await run(process.execPath, [join(projectRoot, "scripts", "package.mjs"), "scheduler", "--to", other]);
}, 240_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const json = async <T>(name: string): Promise<T> => JSON.parse(await readFile(join(made, name), "utf8")) as T;
const zip = async () => new Uint8Array(await readFile(join(made, "directory-uplink.zip")));

/** Written out as a deployment does; nothing above it has a node_modules. */
async function unfolded(name: string): Promise<string> {
  const place = join(folder, name);
  await mkdir(place);
  for (const [path, bytes] of Object.entries(unzipSync(await zip()))) await writeFile(join(place, path), bytes);
  return place;
}

describe("npm run package", () => {
  it("makes folder and zip of the same four files, sorted, under 6 MB, with nothing to install", async () => {
    const files = ["host.json", "main.cjs", "main.cjs.map", "package.json"];
    expect((await readdir(join(made, "package"))).toSorted()).toEqual(files);
    const unzipped = unzipSync(await zip());
    expect(Object.keys(unzipped)).toEqual(files);
    for (const name of files)
      expect(Buffer.from(unzipped[name]!).equals(await readFile(join(made, "package", name)))).toBe(true);
    expect((await zip()).length).toBeLessThan(6_000_000);
    expect(Object.keys(await json("package/package.json")).toSorted()).toEqual(["main", "name", "version"]);
    expect(await json("package/host.json")).toEqual(
      JSON.parse(await readFile(join(projectRoot, "host.json"), "utf8")) as unknown,
    );
  });

  it("makes the same bytes again, in another time zone too, and says their digest beside them", async () => {
    for (const name of ["main.cjs", "main.cjs.map", "package.json"])
      expect((await readFile(join(other, "package", name))).equals(await readFile(join(made, "package", name)))).toBe(
        true,
      );
    expect((await readFile(join(other, "sbom.cdx.json"))).equals(await readFile(join(made, "sbom.cdx.json")))).toBe(
      true,
    );
    const file = JSON.stringify(join(made, "directory-uplink.zip"));
    const code = `const { unzipSync } = await import("fflate"); const { readFileSync } = await import("node:fs");
      const zip = readFileSync(${file}); const { zipOf } = await import("./scripts/package.mjs");
      console.log(Buffer.from(zipOf(unzipSync(zip))).equals(zip));`;
    expect(await evaluate(code, { TZ: "Pacific/Auckland" })).toBe("true");
    for (const name of ["directory-uplink.zip", "sbom.cdx.json"]) {
      const digest = createHash("sha256")
        .update(await readFile(join(made, name)))
        .digest("hex");
      expect(await readFile(join(made, `${name}.sha256`), "utf8")).toBe(`${digest}  ${name}\n`);
    }
  }, 120_000);

  it("lists in its bill of materials what is shipped, each with version and digest, and no dev dependency", async () => {
    type Component = { name: string; version: string; hashes?: object[] };
    const { components, metadata } = await json<{ components: Component[]; metadata: { component: Component } }>(
      "sbom.cdx.json",
    );
    expect(metadata.component.name).toBe("directory-uplink");
    const { dependencies, devDependencies } = JSON.parse(
      await readFile(join(projectRoot, "package.json"), "utf8"),
    ) as Record<"dependencies" | "devDependencies", Record<string, string>>;
    const listed = new Map(components.map((own) => [own.name, own]));
    for (const [name, version] of Object.entries(dependencies)) expect(listed.get(name)).toMatchObject({ version });
    const lock = JSON.parse(await readFile(join(projectRoot, "package-lock.json"), "utf8")) as {
      packages: Record<string, { version: string; dev?: true }>;
    };
    const needed = Object.entries(lock.packages)
      .filter(([path, { dev }]) => path !== "" && !dev)
      .map(([path, { version }]) => `${path.split("node_modules/").at(-1)}@${version}`);
    expect(components.map(({ name, version }) => `${name}@${version}`).toSorted()).toEqual(
      [...new Set(needed)].toSorted(),
    );
    for (const { name, hashes } of components) expect([name, hashes?.length]).toEqual([name, 1]);
    for (const name of ["vitest", "esbuild", "typescript", "azurite"]) {
      expect(devDependencies).toHaveProperty([name]);
      expect(listed.has(name)).toBe(false);
    }
  });

  it("refuses a package that is too large", async () => {
    const code =
      'const { zipOf } = await import("./scripts/package.mjs"); try { zipOf({ a: new Uint8Array(9) }, 20) } catch (error) { console.log(error.message) }';
    expect(await evaluate(code)).toMatch(/^The package is \d+ bytes, and 20 are the most/);
  });

  it("names Durable's backend in its host.json where one is asked for", async () => {
    const hostJson = unzipSync(new Uint8Array(await readFile(join(other, "directory-uplink.zip"))))["host.json"]!;
    expect(JSON.parse(Buffer.from(hostJson).toString())).toMatchObject({
      extensions: { durableTask: { storageProvider: { type: "azureManaged" } } },
    });
  });
});

const NODES = [
  { name: `this Node (${process.version})`, node: process.execPath, app: "app-own" },
  {
    name: node22 === "" ? "Node 22 (skipped: there is none here, node scripts/node22.mjs fetches it)" : "Node 22",
    node: node22,
    app: "app-22",
  },
];
describe.each(NODES)("the package in plain $name", ({ node, app }) => {
  it.skipIf(node === "")(
    "syncs a directory, without anything to resolve modules from",
    async () => {
      const place = await unfolded(app);
      const runtime = await startRuntime({
        ...{ home: `${place}-home`, inMemory: true, quota: "off", verifiedDomains: [SMALL_DOMAIN] },
        ...{ appPath: join(place, "main.cjs"), node },
      });
      try {
        if (process.platform === "linux")
          expect(await readlink(`/proc/${runtime.process("host").pid}/exe`)).toBe(await realpath(node));
        const seen = await syncSmallDirectory(runtime, runtime.paths.home);
        expect(seen).toMatchObject({ exitCode: 0, read: true, outcomes: { escrowed: 0 } });
        expect(seen.users).toHaveLength(20);
        expect(seen.created).toBeGreaterThanOrEqual(20);
      } finally {
        await runtime.stop();
      }
    },
    240_000,
  );
});

it("is seen by the comparison with the real host: its functions, and a sync through it, twice the same", async () => {
  const place = await unfolded("compared");
  const see = async (name: string) => {
    const workDir = join(folder, `compared-${name}`);
    await mkdir(workDir);
    return seeApp(join(place, "main.cjs"), workDir, localHostIn(workDir));
  };
  const [one, other] = await Promise.all([see("one"), see("other")]);
  expect(one).toMatchObject({ exitCode: 0, read: true, outcomes: { escrowed: 0 } });
  expect(one["functions"]).toEqual(expect.arrayContaining(["SyncRun", "Tick", "WakeJob"]));
  expect(one["users"]).toHaveLength(20);
  expect(differences(one, other)).toEqual([]);
}, 240_000);
