// `npm run check:infra`: compiles and lints every Bicep file with the real compiler, without a warning, and runs test/infra
// over what came out. Says "skipped: …" and ends with 0 where the compiler can't be had.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { findBicep, runBicep } from "./bicep.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const infra = join(root, "infra");
const found = findBicep();
if (found.skipped) {
  process.stdout.write(`check:infra skipped: ${found.skipped}.\n`);
} else {
  process.exitCode = check(found.program);
}

function check(program) {
  const files = readdirSync(infra, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".bicep"));
  // The compiler looks into the modules that a file calls, and tells of those too.
  const called = new Set(files.flatMap((name) => modulesOf(name)));
  const roots = files.filter((name) => !called.has(name));
  if (!roots.includes("main.bicep")) throw new Error("infra/main.bicep is missing, or something calls it.");
  const faults = [];
  for (const name of roots)
    for (const command of ["build", "lint"]) {
      const options = command === "build" ? ["--stdout"] : [];
      const { ok, said } = runBicep(program, [command, join(infra, name), ...options]);
      if (!ok || said !== "") faults.push(`${command} ${name}:\n${said}`);
    }
  if (faults.length > 0) {
    process.stderr.write(`${[...new Set(faults)].join("\n")}\n`);
    return 1;
  }
  process.stdout.write(`${files.length} Bicep files compile and lint without a warning (${versionOf(program)}).\n`);
  return testCompiled(program);
}

/** The files that one calls, from infra/. */
function modulesOf(name) {
  const text = readFileSync(join(infra, name), "utf8");
  return [...text.matchAll(/^module \w+ '([^']+\.bicep)'/gm)].map(([, path]) => join(dirname(name), path));
}

function testCompiled(program) {
  const folder = mkdtempSync(join(tmpdir(), "uplink-infra-"));
  try {
    const compiled = join(folder, "main.json");
    writeFileSync(compiled, runBicep(program, ["build", join(infra, "main.bicep"), "--stdout"]).out);
    const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
    return (
      spawnSync(process.execPath, [vitest, "run", "test/infra"], {
        cwd: root,
        stdio: "inherit",
        env: { ...process.env, UPLINK_COMPILED_INFRA: compiled },
      }).status ?? 1
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function versionOf(program) {
  return runBicep(program, ["--version"]).out.trim();
}
