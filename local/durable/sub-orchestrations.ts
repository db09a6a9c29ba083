/**
 * The tie between a parent and its sub-orchestrations: starting a child, telling the parent how it ended, and mending
 * after a crash what was cut between the two (a child that was never started, an end that was never told).
 */

import type { Clock } from "./clock.ts";
import type { EngineLog } from "./engine-contract.ts";
import { type HistoryEvent, historyEvent } from "./history.ts";
import type { Instance, Message, Parent } from "./instance.ts";
import type { FinishedInstance, Store } from "./store.ts";

export type NewInstance = {
  readonly id: string;
  readonly name: string;
  readonly version: string | null;
  readonly input: string | null;
  readonly parent: Parent | null;
};

export type SubOrchestrations = {
  /** Carries out a SubOrchestrationInstanceCreated event. An id that is in use fails the parent's task. */
  start(parent: Instance, taskId: number, created: HistoryEvent): Promise<void>;
  tellParent(ended: FinishedInstance): Promise<void>;
  /** For every child that an instance waits for: makes sure that it runs or that its end is known. */
  mend(parent: Instance): Promise<void>;
};

export type SubOrchestrationsDeps = {
  readonly store: Store;
  readonly clock: Clock;
  readonly defaultVersion: string | null;
  readonly begin: (instance: NewInstance) => Promise<void>;
  readonly deliver: (instance: Instance | undefined, message: Message) => Promise<void>;
  readonly log: EngineLog;
};

export function createSubOrchestrations(deps: SubOrchestrationsDeps): SubOrchestrations {
  const { store, clock, deliver } = deps;

  const start = (parent: Instance, taskId: number, created: HistoryEvent): Promise<void> => {
    const id = created.InstanceId ?? "";
    const { executionId } = parent;
    if (store.live.has(id)) {
      const Reason = `Cannot start the sub-orchestration '${id}': an instance of that id is running.`;
      deps.log("warning", Reason);
      const fields = { TaskScheduledId: taskId, Reason, Details: "{}" };
      return deliver(parent, {
        event: historyEvent("SubOrchestrationInstanceFailed", clock.nowMs(), fields),
        executionId,
      });
    }
    return deps.begin({
      id,
      name: created.Name ?? "",
      version: created.Version ?? deps.defaultVersion,
      input: created.Input ?? null,
      parent: { instanceId: parent.id, executionId, taskId },
    });
  };

  const tellParent = (ended: FinishedInstance): Promise<void> => {
    const { parent } = ended;
    if (parent === null) return Promise.resolve();
    const at = clock.nowMs();
    const TaskScheduledId = parent.taskId;
    const event =
      ended.status === "Completed"
        ? historyEvent("SubOrchestrationInstanceCompleted", at, { TaskScheduledId, Result: ended.output ?? "null" })
        : historyEvent("SubOrchestrationInstanceFailed", at, {
            TaskScheduledId,
            Reason: String(JSON.parse(ended.output ?? '""')),
            Details: "{}",
          });
    return deliver(store.live.get(parent.instanceId), { event, executionId: parent.executionId });
  };

  const mend = async (parent: Instance): Promise<void> => {
    for (const [taskId, { instanceId, event }] of [...parent.subs]) {
      const isOurs = (link: Parent | null): boolean =>
        link?.instanceId === parent.id && link.executionId === parent.executionId && link.taskId === taskId;
      const ended = store.finished.get(instanceId);
      if (ended !== undefined && isOurs(ended.parent)) await tellParent(ended);
      else if (!isOurs(store.live.get(instanceId)?.parent ?? null)) await start(parent, taskId, event);
    }
  };

  return { start, tellParent, mend };
}
