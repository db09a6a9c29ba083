/**
 * Taking a failure back, as the framework's Azure Storage backend does (`AzureTableTrackingStore.RewindHistoryAsync`):
 * every failed activity, the event that had scheduled it, every failed child's end and the execution's own failed end
 * become events that a replay passes over, so that what failed is asked for once more. Timers aren't touched: an
 * orchestrator that retried finds its timers without the tries and fails again, on Azure as here (extension issue 617).
 */

import { eventType, type HistoryEvent } from "./history.ts";

export type RewoundHistory = {
  readonly history: HistoryEvent[];
  /** SubOrchestrationInstanceCreated events of the children whose failure was taken back. */
  readonly reopened: readonly HistoryEvent[];
};

const failedStatus = 3;
const names = new Map<number, string>(Object.entries(eventType).map(([name, number]) => [number, name]));

function isFailure(event: HistoryEvent): boolean {
  return (
    event.EventType === eventType.TaskFailed ||
    event.EventType === eventType.SubOrchestrationInstanceFailed ||
    (event.EventType === eventType.ExecutionCompleted && event.OrchestrationStatus === failedStatus)
  );
}

const passOver = ({ EventType, EventId, IsPlayed, Timestamp }: HistoryEvent): HistoryEvent => ({
  EventType: eventType.GenericEvent,
  EventId,
  IsPlayed,
  Timestamp,
  Reason: `Rewound: ${names.get(EventType) ?? ""}`,
});

export function rewindHistory(history: readonly HistoryEvent[]): RewoundHistory {
  const failedIds = (type: number): ReadonlySet<number | undefined> =>
    new Set(history.filter((event) => event.EventType === type).map((event) => event.TaskScheduledId));
  const failedTasks = failedIds(eventType.TaskFailed);
  const failedSubs = failedIds(eventType.SubOrchestrationInstanceFailed);
  return {
    history: history.map((event) => {
      const scheduledFailure = event.EventType === eventType.TaskScheduled && failedTasks.has(event.EventId);
      return scheduledFailure || isFailure(event) ? passOver(event) : event;
    }),
    reopened: history.filter(
      (event) => event.EventType === eventType.SubOrchestrationInstanceCreated && failedSubs.has(event.EventId),
    ),
  };
}
