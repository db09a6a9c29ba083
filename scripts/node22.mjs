/**
 * The Node of the deployed runtime, for the tests of the package: `node scripts/node22.mjs` fetches it by npm into node_modules/.cache/node22
 * and prints where it is, or "skipped: …" with the reason, ending with 0 either way.
 *
 * `findNode22` only looks: UPLINK_NODE22, this very process, that folder, then `node22` on PATH.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const VERSION = "22.23.3";
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cache = join(root, "node_modules", ".cache", "node22");
/** npm's packages of Node hold the program and run no script of their own. */
const name = `node-${process.platform}-${process.arch}`;
const fetched = join(cache, "node_modules", name, "bin", "node");

/** A path, or undefined. Throws when UPLINK_NODE22 names something that is no Node 22. */
export function findNode22(env = process.env) {
  const own = env.UPLINK_NODE22;
  if (own) {
    if (isNode22(own)) return own;
    throw new Error(`UPLINK_NODE22 names ${own}, which is no Node 22.`);
  }
  const onPath = (env.PATH ?? "").split(delimiter).map((folder) => join(folder, "node22"));
  const candidates = [process.execPath, fetched, ...onPath];
  return candidates.find((path) => existsSync(path) && isNode22(path));
}

function isNode22(path) {
  return spawnSync(path, ["--version"], { encoding: "utf8" }).stdout?.startsWith("v22.") === true;
}

function fetchNode22() {
  mkdirSync(cache, { recursive: true });
  writeFileSync(join(cache, "package.json"), '{ "private": true }\n');
  const npm = process.env.npm_execpath;
  const [program, first] = npm === undefined ? ["npm", []] : [process.execPath, [npm]];
  const args = ["install", "--prefix", cache, "--ignore-scripts", "--no-audit", "--no-fund", `${name}@${VERSION}`];
  const { status, stderr } = spawnSync(program, [...first, ...args], { encoding: "utf8" });
  return status === 0 && isNode22(fetched) ? undefined : `npm can't fetch ${name} ${VERSION}: ${(stderr ?? "").trim()}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const reason = findNode22() === undefined ? fetchNode22() : undefined;
  process.stdout.write(reason === undefined ? `${findNode22()}\n` : `skipped: ${reason}\n`);
}
