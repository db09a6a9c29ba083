/**
 * The local durable engine: runs orchestrations of an unmodified durable-functions 3.5 app in one process, with every
 * step written down before its effects begin, so that a killed process goes on where it was.
 *
 * At least once: a completion that was written never runs again; an activity that was running when the process died
 * runs again after its visibility time-out. It copies what the Durable extension over Azure Storage does, its traps
 * included (each has a test in `test/local/durable/fidelity*.test.ts`). One task hub, one process.
 */

import { type ActivityItem, createActivities } from "./activities.ts";
import { createCounters } from "./counters.ts";
import { createEngineClient, newId } from "./engine-client.ts";
import type { Engine, EngineDeps } from "./engine-contract.ts";
import { openEntities } from "./entities.ts";
import { type EpisodeDeps, runEpisode } from "./episode.ts";
import { type HistoryEvent, historyEvent } from "./history.ts";
import { type Instance, isStale, type Message } from "./instance.ts";
import { createInstanceTimers } from "./instance-timers.ts";
import type { Command } from "./replay-actions.ts";
import { createSends } from "./sends.ts";
import { openStore } from "./store.ts";
import { createSubOrchestrations, type NewInstance } from "./sub-orchestrations.ts";
import { createWorkQueue } from "./work-queue.ts";

const sweepEveryMs = 10 * 60_000;

export async function startEngine(deps: EngineDeps): Promise<Engine> {
  const { clock, log, settings, functions } = deps;
  const store = await openStore({ dir: deps.dir, clock, ...settings });
  const counters = createCounters();
  const queued = new Set<Instance>();
  const episodeDeps: EpisodeDeps = { ...functions, defaultVersion: settings.defaultVersion };
  const aborting = new AbortController();
  let stopping = false;
  let started = false;
  let idleWaiters: (() => void)[] = [];

  const onDefect = (error: unknown): void => {
    log("error", error instanceof Error ? (error.stack ?? error.message) : String(error));
  };
  const checkIdle = (): void => {
    if (queued.size > 0 || activities.running + activities.waiting > 0 || entities.busy || sends.busy) return;
    const waiters = idleWaiters;
    idleWaiters = [];
    for (const wake of waiters) wake();
  };

  const isCurrent = (instance: Instance): boolean => store.live.get(instance.id) === instance;

  const wake = (instance: Instance): void => {
    if (
      !started ||
      stopping ||
      queued.has(instance) ||
      !isCurrent(instance) ||
      instance.suspended ||
      instance.end !== null
    )
      return;
    if (instance.history.length > 0 && instance.inbox.length === 0) return;
    queued.add(instance);
    episodes.push(instance);
  };

  /** Puts a message into an instance's inbox, unless nobody waits for it any more. */
  const deliver = (instance: Instance | undefined, message: Message): Promise<void> => {
    if (instance === undefined || !isCurrent(instance) || instance.end !== null) return Promise.resolve();
    if (isStale(instance, message)) return Promise.resolve();
    // A lost completion is had again (the activity runs once more, the child is asked); a lost event is lost.
    const urgent = message.executionId === undefined || message.replyTo !== undefined;
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

  const entities = await openEntities({
    dir: deps.dir,
    fsync: settings.fsync,
    limit: settings.maxConcurrentOrchestrators,
    clock,
    runEntity: functions.runEntity,
    reply: (instanceId, executionId, replyTo, body) => {
      const event = historyEvent("EventRaised", clock.nowMs(), { Name: replyTo, Input: JSON.stringify(body) });
      return deliver(store.live.get(instanceId), { event, executionId, replyTo });
    },
    onDefect,
    onIdle: () => checkIdle(),
  });
  const sends = createSends({ store, entities, clock });

  const finish = async (instance: Instance): Promise<void> => {
    timers.cancelAll(instance);
    if (instance.unsent.size > 0) await sends.deliver(instance);
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
      case "send":
        return sends.deliver(instance);
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
        if (!isCurrent(instance) || instance.end !== null) return;
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
    const unsent = [...old.unsent.values()];
    const inbox = old.inbox.filter((message) => message.executionId === undefined);
    const at = clock.nowMs();
    const start = { k: "start", at, id, name, version, input, executionId: newId(), parent } as const;
    const { instance, durable } = store.begin({ ...start, createdAt, customStatus, inbox, suspended, unsent });
    counters.of(name).continuedAsNew += 1;
    await durable;
    await sends.deliver(instance);
    wake(instance);
  };

  const activities = createActivities({
    limit: settings.maxConcurrentActivities,
    clock,
    runActivity: functions.runActivity,
    countersOf: counters.of,
    claim: (instance, taskId) => {
      if (isCurrent(instance)) store.write(instance, { k: "claim", at: clock.nowMs(), taskId }, false).catch(onDefect);
    },
    deliver,
    onDefect,
    onIdle: () => checkIdle(),
    aborted: aborting.signal,
  });

  /** Takes an instance up where its journal leaves it: after a restart, or when it lives again. */
  const goOn = async (instance: Instance): Promise<void> => {
    for (const [taskId, { name, input, claimedAt }] of instance.activities) {
      const item: ActivityItem = { instance, taskId, name, input };
      if (claimedAt === null) activities.push(item);
      else timers.after(instance, claimedAt + settings.visibilityTimeoutMs, () => activities.push(item));
    }
    for (const [taskId, fireAtMs] of instance.timers) timers.set(instance, taskId, fireAtMs);
    await subs.mend(instance);
    wake(instance);
  };

  /** First what was on its way arrives, then what had ended is put away, and only then anything begins. */
  const resumeAll = async (): Promise<void> => {
    for (const instance of [...store.live.values()]) await sends.deliver(instance);
    await entities.resend();
    for (const instance of [...store.live.values()]) if (instance.end !== null) await store.retire(instance);
    started = true;
    entities.run();
    for (const instance of [...store.live.values()]) await goOn(instance);
    if (store.live.size > 0) log("information", `Durable: ${store.live.size} instances go on.`);
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
    ...createEngineClient({ store, clock, settings, functions, entities, begin, deliver, finish, goOn, wake }),
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
      await Promise.race([Promise.all([episodes.stop(), activities.stop(), entities.stop()]), grace]);
      cancelGrace();
      aborting.abort();
      await store.flush();
      await entities.flush();
    },
  };
}
