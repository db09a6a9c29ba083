/**
 * `npm run package [-- scheduler|storage] [--to FOLDER]`: builds, then makes in `dist/` what is deployed: the folder `package/`, the same
 * as `directory-uplink.zip`, the bill of materials `sbom.cdx.json`, and a SHA-256 beside each of the two files.
 *
 * The bundle needs nothing beside it, so there is no `node_modules`. Files are sorted and bear one time, and the bill has neither a time nor
 * a serial number: the same sources and lock give the same bytes, and a digest says what is deployed. With a backend of Durable named,
 * `host.json` is that backend's (docs/adr/0043-package.md).
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { zipSync } from "fflate";
import { buildAll } from "./build.mjs";
import { hostJsonFor } from "./host-json.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** Of the zip: an instance fetches and unfolds it before its first request. */
export const MOST_BYTES = 6 * 1024 * 1024;
const FILES = ["host.json", "main.cjs", "main.cjs.map", "package.json"];
/** The oldest time that a zip can tell; read as local time, so it is the same bytes in every time zone. */
const TIME = new Date(1980, 0, 1);

/** Writes it all below `to` and returns the zip's size and digest. Throws when the zip is too large or npm can't make the bill. */
export async function makePackage({ to, backend }) {
  await buildAll();
  const folder = join(to, "package");
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const entries = {};
  for (const name of FILES) {
    const bytes = await contentsOf(name, backend);
    await writeFile(join(folder, name), bytes);
    entries[name] = bytes;
  }
  const zip = zipOf(entries);
  const zipDigest = await putWithDigest(to, "directory-uplink.zip", zip);
  await putWithDigest(to, "sbom.cdx.json", await billOfMaterials());
  return { folder, bytes: zip.length, digest: zipDigest };
}

/** Throws when it is too large to be deployed. */
export function zipOf(entries, most = MOST_BYTES) {
  const zip = zipSync(entries, { level: 9, mtime: TIME });
  if (zip.length > most)
    throw new Error(
      `The package is ${zip.length} bytes, and ${most} are the most: it is fetched at every cold start. See what the bundle took in, or leave the source map's sources out (scripts/build.mjs).`,
    );
  return zip;
}

async function contentsOf(name, backend) {
  const bytes = await readFile(join(root, "dist", name));
  if (name === "package.json") {
    const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    return jsonBytes({ ...JSON.parse(bytes.toString()), version });
  }
  if (name !== "host.json" || backend === undefined) return bytes;
  return jsonBytes(hostJsonFor(JSON.parse(bytes.toString()), backend));
}

/**
 * What `npm sbom` says of the lock file, without what differs from call to call; it asks no registry. What is shipped is taken by the lock's
 * own word: `--omit dev` also leaves out every package that a development dependency asks for besides us (npm 11: two thirds of them).
 */
async function billOfMaterials() {
  const args = ["sbom", "--sbom-format", "cyclonedx", "--package-lock-only"];
  const npm = process.env.npm_execpath;
  const [program, first] = npm === undefined ? ["npm", []] : [process.execPath, [npm]];
  const { status, stdout, stderr, error } = spawnSync(program, [...first, ...args], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`npm sbom failed: ${error?.message ?? stderr}`);
  const { name, packages } = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8"));
  const shipped = new Set(
    Object.entries(packages)
      .filter(([path, { dev }]) => path !== "" && dev !== true)
      .map(([path, { version }]) => `${path.slice(path.lastIndexOf("node_modules/") + 13)}@${version}`),
  );
  const { serialNumber: _number, ...bill } = JSON.parse(stdout);
  const { timestamp: _time, component: own, ...metadata } = bill.metadata;
  const isShipped = (ref) => ref === own["bom-ref"] || shipped.has(ref);
  return jsonBytes({
    ...bill,
    // npm calls it by the folder of the checkout.
    metadata: { ...metadata, component: { ...own, name } },
    // A package that both need is marked as development's where that copy came first.
    components: bill.components
      .filter((component) => isShipped(component["bom-ref"]))
      .map((component) => ({ ...component, properties: [] })),
    dependencies: bill.dependencies
      .filter(({ ref }) => isShipped(ref))
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter(isShipped) })),
  });
}

function jsonBytes(value) {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
}

async function putWithDigest(folder, name, bytes) {
  const digest = createHash("sha256").update(bytes).digest("hex");
  await writeFile(join(folder, name), bytes);
  // As sha256sum writes it and `sha256sum --check` reads it.
  await writeFile(join(folder, `${name}.sha256`), `${digest}  ${name}\n`);
  return digest;
}

async function main() {
  const { values, positionals } = parseArgs({ options: { to: { type: "string" } }, allowPositionals: true });
  const to = resolve(values.to ?? join(root, "dist"));
  const { folder, bytes, digest } = await makePackage({ to, backend: positionals[0] });
  process.stdout.write(
    `${folder}\n${join(to, "directory-uplink.zip")}: ${(bytes / 1_048_576).toFixed(1)} MiB, sha256 ${digest}\n`,
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  main().catch((error) => {
    // esbuild has printed its own errors already.
    if (error.errors === undefined) process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  });
}
