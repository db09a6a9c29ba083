/**
 * `uplink`: one program for admins and agents. This file lists the groups of commands and starts the process; each group has a
 * file of its own.
 */
import { registerAccountCommands } from "./account-commands.ts";
import { registerAdminCommands } from "./admin-commands.ts";
import { registerAgentAdminCommands } from "./agent-admin-commands.ts";
import { registerAgentCommands } from "./agent-commands.ts";
import { registerAuditCommands } from "./audit-commands.ts";
import { registerExclusionCommands } from "./exclusion-commands.ts";
import { registerExpressionCommands } from "./expression-commands.ts";
import { registerLifecycleCommands } from "./lifecycle-commands.ts";
import { registerLinkCommands } from "./link-commands.ts";
import { registerModeCommands } from "./mode-commands.ts";
import { registerQuarantineCommands } from "./quarantine-commands.ts";
import { registerReconcileCommands } from "./reconcile-commands.ts";
import { type Registration, runCli } from "./run-cli.ts";
import { registerSchemaCommands } from "./schema-commands.ts";
import { registerScopeCommands } from "./scope-commands.ts";
import { registerScopeEvalCommands } from "./scope-eval-commands.ts";
import { registerStagedCommands } from "./staged-commands.ts";
import { registerTargetCommands } from "./target-commands.ts";
import { registerWhatIfCommands } from "./what-if-commands.ts";

const registrations: readonly Registration[] = [
  registerAgentCommands,
  registerAdminCommands,
  registerAgentAdminCommands,
  registerAccountCommands,
  registerAuditCommands,
  registerModeCommands,
  registerQuarantineCommands,
  registerLinkCommands,
  registerExclusionCommands,
  registerScopeCommands,
  registerLifecycleCommands,
  registerSchemaCommands,
  registerStagedCommands,
  registerReconcileCommands,
  registerWhatIfCommands,
  registerTargetCommands,
  registerExpressionCommands,
  registerScopeEvalCommands,
];

const stop = new AbortController();
// The second signal ends the process as it would any other.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());

// Whoever reads our output may have had enough (`| head`): no reason to say anything.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

const terminal = {
  // Standard input is opened by the commands that read it; it would keep the others from ending.
  get input() {
    return process.stdin;
  },
  out: process.stdout,
  err: process.stderr,
  environment: process.env,
  fetch,
  stop: stop.signal,
};
runCli(process.argv.slice(2), terminal, registrations).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exitCode = 1;
  },
);
