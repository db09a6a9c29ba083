/** What is seen of activities and how things stand, over the cloud in memory: traces of batches with and without one, and the tick's gauges. */
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { invocationHooks, watchActivities, whoseWork } from "../../functions/watch.ts";
import { createReportState } from "../../shared/application/admin/report-state.ts";
import { batchTrace } from "../../shared/application/reading/batch-trace.ts";
import { type BatchRow, jobTable, pack, ROW, readRow } from "../../shared/application/state/job-rows.ts";
import { logBy } from "../../shared/ports/log.ts";
import { NO_TELEMETRY, type Telemetry } from "../../shared/ports/telemetry.ts";
import { aUser, createCloud } from "../support/cloud.ts";

function recording() {
  const spans: { name: string; parent: string | undefined; subject: unknown }[] = [];
  const measured: [metric: string, value: number, dimensions: object][] = [];
  const telemetry: Telemetry = {
    ...NO_TELEMETRY,
    span: (name, options, run) => {
      spans.push({ name, parent: options.parent, subject: options.attributes?.["subject"] });
      return NO_TELEMETRY.span(name, options, run);
    },
    count: (metric, value, dimensions) => void measured.push([metric, value, dimensions]),
    record: (metric, value, dimensions) => void measured.push([metric, value, dimensions]),
  };
  return { spans, measured, telemetry };
}

const TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

async function withBatch() {
  const cloud = await createCloud();
  const { jobId } = await cloud.addDomain("corp.example");
  const jobs = jobTable(cloud.rows);
  const row = { batchId: `${jobId}-7-1`, jobId, lane: "live", readNo: 7, sequence: 1, state: "accepted" } as BatchRow;
  const put = (sequence: number, more: Partial<BatchRow>) =>
    jobs.transact(jobId, [
      { op: "upsert", row: ROW.batch("live", 7, sequence), values: pack({ ...row, sequence, ...more }) },
    ]);
  return { cloud, jobId, put };
}

it("goes on with the trace of the batch's row, with the batch's own where it has none, and with one for whatever has no batch", async () => {
  const { cloud, jobId, put } = await withBatch();
  await put(1, { trace: TRACE });
  await put(2, {});
  const { spans, measured, telemetry } = recording();
  const seen: unknown[] = [];
  const { Work } = watchActivities(
    { telemetry, rows: cloud.rows, clock: cloud.clock },
    {
      Work: async () => {
        seen.push(whoseWork());
        return { kind: "done", value: null };
      },
    },
  );
  const run = { jobId, lane: "live", epoch: 1 };
  await Work?.({ ...run, readNo: 7, sequence: 1 });
  await Work?.({ ...run, batchId: `${jobId}-7-1`, chunk: 0 });
  await Work?.({ ...run, batchId: `${jobId}-7-2`, chunk: 0 });
  await Work?.({ ...run, readNo: 7 });
  await Work?.({ ...run, batchId: `${jobId}-7-end`, chunk: 0 });
  await Work?.({ ...run, workId: "retry-1" });
  await Work?.(run);
  expect(spans.map(({ parent }) => parent)).toEqual([
    ...[TRACE, TRACE, batchTrace(`${jobId}-7-2`)],
    // The end of a read, and what belongs to it, meet in one.
    ...[batchTrace(`${jobId}-7`), batchTrace(`${jobId}-7`), batchTrace("retry-1")],
  ]);
  expect(seen).toHaveLength(7);
  expect(new Set(seen.map((own) => JSON.stringify(own)))).toEqual(new Set([JSON.stringify({ jobId, lane: "live" })]));
  expect(whoseWork()).toEqual({ jobId: "none", lane: "none" });
  expect(measured.map(([metric, , by]) => [metric, by])).toEqual(
    Array.from({ length: 7 }, () => ["uplink.activity.duration", { activity: "Work", result: "done" }]),
  );
});

it("measures an activity that fails, and lets it fail", async () => {
  const { cloud, jobId } = await withBatch();
  const { measured, telemetry } = recording();
  const fault = new Error("storage is away");
  const { Work } = watchActivities(
    { telemetry, rows: cloud.rows, clock: cloud.clock },
    { Work: () => Promise.reject(fault) },
  );
  await expect(Work?.({ jobId, lane: "bulk", epoch: 1, workId: "w" })).rejects.toBe(fault);
  expect(measured).toEqual([["uplink.activity.duration", 0, { activity: "Work", result: "failed" }]]);
});

