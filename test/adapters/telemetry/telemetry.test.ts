/** The real SDK and the real OTLP exporters, against an endpoint on the loopback: one that takes, one that refuses, one that never answers. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { otlpExporters } from "../../../shared/adapters/telemetry/otlp-exporters.ts";
import { startSdk } from "../../../shared/adapters/telemetry/sdk.ts";
import { createTelemetry } from "../../../shared/adapters/telemetry/telemetry.ts";
import { createWatchedLog } from "../../../shared/adapters/telemetry/watched-log.ts";
import { batchTrace } from "../../../shared/application/reading/batch-trace.ts";
import { parseTraceparent } from "../../../shared/domain/trace-context.ts";
import { logBy } from "../../../shared/ports/log.ts";
import { NO_TELEMETRY, type Telemetry } from "../../../shared/ports/telemetry.ts";
import { type OtlpReceiver, startOtlpReceiver } from "../../support/otlp-receiver.ts";

let receiver: OtlpReceiver;
let telemetry: Telemetry;
let said: unknown[][];
let now: number;
const service = { name: "test", version: "1", instance: "one" };
const log = () => logBy((...of) => void said.push(of));

function create(flushMs = 2_000, endpoint = receiver.url) {
  return createTelemetry({
    exporter: "otlp",
    log: log(),
    clock: { now: () => now },
    flushMs,
    load: async (onExport) => startSdk({ exporters: otlpExporters({ endpoint, headers: {} }), service, onExport }),
  });
}

beforeEach(async () => {
  receiver = await startOtlpReceiver();
  said = [];
  now = Date.UTC(2026, 10, 23);
  telemetry = create();
});
afterEach(async () => {
  await receiver.stop();
});

it("nests spans by what runs, goes on with a trace from outside, and gives a span the ids that it is told", async () => {
  // Not sampled, says the caller: ours are told all the same.
  const outside = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
  await telemetry.span(
    "outer",
    { kind: "server", parent: outside, attributes: { count: 2, none: undefined } },
    async (span) => {
      expect(span.traceparent).toBe(telemetry.current());
      await Promise.all(
        ["left", "right"].map((name) => telemetry.span(name, { kind: "client" }, async () => undefined)),
      );
    },
  );
  const self = batchTrace("job-1-1");
  await telemetry.span("batch", { self, startedAt: now - 5_000 }, async ({ traceparent }) => {
    expect(traceparent).toBe(self);
  });
  await telemetry.flush();
  const [outer, left, right, batch] = ["outer", "left", "right", "batch"].map((name) =>
    receiver.spans.find((span) => span.name === name),
  );
  expect(outer).toMatchObject({
    traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
    parentSpanId: "00f067aa0ba902b7",
    kind: 2,
  });
  expect(outer?.attributes).toEqual({ count: 2 });
  for (const inner of [left, right])
    expect(inner).toMatchObject({ parentSpanId: outer?.spanId, traceId: outer?.traceId });
  expect(left?.spanId).not.toBe(right?.spanId);
  expect(batch).toMatchObject({ ...parseTraceparent(self), parentSpanId: "", start: now - 5_000 });
});

it("throws on what a span's work throws, and tells its code alone", async () => {
  const fault = Object.assign(new Error("Ann Miller <ann.miller@corp.example> is gone"), { code: "gone" });
  await expect(telemetry.span("failing", {}, () => Promise.reject(fault))).rejects.toBe(fault);
  await telemetry.flush();
  expect(receiver.spans[0]).toMatchObject({ status: 2, attributes: { "error.type": "gone" } });
  expect(receiver.raw.join()).not.toContain("ann.miller");
});

it("sends what was measured since the last time, once", async () => {
  const own = { jobId: "j", lane: "live" };
  await telemetry.span("loaded", {}, async () => undefined);
  telemetry.count("uplink.writes", 2, own);
  telemetry.count("uplink.writes", 3, own);
  telemetry.record("uplink.batch.oldest", 7, own);
  telemetry.record("uplink.lag", 4, own);
  await telemetry.flush();
  expect(receiver.points).toHaveLength(3);
  expect(receiver.points).toContainEqual(
    expect.objectContaining({ metric: "uplink.writes", value: 5, attributes: own }),
  );
  expect(receiver.points).toContainEqual(
    expect.objectContaining({ metric: "uplink.lag", value: 4, count: 1, unit: "s" }),
  );
  telemetry.count("uplink.writes", 1, own);
  await telemetry.flush();
  expect(receiver.points.slice(3)).toEqual([expect.objectContaining({ metric: "uplink.writes", value: 1 })]);
});

it("keeps what is told before the SDK is there, and gives an event the trace that it happened in", async () => {
  telemetry.event("warn", "agent-inactive", { agentId: "a", configurationId: "c", silentForMs: 5, none: undefined });
  await telemetry.span("within", {}, async ({ traceparent }) => {
    telemetry.event("info", "agent-stopped", {});
    expect(parseTraceparent(traceparent)).toBeDefined();
  });
  await telemetry.flush();
  expect(receiver.logs.map(({ event, severity }) => [event, severity])).toEqual([
    ["agent-inactive", "WARN"],
    ["agent-stopped", "INFO"],
  ]);
  expect(receiver.logs[0]?.attributes).toEqual({
    event: "agent-inactive",
    agentId: "a",
    configurationId: "c",
    silentForMs: 5,
  });
  expect(receiver.logs[1]?.traceId).toBe(receiver.spans[0]?.traceId);
});

it("takes names out of an event's prose before the console or anybody else has it", async () => {
  const watched = createWatchedLog(log(), telemetry);
  const message = 'CN=Ann Miller,OU=Sales\\, North,DC=corp,DC=example is refused: "ann.miller@corp.example" is taken';
  watched.error("accounts-violated", { jobId: "j", message });
  await telemetry.span("within", { attributes: { who: "ann.miller@corp.example" } }, async (span) =>
    span.set({ dn: "OU=Ann,DC=corp,DC=example" }),
  );
  await telemetry.flush();
  const told = '[name] is refused: "[name]" is taken';
  expect(said.find(([, event]) => event === "accounts-violated")).toEqual([
    "error",
    "accounts-violated",
    { jobId: "j", message: told },
  ]);
  expect(receiver.logs[0]?.attributes["message"]).toBe(told);
  expect(receiver.spans[0]?.attributes).toEqual({ who: "[name]", dn: "[name]" });
});

it("measures an event's counts where it is told", async () => {
  const watched = createWatchedLog(log(), telemetry);
  const counts = { exported: 3, "no-op": 0, filtered: 1, staged: 0, escrowed: 2 };
  const of = { jobId: "j", lane: "bulk" } as const;
  watched.info("batch-committed", { ...of, batchId: "b", received: 8, ...counts, waiting: 2, writes: 4, lagMs: 1_500 });
  watched.info("batch-settled", { ...of, batchId: "b", exported: 2, "no-op": 0, filtered: 0, staged: 0, escrowed: 0 });
  await telemetry.span("loaded", {}, async () => undefined);
  await telemetry.flush();
  const values = Object.fromEntries(
    receiver.points.map(({ metric, attributes, value }) => [`${metric} ${attributes["outcome"] ?? ""}`.trim(), value]),
  );
  expect(values).toEqual({
    ...{ "uplink.objects exported": 5, "uplink.objects filtered": 1, "uplink.objects escrowed": 2 },
    "uplink.lag": 1.5,
  });
});

it.each(["refuses", "hangs"] as const)(
  "work isn't held up by an endpoint that %s; what is lost is said once",
  async (how) => {
    telemetry = create(200);
    receiver.behave(how);
    const began = performance.now();
    for (let index = 0; index < 50; index++) {
      expect(await telemetry.span("work", {}, async () => index)).toBe(index);
      telemetry.count("uplink.throttles", 1, { lane: "live" });
      await telemetry.flush();
    }
    // One flush was waited for, and nobody waits again for half a minute.
    expect(performance.now() - began).toBeLessThan(5_000);
    if (how === "refuses") {
      await vi.waitFor(() => expect(said.filter(([, event]) => event === "telemetry-lost").length).toBeGreaterThan(0));
      now += 60_000;
      await telemetry.flush();
      const lost = said.filter(([, event]) => event === "telemetry-lost");
      const signals = lost.map(([, , fields]) => (fields as { signal: string }).signal);
      expect(new Set(signals).size).toBe(signals.length);
    }
    receiver.behave("takes");
    now += 60_000;
    await telemetry.span("after", {}, async () => undefined);
  },
);

it("an endpoint that isn't there, and an SDK that can't be loaded, change nothing for the work", async () => {
  telemetry = create(200, "http://127.0.0.1:9");
  expect(await telemetry.span("work", {}, async () => 1)).toBe(1);
  await telemetry.flush();
  telemetry = createTelemetry({
    ...{ exporter: "otlp", log: log(), clock: { now: () => now } },
    load: () => Promise.reject(new Error("no such module")),
  });
  const parent = batchTrace("b");
  expect(await telemetry.span("work", { parent }, async ({ traceparent }) => traceparent)).toBe(parent);
  telemetry.count("uplink.throttles", 1, { lane: "live" });
  await telemetry.flush();
  await telemetry.close();
  expect(said).toContainEqual([
    "warn",
    "telemetry-lost",
    { exporter: "otlp", signal: "all", message: "Error: no such module" },
  ]);
});

it("sends the last of it when it is closed", async () => {
  await telemetry.span("last", {}, async () => undefined);
  await telemetry.close();
  expect(receiver.spans.map(({ name }) => name)).toEqual(["last"]);
});

it("without an exporter a trace is carried on all the same", async () => {
  const parent = batchTrace("b");
  expect(await NO_TELEMETRY.span("any", { parent }, async ({ traceparent }) => traceparent)).toBe(parent);
});
