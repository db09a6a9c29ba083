/**
 * Takes an orchestration's messages to their entities: in their order, noted in the instance's journal when they have
 * arrived. What isn't noted goes out again after a restart under the same id, and the entity drops it if it had come.
 */

import type { Clock } from "./clock.ts";
import type { Entities } from "./entities.ts";
import type { Instance } from "./instance.ts";
import type { Store } from "./store.ts";

export type Sends = {
  /** Resolves when every message that the instance has to send has arrived. */
  deliver(instance: Instance): Promise<void>;
  readonly busy: boolean;
};

export function createSends(deps: {
  readonly store: Store;
  readonly entities: Entities;
  readonly clock: Clock;
}): Sends {
  const running = new Map<Instance, Promise<void>>();

  const deliverAll = async (instance: Instance): Promise<void> => {
    while (instance.unsent.size > 0) {
      const envelopes = [...instance.unsent.values()];
      const forgets: (() => void)[] = [];
      for (const envelope of envelopes) forgets.push(await deps.entities.accept(envelope));
      const ids = envelopes.map(({ id }) => id);
      await deps.store.write(instance, { k: "sent", at: deps.clock.nowMs(), ids }, false);
      for (const forget of forgets) forget();
    }
  };

  return {
    deliver: (instance) => {
      const before = running.get(instance);
      if (before === undefined && instance.unsent.size === 0) return Promise.resolve();
      // One after the other: two at once could send a message again that has just been forgotten.
      const fresh = (before ?? Promise.resolve())
        .then(() => deliverAll(instance))
        .finally(() => {
          if (running.get(instance) === fresh) running.delete(instance);
        });
      running.set(instance, fresh);
      return fresh;
    },
    get busy() {
      return running.size > 0;
    },
  };
}
