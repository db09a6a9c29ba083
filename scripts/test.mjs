/**
 * `npm test`: builds what the end-to-end suites run, then runs vitest with the arguments passed on
 * (`npm test -- test/domain`). Prints nothing of its own.
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
const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
const child = spawn(process.execPath, [vitest, "run", ...process.argv.slice(2)], { cwd: root, stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => {
  process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
});
