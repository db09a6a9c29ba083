/**
 * Who runs an app's durable functions for the engine: the host in whose process it lives, or the hosts that have joined a task
 * hub. What is run and what comes back is JSON, so that both can be the same.
 */

import { type OrchestratorState, parseOrchestratorState } from "./actions.ts";
import type { EngineDeps } from "./engine-contract.ts";
import { type EntityTrigger, parseBatchResult } from "./entity-batch.ts";
import type { OrchestrationTrigger } from "./trigger-values.ts";

/** One run of one function. `input` is JSON text. */
export type Work =
  | { readonly kind: "orchestrator"; readonly name: string; readonly trigger: OrchestrationTrigger }
  | { readonly kind: "activity"; readonly name: string; readonly instanceId: string; readonly input: string | null }
  | { readonly kind: "entity"; readonly name: string; readonly trigger: EntityTrigger };

export type WorkKind = Work["kind"];

/** An entity's name comes in lower case, the others as the app has them. */
export type FunctionRunner = {
  has(kind: WorkKind, name: string): boolean;
  /** Resolves with the JSON text of what the function returned; rejects with what it threw. */
  run(work: Work): Promise<string | null>;
};

/** The engine's side of a runner. */
export function engineFunctions({ has, run }: FunctionRunner): EngineDeps["functions"] {
  const json = async (work: Work): Promise<unknown> => JSON.parse((await run(work)) ?? "null");
  return {
    hasOrchestrator: (name) => has("orchestrator", name),
    hasActivity: (name) => has("activity", name),
    hasEntity: (name) => has("entity", name.toLowerCase()),
    runOrchestrator: async (name, trigger): Promise<OrchestratorState> =>
      parseOrchestratorState(await json({ kind: "orchestrator", name, trigger })),
    runActivity: (name, instanceId, input) => run({ kind: "activity", name, instanceId, input }),
    runEntity: async (name, trigger) => parseBatchResult(await json({ kind: "entity", name, trigger })),
  };
}
