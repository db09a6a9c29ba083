/**
 * The clients that receive from one queue: hands them messages as their credit allows, in turn, and carries their
 * settlements into the queue's state.
 *
 * A client that goes away keeps its locks until they expire, as in the service: its messages come back then.
 */

import {
  type AmqpError,
  attachmentOf,
  type Connection,
  confirmSettlement,
  creditOf,
  type Delivery,
  type Sender,
  sendEncoded,
} from "./amqp.ts";
import { leftOut, lockLost, notAllowed } from "./bus-errors.ts";
import { deliveryTagOf } from "./lock-token.ts";
import type { DeadLetterReason, Properties, QueueState } from "./queue-state.ts";
import { encodeStored } from "./stored-encoding.ts";

export type Settlement =
  | { readonly kind: "complete" }
  | { readonly kind: "abandon"; readonly properties: Properties }
  | { readonly kind: "dead-letter"; readonly why: DeadLetterReason; readonly properties: Properties }
  | { readonly kind: "defer" };

export type Consumers = ReturnType<typeof createConsumers>;

/** Settles a locked message; returns the error to answer with, or undefined when it was done. */
export function applySettlement(queue: QueueState, lockToken: string, settlement: Settlement): AmqpError | undefined {
  switch (settlement.kind) {
    case "complete":
      return queue.complete(lockToken) ? undefined : lockLost;
    case "abandon":
      return queue.abandon(lockToken, settlement.properties) ? undefined : lockLost;
    case "dead-letter":
      if (!queue.canDeadLetter) return notAllowed("A message in a dead-letter queue can't be dead-lettered again.");
      return queue.deadLetter(lockToken, settlement.why, settlement.properties) ? undefined : lockLost;
    case "defer":
      return leftOut("deferred messages");
  }
}

export function createConsumers(queue: QueueState) {
  let links: Sender[] = [];
  let turn = 0;
  const lockTokens = new WeakMap<Delivery, string>();

  const nextWithCredit = (): Sender | undefined => {
    for (let step = 0; step < links.length; step += 1) {
      const index = (turn + step) % links.length;
      const link = links[index];
      if (link !== undefined && creditOf(link) > 0) {
        turn = index + 1;
        return link;
      }
    }
    return undefined;
  };

  /** False when the queue has nothing to give. */
  const deliverTo = (link: Sender): boolean => {
    if (attachmentOf(link).receiveAndDelete) {
      const stored = queue.takeAndDelete();
      if (stored === undefined) return false;
      sendEncoded(link, encodeStored(stored));
      return true;
    }
    const locked = queue.take();
    if (locked === undefined) return false;
    const { stored, lockToken, lockedUntilMs } = locked;
    const delivery = sendEncoded(link, encodeStored(stored, { lockedUntilMs }), deliveryTagOf(lockToken));
    lockTokens.set(delivery, lockToken);
    return true;
  };

  return {
    /** Hands out what is available, as long as someone can take it. */
    pump(): void {
      for (;;) {
        if (queue.counts().available === 0) return;
        const link = nextWithCredit();
        if (link === undefined || !deliverTo(link)) return;
      }
    },
    add(link: Sender): void {
      links.push(link);
    },
    remove(link: Sender): void {
      links = links.filter((other) => other !== link);
    },
    removeAllOf(connection: Connection): void {
      links = links.filter((link) => link.connection !== connection);
    },
    /** Carries out what the client decided about a delivery, and answers it. */
    settle(delivery: Delivery, settlement: Settlement): void {
      const lockToken = lockTokens.get(delivery);
      if (lockToken === undefined) return;
      lockTokens.delete(delivery);
      const error = applySettlement(queue, lockToken, settlement);
      if (!delivery.remote_settled) confirmSettlement(delivery, error);
    },
    count: (): number => links.length,
  };
}
