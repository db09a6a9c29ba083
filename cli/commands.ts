/** Every group of commands of `uplink`, in the order in which help shows them; each has a file of its own. */
import { registerAccountCommands } from "./account-commands.ts";
import { registerAdminCommands } from "./admin-commands.ts";
import { registerAgentAdminCommands } from "./agent-admin-commands.ts";
import { registerAgentCommands } from "./agent-commands.ts";
import { registerAgentTokenCommands } from "./agent-token-commands.ts";
import { registerAuditCommands } from "./audit-commands.ts";
import { registerBackupCommands } from "./backup-commands.ts";
import { registerCompletionCommands } from "./completion-commands.ts";
import { registerConfigCommands } from "./config-commands.ts";
import { registerExclusionCommands } from "./exclusion-commands.ts";
import { registerExpressionCommands } from "./expression-commands.ts";
import { registerJobCreateCommands } from "./job-create-commands.ts";
import { registerJobDeleteCommands } from "./job-delete-commands.ts";
import { registerLifecycleCommands } from "./lifecycle-commands.ts";
import { registerLinkCommands } from "./link-commands.ts";
import { registerLogCommands } from "./log-commands.ts";
import { registerLoginCommands } from "./login-commands.ts";
import { registerModeCommands } from "./mode-commands.ts";
import { registerProvisionCommands } from "./provision-commands.ts";
import { registerQuarantineCommands } from "./quarantine-commands.ts";
import { registerReconcileCommands } from "./reconcile-commands.ts";
import type { Registration } from "./run-cli.ts";
import { registerSchemaCommands } from "./schema-commands.ts";
import { registerScopeCommands } from "./scope-commands.ts";
import { registerScopeEvalCommands } from "./scope-eval-commands.ts";
import { registerSecretCommands } from "./secret-commands.ts";
import { registerStagedCommands } from "./staged-commands.ts";
import { registerStatusCommands } from "./status-commands.ts";
import { registerTargetCommands } from "./target-commands.ts";
import { registerWakeCommands } from "./wake-commands.ts";
import { registerWhatIfCommands } from "./what-if-commands.ts";

export const COMMANDS: readonly Registration[] = [
  registerLoginCommands,
  registerAgentCommands,
  registerStatusCommands,
  registerAdminCommands,
  registerJobCreateCommands,
  registerJobDeleteCommands,
  registerLogCommands,
  registerAgentAdminCommands,
  registerAgentTokenCommands,
  registerAccountCommands,
  registerAuditCommands,
  registerModeCommands,
  registerWakeCommands,
  registerProvisionCommands,
  registerQuarantineCommands,
  registerLinkCommands,
  registerBackupCommands,
  registerExclusionCommands,
  registerScopeCommands,
  registerLifecycleCommands,
  registerSchemaCommands,
  registerStagedCommands,
  registerReconcileCommands,
  registerWhatIfCommands,
  registerConfigCommands,
  registerSecretCommands,
  registerTargetCommands,
  registerExpressionCommands,
  registerScopeEvalCommands,
  registerCompletionCommands,
];
