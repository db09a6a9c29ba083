/**
 * Little promises that settle synchronously: what the walk over an orchestrator's actions waits on. Real promises
 * would settle in microtasks and make the order of task numbers depend on the event loop; here an event runs
 * everything that hung on it before the next event is looked at, as the Durable Task Framework does.
 */

type Outcome = "ok" | "failed";

/** Called with the outcome and, where the task has one that the walk itself reads, its result as JSON text. */
type Then = (outcome: Outcome, result: string | undefined) => void;

export type Task = {
  outcome(): Outcome | undefined;
  /** Runs at once when the task has settled already. */
  whenSettled(then: Then): void;
};

export type Deferred = Task & { settle(outcome: Outcome, result?: string): void };

export function createDeferred(): Deferred {
  let outcome: Outcome | undefined;
  let result: string | undefined;
  let waiting: Then[] = [];
  return {
    outcome: () => outcome,
    whenSettled: (then) => {
      if (outcome === undefined) waiting.push(then);
      else then(outcome, result);
    },
    settle: (value, settledResult) => {
      if (outcome !== undefined) return;
      outcome = value;
      result = settledResult;
      const callbacks = waiting;
      waiting = [];
      for (const then of callbacks) then(value, settledResult);
    },
  };
}

/** Settles when every task has; failed if any failed. Unlike the library's own Task.all it never settles early. */
export function whenAll(tasks: readonly Task[]): Task {
  const all = createDeferred();
  let open = tasks.length;
  let failed = false;
  if (open === 0) all.settle("ok");
  for (const task of tasks) {
    task.whenSettled((outcome) => {
      if (outcome === "failed") failed = true;
      open -= 1;
      if (open === 0) all.settle(failed ? "failed" : "ok");
    });
  }
  return all;
}

/** Settles with the first task that settles, whichever way. */
export function whenAny(tasks: readonly Task[]): Task {
  const any = createDeferred();
  for (const task of tasks) task.whenSettled(() => any.settle("ok"));
  return any;
}
