/**
 * Timer triggers. A timer runs one invocation at a time: the next occurrence is computed when the last has ended, so a
 * slow run skips occurrences, and "run it now" waits its turn. When each timer last ran and should run next is kept
 * (the host's schedule monitor), so that a start after a missed occurrence runs it at once with `isPastDue`.
 */

import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RegisteredFunction } from "./functions-core.ts";
import { type HostLog, type Invoke, triggerOf } from "./invoke.ts";
import { parseSchedule, type Schedule } from "./schedule.ts";
import { type Env, resolveSettings } from "./settings.ts";

export type TimerTriggers = {
  readonly names: readonly string[];
  /** Runs a timer now, after a run that is under way. Rejects with what the handler threw. */
  run(name: string): Promise<void>;
  /** Begins no run; resolves when the running ones have ended. */
  stop(): Promise<void>;
};

export type TimerTriggersDeps = {
  readonly functions: readonly RegisteredFunction[];
  readonly isDisabled: (name: string) => boolean;
  readonly env: Env;
  readonly stateDir: string;
  readonly invoke: Invoke;
  readonly log: HostLog;
};

/** As the host's schedule monitor writes it. */
type ScheduleStatus = { readonly Last: string; readonly Next: string; readonly LastUpdated: string };

type Timer = {
  readonly name: string;
  readonly schedule: Schedule;
  readonly runOnStartup: boolean;
  readonly useMonitor: boolean;
  status: ScheduleStatus | null;
  /** What runs or waits for its turn. */
  tail: Promise<void>;
  handle: NodeJS.Timeout | undefined;
};

const longestWaitMs = 2 ** 31 - 1;
/** .NET's zero: the timer never ran. */
const never = "0001-01-01T00:00:00";

function toTimer(fn: RegisteredFunction, env: Env): Timer {
  const { name } = fn.metadata;
  const { binding } = triggerOf(fn);
  const expression = resolveSettings(String(binding["schedule"] ?? ""), env, `the schedule of function '${name}'`);
  const schedule = parseSchedule(expression, env["WEBSITE_TIME_ZONE"] ?? "UTC");
  const now = Date.now();
  const next = schedule.nextAfter(now);
  const after = next === undefined ? undefined : schedule.nextAfter(next);
  // Occurrences closer than a minute aren't monitored, as in the host.
  const frequent = next !== undefined && after !== undefined && after - next < 60_000;
  return {
    name,
    schedule,
    runOnStartup: binding["runOnStartup"] === true,
    useMonitor: binding["useMonitor"] !== false && !frequent,
    status: null,
    tail: Promise.resolve(),
    handle: undefined,
  };
}

export async function startTimerTriggers(deps: TimerTriggersDeps): Promise<TimerTriggers> {
  const dir = join(deps.stateDir, "timers");
  await mkdir(dir, { recursive: true });
  const timers = new Map<string, Timer>();
  let stopping = false;

  const pathOf = (name: string): string => join(dir, `${encodeURIComponent(name)}.json`);
  const readStatus = async (name: string): Promise<ScheduleStatus | null> => {
    try {
      return JSON.parse(await readFile(pathOf(name), "utf8")) as ScheduleStatus;
    } catch {
      // Never ran, or the note is unreadable: then nothing is past due.
      return null;
    }
  };

  const invokeOnce = async (timer: Timer, isPastDue: boolean): Promise<void> => {
    const value = { Schedule: { AdjustForDST: true }, ScheduleStatus: timer.status, IsPastDue: isPastDue };
    await deps.invoke(timer.name, { trigger: { json: JSON.stringify(value) } });
  };

  const occur = async (timer: Timer, isPastDue: boolean): Promise<void> => {
    const startedAt = new Date().toISOString();
    try {
      await invokeOnce(timer, isPastDue);
    } catch (error) {
      const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
      deps.log("error", `Function.${timer.name}`, `Executed 'Functions.${timer.name}' (Failed): ${words}`);
    }
    const next = timer.schedule.nextAfter(Date.now());
    if (!timer.useMonitor || next === undefined) return;
    timer.status = { Last: startedAt, Next: new Date(next).toISOString(), LastUpdated: startedAt };
    await writeFile(`${pathOf(timer.name)}.new`, JSON.stringify(timer.status));
    await rename(`${pathOf(timer.name)}.new`, pathOf(timer.name));
  };

  /** Puts work behind what this timer does already. */
  const inTurn = (timer: Timer, work: () => Promise<void>): Promise<void> => {
    const done = timer.tail.then(work);
    timer.tail = done.catch(() => undefined);
    return done;
  };

  const report = (error: unknown): void => deps.log("error", "Host.Triggers.Timer", String(error));

  const waitUntil = (timer: Timer, atMs: number): void => {
    if (stopping) return;
    const left = atMs - Date.now();
    timer.handle = setTimeout(
      () => {
        if (left > longestWaitMs) return waitUntil(timer, atMs);
        inTurn(timer, () => occur(timer, false))
          .catch(report)
          .finally(() => waitForNext(timer));
      },
      Math.min(Math.max(0, left), longestWaitMs),
    );
  };

  const waitForNext = (timer: Timer): void => {
    const next = timer.schedule.nextAfter(Date.now());
    if (next === undefined) deps.log("warning", "Host.Triggers.Timer", `Timer '${timer.name}' never occurs again.`);
    else waitUntil(timer, next);
  };

  for (const fn of deps.functions) {
    if (triggerOf(fn).binding.type?.toLowerCase() !== "timertrigger") continue;
    const timer = toTimer(fn, deps.env);
    timers.set(timer.name, timer);
    if (deps.isDisabled(timer.name)) continue;
    if (timer.useMonitor) timer.status = await readStatus(timer.name);
    const due = timer.status === null ? undefined : Date.parse(timer.status.Next);
    const isPastDue = due !== undefined && due < Date.now();
    if (timer.useMonitor && timer.status === null) {
      const next = timer.schedule.nextAfter(Date.now());
      if (next !== undefined)
        timer.status = { Last: never, Next: new Date(next).toISOString(), LastUpdated: new Date().toISOString() };
    }
    if (timer.runOnStartup || isPastDue) inTurn(timer, () => occur(timer, isPastDue)).catch(report);
    waitForNext(timer);
  }

  return {
    names: [...timers.keys()],
    run: (name) => {
      const timer = timers.get(name);
      if (timer === undefined) return Promise.reject(new Error(`There is no timer function '${name}'.`));
      return inTurn(timer, () => invokeOnce(timer, false));
    },
    stop: async () => {
      stopping = true;
      for (const timer of timers.values()) clearTimeout(timer.handle);
      await Promise.all([...timers.values()].map((timer) => timer.tail));
    },
  };
}
