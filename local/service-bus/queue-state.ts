/**
 * One queue of the local Service Bus broker: its messages, its locks, its schedule.
 *
 * Pure state. The clock and the lock tokens come in from outside, nothing here knows AMQP, links or timers: whoever
 * owns the queue calls `tick` when time has passed and is told through `onAvailable` when a message can be taken.
 *
 * The rules are those of Azure Service Bus: a message that is taken under a lock comes back when the lock expires or
 * is abandoned, at its old place and with a delivery count one higher; when that count reaches the queue's maximum it
 * goes to the dead-letter queue instead. A scheduled message gets a new sequence number when it becomes active.
 * Left out: sessions, deferral, duplicate detection, dead-lettering of expired messages (they are dropped).
 */

import { type BusMessage, withApplicationProperties } from "./bus-message.ts";

export type QueueSettings = {
  readonly name: string;
  readonly maxDeliveryCount: number;
  readonly lockDurationMs: number;
};

export type StoredMessage = {
  readonly sequence: number;
  /** The sequence number it got when it was sent; differs from `sequence` for a message that was scheduled. */
  readonly enqueuedSequence: number;
  readonly message: BusMessage;
  /** Deliveries that failed so far; 0 at the first one. */
  readonly deliveryCount: number;
  readonly enqueuedAtMs: number;
  readonly expiresAtMs: number;
};

export type LockedMessage = {
  readonly lockToken: string;
  readonly lockedUntilMs: number;
  readonly stored: StoredMessage;
};
export type PeekedMessage = { readonly stored: StoredMessage; readonly state: "active" | "scheduled" };
export type DeadLetterReason = { readonly reason?: string; readonly description?: string };
export type Properties = Readonly<Record<string, unknown>>;

export type QueueCounts = {
  /** Messages that can be taken now. */
  readonly available: number;
  readonly locked: number;
  readonly scheduled: number;
  /** Messages ever sent to (or dead-lettered into) this queue. */
  readonly received: number;
  readonly completed: number;
};

export type QueueStateDeps = {
  readonly settings: QueueSettings;
  readonly nowMs: () => number;
  readonly newLockToken: () => string;
  /** Called after a message became available, also when several did. */
  readonly onAvailable: () => void;
  /** Where dead-lettered messages go. A dead-letter queue has none: nothing leaves it but by being completed. */
  readonly deadLetters?: DeadLetterSink;
};
export type DeadLetterSink = { accept(message: BusMessage, deliveryCount: number): number };

export type QueueState = ReturnType<typeof createQueueState>;