it("measures each episode of an orchestration, and flushes after everything else", async () => {
  const { measured, telemetry } = recording();
  let flushed = 0;
  let now = 100;
  const hooks = invocationHooks({ telemetry: { ...telemetry, flush: async () => void flushed++ }, now: () => now });
  const of = (type: string) => ({
    invocationContext: { functionName: "SyncRun", options: { trigger: { type } } },
    hookData: {},
  });
  const episode = of("orchestrationTrigger");
  hooks.before(episode);
  now = 142;
  await hooks.after(episode);
  expect(measured).toEqual([["uplink.replay.cost", 42, { orchestrator: "SyncRun" }]]);
  expect(flushed).toBe(0);
  const request = of("httpTrigger");
  hooks.before(request);
  await hooks.after(request);
  expect(flushed).toBe(1);
});

it("reports how things stand at each tick: ages, counts by code and class, zeros, and a credential that ends", async () => {
  const { cloud, jobId, put } = await withBatch();
  const { measured, telemetry } = recording();
  const said: unknown[] = [];
  await put(1, { state: "processed", acceptedAt: cloud.clock.now() - 900_000 });
  await put(2, { acceptedAt: cloud.clock.now() - 700_000 });
  let codes = ["AttributeValueMustBeUnique", "AttributeValueMustBeUnique", "InsufficientRights"];
  const report = createReportState({
    ...{ rows: cloud.rows, clock: cloud.clock, telemetry, log: logBy((...of) => void said.push(of)) },
    configurations: cloud.cloud.routes.configurations,
    escrows: { list: async () => codes.map((code) => ({ code })) as never },
    removals: { staged: async () => [] },
    agentSilentMs: 180_000,
    quota: undefined,
    credentialEndsAt: cloud.clock.now() + 10.5 * 86_400_000,
    backupAge: async () => ({ ms: 3_600_000, newest: "20260105120000-a" }),
  });
  await report();
  const of = (metric: string) => measured.filter(([name]) => name === metric).map(([, value, by]) => [value, by]);
  expect(of("uplink.backup.age")).toEqual([[3600, {}]]);
  expect(of("uplink.batch.oldest")).toEqual([
    [0, { jobId, lane: "bulk" }],
    [700, { jobId, lane: "live" }],
  ]);
  expect(of("uplink.escrows")).toEqual([
    [2, { jobId, code: "AttributeValueMustBeUnique" }],
    [1, { jobId, code: "InsufficientRights" }],
  ]);
  expect(of("uplink.staged")).toEqual([[0, { jobId, class: "none" }]]);
  expect(of("uplink.job.quarantined")).toEqual([[0, { jobId }]]);
  expect(of("uplink.job.parked")).toEqual([[0, { jobId }]]);
  expect(of("uplink.agent.silence")).toHaveLength(1);
  const agent = expect.objectContaining({ agentId: expect.any(String), configurationId: expect.any(String) });
  for (const metric of ["uplink.agent.silent", "uplink.agent.cloned"]) expect(of(metric), metric).toEqual([[0, agent]]);
  expect(of("uplink.credential.days")).toEqual([[10.5, { credential: "target" }]]);
  codes = [];
  measured.length = 0;
  await report();
  expect(of("uplink.escrows")).toEqual([[0, { jobId, code: "none" }]]);
  // Once a day.
  expect(said).toEqual([
    [
      "warn",
      "credential-expiring",
      { credential: "target", days: 10, remedy: expect.stringContaining("new certificate") },
    ],
  ]);
});

it("keeps the trace that a batch came with in its row, and none where it came without", async () => {
  const cloud = await createCloud();
  const agent = await cloud.addDomain("corp.example");
  const order = await agent.order("full");
  for (const [sequence, trace] of [
    [1, TRACE],
    [2, undefined],
  ] as const) {
    const body = gzipSync(JSON.stringify(agent.batch(order, sequence, [aUser(`user${sequence}`)])));
    const { jobId } = agent;
    expect((await cloud.cloud.routes.acceptBatch(agent.proven, { jobId, body, isGzip: true, trace })).ok).toBe(true);
    const row = await readRow<BatchRow>(jobTable(cloud.rows), jobId, ROW.batch("bulk", order.readNo, sequence));
    expect(row?.value.batchId).toBeDefined();
    expect(row?.value.trace).toBe(trace);
  }
});
