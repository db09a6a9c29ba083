/**
 * The local durable engine: runs orchestrations of an unmodified durable-functions 3.5 app in one process, with every
 * step written down before its effects begin, so that a killed process goes on where it was.
 *
 * At least once: a completion that was written never runs again; an activity that was running when the process died
 * runs again after its visibility time-out. It copies what the Durable extension over Azure Storage does, its traps
 * included (each has a test in `test/local/durable/fidelity*.test.ts`). No entities, no callHttp, one task hub, one
 * process.
 */

import { randomUUID } from "node:crypto";
import { createCounters } from "./counters.ts";
import type { ControlResult, Engine, EngineDeps } from "./engine-contract.ts";
import { type EpisodeDeps, runEpisode } from "./episode.ts";
import { type HistoryEvent, historyEvent } from "./history.ts";
import { type Instance, isStale, liveStatus, type Message } from "./instance.ts";
import { createInstanceTimers } from "./instance-timers.ts";
import type { Command } from "./replay-actions.ts";
import { openStore } from "./store.ts";
import { createSubOrchestrations, type NewInstance } from "./sub-orchestrations.ts";
import { activityFailure } from "./trigger-values.ts";
import { createWorkQueue } from "./work-queue.ts";

type ActivityItem = {
  readonly instance: Instance;
  readonly taskId: number;
  readonly name: string;
  readonly input: string | null;
};

const sweepEveryMs = 10 * 60_000;

