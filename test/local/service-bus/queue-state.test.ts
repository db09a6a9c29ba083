import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createQueueState, type QueueState } from "../../../local/service-bus/queue-state.ts";

function aQueue(overrides: { maxDeliveryCount?: number; lockDurationMs?: number } = {}) {
  const clock = { nowMs: 1_000_000 };
  let tokens = 0;
  let announced = 0;
  const shared = {
    nowMs: () => clock.nowMs,
    newLockToken: () => `token-${++tokens}`,
    onAvailable: () => {
      announced += 1;
    },
  };
  const settings = { name: "bells", maxDeliveryCount: 3, lockDurationMs: 30_000, ...overrides };
  const dead = createQueueState({ ...shared, settings: { ...settings, name: "bells/$DeadLetterQueue" } });
  const queue = createQueueState({ ...shared, settings, deadLetters: dead });
  return { queue, dead, clock, announced: () => announced };
}

const bodies = (queue: QueueState): unknown[] => queue.peek(0, 1000).map(({ stored }) => stored.message.body);

describe("a queue", () => {
  it("gives messages in the order in which they came, and announces each", () => {
    const { queue, announced } = aQueue();
    for (const body of ["a", "b", "c"]) queue.accept({ body });
    expect(announced()).toBe(3);
    expect([queue.take(), queue.take(), queue.take()].map((locked) => locked?.stored.message.body)).toEqual([
      "a",
      "b",
      "c",
    ]);
    expect(queue.take()).toBeUndefined();
    expect(queue.counts()).toEqual({ available: 0, locked: 3, scheduled: 0, received: 3, completed: 0 });
  });

  it("forgets a completed message, and says so when it is completed twice", () => {
    const { queue } = aQueue();
    queue.accept({ body: "a" });
    const token = queue.take()!.lockToken;
    expect(queue.complete(token)).toBe(true);
    expect(queue.complete(token)).toBe(false);
    expect(queue.counts()).toMatchObject({ locked: 0, completed: 1 });
  });

  it("gives an abandoned message back at its old place, with the properties added", () => {
    const { queue } = aQueue();
    queue.accept({ body: "a", application_properties: { kept: 1, changed: "old" } });
    queue.accept({ body: "b" });
    queue.abandon(queue.take()!.lockToken, { changed: "new" });
    expect(bodies(queue)).toEqual(["a", "b"]);
    const again = queue.take()!.stored;
    expect(again).toMatchObject({ deliveryCount: 1, message: { body: "a" } });
    expect(again.message.application_properties).toEqual({ kept: 1, changed: "new" });
  });

  it("dead-letters a message at its last failed delivery", () => {
    const { queue, dead } = aQueue({ maxDeliveryCount: 2 });
    queue.accept({ body: "poison", ttl: 60_000 });
    queue.abandon(queue.take()!.lockToken);
    expect(dead.counts().available).toBe(0);
    queue.abandon(queue.take()!.lockToken);
    expect(queue.counts().available).toBe(0);
    const { stored } = dead.take()!;
    expect(stored).toMatchObject({ deliveryCount: 2, expiresAtMs: Number.POSITIVE_INFINITY });
    expect(stored.message.application_properties).toEqual({
      DeadLetterReason: "MaxDeliveryCountExceeded",
      DeadLetterErrorDescription: "Message could not be consumed after 2 delivery attempts.",
    });
    expect(stored.message.message_annotations).toEqual({ "x-opt-deadletter-source": "bells" });
  });

  it("dead-letters on demand, and not out of a dead-letter queue", () => {
    const { queue, dead } = aQueue();
    queue.accept({ body: "bad", application_properties: { kept: 1 } });
    expect(queue.deadLetter(queue.take()!.lockToken, { reason: "schema" }, { extra: 2 })).toBe(true);
    const locked = dead.take()!;
    expect(locked.stored.message.application_properties).toEqual({ kept: 1, extra: 2, DeadLetterReason: "schema" });
    expect(dead.canDeadLetter).toBe(false);
    expect(dead.deadLetter(locked.lockToken)).toBe(false);
    dead.abandon(locked.lockToken);
    expect(dead.counts().available).toBe(1);
  });

  it("gives a message back when its lock runs out; the late owner can't settle it", () => {
    const { queue, clock } = aQueue({ lockDurationMs: 1000 });
    queue.accept({ body: "a" });
    const late = queue.take()!;
    clock.nowMs += 999;
    queue.tick();
    expect(queue.counts().locked).toBe(1);
    clock.nowMs += 1;
    expect(queue.complete(late.lockToken)).toBe(false);
    queue.tick();
    expect(queue.take()!.stored).toMatchObject({ deliveryCount: 1, message: { body: "a" } });
    expect(queue.abandon(late.lockToken)).toBe(false);
  });

  it("keeps a renewed lock and still expires the ones behind it", () => {
    const { queue, clock } = aQueue({ lockDurationMs: 1000 });
    queue.accept({ body: "renewed" });
    queue.accept({ body: "left alone" });
    const renewed = queue.take()!;
    queue.take();
    clock.nowMs += 600;
    expect(queue.renewLock(renewed.lockToken)).toBe(clock.nowMs + 1000);
    clock.nowMs += 600;
    queue.tick();
    expect(queue.take()!.stored.message.body).toBe("left alone");
    expect(queue.complete(renewed.lockToken)).toBe(true);
    expect(queue.renewLock(renewed.lockToken)).toBeUndefined();
  });

  it("holds a scheduled message until its time, then gives it a new number at the end", () => {
    const { queue, clock } = aQueue();
    const number = queue.schedule({ body: "later" }, clock.nowMs + 500);
    queue.accept({ body: "now" });
    expect(queue.peek(0, 10).map(({ state }) => state)).toEqual(["scheduled", "active"]);
    clock.nowMs += 500;
    queue.tick();
    expect(bodies(queue)).toEqual(["now", "later"]);
    expect(queue.peek(0, 10)[1]!.stored).toMatchObject({ sequence: 3, enqueuedSequence: number });
    expect(queue.cancelScheduled(number)).toBe(false);
    expect(queue.counts().received).toBe(2);
  });

  it("cancels a scheduled message; one scheduled for the past is available at once", () => {
    const { queue, clock } = aQueue();
    expect(queue.cancelScheduled(queue.schedule({ body: "a" }, clock.nowMs + 10))).toBe(true);
    queue.schedule({ body: "b" }, clock.nowMs - 10);
    clock.nowMs += 100;
    queue.tick();
    expect(bodies(queue)).toEqual(["b"]);
  });

  it("drops a message whose time to live is over", () => {
    const { queue, clock } = aQueue();
    queue.accept({ body: "stale", ttl: 100 });
    queue.accept({ body: "fresh" });
    clock.nowMs += 100;
    expect(bodies(queue)).toEqual(["fresh"]);
    expect(queue.takeAndDelete()?.message.body).toBe("fresh");
    expect(queue.takeAndDelete()).toBeUndefined();
  });

  it("peeks from a number, in order, locked messages included, without taking any", () => {
    const { queue } = aQueue();
    for (const body of ["a", "b", "c", "d"]) queue.accept({ body });
    queue.take();
    expect(queue.peek(2, 2).map(({ stored }) => stored.message.body)).toEqual(["b", "c"]);
    expect(bodies(queue)).toEqual(["a", "b", "c", "d"]);
  });
});

