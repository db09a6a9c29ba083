/**
 * The host's half of a replay: walks the actions that an orchestrator function asked for against the instance's
 * history, as the Durable extension does (`OutOfProcOrchestrationShim` over the framework's context), and says what is
 * to be scheduled now.
 *
 * Actions are awaited one after the other: the next starts when the one before has *wholly* settled, whatever the
 * orchestrator's generator did meanwhile. Task numbers are given in the order in which the walk starts tasks, which is
 * what ties completions to tasks in the library. The walk starts anew each time: no state but the history.
 *
 * Pure: no clock but the history's, no I/O.
 */

import type { Action } from "./actions.ts";
import type { EntityMessage } from "./entity-messages.ts";
import { completedTaskId, eventType, type HistoryEvent } from "./history.ts";
import { type HttpRequest, httpActivityName, nextPoll } from "./http-request.ts";
import { createEntityWalk } from "./replay-entities.ts";
import { type RetryPolicy, retryDelayMs } from "./retry-delay.ts";
import { createDeferred, type Deferred, type Task, whenAll, whenAny } from "./tasks.ts";

const dayMs = 24 * 3600 * 1000;
/** The Azure Storage backend takes timers up to 6 days; a longer one becomes a chain of 3 days each. */
export const longTimers = {
  maximumMs: 6 * dayMs,
  intervalMs: 3 * dayMs,
  maximum: "6.00:00:00",
  interval: "3.00:00:00",
};

export type Command =
  | { readonly kind: "activity"; readonly taskId: number; readonly name: string; readonly input: string | null }
  | { readonly kind: "timer"; readonly taskId: number; readonly fireAtMs: number }
  | { readonly kind: "send"; readonly taskId: number; readonly to: string; readonly message: EntityMessage }
  | {
      readonly kind: "sub";
      readonly taskId: number;
      readonly name: string;
      readonly input: string | null;
      readonly instanceId: string;
      readonly version?: string;
    };

export type Replay = {
  /** What this history hasn't scheduled yet. */
  readonly commands: readonly Command[];
  /** Every action has settled: only then the orchestrator's own end counts. */
  readonly settled: boolean;
  /** The input (JSON text or null) of a continueAsNew that was reached. */
  readonly continueAsNew?: { readonly input: string | null };
  /** The history holds a task that the actions don't: the orchestrator isn't deterministic. */
  readonly nonDeterminism?: string;
  /** Tasks that still wait for their completion. */
  readonly openTaskIds: ReadonlySet<number>;
  /** The number that a further task would have. */
  readonly nextTaskId: number;
};

export type ReplayInput = {
  readonly history: readonly HistoryEvent[];
  readonly actions: readonly Action[];
  readonly instanceId: string;
  readonly executionId: string;
  /** The orchestrator has returned (or continued as new): once all has settled, locks that it kept are let go. */
  readonly returned: boolean;
};

type ScheduledKind = Command["kind"];

const scheduledBy: Readonly<Record<number, ScheduledKind>> = {
  [eventType.TaskScheduled]: "activity",
  [eventType.TimerCreated]: "timer",
  [eventType.SubOrchestrationInstanceCreated]: "sub",
  [eventType.EventSent]: "send",
};

/** What an event that schedules a task must agree on with the command that it answers. */
const targetOf = (command: Command): string | undefined => {
  if (command.kind === "timer") return undefined;
  return command.kind === "send" ? command.to : command.name;
};
const targetIn = (event: HistoryEvent): string | undefined =>
  event.EventType === eventType.EventSent ? event.InstanceId : event.Name;