export function createQueueState(deps: QueueStateDeps) {
  const { settings, nowMs, deadLetters } = deps;
  let lastSequence = 0;
  let received = 0;
  let completed = 0;
  /** Ascending by sequence, so that a message that is given back returns to its old place. */
  const available: StoredMessage[] = [];
  /** Ascending by expiry: every lock of a queue lasts equally long, and renewing one moves it to the end. */
  const locks = new Map<string, LockedMessage>();
  const scheduled = new Map<number, { readonly stored: StoredMessage; readonly dueMs: number }>();

  const makeAvailable = (stored: StoredMessage): void => {
    let low = 0;
    let high = available.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((available[middle]?.sequence ?? 0) < stored.sequence) low = middle + 1;
      else high = middle;
    }
    available.splice(low, 0, stored);
    deps.onAvailable();
  };

  const store = (message: BusMessage, deliveryCount: number): StoredMessage => {
    lastSequence += 1;
    const now = nowMs();
    return {
      sequence: lastSequence,
      enqueuedSequence: lastSequence,
      message,
      deliveryCount,
      enqueuedAtMs: now,
      expiresAtMs: now + (message.ttl ?? Number.POSITIVE_INFINITY),
    };
  };

  const takeNext = (): StoredMessage | undefined => {
    const now = nowMs();
    for (;;) {
      const stored = available.shift();
      if (stored === undefined || stored.expiresAtMs > now) return stored;
    }
  };

  const release = (lockToken: string): StoredMessage | undefined => {
    const lock = locks.get(lockToken);
    // A lock that ran out between two ticks is lost all the same; the next tick gives its message back.
    if (lock === undefined || lock.lockedUntilMs <= nowMs()) return undefined;
    locks.delete(lockToken);
    return lock.stored;
  };

  const sendToDeadLetters = (to: DeadLetterSink, stored: StoredMessage, why: DeadLetterReason): void => {
    const { ttl: _, ...message } = stored.message;
    const reasons = {
      ...(why.reason !== undefined && { DeadLetterReason: why.reason }),
      ...(why.description !== undefined && { DeadLetterErrorDescription: why.description }),
    };
    const annotations = { ...stored.message.message_annotations, "x-opt-deadletter-source": settings.name };
    to.accept(
      { ...withApplicationProperties(message, reasons), message_annotations: annotations },
      stored.deliveryCount,
    );
  };

  const giveBack = (stored: StoredMessage): void => {
    const failed = { ...stored, deliveryCount: stored.deliveryCount + 1 };
    if (deadLetters !== undefined && failed.deliveryCount >= settings.maxDeliveryCount) {
      sendToDeadLetters(deadLetters, failed, {
        reason: "MaxDeliveryCountExceeded",
        description: `Message could not be consumed after ${settings.maxDeliveryCount} delivery attempts.`,
      });
    } else makeAvailable(failed);
  };

  return {
    settings,
    canDeadLetter: deadLetters !== undefined,

    /** Takes a message in, to be available now; `deliveryCount` is kept when it comes from another queue. */
    accept(message: BusMessage, deliveryCount = 0): number {
      received += 1;
      const stored = store(message, deliveryCount);
      makeAvailable(stored);
      return stored.sequence;
    },

    /** Takes a message in, to become available at `dueMs` (at once when that has passed). Returns the number that cancels it. */
    schedule(message: BusMessage, dueMs: number): number {
      if (dueMs <= nowMs()) return this.accept(message);
      received += 1;
      const stored = store(message, 0);
      scheduled.set(stored.sequence, { stored, dueMs });
      return stored.sequence;
    },

    /** False when no scheduled message has that number (any more). */
    cancelScheduled(sequence: number): boolean {
      return scheduled.delete(sequence);
    },

    /** The oldest available message under a lock, or undefined. */
    take(): LockedMessage | undefined {
      const stored = takeNext();
      if (stored === undefined) return undefined;
      const lock = { lockToken: deps.newLockToken(), lockedUntilMs: nowMs() + settings.lockDurationMs, stored };
      locks.set(lock.lockToken, lock);
      return lock;
    },

    /** The oldest available message, gone from the queue (receive-and-delete), or undefined. */
    takeAndDelete(): StoredMessage | undefined {
      const stored = takeNext();
      if (stored !== undefined) completed += 1;
      return stored;
    },

    /** Settles a message for good. False: the lock was lost. */
    complete(lockToken: string): boolean {
      const stored = release(lockToken);
      if (stored === undefined) return false;
      completed += 1;
      return true;
    },

    /** Gives a message back, with application properties to add. False: the lock was lost. */
    abandon(lockToken: string, properties: Properties = {}): boolean {
      const stored = release(lockToken);
      if (stored === undefined) return false;
      giveBack({ ...stored, message: withApplicationProperties(stored.message, properties) });
      return true;
    },

    /** Moves a message to the dead-letter queue. False: the lock was lost, or this is a dead-letter queue (see `canDeadLetter`). */
    deadLetter(lockToken: string, why: DeadLetterReason = {}, properties: Properties = {}): boolean {
      if (deadLetters === undefined) return false;
      const stored = release(lockToken);
      if (stored === undefined) return false;
      const message = withApplicationProperties(stored.message, properties);
      sendToDeadLetters(deadLetters, { ...stored, message }, why);
      return true;
    },

    /** New expiry of a lock in epoch milliseconds, or undefined when the lock was lost. */
    renewLock(lockToken: string): number | undefined {
      const lock = locks.get(lockToken);
      const now = nowMs();
      if (lock === undefined || lock.lockedUntilMs <= now) return undefined;
      const lockedUntilMs = now + settings.lockDurationMs;
      locks.delete(lockToken);
      locks.set(lockToken, { ...lock, lockedUntilMs });
      return lockedUntilMs;
    },

    /** Up to `limit` messages from sequence number `from` on, in order, without taking any; locked ones included. */
    peek(from: number, limit: number): PeekedMessage[] {
      const now = nowMs();
      const active = [...available, ...[...locks.values()].map((lock) => lock.stored)]
        .filter((stored) => stored.expiresAtMs > now)
        .map((stored): PeekedMessage => ({ stored, state: "active" }));
      const waiting = [...scheduled.values()].map(({ stored }): PeekedMessage => ({ stored, state: "scheduled" }));
      return [...active, ...waiting]
        .filter(({ stored }) => stored.sequence >= from)
        .sort((one, other) => one.stored.sequence - other.stored.sequence)
        .slice(0, limit);
    },

    /** Gives back what expired locks held and activates what was scheduled for now. Call it every few milliseconds. */
    tick(): void {
      const now = nowMs();
      for (const lock of locks.values()) {
        if (lock.lockedUntilMs > now) break;
        locks.delete(lock.lockToken);
        giveBack(lock.stored);
      }
      for (const [sequence, { stored, dueMs }] of scheduled) {
        if (dueMs > now) continue;
        scheduled.delete(sequence);
        makeAvailable({ ...store(stored.message, 0), enqueuedSequence: stored.sequence });
      }
    },

    counts(): QueueCounts {
      return { available: available.length, locked: locks.size, scheduled: scheduled.size, received, completed };
    },
  };
}
