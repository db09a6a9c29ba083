import type { OrchestrationContext, OrchestrationHandler, Task } from "durable-functions";
import { describe, expect, it } from "vitest";
import { inWaves, type Patient, WAVE } from "../../orchestrations/patience.ts";
import { createDriver } from "../support/orchestration-driver.ts";

/** Runs `inWaves` over `count` inputs, with this activity, and tells what came of it. */
async function runWaves(count: number, activity: (input: number, now: number) => unknown) {
  let now = 1_000;
  let result: Patient<number> | undefined;
  let inFlight = 0;
  let most = 0;
  const orchestrator: OrchestrationHandler = function* (context: OrchestrationContext): Generator<Task, void, unknown> {
    const inputs = Array.from({ length: count }, (_, index) => index);
    result = yield* inWaves<number>(context, "Work", inputs);
  };
  const driver = createDriver({
    clock: {
      now: () => now,
      set: (to) => {
        now = to;
      },
    },
    orchestrators: { Waves: orchestrator },
    activities: {
      Work: async (input) => {
        most = Math.max(most, ++inFlight);
        await Promise.resolve();
        inFlight--;
        return activity(input as number, now);
      },
    },
  });
  await driver.start("Waves", "one", {});
  await driver.settled();
  return { result, most, calls: driver.calls.map((call) => call.input as number), now: () => now };
}

const done = (value: number) => ({ kind: "done", value });

// Every step is replayed from its history by the driver, which throws when another call comes out.
describe("waves of activities", () => {
  it("calls each input once, never more at a time than a wave, and keeps their order", async () => {
    const { result, most, calls } = await runWaves(120, (input) => done(input * 2));
    expect(most).toBe(WAVE);
    expect(calls).toHaveLength(120);
    expect(result).toEqual({ kind: "done", values: Array.from({ length: 120 }, (_, index) => index * 2) });
  });

  it("sleeps by a durable timer and calls again only who asked for patience", async () => {
    const wait = (now: number) => ({ kind: "wait", notBefore: now + 5_000, reason: "throttled" });
    const { result, calls, now } = await runWaves(5, (input, at) =>
      input === 3 && at < 6_000 ? wait(at) : done(input),
    );
    expect(calls).toEqual([0, 1, 2, 3, 4, 3]);
    expect(now()).toBe(6_000);
    expect(result).toEqual({ kind: "done", values: [0, 1, 2, 3, 4] });
  });

  it("gives up for now when patience has no end, so that no history grows for ever", async () => {
    const { result, calls } = await runWaves(1, (_, now) => ({
      kind: "wait",
      notBefore: now + 1,
      reason: "throttled",
    }));
    expect(result).toEqual({ kind: "later" });
    expect(calls).toHaveLength(21);
  });

  it("stops at once when the run was replaced", async () => {
    const { result, calls } = await runWaves(120, (input) => (input === 7 ? { kind: "fenced" } : done(input)));
    expect(result).toEqual({ kind: "fenced" });
    expect(calls).toHaveLength(WAVE);
  });

  it("does nothing for nothing", async () => {
    expect((await runWaves(0, done)).result).toEqual({ kind: "done", values: [] });
  });
});
