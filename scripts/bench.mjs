/**
 * `npm run bench`: builds, then runs `bench/main.ts` with the arguments passed on
 * (`npm run bench -- --users 2000 --json bench.json`).
 */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildAll } from "./build.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
try {
  await buildAll();
} catch (error) {
  if (error.errors === undefined) process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
const main = join(root, "bench", "main.ts");
const program = ["--import", import.meta.resolve("tsx"), main, ...process.argv.slice(2)];
const child = spawn(process.execPath, program, { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => {
  process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
});
