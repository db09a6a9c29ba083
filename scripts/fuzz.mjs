/** `npm run fuzz`: wrong requests against every function (`npm run fuzz -- --requests 5000 --seed 7`); 100,000 and a fresh seed if nothing is said.
 */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const main = join(root, "test", "fuzz", "main.ts");
const program = ["--import", import.meta.resolve("tsx"), main, ...process.argv.slice(2)];
const child = spawn(process.execPath, program, { stdio: "inherit", cwd: root });
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => {
  process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
});
