/**
 * Replays a recorded execution with the present orchestrators, through durable-functions and through the walk that the
 * local engine takes: the same actions in the same order with the same inputs, or a sentence that says what to do.
 *
 * How often and how patiently a call is repeated may change, as long as the recorded history agrees with it.
 */
import { type Action, type OrchestratorState, parseOrchestratorState } from "../../../local/durable/actions.ts";
import { eventType } from "../../../local/durable/history.ts";
import { replayActions } from "../../../local/durable/replay-actions.ts";
import { orchestrationTrigger, stateOfFailure } from "../../../local/durable/trigger-values.ts";
import { type Invoke, returnedJson } from "../../../local/functions-host/invoke.ts";
import type { RecordedExecution } from "../../../local/releases/release-files.ts";

/** What is wrong, or undefined. */
export async function replayDifference(
  invoke: Invoke,
  version: string,
  execution: RecordedExecution,
): Promise<string | undefined> {
  const was = parseOrchestratorState(execution.state);
  const is = await presentState(invoke, execution);
  const what = typeof is === "string" ? is : differenceOf(execution, was, is);
  if (what === undefined) return undefined;
  return (
    `Release ${version}, instance ${execution.instanceId} (${execution.orchestrator}): ${what}. ` +
    "An instance of that release that is under way during the deployment would fail. Give durableTask.defaultVersion " +
    "in host.json a new value, branch on context.df.version, and keep the old branch for one release."
  );
}

async function presentState(invoke: Invoke, execution: RecordedExecution): Promise<OrchestratorState | string> {
  const { orchestrator, instanceId, parentInstanceId, history, input } = execution;
  const episodes = history.filter((event) => event.EventType === eventType.OrchestratorStarted).length;
  const trigger = orchestrationTrigger({
    ...{ history, instanceId, parentInstanceId },
    input: input === undefined ? null : JSON.stringify(input),
    isReplaying: episodes > 1,
  });
  try {
    const response = await invoke(orchestrator, { trigger: { string: JSON.stringify(trigger) } });
    return parseOrchestratorState(JSON.parse(returnedJson(response) ?? "null"));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return stateOfFailure(error) ?? `it can't be replayed: ${message}`;
  }
}

function differenceOf(execution: RecordedExecution, was: OrchestratorState, is: OrchestratorState): string | undefined {
  const before = was.actions.map(told);
  const now = is.actions.map(told);
  for (let at = 0; at < Math.max(before.length, now.length); at++) {
    if (before[at] === now[at]) continue;
    return `action ${at + 1} was ${before[at] ?? "none"} and is now ${now[at] ?? "none"}`;
  }
  const end = (state: OrchestratorState) =>
    state.error === undefined ? (state.isDone ? `done with ${state.output}` : "under way") : `failed: ${state.error}`;
  if (end(was) !== end(is)) return `after ${now.length} actions it was ${end(was)} and is now ${end(is)}`;
  const [walkedBefore, walkedNow] = [was, is].map((state) => walk(execution, state));
  if (walkedNow?.nonDeterminism !== undefined) return walkedNow.nonDeterminism;
  const asked = [walkedBefore, walkedNow].map((walked) => JSON.stringify(walked?.commands));
  return asked[0] === asked[1] ? undefined : `the host was to do ${asked[0]} next and is now to do ${asked[1]}`;
}

function walk({ history, instanceId }: RecordedExecution, { actions, isDone, error }: OrchestratorState) {
  const returned = isDone && error === undefined;
  // The execution's own id names sub-orchestrations without id and messages to entities: the product has neither.
  return replayActions({ history, actions, instanceId, executionId: instanceId, returned });
}

function told(action: Action): string {
  switch (action.kind) {
    case "activity":
    case "sub":
      return `${action.kind} ${action.name}${"instanceId" in action ? ` as ${action.instanceId}` : ""} ${action.input}`;
    case "all":
    case "any":
      return `${action.kind} of [${action.actions.map(told).join(", ")}]`;
    default:
      return `${action.kind} ${JSON.stringify(action)}`;
  }
}
