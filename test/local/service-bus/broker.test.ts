/** The broker against the unmodified client of Azure Service Bus. */

import { createServer } from "node:net";
import {
  type ServiceBusClient as Client,
  ServiceBusClient,
  type ServiceBusReceivedMessage,
  type ServiceBusReceiver,
  type ServiceBusReceiverOptions,
} from "@azure/service-bus";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { type Broker, startBroker } from "../../../local/service-bus/broker.ts";

const shortLockMs = 400;
const renewedLockMs = 1500; // The client renews no sooner than a second before the end.
const queueNames = ["single", "batch", "abandon", "dead", "poison", "closed", "schedule", "many", "misc"];
const retryOptions = { maxRetries: 1, retryDelayInMs: 50, timeoutInMs: 5000 };

let broker: Broker;
let client: Client;
const said: string[] = [];

beforeAll(async () => {
  broker = await startBroker({
    port: 0,
    log: (line) => said.push(line),
    queues: [
      ...queueNames.map((name) => ({ name, maxDeliveryCount: 3, lockDurationMs: 30_000 })),
      { name: "renew", maxDeliveryCount: 5, lockDurationMs: renewedLockMs },
      { name: "short", maxDeliveryCount: 5, lockDurationMs: shortLockMs },
    ],
  });
  client = new ServiceBusClient(broker.connectionString, { retryOptions });
});
afterAll(async () => {
  await client.close();
  await broker.stop();
});

/** A sender and a receiver on a queue, closed when the test ends. */
function on(queue: string, options: ServiceBusReceiverOptions = {}) {
  const sender = client.createSender(queue);
  const receiver = client.createReceiver(queue, { maxAutoLockRenewalDurationInMs: 0, ...options });
  onTestFinished(async () => {
    await sender.close();
    await receiver.close();
  });
  return { sender, receiver };
}

async function next(receiver: ServiceBusReceiver, maxWaitTimeInMs = 5000): Promise<ServiceBusReceivedMessage> {
  const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs });
  if (message === undefined) throw new Error("no message came");
  return message;
}

const deadLettersOf = (queue: string): ServiceBusReceiver => on(queue, { subQueueType: "deadLetter" }).receiver;
/** Negative settlements leave in a tick of their own: the client's library merges neighbours that differ. */
const ownTick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("messages", () => {
  it("arrive as they were sent, with the broker's own properties", async () => {
    const { sender, receiver } = on("single");
    const sent = [{ a: [1, "é", null] }, "text", Buffer.from([0, 255, 1]), 42, "x".repeat(100_000)];
    const common = { subject: "s", correlationId: "c", contentType: "application/json", timeToLive: 60_000 };
    const applicationProperties = { s: "x", i: 7, d: 1.5, b: true, negative: -3 };
    for (const [index, body] of sent.entries()) {
      await sender.sendMessages({ ...common, body, messageId: `m${index}`, applicationProperties });
    }
    for (const [index, body] of sent.entries()) {
      const message = await next(receiver);
      expect(message.body).toEqual(body);
      expect(message).toMatchObject({ ...common, messageId: `m${index}`, applicationProperties, deliveryCount: 0 });
      expect(message.lockToken).toMatch(/^[0-9a-f-]{36}$/);
      expect(message.lockedUntilUtc!.getTime()).toBeGreaterThan(Date.now());
      expect(message.enqueuedTimeUtc).toBeInstanceOf(Date);
      expect(Number(message.sequenceNumber)).toBe(index + 1);
      await receiver.completeMessage(message);
    }
    expect(broker.stats().queues["single"]).toMatchObject({ available: 0, locked: 0, received: 5, completed: 5 });
  });

  it("get an id when they have none", async () => {
    const { sender, receiver } = on("single");
    await sender.sendMessages({ body: "anonymous" });
    const message = await next(receiver);
    expect(message.messageId).toMatch(/^[0-9a-f]{32}$/);
    await receiver.completeMessage(message);
  });

  it("come in order from a batch, and leave at once in receive-and-delete", async () => {
    const { sender, receiver } = on("batch", { receiveMode: "receiveAndDelete" });
    const batch = await sender.createMessageBatch();
    expect(batch.maxSizeInBytes).toBe(262_144);
    for (let index = 0; index < 20; index += 1) batch.tryAddMessage({ body: index });
    await sender.sendMessages(batch);
    await sender.sendMessages([{ body: 20 }]);
    const bodies: unknown[] = [];
    while (bodies.length < 21) bodies.push(...(await receiver.receiveMessages(21)).map((message) => message.body));
    expect(bodies).toEqual(Array.from({ length: 21 }, (_, index) => index));
    expect(broker.stats().queues["batch"]).toMatchObject({ available: 0, locked: 0, completed: 21 });
  });

  it("reach many concurrent handlers, each exactly once", async () => {
    const { sender, receiver } = on("many");
    const seen: number[] = [];
    const total = 3000; // More than the 2,048 unsettled deliveries that fit one session.
    receiver.subscribe(
      {
        processMessage: async ({ body }) => void seen.push(body),
        processError: async ({ error }) => expect.fail(error.message),
      },
      { maxConcurrentCalls: 50 },
    );
    for (let start = 0; start < total; start += 100) {
      await sender.sendMessages(Array.from({ length: 100 }, (_, index) => ({ body: start + index })));
    }
    await vi.waitFor(
      () => expect(broker.stats().queues["many"]).toMatchObject({ completed: total, locked: 0 }),
      20_000,
    );
    expect(new Set(seen).size).toBe(total);
    expect(seen).toHaveLength(total);
  });
});

