/**
 * The doorbell on Service Bus: one queue, one message for each ring, with the job and the lane as application
 * properties (and the trace that rings) and an empty body.
 *
 * Every message has an id of its own, so duplicate detection never eats an honest repetition. The link is opened with
 * the first ring and kept. Retries are short: a bell that couldn't be rung is rung again by the tick.
 */

import { randomUUID } from "node:crypto";
import type { TokenCredential } from "@azure/identity";
import { ServiceBusClient, type ServiceBusClientOptions } from "@azure/service-bus";
import type { Doorbell } from "../../ports/doorbell.ts";

export type DoorbellOptions = (
  | { readonly connectionString: string }
  /** `namespace`: the full name, such as `name.servicebus.windows.net`. */
  | { readonly namespace: string; readonly credential: TokenCredential }
) & {
  readonly queue: string;
  /** For one attempt; there are two. Milliseconds, 3,000 when left out. */
  readonly timeoutMs?: number;
  /** The trace that rings, told along; undefined: none does. */
  readonly traceparent?: () => string | undefined;
};

/** Makes no call. `ring` rejects with the SDK's `ServiceBusError` when the bus can't be reached or refuses. */
export function createServiceBusDoorbell(options: DoorbellOptions): Doorbell {
  const timeoutInMs = options.timeoutMs ?? 3_000;
  const clientOptions: ServiceBusClientOptions = { retryOptions: { maxRetries: 1, retryDelayInMs: 200, timeoutInMs } };
  const client =
    "connectionString" in options
      ? new ServiceBusClient(options.connectionString, clientOptions)
      : new ServiceBusClient(options.namespace, options.credential, clientOptions);
  const sender = client.createSender(options.queue);

  return {
    async ring(jobId, lane) {
      const traceparent = options.traceparent?.();
      const applicationProperties = { jobId, lane, ...(traceparent === undefined ? {} : { traceparent }) };
      const message = { body: {}, messageId: randomUUID(), applicationProperties };
      // The SDK's own time-out doesn't cover a link that opens and is never given credit.
      await sender.sendMessages(message, { abortSignal: AbortSignal.timeout(2 * timeoutInMs + 500) });
    },
    async close() {
      await sender.close();
      await client.close();
    },
  };
}
