/**
 * Service Bus queue triggers, through the unmodified `@azure/service-bus` client: peek-lock, completed when the
 * function returns, abandoned when it throws (the queue dead-letters at its maximum delivery count). No topics, no
 * sessions, no output bindings: the app sends with the SDK.
 */

import { ServiceBusClient, type ServiceBusReceivedMessage, type ServiceBusReceiver } from "@azure/service-bus";
import type { RegisteredFunction } from "./functions-core.ts";
import { type HostLog, type Invocation, type Invoke, triggerOf } from "./invoke.ts";
import { batchMetadata, bodyText, triggerMetadata } from "./service-bus-metadata.ts";
import { type Env, type HostJson, resolveSettings } from "./settings.ts";
import { createSettlement } from "./settlement.ts";

export type ServiceBusTriggers = {
  /** Takes no new message, waits for the running handlers (at most `graceMs`), closes every connection. */
  stop(graceMs: number): Promise<void>;
};

export type ServiceBusTriggersDeps = {
  readonly functions: readonly RegisteredFunction[];
  readonly isDisabled: (name: string) => boolean;
  readonly env: Env;
  readonly settings: HostJson["extensions"]["serviceBus"];
  readonly invoke: Invoke;
  readonly log: HostLog;
};

type Listener = { readonly close: () => Promise<void>; readonly disconnect: () => Promise<void> };

const batchSize = 1000;
const batchWaitMs = 60_000;

export function startServiceBusTriggers(deps: ServiceBusTriggersDeps): ServiceBusTriggers {
  const clients = new Map<string, ServiceBusClient>();
  const listeners: Listener[] = [];
  const running = new Set<Promise<void>>();
  let stopping = false;

  const clientFor = (setting: string, name: string): ServiceBusClient => {
    const known = clients.get(setting);
    if (known !== undefined) return known;
    const connectionString = deps.env[setting];
    if (connectionString === undefined || connectionString === "") {
      throw new Error(
        `Function '${name}' cannot listen: the setting '${setting}' with its connection string is missing.`,
      );
    }
    const client = new ServiceBusClient(connectionString);
    clients.set(setting, client);
    return client;
  };

  const listenTo = (fn: RegisteredFunction): void => {
    const { name } = fn.metadata;
    const { binding } = triggerOf(fn);
    if (binding["isSessionsEnabled"] === true || binding["topicName"] !== undefined) {
      throw new Error(`Function '${name}' uses Service Bus topics or sessions: the local host has neither.`);
    }
    const category = `Function.${name}`;
    const queue = resolveSettings(String(binding["queueName"] ?? ""), deps.env, `the queueName of function '${name}'`);
    const receiver = clientFor(String(binding["connection"] ?? "AzureWebJobsServiceBus"), name).createReceiver(queue, {
      receiveMode: "peekLock",
      skipParsingBodyAsJson: true,
      maxAutoLockRenewalDurationInMs: deps.settings.maxAutoLockRenewalDuration,
    });
    const settle = createSettlement();

    const settleAll = async (
      outcome: "complete" | "abandon",
      messages: readonly ServiceBusReceivedMessage[],
    ): Promise<void> => {
      const one = (message: ServiceBusReceivedMessage): Promise<void> =>
        settle(outcome, () =>
          outcome === "complete" ? receiver.completeMessage(message) : receiver.abandonMessage(message),
        ).catch((error: unknown) => {
          const id = String(message.messageId);
          deps.log("warning", category, `Message '${id}' could not be settled (${outcome}): ${String(error)}`);
        });
      await Promise.all(messages.map(one));
    };

    const deliver = async (messages: readonly ServiceBusReceivedMessage[], invocation: () => Invocation) => {
      try {
        await deps.invoke(name, invocation());
      } catch (error) {
        const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
        deps.log("error", category, `Executed 'Functions.${name}' (Failed): ${words}`);
        return settleAll("abandon", messages);
      }
      return settleAll("complete", messages);
    };

    const tracked = (work: Promise<void>): Promise<void> => {
      running.add(work);
      return work.finally(() => running.delete(work));
    };

    const reportError = (error: unknown): void => {
      if (!stopping) deps.log("warning", category, `Listening to '${queue}': ${String(error)}`);
    };

    if (binding["cardinality"] === "many") {
      void receiveBatches(receiver, reportError, (messages) =>
        tracked(
          deliver(messages, () => ({
            trigger: { collectionString: { string: messages.map(bodyText) } },
            triggerMetadata: batchMetadata(messages),
          })),
        ),
      );
      listeners.push({ close: () => Promise.resolve(), disconnect: () => receiver.close() });
      return;
    }
    const subscription = receiver.subscribe(
      {
        processMessage: (message) =>
          tracked(
            deliver([message], () => ({
              trigger: { string: bodyText(message) },
              triggerMetadata: triggerMetadata(message),
            })),
          ),
        processError: ({ error }) => {
          reportError(error);
          return Promise.resolve();
        },
      },
      { autoCompleteMessages: false, maxConcurrentCalls: deps.settings.maxConcurrentCalls },
    );
    listeners.push({ close: () => subscription.close(), disconnect: () => receiver.close() });
  };

  const receiveBatches = async (
    receiver: ServiceBusReceiver,
    reportError: (error: unknown) => void,
    deliver: (messages: readonly ServiceBusReceivedMessage[]) => Promise<void>,
  ): Promise<void> => {
    while (!stopping) {
      try {
        const messages = await receiver.receiveMessages(batchSize, { maxWaitTimeInMs: batchWaitMs });
        if (messages.length > 0) await deliver(messages);
      } catch (error) {
        reportError(error);
        if (!stopping) await new Promise((resolve) => setTimeout(resolve, 1000));
      }
    }
  };

  for (const fn of deps.functions) {
    const type = triggerOf(fn).binding.type?.toLowerCase();
    if (type === "servicebustrigger" && !deps.isDisabled(fn.metadata.name)) listenTo(fn);
  }

  return {
    stop: async (graceMs) => {
      stopping = true;
      await Promise.all(listeners.map((listener) => listener.close().catch(() => undefined)));
      let timer: NodeJS.Timeout | undefined;
      const grace = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, graceMs);
      });
      await Promise.race([Promise.allSettled([...running]), grace]);
      clearTimeout(timer);
      await Promise.all(listeners.map((listener) => listener.disconnect().catch(() => undefined)));
      await Promise.all([...clients.values()].map((client) => client.close().catch(() => undefined)));
    },
  };
}
