/** All orchestrators, by the names that they are registered under. */
import type { OrchestrationHandler } from "durable-functions";
import { backUp } from "../orchestrations/back-up.orchestrator.ts";
import { migrate } from "../orchestrations/migrate.orchestrator.ts";
import { ORCHESTRATOR } from "../orchestrations/names.ts";
import { processBatch, processWork } from "../orchestrations/process-batch.orchestrator.ts";
import { readEnd } from "../orchestrations/read-end.orchestrator.ts";
import { reconcile } from "../orchestrations/reconcile.orchestrator.ts";
import { syncRun } from "../orchestrations/sync-run.orchestrator.ts";
import { whatIf } from "../orchestrations/what-if.orchestrator.ts";

export const orchestrators: Readonly<Record<string, OrchestrationHandler>> = {
  [ORCHESTRATOR.syncRun]: syncRun,
  [ORCHESTRATOR.processBatch]: processBatch,
  [ORCHESTRATOR.processWork]: processWork,
  [ORCHESTRATOR.readEnd]: readEnd,
  [ORCHESTRATOR.whatIf]: whatIf,
  [ORCHESTRATOR.reconcile]: reconcile,
  [ORCHESTRATOR.backUp]: backUp,
  [ORCHESTRATOR.migrate]: migrate,
};
