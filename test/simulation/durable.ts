/**
 * Durable Functions as far as the product's orchestrators use it, on the kernel: activities are tasks, timers are the kernel's,
 * and an orchestrator runs from the start of its history each time anything of it ends (replay at every cut): what it asks for
 * must be what it asked for before. At least once, as the service promises: an activity that is killed is called again, and a
 * test may have one called twice, at once or after the other.
 */
import type { OrchestrationContext, OrchestrationHandler, RetryOptions } from "durable-functions";
import type { OrchestrationStarter } from "../../shared/ports/orchestration-starter.ts";
import type { Kernel, Task } from "./kernel.ts";

type Call =
  | { readonly kind: "activity"; readonly name: string; readonly input: unknown; readonly retry: RetryOptions }
  | { readonly kind: "orchestrator"; readonly name: string; readonly input: unknown; readonly id: string }
  | { readonly kind: "timer"; readonly until: number }
  | { readonly kind: "all"; readonly calls: readonly Call[] };

type Outcome = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly message: string };

interface Slot {
  /** What was asked for, as JSON brings it back. */
  readonly asked: unknown;
  outcome?: Outcome & { readonly at: number };
}

interface Instance {
  readonly id: string;
  readonly name: string;
  readonly parent: ((outcome: Outcome) => void) | undefined;
  input: unknown;
  history: Slot[];
  startedAt: number;
  state: "running" | "ended";
}

/** Of an activity's task: what it does, and how to have it done once more. */
export interface ActivityTask {
  readonly activity: string;
  readonly input: unknown;
  readonly repeat: () => void;
}

export interface Durable extends OrchestrationStarter {
  running(): readonly string[];
  /** What no orchestrator should do: ask for something else on replay, or fail as a whole. */
  readonly broken: string[];
}

export function createDurable(deps: {
  readonly kernel: Kernel;
  readonly orchestrators: Readonly<Record<string, OrchestrationHandler>>;
  /** The activities as the processes have them now, and which process takes the next one. */
  readonly activities: (process: number) => Readonly<Record<string, (input: unknown) => Promise<unknown>>>;
  readonly nextProcess: () => number;
  /** Whether the completion that an activity just reached is lost, so that it runs again. */
  readonly losesCompletion: (task: ActivityTask) => boolean;
  readonly onActivityEnd: () => void;
}): Durable {
  const { kernel } = deps;
  const instances = new Map<string, Instance>();
  const broken: string[] = [];

  function begin(name: string, id: string, input: unknown, parent?: (outcome: Outcome) => void): void {
    if (instances.has(id)) broken.push(`Instance id ${id} is used twice.`);
    const instance: Instance = {
      id,
      name,
      parent,
      input: roundTrip(input),
      history: [],
      startedAt: kernel.now(),
      state: "running",
    };
    instances.set(id, instance);
    advance(instance);
  }

  /** Replays all that is known, and asks for what is new. */
  function advance(instance: Instance): void {
    const handler = deps.orchestrators[instance.name];
    if (!handler) throw new Error(`No orchestrator is named ${instance.name}.`);
    for (;;) {
      let again: { readonly input: unknown } | undefined;
      let position = 0;
      let at = instance.startedAt;
      const context = contextOf(instance, {
        now: () => at,
        isReplaying: () => position < instance.history.length,
        continueAsNew: (input) => {
          again = { input };
        },
      });
      const generator = handler(context as unknown as OrchestrationContext) as Generator<Call, unknown, unknown>;
      let step: IteratorResult<Call, unknown>;
      try {
        step = generator.next();
        while (!step.done) {
          const slot = instance.history[position] ?? open(instance, step.value);
          if (!isSameJson(slot.asked, step.value)) {
            const [asked, before] = [step.value, slot.asked].map((own) => JSON.stringify(own));
            broken.push(`${instance.name} asks for ${asked} at ${position}, before for ${before}.`);
            return;
          }
          const { outcome } = slot;
          if (!outcome) return;
          position++;
          at = outcome.at;
          step = outcome.ok ? generator.next(outcome.value) : generator.throw(new Error(outcome.message));
        }
      } catch (error) {
        end(instance, { ok: false, message: error instanceof Error ? error.message : String(error) });
        return;
      }
      if (!again) {
        end(instance, { ok: true, value: roundTrip(step.value) });
        return;
      }
      instance.input = roundTrip(again.input);
      instance.history = [];
      instance.startedAt = kernel.now();
    }
  }

  function end(instance: Instance, outcome: Outcome): void {
    if (instance.state === "ended") return;
    instance.state = "ended";
    if (instance.parent) instance.parent(outcome);
    else if (!outcome.ok) broken.push(`${instance.name} ${instance.id} failed: ${outcome.message}`);
  }

  function open(instance: Instance, call: Call): Slot {
    const slot: Slot = { asked: roundTrip(call) };
    instance.history.push(slot);
    start(call, (outcome) => {
      if (slot.outcome) return;
      slot.outcome = { ...outcome, at: kernel.now() };
      if (instance.state === "running" && instance.history.includes(slot)) advance(instance);
    });
    return slot;
  }

  function start(call: Call, settle: (outcome: Outcome) => void): void {
    switch (call.kind) {
      case "activity":
        startActivity(call, 1, settle);
        break;
      case "orchestrator":
        // Not within the parent's own replay.
        kernel.at(kernel.now(), () => begin(call.name, call.id, call.input, settle));
        break;
      case "timer":
        kernel.at(call.until, () => settle({ ok: true, value: null }));
        break;
      case "all": {
        const values: unknown[] = new Array(call.calls.length).fill(undefined);
        let open = call.calls.length;
        if (open === 0) kernel.at(kernel.now(), () => settle({ ok: true, value: [] }));
        for (const [index, own] of call.calls.entries()) {
          start(own, (outcome) => {
            // The first failure fails all; the others go on, and nobody looks at what they bring.
            if (!outcome.ok) settle(outcome);
            else {
              values[index] = outcome.value;
              if (--open === 0) settle({ ok: true, value: values });
            }
          });
        }
      }
    }
  }

  function startActivity(
    call: Extract<Call, { kind: "activity" }>,
    attempt: number,
    settle: (outcome: Outcome) => void,
  ): void {
    let isSettled = false;
    const settleOnce = (outcome: Outcome) => {
      if (isSettled) return;
      isSettled = true;
      settle(outcome);
    };
    const go = (): void => {
      if (isSettled) return;
      const process = deps.nextProcess();
      const activity = deps.activities(process)[call.name];
      if (!activity) throw new Error(`No activity is named ${call.name}.`);
      const about: ActivityTask = { activity: call.name, input: call.input, repeat: go };
      const restart = () => kernel.at(kernel.now() + RESTART_MS, go);
      const work = kernel.spawn({ name: call.name, about, process, onKilled: restart }, () =>
        activity(copied(call.input)),
      );
      void work
        .then(
          (value) => {
            if (!isSettled && deps.losesCompletion(about)) restart();
            else settleOnce({ ok: true, value: roundTrip(value) });
          },
          (error: unknown) => {
            const message = error instanceof Error ? error.message : String(error);
            if (isSettled) return;
            if (attempt >= call.retry.maxNumberOfAttempts) settleOnce({ ok: false, message });
            else {
              isSettled = true;
              kernel.at(kernel.now() + delayOf(call.retry, attempt), () => startActivity(call, attempt + 1, settle));
            }
          },
        )
        .finally(deps.onActivityEnd);
    };
    go();
  }

  return {
    broken,
    running: () => [...instances.values()].filter((own) => own.state === "running").map((own) => own.id),
    status: (id) => kernel.call("durable.status", 5, async () => instances.get(id)?.state ?? "unknown"),
    start: (name, id, input) =>
      kernel.call("durable.start", 5, async () => {
        if (instances.has(id)) return false;
        begin(name, id, input);
        return true;
      }),
  };
}

