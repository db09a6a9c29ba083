/**
 * Runs activities, a number of them at once, and hands on how each ended. A claim is written when one begins, so that a
 * restart knows which were running; the request behind `callHttp` is an activity too.
 */

import type { Clock } from "./clock.ts";
import type { OrchestrationCounters } from "./counters.ts";
import { type HistoryEvent, historyEvent } from "./history.ts";
import { runHttpActivity } from "./http-activity.ts";
import { httpActivityName } from "./http-request.ts";
import type { Instance, Message } from "./instance.ts";
import { activityFailure, httpFailure } from "./trigger-values.ts";
import { createWorkQueue, type WorkQueue } from "./work-queue.ts";

export type ActivityItem = {
  readonly instance: Instance;
  readonly taskId: number;
  readonly name: string;
  /** JSON text. */
  readonly input: string | null;
};

export type ActivitiesDeps = {
  readonly limit: number;
  readonly clock: Clock;
  /** With the JSON text of the input; gives the JSON text of the result. */
  readonly runActivity: (name: string, instanceId: string, input: string | null) => Promise<string | null>;
  readonly countersOf: (name: string) => OrchestrationCounters;
  /** Notes that an activity begins, when its instance still goes on. */
  readonly claim: (instance: Instance, taskId: number) => void;
  readonly deliver: (instance: Instance, message: Message) => Promise<void>;
  readonly onDefect: (error: unknown) => void;
  readonly onIdle: () => void;
  /** Ends requests of `callHttp` that are under way. */
  readonly aborted: AbortSignal;
};

export function createActivities(deps: ActivitiesDeps): WorkQueue<ActivityItem> {
  const { clock } = deps;

  const run = async ({ instance, taskId, name, input }: ActivityItem): Promise<HistoryEvent> => {
    const TaskScheduledId = taskId;
    const isHttp = name === httpActivityName;
    try {
      const result = isHttp
        ? await runHttpActivity(input, deps.aborted)
        : await deps.runActivity(name, instance.id, input);
      return historyEvent("TaskCompleted", clock.nowMs(), { TaskScheduledId, Result: result ?? "null" });
    } catch (error) {
      const failure = isHttp ? httpFailure(error) : activityFailure(name, error);
      return historyEvent("TaskFailed", clock.nowMs(), { TaskScheduledId, ...failure });
    }
  };

  return createWorkQueue<ActivityItem>({
    limit: deps.limit,
    onDefect: deps.onDefect,
    work: async (item) => {
      try {
        deps.claim(item.instance, item.taskId);
        deps.countersOf(item.instance.name).activities += 1;
        const event = await run(item);
        // A request that the stopping process cut off hasn't failed: it is made again after the restart.
        if (deps.aborted.aborted && item.name === httpActivityName && event.Result === undefined) return;
        await deps.deliver(item.instance, { event, executionId: item.instance.executionId });
      } finally {
        setImmediate(deps.onIdle);
      }
    },
  });
}
