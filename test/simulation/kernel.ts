/**
 * One thing at a time, in an order that the seed decides.
 *
 * Everything that runs (an activity, a request of an agent, a tick) is a task. Each call of a port (rows, blobs, Graph) is a
 * gate: the task stands there until the kernel lets that one call through, and meanwhile every other task runs to a gate of its
 * own. So tasks interleave at every await, a process can die before or after each of its calls, and the same seed gives the
 * same order whatever the store behind the ports, however long a call really takes. Time is a number: each call costs a little,
 * and when nothing can move it jumps to the next timer.
 */
import type { Dice } from "./random.ts";
import { createWhoseTurn } from "./whose-turn.ts";

export interface Task {
  readonly name: string;
  /** What the task is about, for whoever looks at its calls. */
  readonly about: unknown;
  /** The process that it runs in, and dies with; none: it is no part of the service, or is spared. */
  readonly process: number | undefined;
  readonly startedAt: number;
}

interface LiveTask extends Task {
  isOver: boolean;
  readonly onKilled: (() => void) | undefined;
}

interface Standing {
  readonly task: LiveTask;
  readonly label: string;
  readonly go: () => Promise<void>;
}

export type Verdict = "go" | "die-before" | "die-after";

export interface TaskOptions {
  readonly name: string;
  readonly about?: unknown;
  readonly process?: number | undefined;
  readonly onKilled?: () => void;
}

export interface Kernel {
  now(): number;
  /** Moves time; timers that come due fire while the kernel runs. */
  advance(ms: number): void;
  /** The task that is running now. */
  current(): Task | undefined;
  /** Starts a task: it runs to its first call, and on when `run` lets it. A killed one never resolves. */
  spawn<T>(task: TaskOptions, work: () => Promise<T>): Promise<T>;
  /** A gate. Outside of any task the call goes through at once. */
  call<T>(label: string, costMs: number, work: () => Promise<T>): Promise<T>;
  sleep(ms: number): Promise<void>;
  at(time: number, fire: () => void): void;
  /** Ends every task of a process; all of them, of every process, when left out. */
  killProcess(process?: number): void;
  /** Lets `calls` calls through, or all until nothing can move. */
  run(options?: { readonly calls?: number }): Promise<void>;
  calls(): number;
  /** For good: nothing of it runs any more. */
  close(): void;
  /** Asked before each call. */
  judge: (task: Task, label: string) => Verdict;
}

/** More than any seed needs: what goes on beyond it goes on for ever. */
const MOST_CALLS = 150_000;
/** How likely the task that moved last moves next: a burst is what a quiet machine does. */
const STICKINESS = 0.6;

/** The event loop turns once in so many turns, for whoever watches over this process; more often costs more than what is played. */
const TURNS_A_LOOP = 128;
let turns = 0;

/**
 * Every task ran to a gate: nothing here waits for a thread or for the network, and what the next tick wakes comes after all
 * promises that can be settled.
 */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    if (++turns % TURNS_A_LOOP === 0) setImmediate(resolve);
    else process.nextTick(resolve);
  });
}

export class Stuck extends Error {}

export function createKernel(deps: { readonly dice: Dice; readonly start: number }): Kernel {
  const { dice } = deps;
  const running = createWhoseTurn<LiveTask>();
  const tasks = new Set<LiveTask>();
  let standing: Standing[] = [];
  let timers: { readonly at: number; readonly order: number; readonly fire: () => void }[] = [];
  let now = deps.start;
  let order = 0;
  let calls = 0;
  let last: LiveTask | undefined;

  function kill(task: LiveTask): void {
    if (!tasks.delete(task)) return;
    task.isOver = true;
    standing = standing.filter((own) => own.task !== task);
    task.onKilled?.();
  }

  const kernel: Kernel = {
    now: () => now,
    advance: (ms) => {
      now += ms;
    },
    current: () => running.get(),
    spawn({ name, about, process, onKilled }, work) {
      const task: LiveTask = { name, about, process, startedAt: now, isOver: false, onKilled };
      tasks.add(task);
      return running.run(task, async () => {
        try {
          return await work();
        } finally {
          if (!task.isOver) tasks.delete(task);
          task.isOver = true;
        }
      });
    },
    call(label, costMs, work) {
      const task = running.get();
      if (!task) return work();
      return new Promise((resolve, reject) => {
        // Of a dead process: nobody answers.
        if (task.isOver) return;
        standing.push({
          task,
          label,
          go: async () => {
            now += costMs;
            const settle = await running.run(undefined, work).then(
              (value) => () => resolve(value),
              (error: unknown) => () => reject(error),
            );
            // Killed on the way: the call had its effect, and nobody hears of it.
            if (!task.isOver) settle();
          },
        });
      });
    },
    sleep(ms) {
      const task = running.get();
      return new Promise((resolve) => {
        kernel.at(now + ms, () => {
          if (!task?.isOver) resolve();
        });
      });
    },
    at(time, fire) {
      timers.push({ at: Math.max(time, now), order: order++, fire: () => running.run(undefined, fire) });
    },
    killProcess(process) {
      for (const task of [...tasks])
        if (task.process !== undefined && (process === undefined || task.process === process)) kill(task);
    },
    calls: () => calls,
    close: () => {
      for (const task of tasks) task.isOver = true;
      running.close();
    },
    judge: () => "go",
    async run({ calls: most = Number.POSITIVE_INFINITY } = {}) {
      for (let left = most; left > 0; ) {
        await turn();
        const next = choose();
        if (next) {
          if (++calls > MOST_CALLS)
            throw new Stuck(`It goes on for ever: ${MOST_CALLS} calls, the last by ${next.task.name}.`);
          left--;
          await letThrough(next);
        } else if (!fireNext()) return;
      }
    },
  };

  async function letThrough(next: Standing): Promise<void> {
    const { task } = next;
    const verdict = task.process === undefined ? "go" : kernel.judge(task, next.label);
    if (verdict === "die-before") return kernel.killProcess(task.process);
    last = task;
    if (verdict === "die-after") task.isOver = true;
    await next.go();
    if (verdict === "die-after") {
      task.isOver = false;
      kernel.killProcess(task.process);
    }
  }

  function choose(): Standing | undefined {
    if (standing.length === 0) return undefined;
    const own = last && dice.chance(STICKINESS) ? standing.findIndex((one) => one.task === last) : -1;
    return standing.splice(own >= 0 ? own : dice.below(standing.length), 1)[0];
  }

  function fireNext(): boolean {
    const [first] = timers;
    if (!first) return false;
    let next = first;
    for (const timer of timers)
      if (timer.at < next.at || (timer.at === next.at && timer.order < next.order)) next = timer;
    timers = timers.filter((timer) => timer !== next);
    now = Math.max(now, next.at);
    next.fire();
    return true;
  }

  return kernel;
}
