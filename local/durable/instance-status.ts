/** An instance as the Durable extension's HTTP API shows it: JSON values for JSON texts, times cut to the second. */

import type { HistoryEvent } from "./history.ts";
import { type EndStatus, type Instance, type LiveStatus, liveStatus } from "./instance.ts";
import { historyView } from "./status-history.ts";
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

export function statusOf(instance: Instance | FinishedInstance, options: StatusOptions): InstanceStatus {
  const ended = "status" in instance;
  return {
    name: instance.name,
    instanceId: instance.id,
    runtimeStatus: ended ? instance.status : liveStatus(instance),
    input: options.showInput ? jsonValue(instance.input) : null,
    customStatus: jsonValue(instance.customStatus),
    output: jsonValue(ended ? instance.output : instance.staleOutput),
    createdTime: toSecond(instance.createdAt),
    lastUpdatedTime: toSecond(instance.updatedAt),
    ...(options.history === undefined
      ? {}
      : {
          historyEvents: historyView(options.history, {
            showInput: options.showInput,
            showOutput: options.showHistoryOutput ?? false,
          }),
        }),
  };
}
