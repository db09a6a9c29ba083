/**
 * Runs before `npm start`, `npm test` and `npm run uplink`: refuses a Node that is too old, and installs the
 * dependencies when the lock file is newer than what is installed. In a fresh clone that is the first thing that
 * happens. Plain JavaScript without dependencies, because nothing is installed yet.
 *
 * npm's output goes to standard error: what the command itself prints stays alone on standard output.
 */
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const OLDEST_NODE = 20;
const root = dirname(dirname(fileURLToPath(import.meta.url)));

function end(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

function changedAt(path) {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs;
}

const major = Number(process.versions.node.split(".")[0]);
if (major < OLDEST_NODE) {
  end(
    `Directory Uplink needs Node ${OLDEST_NODE} or newer; this is ${process.versions.node} (${process.execPath}).\n` +
      "Install a newer one from https://nodejs.org, open a new terminal, and run the command again.",
  );
}

const wanted = changedAt("package-lock.json");
const installed = changedAt("node_modules/.package-lock.json");
if (wanted === undefined) end(`There is no package-lock.json in ${root}: the clone is incomplete. Clone again.`);
if (installed === undefined || wanted > installed) {
  const npm = process.env.npm_execpath;
  if (npm === undefined) end("The dependencies are not installed. Run: npm ci");
  process.stderr.write("Installing the dependencies (about a minute, once) …\n");
  const { status, error } = spawnSync(process.execPath, [npm, "ci"], { cwd: root, stdio: ["ignore", 2, 2] });
  if (status !== 0) {
    end(
      `npm ci failed${error ? `: ${error.message}` : ""}. Its own words are above; most often the registry can't be reached.\n` +
        "Check network and proxy (npm config get registry), then run the command again.",
    );
  }
}
