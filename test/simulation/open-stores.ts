/** Stores for histories, each of its own: in memory, or tables and a container of a running Azurite under names of their own. */
import { createBlobStore } from "../../shared/adapters/blobs/blob-store.ts";
import { createMemoryBlobStore } from "../../shared/adapters/memory/blob-store.ts";
import { createMemoryRowStore } from "../../shared/adapters/memory/row-store.ts";
import { createTableRowStore } from "../../shared/adapters/tables/row-store.ts";
import type { RowStore } from "../../shared/ports/row-store.ts";
import { startAzurite } from "../support/azurite.ts";
import type { Stores } from "./world.ts";

export interface OpenStores {
  /** Empty ones. */
  readonly fresh: () => Stores;
  close(): Promise<void>;
}

export const memoryStores = (): Stores => ({ rows: createMemoryRowStore(), blobs: createMemoryBlobStore() });

export async function openStores(kind: string): Promise<OpenStores> {
  if (kind === "memory") return { fresh: memoryStores, close: async () => undefined };
  if (kind !== "azurite") throw new Error(`--stores is memory or azurite, not '${kind}'.`);
  const azurite = await startAzurite();
  const { connectionString } = azurite;
  const rows = createTableRowStore({ connectionString });
  let number = 0;
  return {
    fresh: () => {
      const prefix = `s${++number}x`;
      return { rows: prefixed(rows, prefix), blobs: createBlobStore({ connectionString, container: `sim-${number}` }) };
    },
    close: () => azurite.stop(),
  };
}

function prefixed(rows: RowStore, prefix: string): RowStore {
  return {
    table: (name) => rows.table(`${prefix}${name}`),
    deleteTable: (name) => rows.deleteTable(`${prefix}${name}`),
    listTables: async () =>
      (await rows.listTables()).filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length)),
  };
}
