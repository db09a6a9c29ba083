/**
 * The queues of a broker and their dead-letter queues, each with its consumers, found by the address that a client
 * attaches to: `name`, `name/$DeadLetterQueue`, and either of them with `/$management` behind.
 */

import { type Consumers, createConsumers } from "./consumers.ts";
import { newLockToken } from "./lock-token.ts";
import { createQueueState, type QueueSettings, type QueueState } from "./queue-state.ts";

export type Entity = { readonly queue: QueueState; readonly consumers: Consumers; readonly isDeadLetter: boolean };
export type Address = { readonly entity: Entity; readonly isManagement: boolean };
export type Entities = ReturnType<typeof createEntities>;

const addressPattern =
  /^(?:[a-z]+:\/\/[^/]+\/)?(?<name>.*?)(?<deadLetter>\/\$deadletterqueue)?(?<management>\/\$management)?\/?$/i;

export function createEntities(deps: { readonly queues: readonly QueueSettings[]; readonly nowMs: () => number }) {
  const createEntity = (settings: QueueSettings, deadLetters?: QueueState): Entity => {
    const queue: QueueState = createQueueState({
      settings,
      nowMs: deps.nowMs,
      newLockToken,
      onAvailable: () => consumers.pump(),
      ...(deadLetters !== undefined && { deadLetters }),
    });
    const consumers = createConsumers(queue);
    return { queue, consumers, isDeadLetter: deadLetters === undefined };
  };

  const pairs = new Map<string, { readonly main: Entity; readonly deadLetter: Entity }>();
  for (const settings of deps.queues) {
    const deadLetter = createEntity({ ...settings, name: `${settings.name}/$DeadLetterQueue` });
    pairs.set(settings.name.toLowerCase(), { main: createEntity(settings, deadLetter.queue), deadLetter });
  }
  const all = [...pairs.values()].flatMap(({ main, deadLetter }) => [main, deadLetter]);

  return {
    find(address: string): Address | undefined {
      const groups = addressPattern.exec(address)?.groups;
      const pair = pairs.get(groups?.["name"]?.toLowerCase() ?? "");
      if (pair === undefined) return undefined;
      return {
        entity: groups?.["deadLetter"] === undefined ? pair.main : pair.deadLetter,
        isManagement: groups?.["management"] !== undefined,
      };
    },
    all: (): readonly Entity[] => all,
    pairs: () => [...pairs.values()],
  };
}
