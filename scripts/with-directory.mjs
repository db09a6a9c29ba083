/**
 * Runs suites that need a real Active Directory (Samba): installs what they need, says what the machine lacks, builds, then
 * starts vitest. They need root, because a domain controller's ports are fixed.
 */
import "./ensure-installed.mjs";
import { spawn } from "node:child_process";
import { constants as access, accessSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const APT =
  "apt-get install -y --no-install-recommends samba samba-dsdb-modules samba-vfs-modules samba-ad-provision ldb-tools openssl";
const PROGRAMS = ["/usr/sbin/samba", "/usr/bin/samba-tool", "/usr/bin/python3", "/usr/bin/openssl"];

function isThere(path) {
  try {
    accessSync(path, access.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What stands in the way of a directory on this machine, as lines. */
function missing(script) {
  if (process.platform !== "linux")
    return [`  Linux: this is ${process.platform}. Run it on a Debian machine or in a virtual one.`];
  const lacks = [];
  const programs = PROGRAMS.filter((path) => !isThere(path));
  if (programs.length > 0)
    lacks.push(`  ${programs.join(", ")}: not there. On Debian or Ubuntu, as root: apt-get update && ${APT}`);
  if (process.getuid?.() !== 0)
    lacks.push(`  root: a domain controller listens on ports below 1024. Run it as root: sudo npm run ${script}`);
  return lacks;
}

/** Ends this process when it can't be done. The exit code is vitest's. */
export async function runWithDirectory(script, config, vitestArgs) {
  const lacks = missing(script);
  if (lacks.length > 0) {
    process.stderr.write(
      `The tests against a real Active Directory can't run here. What this machine lacks:\n${lacks.join("\n")}\n`,
    );
    process.exit(1);
  }
  // It needs the dependencies, so it is loaded only now.
  const { buildAll } = await import("./build.mjs");
  try {
    await buildAll();
  } catch (error) {
    if (error.errors === undefined) process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const args = [vitest, "run", "--config", config, ...vitestArgs];
  const child = spawn(process.execPath, args, { cwd: root, stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
  });
}
