/**
 * Something that has to be durable before a request's first write is: the audit log's note of what was begun. It is done in front of
 * that write, whoever makes it and however deep, so that a request which writes nothing leaves nothing either.
 *
 * Only rows and secrets count. Blobs have no effect until a row names them.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { RowStore } from "../../ports/row-store.ts";
import type { SecretStore } from "../../ports/secret-store.ts";

export interface FirstWrites {
  /** Carries out `run`; its first write waits for `first`, and fails with it. After the end of `run` nothing is waited for any more. */
  during<T>(first: () => Promise<void>, run: () => Promise<T>): Promise<T>;
  rows(given: RowStore): RowStore;
  secrets(given: SecretStore): SecretStore;
}

interface Under {
  first: (() => Promise<void>) | undefined;
  done?: Promise<void>;
}

export function createFirstWrites(): FirstWrites {
  const requests = new AsyncLocalStorage<Under | undefined>();

  async function beforeWrite(): Promise<void> {
    const own = requests.getStore();
    if (!own?.first) return;
    // What it writes itself is no write of the request.
    own.done ??= requests.run(undefined, own.first);
    await own.done;
  }

  return {
    async during(first, run) {
      const own: Under = { first };
      try {
        return await requests.run(own, run);
      } finally {
        own.first = undefined;
      }
    },
    rows: (given) => ({
      ...given,
      table(name) {
        const table = given.table(name);
        return {
          ...table,
          async transact(partition, operations) {
            await beforeWrite();
            return table.transact(partition, operations);
          },
        };
      },
    }),
    secrets: (given) => ({
      ...given,
      async set(name, value) {
        await beforeWrite();
        return given.set(name, value);
      },
    }),
  };
}