export async function startEngine(deps: EngineDeps): Promise<Engine> {
  const { clock, log, settings, functions } = deps;
  const store = await openStore({ dir: deps.dir, clock, log, ...settings });
  const counters = createCounters();
  const queued = new Set<Instance>();
  const episodeDeps: EpisodeDeps = { ...functions, defaultVersion: settings.defaultVersion };
  let stopping = false;
  let idleWaiters: (() => void)[] = [];

  const onDefect = (error: unknown): void => {
    log("error", error instanceof Error ? (error.stack ?? error.message) : String(error));
  };
  const checkIdle = (): void => {
    if (queued.size > 0 || activities.running + activities.waiting > 0) return;
    const waiters = idleWaiters;
    idleWaiters = [];
    for (const wake of waiters) wake();
  };

  const isCurrent = (instance: Instance): boolean => store.live.get(instance.id) === instance;

  const wake = (instance: Instance): void => {
    if (stopping || queued.has(instance) || !isCurrent(instance) || instance.suspended || instance.end !== null) return;
    if (instance.history.length > 0 && instance.inbox.length === 0) return;
    queued.add(instance);
    episodes.push(instance);
  };

  /** Puts a message into an instance's inbox, unless nobody waits for it any more. */
  const deliver = (instance: Instance | undefined, message: Message): Promise<void> => {
    if (instance === undefined || !isCurrent(instance) || instance.end !== null) return Promise.resolve();
    if (isStale(instance, message)) return Promise.resolve();
    // A lost completion is had again (the activity runs once more, the child is asked); a lost event is lost.
    const urgent = message.executionId === undefined;
    const written = store.write(instance, { k: "message", at: clock.nowMs(), message }, urgent);
    wake(instance);
    return written;
  };

  const timers = createInstanceTimers({
    clock,
    fired: (instance, taskId, fireAtMs) => {
      const event = historyEvent("TimerFired", clock.nowMs(), {
        TimerId: taskId,
        FireAt: new Date(fireAtMs).toISOString(),
      });
      deliver(instance, { event, executionId: instance.executionId }).catch(onDefect);
    },
  });

  const begin = (fresh: NewInstance): Promise<void> => {
    const at = clock.nowMs();
    const none = { customStatus: null, inbox: [], suspended: false } as const;
    const { instance, durable } = store.begin({
      ...none,
      ...fresh,
      k: "start",
      at,
      createdAt: at,
      executionId: newId(),
    });
    counters.of(fresh.name).started += 1;
    return durable.then(() => wake(instance));
  };

  const subs = createSubOrchestrations({
    store,
    clock,
    log,
    deliver,
    defaultVersion: settings.defaultVersion,
    begin: (instance) => begin(instance),
  });

  const finish = async (instance: Instance): Promise<void> => {
    timers.cancelAll(instance);
    counters.ended(instance);
    await store.retire(instance);
    const summary = store.finished.get(instance.id);
    if (summary !== undefined) await subs.tellParent(summary);
    if (store.finished.size > settings.keepFinishedInstances * 1.1) await store.sweep();
  };

  const carryOut = (instance: Instance, command: Command, event: HistoryEvent): Promise<void> => {
    switch (command.kind) {
      case "activity": {
        const { taskId, name, input } = command;
        activities.push({ instance, taskId, name, input });
        return Promise.resolve();
      }
      case "timer":
        if (isCurrent(instance) && instance.timers.has(command.taskId)) {
          timers.set(instance, command.taskId, command.fireAtMs);
        }
        return Promise.resolve();
      case "sub":
        return subs.start(instance, command.taskId, event);
    }
  };

  const episodes = createWorkQueue<Instance>({
    limit: settings.maxConcurrentOrchestrators,
    onDefect,
    work: async (instance) => {
      try {
        // What is ready in this turn of the event loop shares the episode.
        await new Promise((resolve) => setImmediate(resolve));
        if (instance.suspended || instance.end !== null || !isCurrent(instance)) return;
        counters.of(instance.name).episodes += 1;
        const decision = await runEpisode(episodeDeps, instance, clock.nowMs());
        // It may have been terminated meanwhile: then the decision is void.
        if (!isCurrent(instance)) return;
        if (decision.failure !== undefined) {
          log("error", `Orchestration ${instance.name} '${instance.id}' failed: ${decision.failure}`);
        }
        const { took, events, customStatus, end } = decision;
        const at = clock.nowMs();
        const written = store.write(instance, { k: "episode", at, took, events, customStatus, end });
        if (decision.continueAsNew !== undefined) {
          await continueAsNew(instance, decision.continueAsNew.input);
          return;
        }
        await written;
        for (const command of decision.commands) {
          const event = events.find((candidate) => candidate.EventId === command.taskId);
          if (event !== undefined) await carryOut(instance, command, event);
        }
        if (end !== null) await finish(instance);
      } finally {
        queued.delete(instance);
        wake(instance);
        checkIdle();
      }
    },
  });

  /** Messages that arrived after this episode began go along; what the old execution had and didn't use is lost. */
  const continueAsNew = async (old: Instance, input: string | null): Promise<void> => {
    timers.cancelAll(old);
    const { id, name, version, parent, createdAt, customStatus, suspended } = old;
    const inbox = old.inbox.filter((message) => message.executionId === undefined);
    const at = clock.nowMs();
    const start = { k: "start", at, id, name, version, input, executionId: newId(), parent } as const;
    const { instance, durable } = store.begin({ ...start, createdAt, customStatus, inbox, suspended });
    counters.of(name).continuedAsNew += 1;
    await durable;
    wake(instance);
  };

  const activities = createWorkQueue<ActivityItem>({
    limit: settings.maxConcurrentActivities,
    onDefect,
    work: async ({ instance, taskId, name, input }) => {
      try {
        if (isCurrent(instance))
          store.write(instance, { k: "claim", at: clock.nowMs(), taskId }, false).catch(onDefect);
        counters.of(instance.name).activities += 1;
        const TaskScheduledId = taskId;
        let event: HistoryEvent;
        try {
          const result = await functions.runActivity(name, instance.id, input);
          event = historyEvent("TaskCompleted", clock.nowMs(), { TaskScheduledId, Result: result ?? "null" });
        } catch (error) {
          event = historyEvent("TaskFailed", clock.nowMs(), { TaskScheduledId, ...activityFailure(name, error) });
        }
        await deliver(instance, { event, executionId: instance.executionId });
      } finally {
        setImmediate(checkIdle);
      }
    },
  });

  const resumeAll = async (): Promise<void> => {
    for (const instance of [...store.live.values()]) {
      for (const [taskId, { name, input, claimedAt }] of instance.activities) {
        const item: ActivityItem = { instance, taskId, name, input };
        if (claimedAt === null) activities.push(item);
        else timers.after(instance, claimedAt + settings.visibilityTimeoutMs, () => activities.push(item));
      }
      for (const [taskId, fireAtMs] of instance.timers) timers.set(instance, taskId, fireAtMs);
      await subs.mend(instance);
      wake(instance);
    }
    if (store.live.size > 0) log("information", `Durable: ${store.live.size} instances go on.`);
  };

  const control = async (id: string, act: (instance: Instance) => Promise<void>): Promise<ControlResult> => {
    const instance = store.live.get(id);
    if (instance === undefined || instance.end !== null)
      return store.finished.has(id) || instance ? "gone" : "not-found";
    await act(instance);
    return "accepted";
  };

  await store.sweep();
  await resumeAll();
  let cancelSweep = (): void => undefined;
  const sweepLater = (): void => {
    cancelSweep = clock.wakeAt(clock.nowMs() + sweepEveryMs, () => {
      store.sweep().catch(onDefect);
      sweepLater();
    });
  };
  sweepLater();

  return {
    startNew: async ({ name, instanceId, input, version }) => {
      const id = instanceId ?? newId();
      const existing = store.live.get(id);
      if (existing !== undefined) return { conflict: liveStatus(existing) };
      await begin({ id, name, version: version ?? settings.defaultVersion, input, parent: null });
      return { id };
    },
    raiseEvent: (id, name, input) =>
      control(id, (instance) =>
        deliver(instance, { event: historyEvent("EventRaised", clock.nowMs(), { Name: name, Input: input }) }),
      ),
    terminate: (id, reason) =>
      control(id, async (instance) => {
        const at = clock.nowMs();
        const events = [historyEvent("ExecutionTerminated", at, { Input: JSON.stringify(reason) })];
        const end = { status: "Terminated", output: JSON.stringify(reason ?? "") } as const;
        const { customStatus } = instance;
        const took = instance.inbox.length;
        const written = store.write(instance, { k: "episode", at, took, events, customStatus, end });
        const finished = finish(instance);
        await written;
        await finished;
      }),
    suspend: (id) => control(id, (instance) => store.write(instance, { k: "suspend", at: clock.nowMs() })),
    resume: (id) =>
      control(id, async (instance) => {
        await store.write(instance, { k: "resume", at: clock.nowMs() });
        wake(instance);
      }),
    purge: async (id) => {
      if (store.live.has(id)) return "running";
      if (!store.finished.has(id)) return "not-found";
      await store.forget(id);
      return "purged";
    },
    instance: (id) => store.live.get(id) ?? store.finished.get(id),
    *instances() {
      yield* store.finished.values();
      yield* store.live.values();
    },
    history: store.history,
    hasOrchestrator: functions.hasOrchestrator,
    counters: counters.read,
    idle: () =>
      new Promise((resolve) => {
        idleWaiters.push(resolve);
        setImmediate(checkIdle);
      }),
    stop: async (graceMs = 10_000) => {
      stopping = true;
      cancelSweep();
      timers.stop();
      let cancelGrace = (): void => undefined;
      const grace = new Promise<void>((resolve) => {
        cancelGrace = clock.wakeAt(clock.nowMs() + graceMs, resolve);
      });
      await Promise.race([Promise.all([episodes.stop(), activities.stop()]), grace]);
      cancelGrace();
      await store.flush();
    },
  };
}

const newId = (): string => randomUUID().replaceAll("-", "");
