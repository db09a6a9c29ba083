/**
 * `npm run release:record -- <version>`: builds, records the release (`local/releases/record.ts`) and writes it to
 * `test/fixtures/releases/<version>/`. `--to <folder>` writes elsewhere; `--dirty` takes a tree that isn't committed.
 */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { register } from "tsx/esm/api";
import { buildAll } from "./build.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const say = (line) => process.stdout.write(`${line}\n`);
try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { to: { type: "string" }, dirty: { type: "boolean", default: false } },
  });
  const [version] = positionals;
  if (positionals.length !== 1 || !/^\d+\.\d+\.\d+$/.test(version)) {
    throw new Error("Say which version is recorded: npm run release:record -- 1.2.3");
  }
  const folder = values.to ? resolve(values.to) : join(root, "test", "fixtures", "releases", version);
  if (existsSync(folder)) {
    throw new Error(`${folder} is there: a release is recorded once. Remove the folder if it was never published.`);
  }
  const git = (...args) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();
  const changes = git("status", "--porcelain", "--untracked-files=no");
  if (changes !== "" && !values.dirty) {
    throw new Error(`The tree has changes that aren't committed, so no commit would be what was recorded:\n${changes}`);
  }
  await buildAll();
  register();
  const { recordRelease } = await import("../local/releases/record.ts");
  const manifest = await recordRelease({
    version,
    commit: git("rev-parse", "HEAD"),
    now: () => Date.now(),
    folder,
    log: say,
  });
  const bytes = Object.values(manifest.sizes).reduce((sum, size) => sum + size, 0);
  say(`${folder}: ${Math.round(bytes / 1024)} KiB`);
  for (const [file, size] of Object.entries(manifest.sizes)) say(`  ${file.padEnd(20)}${Math.round(size / 1024)} KiB`);
  say(JSON.stringify(manifest.counts, null, 2));
} catch (error) {
  if (error.errors === undefined) {
    // What is expected says all in its message.
    process.stderr.write(`${["StartError", "Error"].includes(error.name) ? error.message : error.stack}\n`);
  }
  process.exitCode = 1;
}
