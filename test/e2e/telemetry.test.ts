/**
 * The built service and the built agent with an OTLP endpoint: what arrives there when people are synchronised. Everything is
 * real: the exporters, HTTPS, the bus, the durable engine, the directory's stand-in.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sampleLdif } from "../../local/samples/generate.ts";
import { batchTrace } from "../../shared/application/reading/batch-trace.ts";
import { batchIdOf } from "../../shared/contracts/change.ts";
import { EVENTS } from "../../shared/contracts/events.ts";
import { METRICS } from "../../shared/contracts/metrics.ts";
import { parseTraceparent } from "../../shared/domain/trace-context.ts";
import { type AdRuntime, type Job, startAdRuntime } from "../support/ad-runtime.ts";
import { namesInLdif } from "../support/names-in-ldif.ts";
import { type OtlpReceiver, startOtlpReceiver } from "../support/otlp-receiver.ts";
import { createAgent } from "../support/runtime/agent.ts";
import { until } from "../support/until.ts";

const FQDN = "fabrikam.example";
const ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT";

let receiver: OtlpReceiver;
let runtime: AdRuntime;
let job: Job;
let ldif: string;

beforeAll(async () => {
  receiver = await startOtlpReceiver();
  runtime = await startAdRuntime({
    verifiedDomains: [FQDN],
    hostSettings: {
      [ENDPOINT]: receiver.url,
      OTEL_EXPORTER_OTLP_HEADERS: "x-tenant=uplink,x-key=a%3Db",
      UPLINK_TARGET_WRITES: "3000",
      UPLINK_TICK_SCHEDULE: "*/2 * * * * *",
    },
  });
  job = await runtime.createConfiguration(FQDN, "FABRIKAM");
  const file = join(runtime.home, "small.ldif");
  const alsoElsewhere = { given: "Maya", family: "Lindqvist", consistencyGuid: "0b5f6a52-6c1d-4a7e-8f4b-5d2e8c9a1f37" };
  const plan = { ...{ fqdn: FQDN, netBios: "FABRIKAM", company: "Fabrikam", people: 6, offset: 0 }, alsoElsewhere };
  await writeFile(file, sampleLdif({ name: "small", plan }));
  ldif = await readFile(file, "utf8");
  const agent = await createAgent(runtime, "small", { kind: "ldif", file }, { [ENDPOINT]: receiver.url });
  await agent.mustEnrol(job);
  await agent.mustRead();
  await runtime.settled(job);
  await until("the commit in the trace", () => receiver.spans.some(({ name }) => name === "CommitBatch"), 60_000);
  await until(
    "the gauges of a tick",
    () => receiver.points.some(({ metric }) => metric === "uplink.agent.silence"),
    60_000,
  );
}, 240_000);
afterAll(async () => {
  await runtime?.destroy();
  await receiver?.stop();
});

test("a batch is one trace, from the agent's read over HTTP, the bus and Durable to the directory's answer", async () => {
  const { traceId = "", spanId = "" } = parseTraceparent(batchTrace(batchIdOf(job.jobId, 1, 1))) ?? {};
  const spans = receiver.spans.filter((span) => span.traceId === traceId);
  const one = (name: string) => spans.find((span) => span.name === name) ?? expect.fail(`no span ${name}`);
  const parentOf = ({ parentSpanId }: { parentSpanId: string }) => spans.find((span) => span.spanId === parentSpanId);

  const sent = one("AgentBatch");
  expect(sent).toMatchObject({ service: "directory-uplink-agent", spanId, parentSpanId: "", status: 0 });
  const accepted = one("AcceptBatch");
  expect(accepted).toMatchObject({ service: "directory-uplink", kind: 2, parentSpanId: sent.spanId });
  expect(accepted.attributes["http.response.status_code"]).toBe(202);
  expect(sent.start).toBeLessThanOrEqual(accepted.start);
  expect(sent.end).toBeGreaterThanOrEqual(accepted.end - 1_000);

  const rung = one("ring");
  expect(parentOf(rung)).toBe(accepted);
  expect(rung.kind).toBe(4);
  const woken = one("WakeJob");
  expect(parentOf(woken)).toBe(rung);
  expect(woken.kind).toBe(5);

  for (const name of ["PlanChunks", "FoldLinks", "MapChunk", "ExportChunk", "CommitBatch"])
    expect(parentOf(one(name)), name).toBe(accepted);
  const applied = one("target.apply");
  expect(parentOf(applied)?.name).toBe("ExportChunk");
  expect(applied.attributes["writes"]).toBeGreaterThan(0);
  const answered = spans.filter((span) => span.name === "graph" && parentOf(span) === applied);
  expect(answered.length).toBeGreaterThan(0);
  for (const span of answered) {
    expect(span.kind).toBe(3);
    expect(span.attributes).toMatchObject({ "http.request.method": "POST", "http.response.status_code": 200 });
  }
  // By these the target's support finds a request: ours, and the one that it answered with.
  for (const id of ["clientRequestId", "requestId"]) {
    const ids = receiver.spans.filter(({ name }) => name === "graph").map((span) => span.attributes[id]);
    for (const own of ids) expect(own, id).toMatch(/^[0-9a-f-]{36}$/);
    expect(new Set(ids).size, id).toBe(ids.length);
  }
});

