/** What an orchestrator says, by our own exporter: once, without names, and nothing of what others say on its context. */
import type { OrchestrationContext, OrchestrationHandler } from "durable-functions";
import { expect, it } from "vitest";
import { tellLinesOf } from "../../functions/orchestration-lines.ts";
import { replaySafeLog } from "../../orchestrations/replay-safe-log.ts";

function run(orchestrator: OrchestrationHandler, isReplaying = false) {
  const told: unknown[] = [];
  const host: unknown[] = [];
  const write = (line: unknown) => void host.push(line);
  const context = { df: { instanceId: "sync-1", isReplaying }, info: write, warn: write, error: write };
  const { SyncRun } = tellLinesOf({ SyncRun: orchestrator }, { event: (...line) => void told.push(line) });
  const done = SyncRun?.(context as unknown as OrchestrationContext).next();
  return { told, host, done };
}

const failing: OrchestrationHandler = function* (context) {
  replaySafeLog(context).warn("run-step-failed", { step: "batch", message: "ann.miller@corp.example is gone" });
  yield* [];
  return "ended";
};

it("goes to our exporter by the catalogue, and to the host's log as before, without names in either", () => {
  const { told, host, done } = run(failing);
  const fields = { instanceId: "sync-1", step: "batch", message: "[name] is gone" };
  expect(told).toEqual([["warn", "run-step-failed", fields]]);
  expect(host.map((line) => JSON.parse(String(line)))).toEqual([{ event: "run-step-failed", ...fields }]);
  expect(done).toEqual({ done: true, value: "ended" });
});

it("is not told again at a replay", () => {
  expect(run(failing, true)).toMatchObject({ told: [], host: [] });
});

it("leaves alone what is no line of the catalogue", () => {
  const { told, host } = run(function* (context) {
    context.warn("some words of the library");
    context.error('{"event":"made-up"}');
    context.info(undefined);
    yield* [];
    return "ended";
  });
  expect(told).toEqual([]);
  expect(host).toHaveLength(3);
});
