/** How a batch's trace goes on at the service: from the request to the batch's row and the bell, and from the bell to whoever it wakes. */
import type { InvocationContext } from "@azure/functions";
import { describe, expect, it } from "vitest";
import { wakeJobHandler } from "../../functions/wake-job.queue.ts";
import { watchDoorbell } from "../../shared/adapters/telemetry/watched-doorbell.ts";
import { watchFetch } from "../../shared/adapters/telemetry/watched-fetch.ts";
import { type BatchRow, jobTable, LANES, listRows } from "../../shared/application/state/job-rows.ts";
import { acceptBatch, heartbeat } from "../../shared/contracts/agent-api.ts";
import type { SpanOptions, Telemetry } from "../../shared/ports/telemetry.ts";
import { NO_TELEMETRY } from "../../shared/ports/telemetry.ts";
import { aUser } from "../support/cloud.ts";
import { createService } from "../support/service.ts";

const SENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const OWN = "00-4bf92f3577b34da6a3ce929d0e0e4736-b7ad6b7169203331-01";

/** Every span has the ids of `OWN`. */
function recording() {
  const spans: { name: string; kind: SpanOptions["kind"]; parent: string | undefined }[] = [];
  let running: string | undefined;
  const telemetry: Telemetry = {
    ...NO_TELEMETRY,
    current: () => running,
    async span(name, { kind, parent }, run) {
      spans.push({ name, kind, parent: parent ?? running });
      running = OWN;
      try {
        return await run({ traceparent: OWN, set: () => undefined, fail: () => undefined });
      } finally {
        running = undefined;
      }
    },
  };
  return { spans, telemetry };
}

describe("a batch's request", () => {
  async function accepted(headers: Readonly<Record<string, string>>, telemetry?: Telemetry) {
    const service = await createService(telemetry === undefined ? {} : { telemetry });
    const { cloud, corp, agent, ask } = service;
    const beat = await ask(heartbeat, { body: { version: "1", domain: corp.domain, want: "full" } });
    const batch = corp.batch(beat.body.order, 1, [aUser("ann")]);
    const { status } = await ask(acceptBatch, { params: { jobId: corp.jobId }, body: batch, headers });
    expect([status, agent.agentId]).toEqual([202, expect.any(String)]);
    const jobs = jobTable(cloud.rows);
    const rows = await Promise.all(LANES.map((lane) => listRows<BatchRow>(jobs, corp.jobId, `batch:${lane}:`)));
    return rows.flat().map(({ value }) => value.trace);
  }

  it("leaves the trace of its acceptance in the batch's row", async () => {
    const { spans, telemetry } = recording();
    expect(await accepted({ traceparent: SENT }, telemetry)).toEqual([OWN]);
    expect(spans).toContainEqual({ name: "AcceptBatch", kind: "server", parent: SENT });
  });
  it("leaves the trace that it came with where nobody exports, and none without or with one that can't be read", async () => {
    expect(await accepted({ traceparent: SENT })).toEqual([SENT]);
    expect(await accepted({})).toEqual([undefined]);
    expect(await accepted({ traceparent: "00-none-of-it-01" })).toEqual([undefined]);
  });
});

describe("a bell", () => {
  it("is rung within the trace that rings, and outside of any without a span", async () => {
    const { spans, telemetry } = recording();
    const rung: (string | undefined)[] = [];
    const doorbell = watchDoorbell(
      { ring: async () => void rung.push(telemetry.current()), close: async () => undefined },
      telemetry,
    );
    await telemetry.span("AcceptBatch", {}, () => doorbell.ring("job-1", "live"));
    await doorbell.ring("job-1", "live");
    expect(spans.slice(1)).toEqual([{ name: "ring", kind: "producer", parent: OWN }]);
    expect(rung).toEqual([OWN, undefined]);
  });

  it.each([
    ["with a trace goes on with it", { traceparent: SENT }, SENT],
    ["without a trace begins its own", {}, undefined],
    ["with a trace that can't be read begins its own", { traceparent: 7 }, undefined],
  ])("%s, and wakes", async (_what, more, parent) => {
    const { spans, telemetry } = recording();
    const woken: string[] = [];
    const handler = wakeJobHandler(
      () => async (jobId, lane) => {
        woken.push(`${jobId} ${lane}`);
        return "running";
      },
      telemetry,
    );
    const applicationProperties = { jobId: "job-1", lane: "bulk", ...more };
    await handler({}, { triggerMetadata: { applicationProperties } } as unknown as InvocationContext);
    expect(woken).toEqual(["job-1 bulk"]);
    expect(spans).toEqual([{ name: "WakeJob", kind: "consumer", parent }]);
  });
});

it("a call of the target tells the ids by which the target knows it, and gives it nothing of the trace", async () => {
  const told: Record<string, unknown> = {};
  const sent: string[] = [];
  const telemetry: Telemetry = {
    ...NO_TELEMETRY,
    async span(_name, { attributes }, run) {
      Object.assign(told, attributes);
      return run({ traceparent: OWN, set: (more) => void Object.assign(told, more), fail: () => undefined });
    },
  };
  const headers = { "client-request-id": "own-1" };
  const given: typeof fetch = async (_url, init) => {
    sent.push(...new Headers(init?.headers).keys());
    return new Response("{}", { headers: { "request-id": "theirs-1" } });
  };
  await watchFetch(given, telemetry, "graph")("https://graph.example/v1.0/users/ann@corp.example", { headers });
  expect(told).toMatchObject({ clientRequestId: "own-1", requestId: "theirs-1", "server.address": "graph.example" });
  expect(JSON.stringify(told)).not.toContain("ann");
  expect(sent).toEqual(["client-request-id"]);
});

it("a call of the target is a span of the work that makes it", async () => {
  const { spans, telemetry } = recording();
  const graph = watchFetch(async () => new Response("{}"), telemetry, "graph");
  await telemetry.span("ExportChunk", { parent: SENT }, () =>
    graph("https://graph.example/v1.0/$batch", { method: "POST" }),
  );
  expect(spans).toEqual([
    { name: "ExportChunk", kind: undefined, parent: SENT },
    { name: "graph", kind: "client", parent: OWN },
  ]);
});
