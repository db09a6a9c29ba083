import { ServiceBusClient } from "@azure/service-bus";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Broker, startBroker } from "../../../local/service-bus/broker.ts";
import { createServiceBusDoorbell } from "../../../shared/adapters/service-bus/doorbell.ts";
import type { Doorbell } from "../../../shared/ports/doorbell.ts";

const TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

describe("the doorbell", () => {
  let broker: Broker;
  let doorbell: Doorbell;

  beforeEach(async () => {
    broker = await startBroker({
      port: 0,
      queues: [{ name: "doorbell", maxDeliveryCount: 5, lockDurationMs: 30_000 }],
    });
    doorbell = createServiceBusDoorbell({
      connectionString: broker.connectionString,
      queue: "doorbell",
      timeoutMs: 1_000,
    });
  });
  afterEach(async () => {
    await doorbell.close();
    await broker.stop();
  });

  it("sends job and lane, no data, and a fresh id for each ring", async () => {
    await doorbell.ring("job-1", "live");
    await doorbell.ring("job-1", "live");
    await doorbell.ring("job-2", "bulk");
    const client = new ServiceBusClient(broker.connectionString);
    const messages = await client.createReceiver("doorbell").receiveMessages(3, { maxWaitTimeInMs: 5_000 });
    await client.close();
    expect(messages.map((message) => message.applicationProperties)).toEqual([
      { jobId: "job-1", lane: "live" },
      { jobId: "job-1", lane: "live" },
      { jobId: "job-2", lane: "bulk" },
    ]);
    expect(messages.map((message) => message.body)).toEqual([{}, {}, {}]);
    expect(new Set(messages.map((message) => message.messageId)).size).toBe(3);
  });

  it("tells along the trace that rings, as it is at that moment, and none where there is none", async () => {
    let running: string | undefined;
    const { connectionString } = broker;
    const traced = createServiceBusDoorbell({ connectionString, queue: "doorbell", traceparent: () => running });
    for (running of [TRACE, undefined]) await traced.ring("job-1", "live");
    await traced.close();
    const client = new ServiceBusClient(connectionString);
    const messages = await client.createReceiver("doorbell").receiveMessages(2, { maxWaitTimeInMs: 5_000 });
    await client.close();
    expect(messages.map((message) => message.applicationProperties)).toEqual([
      { jobId: "job-1", lane: "live", traceparent: TRACE },
      { jobId: "job-1", lane: "live" },
    ]);
  });

  it("keeps one connection for all rings", async () => {
    for (let n = 0; n < 5; n++) await doorbell.ring("job-1", "bulk");
    expect(broker.stats().connections).toBe(1);
  });

  it("rings again after the bus was away", async () => {
    await doorbell.ring("job-1", "bulk");
    const { port } = broker;
    await broker.stop();
    await expect(doorbell.ring("job-1", "bulk")).rejects.toThrow();
    broker = await startBroker({ port, queues: [{ name: "doorbell", maxDeliveryCount: 5, lockDurationMs: 30_000 }] });
    await doorbell.ring("job-1", "bulk");
    expect(broker.stats().queues["doorbell"]).toMatchObject({ available: 1 });
  });

  it("rejects for a queue that isn't there, and soon", async () => {
    const lost = createServiceBusDoorbell({ connectionString: broker.connectionString, queue: "none" });
    const started = performance.now();
    await expect(lost.ring("job-1", "bulk")).rejects.toThrow();
    expect(performance.now() - started).toBeLessThan(8_000);
    await lost.close();
  });
});