test("every span's parent arrived too, and no orchestration made one", () => {
  const known = new Set(receiver.spans.map(({ spanId }) => spanId));
  const batches = receiver.spans.filter(({ traceId }) =>
    receiver.spans.some((own) => own.name === "AgentBatch" && own.traceId === traceId),
  );
  expect(batches.length).toBeGreaterThan(10);
  for (const { name, parentSpanId } of batches) expect(parentSpanId === "" || known.has(parentSpanId), name).toBe(true);
  const names = new Set(receiver.spans.map(({ name }) => name));
  for (const orchestrator of ["SyncRun", "ProcessBatch", "ReadEnd"]) expect(names).not.toContain(orchestrator);
});

test("metrics arrive by their names, units and dimensions, each change counted once", () => {
  const metrics = Object.keys(METRICS);
  for (const { metric, unit, attributes, temporality } of receiver.points) {
    expect(metrics).toContain(metric);
    const { unit: declared, dimensions, kind } = METRICS[metric as keyof typeof METRICS];
    expect(unit, metric).toBe(declared);
    expect(Object.keys(attributes).sort(), metric).toEqual([...dimensions].sort());
    // Deltas: what an instance said last is not said again.
    if (kind !== "gauge") expect(temporality, metric).toBe(1);
  }
  const sum = (metric: string, of: Record<string, string> = {}) =>
    receiver.points
      .filter(
        (point) =>
          point.metric === metric && Object.entries(of).every(([name, value]) => point.attributes[name] === value),
      )
      .reduce((total, { value }) => total + value, 0);
  const batches = receiver.logs.filter(({ event }) => event === "batch-committed");
  const told = (name: string) => batches.reduce((total, { attributes }) => total + Number(attributes[name]), 0);
  for (const outcome of ["exported", "filtered", "no-op"])
    expect(sum("uplink.objects", { jobId: job.jobId, outcome }), outcome).toBe(told(outcome));
  expect(sum("uplink.objects", { outcome: "exported" })).toBeGreaterThan(5);
  expect(sum("uplink.writes", { jobId: job.jobId })).toBeGreaterThan(5);
  const arrived = new Set(receiver.points.map(({ metric }) => metric));
  for (const metric of ["uplink.lag", "uplink.cycle.duration", "uplink.replay.cost", "uplink.activity.duration"])
    expect(arrived).toContain(metric);
  for (const metric of ["uplink.quota.used", "uplink.escrows", "uplink.staged", "uplink.batch.oldest"])
    expect(arrived).toContain(metric);
  for (const metric of ["uplink.agent.lag", "uplink.agent.silence", "uplink.job.quarantined", "uplink.agent.outbox"])
    expect(arrived).toContain(metric);
  const replays = receiver.points.filter(({ metric }) => metric === "uplink.replay.cost");
  expect(new Set(replays.map(({ attributes }) => attributes["orchestrator"]))).toContain("SyncRun");
});

test("events of both sides arrive by the catalogue, within the trace that they happened in", () => {
  for (const { event, severity, attributes } of receiver.logs) {
    expect(Object.keys(EVENTS)).toContain(event);
    const { level, fields } = EVENTS[event as keyof typeof EVENTS];
    expect(severity, event).toBe(level.toUpperCase());
    expect(attributes["event"]).toBe(event);
    const known = fields.map((field) => field.replace(/\?$/, ""));
    for (const name of Object.keys(attributes)) expect([...known, "event"], event).toContain(name);
  }
  const services = (event: string) => receiver.logs.filter((own) => own.event === event).map(({ service }) => service);
  expect(services("read-finished")).toContain("directory-uplink-agent");
  expect(services("cycle-closed")).toEqual(["directory-uplink"]);
  const committed = receiver.logs.find(({ event }) => event === "batch-committed");
  const commit = receiver.spans.filter(({ name }) => name === "CommitBatch").map(({ traceId }) => traceId);
  expect(commit).toContain(committed?.traceId);
});

test("no name, sign-in name, mail address or distinguished name of anybody is in spans, metrics or events", () => {
  const names = namesInLdif(ldif);
  expect(names.length).toBeGreaterThan(30);
  const all = receiver.raw.join("\n").toLowerCase();
  expect(all.length).toBeGreaterThan(20_000);
  for (const name of names) {
    const at = all.indexOf(name.toLowerCase());
    expect(at < 0 ? "" : all.slice(Math.max(0, at - 60), at + 60), name).toBe("");
  }
});

test("the endpoint gets the headers of its setting", () => {
  const fromService = receiver.headers.filter((own) => own["x-tenant"] === "uplink");
  expect(fromService.length).toBeGreaterThan(2);
  expect(fromService[0]).toMatchObject({ "x-key": "a=b" });
});
