/**
 * A row store that opens the tables of the table of needs and no others: a table that a deployment doesn't know of is a defect that
 * shows with the first test that comes by, not on Azure.
 */
import { isKnownTable } from "../../needs/stores.ts";
import { type RowStore, StorageError } from "../../ports/row-store.ts";

/** `table` throws `StorageError` `storage-refused` for a name that isn't listed. */
export function knownTablesOf(rows: RowStore): RowStore {
  return {
    ...rows,
    table(name) {
      if (isKnownTable(name)) return rows.table(name);
      throw new StorageError(
        "storage-refused",
        `The table '${name}' isn't in the table of needs: add it to shared/needs/stores.ts, with what it holds.`,
      );
    },
  };
}
