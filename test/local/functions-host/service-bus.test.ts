import { ServiceBusClient } from "@azure/service-bus";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Broker, startBroker } from "../../../local/service-bus/broker.ts";
import { clearNotes, notes, type SampleHost, startSampleHost, until } from "../sample-host.ts";

type BellNote = { message: unknown; metadata: Record<string, unknown>; hub: string; ringing: number };

let broker: Broker;
let host: SampleHost;
let sender: ServiceBusClient;
const maxDeliveryCount = 3;
const bells = (): BellNote[] => notes() as BellNote[];
const send = (...messages: { body: unknown }[]): Promise<void> =>
  sender.createSender("doorbell").sendMessages(messages);

beforeAll(async () => {
  broker = await startBroker({ port: 0, queues: [{ name: "doorbell", maxDeliveryCount, lockDurationMs: 30_000 }] });
  sender = new ServiceBusClient(broker.connectionString);
});
afterAll(async () => {
  await sender.close();
  await broker.stop();
});
beforeEach(async () => {
  clearNotes();
  host = await startSampleHost({
    env: { "AzureWebJobs.bell.Disabled": "false", ServiceBusConnection: broker.connectionString },
    hostJson: {
      version: "2.0",
      extensions: { serviceBus: { maxConcurrentCalls: 16 }, durableTask: { hubName: "SampleHub" } },
    },
  });
});
afterEach(() => host.close());

const counts = () => broker.stats().queues["doorbell"]!;
const empty = () =>
  until("the queue to be empty", () => {
    const { available, locked } = counts();
    return available === 0 && locked === 0;
  });

describe("a Service Bus queue trigger", () => {
  it("gets the body, parsed when it is JSON, the metadata and the extra inputs, and completes", async () => {
    await sender.createSender("doorbell").sendMessages({
      body: Buffer.from(JSON.stringify({ jobId: "j1" })),
      messageId: "m-1",
      correlationId: "c",
      contentType: "application/json",
      subject: "123",
      applicationProperties: { DeadLetterReason: "none", count: 4 },
    });
    await until("the message", () => bells()[0]);
    const [{ message, metadata, hub }] = bells() as [BellNote];
    expect(message).toEqual({ jobId: "j1" });
    expect(hub).toBe("SampleHub");
    expect(metadata).toMatchObject({
      messageId: "m-1",
      deliveryCount: 1,
      correlationId: "c",
      contentType: "application/json",
      // The library parses every text of the metadata, and lowers the first letter of nested keys too.
      subject: 123,
      label: 123,
      applicationProperties: { deadLetterReason: "none", count: 4 },
    });
    expect(metadata["lockToken"]).toMatch(/^[0-9a-f-]{36}$/);
    expect(Number(metadata["sequenceNumber"])).toBeGreaterThan(0);
    expect(Date.parse(`${String(metadata["enqueuedTimeUtc"])}Z`)).toBeGreaterThan(Date.now() - 60_000);
    await empty();
  });

  it("gets a body that is no JSON as text", async () => {
    await send({ body: Buffer.from("plain, ä") });
    await until("the message", () => bells()[0]);
    expect(bells()[0]!.message).toBe("plain, ä");
    await empty();
  });

  it("is called again for a message it refused, counted, and loses it to the dead-letter queue at the end", async () => {
    await send({ body: Buffer.from('{"fail":true}') });
    const receiver = sender.createReceiver("doorbell", { subQueueType: "deadLetter" });
    const [dead] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 5000 });
    expect(dead?.deadLetterReason).toBe("MaxDeliveryCountExceeded");
    expect(bells().map(({ metadata }) => metadata["deliveryCount"])).toEqual([1, 2, 3]);
    await receiver.completeMessage(dead!);
    await receiver.close();
    expect(host.logs.filter((line) => line.includes("refused"))).not.toHaveLength(0);
  });

  it("runs no more calls at once than host.json allows, and loses nothing", async () => {
    const bodies = Array.from({ length: 30 }, (_, n) => ({ body: Buffer.from(JSON.stringify({ n, slow: 10 })) }));
    await send(...bodies);
    await until("all messages", () => bells().length >= 30);
    await empty();
    expect(Math.max(...bells().map(({ ringing }) => ringing))).toBe(16);
    const seen = bells().map(({ message }) => (message as { n: number }).n);
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, n) => n));
  });

  it("settles completions and refusals that fall together each in its own way", async () => {
    const total = 80;
    const bodies = Array.from({ length: total }, (_, n) => ({
      body: Buffer.from(JSON.stringify({ n, fail: n % 2 === 0 })),
    }));
    await send(...bodies);
    const deadLetters = sender.createReceiver("doorbell", {
      subQueueType: "deadLetter",
      receiveMode: "receiveAndDelete",
    });
    const dead: number[] = [];
    while (dead.length < total / 2) {
      const messages = await deadLetters.receiveMessages(total, { maxWaitTimeInMs: 5000 });
      if (messages.length === 0) break;
      for (const { body } of messages) dead.push((body as { n: number }).n);
    }
    await deadLetters.close();
    await empty();
    expect(dead.sort((a, b) => a - b)).toEqual(Array.from({ length: total / 2 }, (_, n) => n * 2));
    const calls = new Map<number, number>();
    for (const { message } of bells()) {
      const { n } = message as { n: number };
      calls.set(n, (calls.get(n) ?? 0) + 1);
    }
    for (let n = 0; n < total; n += 1) expect([n, calls.get(n)]).toEqual([n, n % 2 === 0 ? maxDeliveryCount : 1]);
  });

  it("lets a running call end before the host has stopped", async () => {
    await send({ body: Buffer.from('{"slow":150}') });
    await until("the call", () => bells()[0]);
    await host.stop();
    await empty();
  });
});

describe("a Service Bus connection", () => {
  it("that isn't set stops the start and is named", async () => {
    await expect(startSampleHost({ env: { "AzureWebJobs.bell.Disabled": "false" } })).rejects.toThrow(
      /'bell' cannot listen: the setting 'ServiceBusConnection'/,
    );
  });
});