describe("settlement", () => {
  it("abandons: the message comes back with count and properties, and dies at the maximum", async () => {
    const { sender, receiver } = on("abandon");
    await sender.sendMessages({ body: "poison", messageId: "p" });
    for (const attempt of [0, 1, 2]) {
      const message = await next(receiver);
      expect(message.deliveryCount).toBe(attempt);
      await ownTick();
      await receiver.abandonMessage(message, { tried: attempt });
    }
    expect(await receiver.receiveMessages(1, { maxWaitTimeInMs: 50 })).toEqual([]);
    const dead = deadLettersOf("abandon");
    const message = await next(dead);
    expect(message).toMatchObject({ body: "poison", messageId: "p", deadLetterSource: "abandon" });
    expect(message).toMatchObject({
      deadLetterReason: "MaxDeliveryCountExceeded",
      applicationProperties: { tried: 2 },
    });
    await dead.completeMessage(message);
    expect(broker.stats().queues["abandon"]!.deadLetter).toMatchObject({ available: 0, locked: 0, completed: 1 });
  });

  it("dead-letters with reason, description and properties", async () => {
    const { sender, receiver } = on("dead");
    await sender.sendMessages({ body: "bad" });
    const bad = await next(receiver);
    await ownTick();
    await receiver.deadLetterMessage(bad, {
      deadLetterReason: "schema",
      deadLetterErrorDescription: "no id",
      extra: 1,
    });
    const dead = deadLettersOf("dead");
    const message = await next(dead);
    expect(message).toMatchObject({ deadLetterReason: "schema", deadLetterErrorDescription: "no id" });
    expect(message.applicationProperties).toEqual({
      DeadLetterReason: "schema",
      DeadLetterErrorDescription: "no id",
      extra: 1,
    });
    await ownTick();
    await expect(dead.deadLetterMessage(message)).rejects.toThrow(/can't be dead-lettered again/);
  });

  it("a handler that throws is tried again and ends in the dead-letter queue", async () => {
    const { sender, receiver } = on("poison");
    const attempts: unknown[] = [];
    receiver.subscribe({
      processMessage: async ({ deliveryCount }) => {
        attempts.push(deliveryCount);
        throw new Error("boom");
      },
      processError: async () => undefined,
    });
    await sender.sendMessages({ body: 1 });
    await vi.waitFor(() => expect(broker.stats().queues["poison"]!.deadLetter.available).toBe(1), 5000);
    expect(attempts).toEqual([0, 1, 2]);
  });

  it("works after the receiver was closed, over $management", async () => {
    const { sender, receiver } = on("closed");
    await sender.sendMessages([{ body: "a" }, { body: "b" }, { body: "c" }]);
    const [one, two, three] = [await next(receiver), await next(receiver), await next(receiver)];
    await receiver.close();
    expect(broker.stats().queues["closed"]!.locked).toBe(3);
    const { receiver: other } = on("closed");
    await other.completeMessage(one);
    await other.deadLetterMessage(two, { deadLetterReason: "late", deadLetterErrorDescription: "closed" });
    await other.abandonMessage(three, { seen: true });
    expect(broker.stats().queues["closed"]).toMatchObject({ available: 1, locked: 0, completed: 1 });
    expect(broker.stats().queues["closed"]!.deadLetter.available).toBe(1);
    expect((await next(other)).applicationProperties).toEqual({ seen: true });
  });
});

describe("locks", () => {
  it("expire: the message comes back, and settling it late is an error", async () => {
    const { sender, receiver } = on("short");
    await sender.sendMessages({ body: "slow" });
    const late = await next(receiver);
    const again = await next(receiver);
    expect(again).toMatchObject({ body: "slow", deliveryCount: 1 });
    await expect(receiver.completeMessage(late)).rejects.toMatchObject({ code: "MessageLockLost" });
    await receiver.completeMessage(again);
  });

  it("are renewed on request and by the client's own renewer", async () => {
    const { sender, receiver } = on("short");
    await sender.sendMessages({ body: "long" });
    const message = await next(receiver);
    const before = message.lockedUntilUtc!.getTime();
    await vi.waitFor(async () => {
      expect((await receiver.renewMessageLock(message)).getTime()).toBeGreaterThan(before);
    });
    await receiver.completeMessage(message);
    await expect(receiver.renewMessageLock(message)).rejects.toMatchObject({ code: "MessageLockLost" });

    const { sender: tell, receiver: renewing } = on("renew", { maxAutoLockRenewalDurationInMs: 60_000 });
    let finish = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      finish = resolve;
    });
    let calls = 0;
    renewing.subscribe({
      processMessage: async () => {
        calls += 1;
        await held;
      },
      processError: async ({ error }) => expect.fail(error.message),
    });
    await tell.sendMessages({ body: 1 });
    await vi.waitFor(() => expect(calls).toBe(1));
    // Past the first lock's end: without a renewal the message would have come a second time.
    const firstLockEnded = Date.now() + renewedLockMs + 100;
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(firstLockEnded), 5000);
    expect(broker.stats().queues["renew"]).toMatchObject({ available: 0, locked: 1 });
    expect(calls).toBe(1);
    finish();
    await vi.waitFor(() => expect(broker.stats().queues["renew"]!.completed).toBe(1));
  });
});

