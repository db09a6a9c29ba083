/** What the engine has done since it started, by orchestration name: for benches and for the curious. */

import type { Instance } from "./instance.ts";

export type OrchestrationCounters = {
  started: number;
  completed: number;
  failed: number;
  terminated: number;
  continuedAsNew: number;
  /** Runs of the orchestrator function: each replays the whole history of its instance. */
  episodes: number;
  /** Runs of activities that instances of this orchestration asked for, repetitions counted. */
  activities: number;
};

export type Counters = Readonly<Record<string, Readonly<OrchestrationCounters>>>;

export function createCounters(): {
  of(name: string): OrchestrationCounters;
  ended(instance: Instance): void;
  read(): Counters;
} {
  const byName = new Map<string, OrchestrationCounters>();
  const of = (name: string): OrchestrationCounters => {
    const known = byName.get(name);
    if (known !== undefined) return known;
    const fresh = { started: 0, completed: 0, failed: 0, terminated: 0, continuedAsNew: 0, episodes: 0, activities: 0 };
    byName.set(name, fresh);
    return fresh;
  };
  return {
    of,
    ended: (instance) => {
      const counters = of(instance.name);
      if (instance.end?.status === "Completed") counters.completed += 1;
      if (instance.end?.status === "Failed") counters.failed += 1;
      if (instance.end?.status === "Terminated") counters.terminated += 1;
    },
    read: () => Object.fromEntries([...byName].map(([name, counters]) => [name, { ...counters }])),
  };
}
