/**
 * `npm run release:record -- <version>`: builds, records the release (`local/releases/record.ts`) and writes it to
 * `test/fixtures/releases/<version>/`. With `--histories <since when>` it takes the place of the version, and only the
 * orchestrations are written, to `test/fixtures/histories/<since when>/`: of code that is no release yet. `--to <folder>` writes
 * elsewhere; `--dirty` takes a tree that isn't committed.
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
    options: {
      histories: { type: "string" },
      to: { type: "string" },
      dirty: { type: "boolean", default: false },
    },
  });
  const { histories } = values;
  const [version = ""] = positionals;
  const isNamed =
    histories === undefined
      ? positionals.length === 1 && /^\d+\.\d+\.\d+$/.test(version)
      : positionals.length === 0 && /^[\w.-]+$/.test(histories);
  if (!isNamed) {
    throw new Error(
      "Say which version is recorded: npm run release:record -- 1.2.3 (or --histories after-1.2.3, of what came since)",
    );
  }
  const own = histories === undefined ? ["releases", version] : ["histories", histories];
  const folder = values.to ? resolve(values.to) : join(root, "test", "fixtures", ...own);
  if (existsSync(folder)) {
    throw new Error(`${folder} is there: it is recorded once. Remove the folder if it was never published.`);
  }
  const git = (...args) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();
  const changes = git("status", "--porcelain", "--untracked-files=no");
  if (changes !== "" && !values.dirty) {
    throw new Error(`The tree has changes that aren't committed, so no commit would be what was recorded:\n${changes}`);
  }
  await buildAll();
  register();
  const { recordHistories, recordRelease } = await import("../local/releases/record.ts");
  const options = { commit: git("rev-parse", "HEAD"), now: () => Date.now(), folder, log: say };
  const manifest =
    histories === undefined ? await recordRelease({ version, ...options }) : await recordHistories(options);
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
