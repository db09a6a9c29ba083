/** `uplink`: one program for admins and agents. This file starts the process; its commands stand in `commands.ts`. */
import { EXIT } from "../agent/agent-error.ts";
import { COMMANDS } from "./commands.ts";
import { openBrowser } from "./open-browser.ts";
import { runCli } from "./run-cli.ts";
import { watchOf } from "./watch.ts";

const stop = new AbortController();
// The second signal ends the process as it would any other.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());

// Whoever reads our output may have had enough (`| head`): no reason to say anything.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

const args = process.argv.slice(2);
const watch = watchOf(args, { environment: process.env, err: process.stderr });
const terminal = {
  watch,
  // Standard input is opened by the commands that read it; it would keep the others from ending.
  get input() {
    return process.stdin;
  },
  out: process.stdout,
  err: process.stderr,
  environment: process.env,
  fetch,
  openBrowser,
  stop: stop.signal,
};
runCli(args, terminal, COMMANDS)
  .then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exitCode = EXIT.defect;
    },
  )
  .finally(() => watch?.telemetry.close());
