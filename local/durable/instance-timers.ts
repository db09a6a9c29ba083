/**
 * Everything that an instance waits for the clock for: its durable timers, and activities that stay hidden after a
 * crash. All of one instance's waits end together when it ends or continues as new.
 */

import type { Clock } from "./clock.ts";
import type { Instance } from "./instance.ts";

export type InstanceTimers = {
  /** A durable timer: tells `fired` at its time. */
  set(instance: Instance, taskId: number, fireAtMs: number): void;
  after(instance: Instance, atMs: number, then: () => void): void;
  cancelAll(instance: Instance): void;
  stop(): void;
};

export type InstanceTimersDeps = {
  readonly clock: Clock;
  readonly fired: (instance: Instance, taskId: number, fireAtMs: number) => void;
};

export function createInstanceTimers({ clock, fired }: InstanceTimersDeps): InstanceTimers {
  const waits = new Map<Instance, Set<() => void>>();

  const after = (instance: Instance, atMs: number, then: () => void): void => {
    const own = waits.get(instance) ?? new Set();
    waits.set(instance, own);
    const cancel = clock.wakeAt(atMs, () => {
      own.delete(cancel);
      if (own.size === 0) waits.delete(instance);
      then();
    });
    own.add(cancel);
  };

  const cancelAll = (instance: Instance): void => {
    for (const cancel of waits.get(instance) ?? []) cancel();
    waits.delete(instance);
  };

  return {
    set: (instance, taskId, fireAtMs) => after(instance, fireAtMs, () => fired(instance, taskId, fireAtMs)),
    after,
    cancelAll,
    stop: () => {
      for (const instance of [...waits.keys()]) cancelAll(instance);
    },
  };
}
