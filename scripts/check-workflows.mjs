/**
 * Refuses workflows whose actions are not pinned: `node scripts/check-workflows.mjs [--release] [folder]`. An action is pinned by the 40
 * hexadecimal digits of a commit, or stands as `PIN-ME-<tag>`, which `.github/README.md` tells how to fill in; `--release` refuses that too.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const args = process.argv.slice(2);
const isRelease = args.includes("--release");
const folder =
  args.find((argument) => !argument.startsWith("--")) ??
  fileURLToPath(new URL("../.github/workflows", import.meta.url));

const faults = [];
let looked = 0;
for (const file of readdirSync(folder).filter((name) => /\.ya?ml$/.test(name))) {
  const text = readFileSync(join(folder, file), "utf8");
  for (const [, action] of text.matchAll(/^[\s-]*["']?uses["']?\s*:\s*["']?([^\s"'#]+)/gm)) {
    looked += 1;
    if (action.startsWith("./") || /@[0-9a-f]{40}$/.test(action)) continue;
    if (!/@PIN-ME-v\d+$/.test(action)) faults.push(`${file}: ${action} is pinned by no digest of a commit`);
    else if (isRelease) faults.push(`${file}: ${action} is a placeholder`);
  }
}
if (looked === 0) faults.push(`${folder}: no action found`);
if (faults.length > 0) {
  process.stderr.write(`${faults.join("\n")}\nFill in the digests as .github/README.md says.\n`);
  process.exitCode = 1;
} else process.stdout.write(`${looked} actions are ${isRelease ? "pinned" : "pinned, or listed as to be pinned"}.\n`);
