/**
 * An AMQP message as the broker keeps it: the sections of AMQP 1.0 that rhea decodes, flattened into one object.
 *
 * The broker never looks into `body`. It reads and writes only the few fields named here; everything else
 * travels through unchanged.
 */

export type BusMessage = {
  readonly message_id?: unknown;
  readonly reply_to?: string;
  readonly ttl?: number;
  readonly application_properties?: Readonly<Record<string, unknown>>;
  readonly message_annotations?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  readonly [section: string]: unknown;
};

/** Standard-tier limit of Azure Service Bus: a message that doesn't fit here doesn't fit there. */
export const maxMessageBytes = 262_144;

const scheduledTimeAnnotation = "x-opt-scheduled-enqueue-time";

/** Epoch milliseconds at which a message wants to appear in its queue, or undefined when it wants to appear at once. */
export function scheduledTimeOf(message: BusMessage): number | undefined {
  const time = message.message_annotations?.[scheduledTimeAnnotation];
  if (time instanceof Date) return time.getTime();
  return typeof time === "number" ? time : undefined;
}

/** The same message with more application properties; those that it had already are overwritten. */
export function withApplicationProperties(
  message: BusMessage,
  properties: Readonly<Record<string, unknown>>,
): BusMessage {
  if (Object.keys(properties).length === 0) return message;
  return { ...message, application_properties: { ...message.application_properties, ...properties } };
}
