/** Secrets in memory, for tests. */
import type { SecretStore } from "../../ports/secret-store.ts";

export function createMemorySecretStore(): SecretStore {
  const values = new Map<string, string>();
  return {
    get: async (name) => values.get(name),
    set: async (name, value) => void values.set(name, value),
  };
}
