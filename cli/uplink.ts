/** The program's start: what `uplink` runs in a process of its own. */
import { runCli } from "./main.ts";

const stop = new AbortController();
// The second signal ends the process as it would any other.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());

runCli(process.argv.slice(2), {
  out: process.stdout,
  err: process.stderr,
  environment: process.env,
  fetch,
  stop: stop.signal,
}).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exitCode = 1;
  },
);