export function replayActions(input: ReplayInput): Replay {
  const { history, actions, executionId } = input;
  const commands = new Map<number, Command>();
  const open = new Map<number, Deferred>();
  const waitingEvents = new Map<string, Deferred[]>();
  const bufferedEvents = new Map<string, string[]>();
  let nextTaskId = 0;
  let nowMs = 0;
  let settled = false;
  let continueAsNew: { readonly input: string | null } | undefined;
  let nonDeterminism: string | undefined;

  const begin = (command: (taskId: number) => Command): { task: Deferred; taskId: number } => {
    const taskId = nextTaskId;
    nextTaskId += 1;
    const task = createDeferred();
    commands.set(taskId, command(taskId));
    open.set(taskId, task);
    return { task, taskId };
  };

  const timer = (fireAtMs: number): { task: Deferred; taskId: number } =>
    begin((taskId) => ({ kind: "timer", taskId, fireAtMs }));

  const startTimer = (fireAtMs: number, isCanceled: boolean): Task => {
    const whole = createDeferred();
    // Only a long one is a chain: a short one has fired when it has fired, whatever the next episode's clock says.
    const isLong = fireAtMs - nowMs > longTimers.maximumMs;
    const link = (): void => {
      const leftMs = fireAtMs - nowMs;
      const { task, taskId } = timer(leftMs > longTimers.maximumMs ? nowMs + longTimers.intervalMs : fireAtMs);
      if (isCanceled) {
        open.delete(taskId);
        whole.settle("failed");
        return;
      }
      task.whenSettled(() => (isLong && fireAtMs > nowMs ? link() : whole.settle("ok")));
    };
    link();
    return whole;
  };

  const startWithRetry = (policy: RetryPolicy, call: () => Task): Task => {
    const whole = createDeferred();
    const firstMs = nowMs;
    const attempt = (number: number): void => {
      call().whenSettled((outcome) => {
        if (outcome === "ok") return whole.settle("ok");
        const delayMs = retryDelayMs(policy, number, nowMs - firstMs);
        if (delayMs === 0) return whole.settle("failed");
        // The framework waits once more after the last failure too, and the library counts on that timer.
        timer(nowMs + delayMs).task.whenSettled(() => {
          if (number + 1 < policy.maxNumberOfAttempts) attempt(number + 1);
          else whole.settle("failed");
        });
      });
    };
    attempt(0);
    return whole;
  };

  const startHttp = (first: HttpRequest): Task => {
    const whole = createDeferred();
    const ask = (request: HttpRequest): void => {
      const { task } = begin((taskId) => ({
        kind: "activity",
        taskId,
        name: httpActivityName,
        input: JSON.stringify(request),
      }));
      task.whenSettled((outcome, answer) => {
        const next = outcome === "ok" && answer !== undefined ? nextPoll(request, answer) : undefined;
        if (next === undefined) whole.settle(outcome, answer);
        else timer(nowMs + next.delayMs).task.whenSettled(() => ask(next.request));
      });
    };
    ask(first);
    return whole;
  };

  const startEvent = (name: string): Task => {
    const task = createDeferred();
    const [first, ...rest] = bufferedEvents.get(name) ?? [];
    if (first !== undefined) {
      bufferedEvents.set(name, rest);
      task.settle("ok", first);
    } else {
      waitingEvents.set(name, [...(waitingEvents.get(name) ?? []), task]);
    }
    return task;
  };

  const entities = createEntityWalk({
    instanceId: input.instanceId,
    executionId,
    awaitEvent: startEvent,
    send: (to, message) => {
      const { taskId, task } = begin((id) => ({ kind: "send", taskId: id, to, message: message(id) }));
      // Sending settles nothing: an answer comes as an event of its own.
      open.delete(taskId);
      task.settle("ok");
      return taskId;
    },
  });

  const start = (action: Action): Task => {
    switch (action.kind) {
      case "activity": {
        const call = (): Task =>
          begin((taskId) => ({ kind: "activity", taskId, name: action.name, input: action.input })).task;
        return action.retry === undefined ? call() : startWithRetry(action.retry, call);
      }
      case "sub": {
        const { name, input, version } = action;
        const call = (): Task =>
          begin((taskId) => ({
            kind: "sub",
            taskId,
            name,
            input,
            instanceId: action.instanceId ?? `${executionId}:${taskId}`,
            ...(version === undefined ? {} : { version }),
          })).task;
        return action.retry === undefined ? call() : startWithRetry(action.retry, call);
      }
      case "timer":
        return startTimer(action.fireAtMs, action.isCanceled);
      case "event":
        return startEvent(action.name);
      case "callEntity":
        return entities.call(action);
      case "signalEntity":
        return entities.signal(action);
      case "lock":
        return entities.lock(action.entities);
      case "release":
        return entities.release();
      case "http":
        return startHttp(action.request);
      case "continueAsNew": {
        continueAsNew = { input: action.input };
        return whenAll([]);
      }
      case "all":
        return whenAll(action.actions.map(start));
      case "any":
        return whenAny(action.actions.map(start));
    }
  };

  let position = 0;
  const walk = (): void => {
    const action = actions[position];
    if (action === undefined) {
      settled = true;
      if (input.returned) entities.release();
      return;
    }
    position += 1;
    start(action).whenSettled(walk);
  };

  for (const event of history) {
    const scheduled = scheduledBy[event.EventType];
    if (scheduled !== undefined) {
      const command = commands.get(event.EventId);
      const was = targetIn(event);
      const isSame = command !== undefined && (command.kind === "timer" || targetOf(command) === was);
      if (command?.kind !== scheduled || !isSame) {
        nonDeterminism ??= `Non-Deterministic workflow detected: task ${event.EventId} was ${scheduled} '${was ?? ""}' and isn't now.`;
      }
      commands.delete(event.EventId);
      continue;
    }
    switch (event.EventType) {
      case eventType.OrchestratorStarted:
        nowMs = Date.parse(event.Timestamp);
        break;
      case eventType.ExecutionStarted:
        walk();
        break;
      case eventType.EventRaised: {
        const name = event.Name ?? "";
        // The last to wait is the first to be served, as in the extension.
        const task = waitingEvents.get(name)?.pop();
        const value = event.Input ?? "null";
        if (task === undefined) bufferedEvents.set(name, [...(bufferedEvents.get(name) ?? []), value]);
        else task.settle("ok", value);
        break;
      }
      case eventType.TaskCompleted:
      case eventType.TaskFailed:
      case eventType.SubOrchestrationInstanceCompleted:
      case eventType.SubOrchestrationInstanceFailed:
      case eventType.TimerFired: {
        const taskId = completedTaskId(event) ?? -1;
        const task = open.get(taskId);
        open.delete(taskId);
        const failed =
          event.EventType === eventType.TaskFailed || event.EventType === eventType.SubOrchestrationInstanceFailed;
        task?.settle(failed ? "failed" : "ok", event.Result);
        break;
      }
    }
  }
  return {
    commands: [...commands.values()],
    settled,
    openTaskIds: new Set(open.keys()),
    nextTaskId,
    ...(continueAsNew === undefined ? {} : { continueAsNew }),
    ...(nonDeterminism === undefined ? {} : { nonDeterminism }),
  };
}
