/**
 * Drives the real orchestrators with a small `df`, in memory: activities run in this process, timers move a test clock,
 * and every episode is replayed from its history, so that a non-deterministic orchestrator shows. Only what the
 * product's orchestrators use is there.
 */
import type { OrchestrationContext, OrchestrationHandler } from "durable-functions";
import type { OrchestrationStarter } from "../../shared/ports/orchestration-starter.ts";

type Call =
  | { readonly kind: "activity"; readonly name: string; readonly input: unknown }
  | { readonly kind: "orchestrator"; readonly name: string; readonly input: unknown; readonly id: string }
  | { readonly kind: "timer"; readonly until: number }
  | { readonly kind: "all"; readonly calls: readonly Call[] };

export interface DriverDeps {
  readonly orchestrators: Readonly<Record<string, OrchestrationHandler>>;
  readonly activities: Readonly<Record<string, (input: unknown) => Promise<unknown>>>;
  readonly clock: { now(): number; set(to: number): void };
  /** How a timer is waited for; absent: the clock is set to its end at once, for everybody. */
  readonly sleepUntil?: (at: number) => Promise<void>;
  /** Called before each activity: a test may throw here to fail one. */
  readonly beforeActivity?: (name: string, input: unknown) => void | Promise<void>;
}

export interface Driver extends OrchestrationStarter {
  /** Resolves when every started instance has ended; rejects with the first failure. */
  settled(): Promise<void>;
  readonly ids: readonly string[];
  readonly calls: readonly { readonly name: string; readonly input: unknown }[];
}

export function createDriver(deps: DriverDeps): Driver {
  const ids: string[] = [];
  const calls: { name: string; input: unknown }[] = [];
  const states = new Map<string, "running" | "ended">();
  const running: Promise<unknown>[] = [];

  async function run(name: string, instanceId: string, input: unknown): Promise<unknown> {
    if (states.has(instanceId)) throw new Error(`Instance id ${instanceId} is used twice.`);
    ids.push(instanceId);
    states.set(instanceId, "running");
    try {
      let current = roundTrip(input);
      for (;;) {
        const result = await runOnce(name, instanceId, current);
        if (!("again" in result)) return result.value;
        current = roundTrip(result.again);
      }
    } finally {
      states.set(instanceId, "ended");
    }
  }

  /** From the start of the history to its end; every step replays all before it. */
  async function runOnce(
    name: string,
    instanceId: string,
    input: unknown,
  ): Promise<{ value: unknown } | { again: unknown }> {
    const handler = deps.orchestrators[name];
    if (!handler) throw new Error(`No orchestrator is named ${name}.`);
    const history: { call: string; at: number; outcome: { ok: true; value: unknown } | { ok: false; error: Error } }[] =
      [];
    for (;;) {
      let again: { again: unknown } | undefined;
      let now = history[0]?.at ?? deps.clock.now();
      const context = contextOf(
        instanceId,
        input,
        () => now,
        () => position < history.length,
        (next) => {
          again = { again: next };
        },
      );
      const generator = handler(context as unknown as OrchestrationContext) as Generator<Call, unknown, unknown>;
      let position = 0;
      let step = generator.next();
      while (!step.done && position < history.length) {
        const past = history[position];
        if (!past) break;
        if (past.call !== JSON.stringify(step.value))
          throw new Error(
            `${name} is not deterministic: at step ${position} it asked for ${JSON.stringify(step.value)}, before for ${past.call}.`,
          );
        position++;
        now = past.at;
        step = past.outcome.ok ? generator.next(past.outcome.value) : generator.throw(past.outcome.error);
      }
      if (step.done) return again ?? { value: roundTrip(step.value) };
      const outcome = await perform(step.value).then(
        (value) => ({ ok: true as const, value: roundTrip(value) }),
        (error: unknown) => ({ ok: false as const, error: error instanceof Error ? error : new Error(String(error)) }),
      );
      history.push({ call: JSON.stringify(step.value), at: deps.clock.now(), outcome });
    }
  }

  async function perform(call: Call): Promise<unknown> {
    switch (call.kind) {
      case "activity": {
        calls.push({ name: call.name, input: call.input });
        await deps.beforeActivity?.(call.name, call.input);
        const activity = deps.activities[call.name];
        if (!activity) throw new Error(`No activity is named ${call.name}.`);
        return activity(roundTrip(call.input));
      }
      case "orchestrator":
        return run(call.name, call.id, call.input);
      case "timer":
        if (deps.sleepUntil) await deps.sleepUntil(call.until);
        else deps.clock.set(Math.max(deps.clock.now(), call.until));
        return undefined;
      case "all":
        return Promise.all(call.calls.map((own) => perform(own)));
    }
  }

  return {
    ids,
    calls,
    status: async (instanceId) => states.get(instanceId) ?? "unknown",
    async start(name, instanceId, input) {
      if (states.has(instanceId)) return false;
      const started = run(name, instanceId, input);
      running.push(started);
      // Failures are shown by `settled`.
      started.catch(() => undefined);
      return true;
    },
    async settled() {
      while (running.length > 0) await running.shift();
    },
  };
}

function contextOf(
  instanceId: string,
  input: unknown,
  now: () => number,
  isReplaying: () => boolean,
  continueAsNew: (input: unknown) => void,
) {
  return {
    info: () => undefined,
    warn: () => undefined,
    error: () => undefined,
    df: {
      instanceId,
      get isReplaying() {
        return isReplaying();
      },
      get currentUtcDateTime() {
        return new Date(now());
      },
      getInput: () => roundTrip(input),
      callActivityWithRetry: (name: string, _options: unknown, own: unknown): Call => ({
        kind: "activity",
        name,
        input: own,
      }),
      callSubOrchestrator: (name: string, own: unknown, id: string): Call => ({
        kind: "orchestrator",
        name,
        input: own,
        id,
      }),
      createTimer: (until: Date): Call => ({ kind: "timer", until: until.getTime() }),
      continueAsNew,
      Task: { all: (calls: readonly Call[]): Call => ({ kind: "all", calls }) },
    },
  };
}

/** Everything crosses Durable as JSON. */
function roundTrip<T>(value: T): T {
  return value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T);
}
