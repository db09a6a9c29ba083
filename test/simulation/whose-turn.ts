/**
 * Whose code is running: what is set when a task begins follows it through every `await`, as AsyncLocalStorage would have it.
 * That one costs a fifth of a history's time here: it numbers every promise for inspectors that nobody has open. This one does
 * no more than mark each promise with the task that made it. Callbacks of sockets and timers keep no mark of their own:
 * a task only ever waits for promises.
 */
import { promiseHooks } from "node:v8";

const OF = Symbol("task");

export interface WhoseTurn<T> {
  get(): T | undefined;
  /** Runs with this task as the one whose turn it is, and with who was before it afterwards. */
  run<R>(task: T | undefined, work: () => R): R;
  /** Marks no promise any more. */
  close(): void;
}

type Marked<T> = Promise<unknown> & { [OF]?: T | undefined };

export function createWhoseTurn<T>(): WhoseTurn<T> {
  let current: T | undefined;
  const stops = [
    promiseHooks.onInit((promise) => {
      if (current !== undefined) (promise as Marked<T>)[OF] = current;
    }),
    promiseHooks.onBefore((promise) => {
      current = (promise as Marked<T>)[OF];
    }),
  ];
  return {
    get: () => current,
    run(task, work) {
      const before = current;
      current = task;
      try {
        return work();
      } finally {
        current = before;
      }
    },
    close() {
      current = undefined;
      for (const stop of stops) stop();
    },
  };
}
