/**
 * The part of a replay that speaks with entities: calls, signals, locks and their release, in the order and with the
 * task numbers that the extension's orchestration context gives them. A message takes one task number; an answer comes
 * as an event named by the request's id.
 */

import type { Action } from "./actions.ts";
import { type EntityMessage, type EntityResponse, requestId } from "./entity-messages.ts";
import { createDeferred, type Task, whenAll } from "./tasks.ts";

type EntityAction = Action & { readonly kind: "callEntity" | "signalEntity" };

export type EntityWalk = {
  call(action: EntityAction): Task;
  /** Fire and forget: settled at once. */
  signal(action: EntityAction): Task;
  /** Settles when the last of the entities has been locked. */
  lock(entities: readonly string[]): Task;
  /** Lets go of what is locked, if anything is; settled at once. */
  release(): Task;
};

export type EntityWalkDeps = {
  readonly instanceId: string;
  readonly executionId: string;
  /** Sends a message and returns the task number that it took. */
  readonly send: (to: string, message: (taskId: number) => EntityMessage) => number;
  readonly awaitEvent: (name: string) => Task;
};

export function createEntityWalk({ instanceId, executionId, send, awaitEvent }: EntityWalkDeps): EntityWalk {
  let locked: readonly string[] = [];
  const from = { parent: instanceId, parentExecution: executionId };

  const operate = (action: EntityAction): string => {
    const { entity, operation, input, dueMs } = action;
    const signal = action.kind === "signalEntity";
    const taskId = send(entity, (number) => ({
      kind: "operation",
      id: requestId(executionId, number),
      operation,
      input,
      signal,
      ...from,
      ...(dueMs === undefined ? {} : { dueMs }),
    }));
    return requestId(executionId, taskId);
  };

  return {
    call: (action) => {
      const whole = createDeferred();
      awaitEvent(operate(action)).whenSettled((_outcome, answer) => {
        const { exceptionType } = JSON.parse(answer ?? "{}") as EntityResponse;
        whole.settle(exceptionType === undefined ? "ok" : "failed");
      });
      return whole;
    },
    signal: (action) => {
      operate(action);
      return whenAll([]);
    },
    lock: (entities) => {
      const [first = ""] = entities;
      const taskId = send(first, (number) => ({
        kind: "lock",
        id: requestId(executionId, number),
        lockSet: entities,
        position: 0,
        ...from,
      }));
      const whole = createDeferred();
      awaitEvent(requestId(executionId, taskId)).whenSettled(() => {
        locked = entities;
        whole.settle("ok");
      });
      return whole;
    },
    release: () => {
      for (const entity of locked) send(entity, () => ({ kind: "release", parent: instanceId }));
      locked = [];
      return whenAll([]);
    },
  };
}
