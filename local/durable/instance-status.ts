/** An instance as the Durable extension's HTTP API shows it: JSON values for JSON texts, times cut to the second. */

import { eventType, type HistoryEvent } from "./history.ts";
import { type EndStatus, type Instance, type LiveStatus, liveStatus } from "./instance.ts";
import type { FinishedInstance } from "./store.ts";

export type InstanceStatus = {
  readonly name: string;
  readonly instanceId: string;
  readonly runtimeStatus: LiveStatus | EndStatus;
  readonly input: unknown;
  readonly customStatus: unknown;
  readonly output: unknown;
  /** yyyy-MM-ddTHH:mm:ssZ */
  readonly createdTime: string;
  readonly lastUpdatedTime: string;
  readonly historyEvents?: readonly unknown[];
};

export type StatusOptions = {
  readonly showInput: boolean;
  readonly history?: readonly HistoryEvent[];
  readonly showHistoryOutput?: boolean;
};

const jsonValue = (json: string | null): unknown => (json === null ? null : JSON.parse(json));
const toSecond = (atMs: number): string => `${new Date(atMs).toISOString().slice(0, 19)}Z`;

const typeNames = new Map<number, string>(Object.entries(eventType).map(([name, number]) => [number, name]));

function historyLine(event: HistoryEvent, showOutput: boolean): unknown {
  const { EventType, IsPlayed: _isPlayed, EventId: _eventId, Input: _input, Result, ...rest } = event;
  return {
    EventType: typeNames.get(EventType),
    ...rest,
    ...(showOutput && Result !== undefined ? { Result: jsonValue(Result) } : {}),
  };
}

export function statusOf(instance: Instance | FinishedInstance, options: StatusOptions): InstanceStatus {
  const ended = "status" in instance;
  return {
    name: instance.name,
    instanceId: instance.id,
    runtimeStatus: ended ? instance.status : liveStatus(instance),
    input: options.showInput ? jsonValue(instance.input) : null,
    customStatus: jsonValue(instance.customStatus),
    output: ended ? jsonValue(instance.output) : null,
    createdTime: toSecond(instance.createdAt),
    lastUpdatedTime: toSecond(instance.updatedAt),
    ...(options.history === undefined
      ? {}
      : { historyEvents: options.history.map((event) => historyLine(event, options.showHistoryOutput ?? false)) }),
  };
}
