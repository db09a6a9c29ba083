/**
 * `npm run uplink -- …`: the `uplink` program from source.
 *
 * A process of its own, because Node reads NODE_EXTRA_CA_CERTS at process start only, and the local runtime's
 * certificates come from its own authority. Signals and exit code pass through.
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const home = resolve(process.env.UPLINK_HOME || join(root, ".uplink"));
const ca = join(home, "tls", "ca.pem");
const trusted = existsSync(ca) ? { NODE_EXTRA_CA_CERTS: trustOf(process.env.NODE_EXTRA_CA_CERTS) } : {};

/** One file is all that Node takes: authorities that the user trusts already are put into it too. */
function trustOf(own) {
  if (!own || !existsSync(own)) return ca;
  const both = join(home, "tls", "with-own-authorities.pem");
  const text = `${readFileSync(ca, "utf8").trimEnd()}\n${readFileSync(own, "utf8")}`;
  if (!existsSync(both) || readFileSync(both, "utf8") !== text) writeFileSync(both, text);
  return both;
}

const child = spawn(
  process.execPath,
  ["--import", import.meta.resolve("tsx"), join(root, "cli", "main.ts"), ...process.argv.slice(2)],
  { stdio: "inherit", env: { ...process.env, UPLINK_HOME: home, ...trusted } },
);
// A terminal sends Ctrl-C to both; what is sent to this process alone has to be passed on.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => {
  process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
});