const RESTART_MS = 3_000;

function delayOf(retry: RetryOptions, attempt: number): number {
  const factor = retry.backoffCoefficient ?? 1;
  const most = retry.maxRetryIntervalInMilliseconds ?? Number.POSITIVE_INFINITY;
  return Math.min(retry.firstRetryIntervalInMilliseconds * factor ** (attempt - 1), most);
}

export function isActivity(task: Task): task is Task & { readonly about: ActivityTask } {
  return typeof task.about === "object" && task.about !== null && "activity" in task.about;
}

function contextOf(
  instance: Instance,
  own: {
    readonly now: () => number;
    readonly isReplaying: () => boolean;
    readonly continueAsNew: (input: unknown) => void;
  },
) {
  return {
    info: () => undefined,
    warn: () => undefined,
    df: {
      instanceId: instance.id,
      get isReplaying() {
        return own.isReplaying();
      },
      get currentUtcDateTime() {
        return new Date(own.now());
      },
      getInput: () => instance.input,
      callActivityWithRetry: (name: string, retry: RetryOptions, input: unknown): Call => ({
        kind: "activity",
        name,
        input,
        retry,
      }),
      callSubOrchestrator: (name: string, input: unknown, id: string): Call => ({
        kind: "orchestrator",
        name,
        input,
        id,
      }),
      createTimer: (until: Date): Call => ({ kind: "timer", until: until.getTime() }),
      continueAsNew: own.continueAsNew,
      Task: { all: (calls: readonly Call[]): Call => ({ kind: "all", calls }) },
    },
  };
}

/** Everything crosses Durable as JSON, and is the same at every replay: an orchestrator that changes it fails. */
function roundTrip<T>(value: T): T {
  return value === undefined ? value : (deepFrozen(JSON.parse(JSON.stringify(value))) as T);
}

/** For an activity: what it is given is its own. */
function copied(input: unknown): unknown {
  return input === undefined ? input : JSON.parse(JSON.stringify(input));
}

function deepFrozen(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  for (const own of Object.values(value)) deepFrozen(own);
  return Object.freeze(value);
}

/** Whether JSON would say the same of both. */
function isSameJson(one: unknown, other: unknown): boolean {
  if (typeof one !== "object" || one === null || typeof other !== "object" || other === null) return one === other;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const [own, others] = [one, other].map((value) => value as Readonly<Record<string, unknown>>) as [Json, Json];
  for (const key in own) if (!isSameJson(own[key], others[key])) return false;
  for (const key in others) if (others[key] !== undefined && !(key in own)) return false;
  return true;
}

type Json = Readonly<Record<string, unknown>>;
