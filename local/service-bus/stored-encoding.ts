/** How a stored message looks on the wire: the client's own sections, and what the broker knows about it. */

import { amqpInt, amqpLong, encodeMessage } from "./amqp.ts";
import type { StoredMessage } from "./queue-state.ts";

const messageStates = { active: 0, scheduled: 2 } as const;

export function encodeStored(
  stored: StoredMessage,
  about: { readonly state?: keyof typeof messageStates; readonly lockedUntilMs?: number } = {},
): Buffer {
  return encodeMessage({
    ...stored.message,
    delivery_count: stored.deliveryCount,
    message_annotations: {
      ...stored.message.message_annotations,
      "x-opt-sequence-number": amqpLong(stored.sequence),
      "x-opt-enqueue-sequence-number": amqpLong(stored.enqueuedSequence),
      "x-opt-enqueued-time": new Date(stored.enqueuedAtMs),
      "x-opt-message-state": amqpInt(messageStates[about.state ?? "active"]),
      ...(about.lockedUntilMs !== undefined && { "x-opt-locked-until": new Date(about.lockedUntilMs) }),
    },
  });
}
