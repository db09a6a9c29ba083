/**
 * One episode of an orchestration: the function is run over the whole history and everything that came in since, and
 * what it asks for becomes one decision. Nothing is written and nothing started here; the engine does both.
 */

import type { OrchestratorState } from "./actions.ts";
import { entityIdOf, toWire } from "./entity-messages.ts";
import { eventType, type HistoryEvent, historyEvent } from "./history.ts";
import { httpActivityName } from "./http-request.ts";
import type { End, Instance } from "./instance.ts";
import { type Command, replayActions } from "./replay-actions.ts";
import { type OrchestrationTrigger, orchestrationTrigger, stateOfFailure } from "./trigger-values.ts";

export type Decision = {
  readonly took: number;
  readonly events: readonly HistoryEvent[];
  readonly commands: readonly Command[];
  readonly customStatus: string | null;
  readonly end: End | null;
  readonly continueAsNew?: { readonly input: string | null };
  /** The failure, for the log. */
  readonly failure?: string;
};

export type EpisodeDeps = {
  /** Runs the orchestrator function and returns its state; rejects with the error that the function threw. */
  readonly runOrchestrator: (name: string, trigger: OrchestrationTrigger) => Promise<OrchestratorState>;
  readonly hasOrchestrator: (name: string) => boolean;
  readonly hasActivity: (name: string) => boolean;
  /** Takes the name in any case. */
  readonly hasEntity: (name: string) => boolean;
  readonly defaultVersion: string | null;
};

function scheduledEvent(command: Command, atMs: number, defaultVersion: string | null): HistoryEvent {
  switch (command.kind) {
    case "activity":
      return historyEvent("TaskScheduled", atMs, { EventId: command.taskId, Name: command.name, Input: command.input });
    case "timer":
      return historyEvent("TimerCreated", atMs, {
        EventId: command.taskId,
        FireAt: new Date(command.fireAtMs).toISOString(),
      });
    case "send":
      return historyEvent("EventSent", atMs, {
        EventId: command.taskId,
        InstanceId: command.to,
        ...toWire(command.message),
      });
    case "sub": {
      const version = command.version ?? defaultVersion;
      return historyEvent("SubOrchestrationInstanceCreated", atMs, {
        EventId: command.taskId,
        Name: command.name,
        Input: command.input,
        InstanceId: command.instanceId,
        ...(version === null ? {} : { Version: version }),
      });
    }
  }
}

const failed = (name: string, message: string): End => ({
  status: "Failed",
  output: JSON.stringify(`Orchestrator function '${name}' failed: ${message}`),
});

/** The last event of an execution, as the framework numbers its statuses. */
const completion = (end: End, taskId: number, atMs: number): HistoryEvent =>
  historyEvent("ExecutionCompleted", atMs, {
    EventId: taskId,
    OrchestrationStatus: end.status === "Completed" ? 1 : 3,
    ...(end.output === null ? {} : { Result: end.output }),
  });

/** Why a command can't be carried out, or undefined. Azure leaves such an orchestration hanging. */
function fault(command: Command, deps: EpisodeDeps): string | undefined {
  const missing = (name: string, kind: string): string =>
    `The function '${name}' doesn't exist, is disabled, or is not an ${kind} function.`;
  if (command.kind === "activity") {
    const { name } = command;
    return name === httpActivityName || deps.hasActivity(name) ? undefined : missing(name, "activity");
  }
  if (command.kind !== "send") return undefined;
  const { name } = entityIdOf(command.to);
  return deps.hasEntity(name) ? undefined : missing(name, "entity");
}

export async function runEpisode(deps: EpisodeDeps, instance: Instance, atMs: number): Promise<Decision> {
  const messages = [...instance.inbox];
  const isFirst = instance.history.length === 0;
  // An episode never starts before the one it follows, whatever the machine's clock does.
  const last = instance.history.findLast((event) => event.EventType === eventType.OrchestratorStarted);
  const nowMs = Math.max(atMs, last === undefined ? 0 : Date.parse(last.Timestamp));
  const incoming: HistoryEvent[] = [historyEvent("OrchestratorStarted", nowMs)];
  if (isFirst) {
    incoming.push(
      historyEvent("ExecutionStarted", nowMs, {
        Name: instance.name,
        Input: instance.input,
        ...(instance.version === null ? {} : { Version: instance.version }),
      }),
    );
  }
  for (const message of messages) incoming.push(message.event);
  const history = [...instance.history, ...incoming];
  const closing = historyEvent("OrchestratorCompleted", nowMs);

  const failWith = (message: string): Decision => {
    const end = failed(instance.name, message);
    return {
      took: messages.length,
      events: [...incoming, completion(end, -1, nowMs), closing],
      commands: [],
      customStatus: instance.customStatus,
      end,
      failure: message,
    };
  };

  if (!deps.hasOrchestrator(instance.name)) {
    return failWith(`The function '${instance.name}' doesn't exist, is disabled, or is not an orchestrator function.`);
  }
  let state: OrchestratorState;
  try {
    const trigger = orchestrationTrigger({
      history,
      input: instance.input,
      instanceId: instance.id,
      parentInstanceId: instance.parent?.instanceId ?? null,
      isReplaying: !isFirst,
    });
    state = await deps.runOrchestrator(instance.name, trigger);
  } catch (error) {
    let carried: OrchestratorState | undefined;
    try {
      carried = stateOfFailure(error);
    } catch (unreadable) {
      return failWith(String(unreadable));
    }
    if (carried === undefined) return failWith(error instanceof Error ? error.message : String(error));
    state = carried;
  }

  const replay = replayActions({
    history,
    actions: state.actions,
    instanceId: instance.id,
    executionId: instance.executionId,
    returned: state.isDone && state.error === undefined,
  });
  if (replay.nonDeterminism !== undefined) return failWith(replay.nonDeterminism);
  for (const command of replay.commands) {
    const why = fault(command, deps);
    if (why !== undefined) return failWith(why);
  }

  const ends = replay.settled && replay.continueAsNew === undefined;
  const end: End | null = !ends
    ? null
    : state.error !== undefined
      ? failed(instance.name, state.error)
      : state.isDone
        ? { status: "Completed", output: state.output }
        : null;
  return {
    took: messages.length,
    events: [
      ...incoming,
      ...replay.commands.map((command) => scheduledEvent(command, nowMs, deps.defaultVersion)),
      ...(end === null ? [] : [completion(end, replay.nextTaskId, nowMs)]),
      closing,
    ],
    commands: replay.commands,
    customStatus: state.customStatus ?? instance.customStatus,
    end,
    ...(replay.settled && replay.continueAsNew !== undefined ? { continueAsNew: replay.continueAsNew } : {}),
    ...(end?.status === "Failed" ? { failure: state.error ?? "" } : {}),
  };
}
