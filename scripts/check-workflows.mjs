/**
 * Refuses workflows whose actions are not pinned: `node scripts/check-workflows.mjs [folder]`. An action is pinned by the 40 hexadecimal
 * digits of a commit; a placeholder (`PIN-ME-<tag>`) is refused too, and `.github/README.md` tells how to fill it in. It needs no dependency,
 * so that it is a workflow's first step.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = process.argv[2] ?? fileURLToPath(new URL("../.github/workflows", import.meta.url));

const faults = [];
let looked = 0;
for (const file of readdirSync(folder).filter((name) => /\.ya?ml$/.test(name))) {
  const text = readFileSync(join(folder, file), "utf8");
  for (const [, action] of text.matchAll(/^[\s-]*["']?uses["']?\s*:\s*["']?([^\s"'#]+)/gm)) {
    looked += 1;
    if (action.startsWith("./") || /@[0-9a-f]{40}$/.test(action)) continue;
    const isPlaceholder = action.includes("@PIN-ME");
    faults.push(`${file}: ${action} is ${isPlaceholder ? "a placeholder" : "pinned by no digest of a commit"}`);
  }
}
if (looked === 0) faults.push(`${folder}: no action found`);
if (faults.length > 0) {
  process.stderr.write(`${faults.join("\n")}\nFill in the digests as .github/README.md says.\n`);
  process.exitCode = 1;
} else process.stdout.write(`${looked} actions are pinned.\n`);
