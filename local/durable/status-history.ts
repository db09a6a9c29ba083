/**
 * A history as the status query shows it: the extension (`DurableClient.GetDurableOrchestrationStatusAsync`) names the
 * types, folds the event that scheduled a task into the one that completed it, and leaves the framework's own
 * bookkeeping out.
 */

import { eventType, type HistoryEvent } from "./history.ts";

export type HistoryViewOptions = { readonly showInput: boolean; readonly showOutput: boolean };

type Line = Record<string, unknown>;

const typeNames = new Map<number, string>(Object.entries(eventType).map(([name, number]) => [number, name]));
const executionStatuses: Readonly<Record<number, string>> = { 1: "Completed", 3: "Failed" };
const scheduler: Readonly<Record<number, number>> = {
  [eventType.TaskCompleted]: eventType.TaskScheduled,
  [eventType.TaskFailed]: eventType.TaskScheduled,
  [eventType.SubOrchestrationInstanceCompleted]: eventType.SubOrchestrationInstanceCreated,
  [eventType.SubOrchestrationInstanceFailed]: eventType.SubOrchestrationInstanceCreated,
};
const hidden = new Set<number>([eventType.OrchestratorStarted, eventType.OrchestratorCompleted]);

const parsed = (json: string): unknown => {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
};

export function historyView(history: readonly HistoryEvent[], options: HistoryViewOptions): readonly Line[] {
  const folded = new Set<HistoryEvent>();
  const byNumber = new Map(history.map((event) => [`${event.EventType}/${event.EventId}`, event]));
  const lineOf = (event: HistoryEvent): Line => {
    const { EventType, EventId: _id, IsPlayed: _played, Version: _version, Input, Result, ...rest } = event;
    const { Name, TimerId: _timer, TaskScheduledId, OrchestrationStatus, ...shown } = rest;
    const line: Line = { EventType: typeNames.get(EventType), ...shown };
    const started = EventType === eventType.ExecutionStarted;
    if (Name !== undefined) line[started ? "FunctionName" : "Name"] = Name;
    if (OrchestrationStatus !== undefined) line["OrchestrationStatus"] = executionStatuses[OrchestrationStatus];
    if (options.showInput && Input !== undefined) line["Input"] = Input;
    if (options.showOutput && Result !== undefined) line["Result"] = parsed(Result);
    const schedule = byNumber.get(`${scheduler[EventType]}/${TaskScheduledId}`);
    if (schedule !== undefined) {
      folded.add(schedule);
      line["ScheduledTime"] = schedule.Timestamp;
      line["FunctionName"] = schedule.Name;
      if (options.showInput) line["Input"] = schedule.Input ?? null;
    }
    return line;
  };
  const lines = history.map((event) => ({ event, line: lineOf(event) }));
  return lines.filter(({ event }) => !hidden.has(event.EventType) && !folded.has(event)).map(({ line }) => line);
}