describe("law: no message is lost or doubled", () => {
  type Step = { readonly act: "send" | "schedule" | "take" | "complete" | "abandon" | "dead-letter" | "wait" };
  const steps = fc.array(
    fc.record<Step>({ act: fc.constantFrom("send", "schedule", "take", "complete", "abandon", "dead-letter", "wait") }),
    { maxLength: 80 },
  );

  it("holds for every run of sends, settlements and expiries", () => {
    fc.assert(
      fc.property(steps, (run) => {
        const { queue, dead, clock } = aQueue({ lockDurationMs: 50 });
        const held: string[] = [];
        const done: number[] = [];
        const bodyByToken = new Map<string, number>();
        let sent = 0;
        for (const { act } of run) {
          const token = held[0] ?? "none";
          if (act === "send") queue.accept({ body: sent++ });
          else if (act === "schedule") queue.schedule({ body: sent++ }, clock.nowMs + 30);
          else if (act === "wait") {
            clock.nowMs += 20;
            queue.tick();
          } else if (act === "take") {
            const locked = queue.take();
            if (locked === undefined) continue;
            held.push(locked.lockToken);
            bodyByToken.set(locked.lockToken, Number(locked.stored.message.body));
          } else {
            held.shift();
            if (act === "complete" && queue.complete(token)) done.push(bodyByToken.get(token)!);
            if (act === "abandon") queue.abandon(token);
            if (act === "dead-letter") queue.deadLetter(token);
          }
        }
        const everywhere = [...done, ...bodies(queue), ...bodies(dead)].map(Number);
        expect(everywhere.sort((a, b) => a - b)).toEqual(Array.from({ length: sent }, (_, index) => index));
      }),
    );
  });
});
