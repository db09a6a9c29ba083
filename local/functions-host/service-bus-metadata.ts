/**
 * A Service Bus message as a Functions handler sees it: the body as text, and the trigger metadata with the keys, types
 * and quirks that the host's binding gives them (the Node library then lowers the first letter of every key and parses
 * every string that is JSON). There is no deadLetterReason: look in applicationProperties.
 */

import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import type { TypedData } from "./rpc.ts";

const endOfTime = new Date("9999-12-31T23:59:59.999Z");

/** Zone left out, as .NET writes a DateTime whose kind is unspecified. */
const dateTime = (at: Date): string => at.toISOString().replace(/Z$/, "");
const dateTimeOffset = (at: Date): string => at.toISOString().replace(/Z$/, "+00:00");

function toTypedData(value: unknown): TypedData | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string") return { string: value };
  return { json: JSON.stringify(value) };
}

function metadataOf(message: ServiceBusReceivedMessage): Readonly<Record<string, unknown>> {
  const expires = message.expiresAtUtc;
  const expiresAt = expires !== undefined && expires < endOfTime ? expires : endOfTime;
  const enqueuedAt = message.enqueuedTimeUtc ?? new Date(0);
  const properties = message.applicationProperties ?? {};
  return {
    // .NET counts deliveries from 1, the JavaScript client from 0.
    DeliveryCount: (message.deliveryCount ?? 0) + 1,
    DeadLetterSource: message.deadLetterSource,
    LockToken: message.lockToken,
    ExpiresAtUtc: dateTime(expiresAt),
    ExpiresAt: dateTimeOffset(expiresAt),
    EnqueuedTimeUtc: dateTime(enqueuedAt),
    EnqueuedTime: dateTimeOffset(enqueuedAt),
    MessageId: message.messageId === undefined ? undefined : String(message.messageId),
    ContentType: message.contentType,
    ReplyTo: message.replyTo,
    SequenceNumber: message.sequenceNumber === undefined ? undefined : Number(message.sequenceNumber),
    To: message.to,
    Subject: message.subject,
    Label: message.subject,
    CorrelationId: message.correlationId === undefined ? undefined : String(message.correlationId),
    ApplicationProperties: properties,
    UserProperties: properties,
    SessionId: message.sessionId,
    ReplyToSessionId: message.replyToSessionId,
    PartitionKey: message.partitionKey,
  };
}

export function triggerMetadata(message: ServiceBusReceivedMessage): Record<string, TypedData> {
  const data: Record<string, TypedData> = {};
  for (const [key, value] of Object.entries(metadataOf(message))) {
    const typed = toTypedData(value);
    if (typed !== undefined) data[key] = typed;
  }
  return data;
}

/** For `cardinality: "many"`: every key once, with "Array" behind it and a value for each message. */
export function batchMetadata(messages: readonly ServiceBusReceivedMessage[]): Record<string, TypedData> {
  const all = messages.map(metadataOf);
  const data: Record<string, TypedData> = {};
  for (const key of Object.keys(all[0] ?? {})) {
    const values = all.map((one) => one[key]);
    const texts = values.every((value) => value === undefined || typeof value === "string");
    data[`${key}Array`] = texts
      ? { collectionString: { string: values.map((value) => String(value ?? "")) } }
      : { json: JSON.stringify(values) };
  }
  return data;
}

/** Throws when the body is something else than text: an AMQP value or sequence can't be bound to a string. */
export function bodyText(message: ServiceBusReceivedMessage): string {
  const body: unknown = message.body;
  if (typeof body === "string") return body;
  if (body instanceof Uint8Array) return Buffer.from(body).toString("utf8");
  throw new Error(`Message '${String(message.messageId)}' has a body that is neither text nor bytes.`);
}