describe("schedule and peek", () => {
  it("shows scheduled messages, delivers them when due, and forgets a cancelled one", async () => {
    const { sender, receiver } = on("schedule");
    const due = new Date(Date.now() + 400);
    await sender.sendMessages({ body: "by property", scheduledEnqueueTimeUtc: due });
    const [, cancelled] = await sender.scheduleMessages([{ body: "by request" }, { body: "cancelled" }], due);
    await sender.cancelScheduledMessages(cancelled!);
    await expect(sender.cancelScheduledMessages(cancelled!)).rejects.toThrow(/No scheduled message/);
    const peeked = await receiver.peekMessages(10);
    expect(peeked.map(({ body, state }) => [body, state])).toEqual([
      ["by property", "scheduled"],
      ["by request", "scheduled"],
    ]);
    const bodies = [(await next(receiver)).body, (await next(receiver)).body];
    expect(Date.now()).toBeGreaterThanOrEqual(due.getTime());
    expect(bodies.sort()).toEqual(["by property", "by request"]);
    expect(await receiver.peekMessages(10, { fromSequenceNumber: peeked[0]!.sequenceNumber!.add(100) })).toEqual([]);
  });
});

describe("what is left out or wrong", () => {
  it("an unknown queue is not found, for senders and receivers", async () => {
    const { sender, receiver } = on("nope");
    await expect(sender.sendMessages({ body: 1 })).rejects.toMatchObject({ code: "MessagingEntityNotFound" });
    await expect(receiver.receiveMessages(1)).rejects.toMatchObject({ code: "MessagingEntityNotFound" });
  });

  it("a wrong key is refused", async () => {
    const wrong = new ServiceBusClient(broker.connectionString.replace("SAS_KEY_VALUE", "wrong"), {
      retryOptions: { maxRetries: 0 },
    });
    onTestFinished(() => wrong.close());
    await expect(wrong.createSender("misc").sendMessages({ body: 1 })).rejects.toMatchObject({
      code: "UnauthorizedAccess",
    });
  });

  it("a message above the limit is refused", async () => {
    const { sender } = on("misc");
    await expect(sender.sendMessages({ body: "z".repeat(300_000) })).rejects.toMatchObject({
      code: "MessageSizeExceeded",
    });
    expect(broker.stats().queues["misc"]!.received).toBe(0);
  });

  it("sessions and deferral say that they are not offered", async () => {
    await expect(client.acceptSession("misc", "s")).rejects.toThrow(/requested session 's'/);
    expect(said.join()).toContain("does not offer sessions");
    const { sender, receiver } = on("misc");
    await sender.sendMessages({ body: "later" });
    const message = await next(receiver);
    await ownTick();
    await expect(receiver.deferMessage(message)).rejects.toThrow(/does not offer deferred messages/);
  });

  it("a message can't be sent to a dead-letter queue", async () => {
    const { sender } = on("misc/$DeadLetterQueue");
    await expect(sender.sendMessages({ body: 1 })).rejects.toThrow(/can't be sent to a dead-letter queue/);
  });

  it("a taken port is an error with its code", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as { port: number };
    await expect(startBroker({ port, queues: [] })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});

describe("a broker's life", () => {
  it("comes back on the same port, and subscribers and senders find it again by themselves", async () => {
    const queues = [{ name: "bells", maxDeliveryCount: 3, lockDurationMs: 30_000 }];
    const first = await startBroker({ port: 0, queues });
    const own = new ServiceBusClient(first.connectionString, {
      retryOptions: { maxRetries: 5, retryDelayInMs: 50, timeoutInMs: 2000 },
    });
    const receiver = own.createReceiver("bells");
    const got: unknown[] = [];
    receiver.subscribe({
      processMessage: async ({ body }) => void got.push(body),
      processError: async () => undefined,
    });
    const sender = own.createSender("bells");
    await sender.sendMessages({ body: "before" });
    await vi.waitFor(() => expect(got).toEqual(["before"]), 5000);
    await first.stop();
    const second = await startBroker({ port: first.port, queues });
    onTestFinished(() => second.stop());
    onTestFinished(() => own.close());
    await sender.sendMessages({ body: "after" });
    await vi.waitFor(() => expect(got).toEqual(["before", "after"]), 20_000);
  });

  it("forgets the consumers of a client that left", async () => {
    const guest = new ServiceBusClient(broker.connectionString);
    const connections = broker.stats().connections;
    guest
      .createReceiver("misc")
      .subscribe({ processMessage: async () => undefined, processError: async () => undefined });
    await vi.waitFor(() => expect(broker.stats().queues["misc"]!.consumers).toBe(1));
    await guest.close();
    await vi.waitFor(() => expect(broker.stats().queues["misc"]!.consumers).toBe(0));
    await vi.waitFor(() => expect(broker.stats().connections).toBe(connections));
  });
});
