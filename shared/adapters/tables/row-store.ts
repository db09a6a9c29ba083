/**
 * The row store on Azure Table Storage, by `@azure/data-tables`.
 *
 * A table is created when the first write finds it missing; a read of a missing table finds nothing. Retries are short:
 * who calls from an activity is retried by the orchestration. A transaction whose answer was lost is sent again by the
 * SDK and can come back as a conflict with itself: callers that see a conflict read the row, as they must anyhow.
 */

import {
  odata,
  TableClient,
  type TableEntityResult,
  TableServiceClient,
  type TableServiceClientOptions,
} from "@azure/data-tables";
import type { TokenCredential } from "@azure/identity";
import type { RangeOptions, Row, RowOperation, RowStore, RowTable, TransactionResult } from "../../ports/row-store.ts";
import { StorageError } from "../../ports/row-store.ts";
import { rowOfEntity } from "./entity.ts";
import { readMany } from "./many-rows.ts";
import { checkKey, checkTableName, checkTransaction } from "./row-limits.ts";
import { conflictOf, serviceAnswer, storageError } from "./storage-failure.ts";
import { createTransactionBodies, type TransactionBodies } from "./transaction-body.ts";

export type TableStoreOptions = (
  | { readonly connectionString: string }
  | { readonly endpoint: string; readonly credential: TokenCredential }
) & {
  /** For one attempt; there are three. Milliseconds, 20,000 when left out. */
  readonly timeoutMs?: number;
};

type Entity = TableEntityResult<Record<string, unknown>>;

interface OpenTable {
  readonly client: TableClient;
  readonly bodies: TransactionBodies;
}

const PAGE_ROWS = 1_000;
const RETRIES = { maxRetries: 2, retryDelayInMs: 200, maxRetryDelayInMs: 1_000 };

/** Makes no call: an unreachable account shows with the first read or write, as `StorageError`. */
export function createTableRowStore(options: TableStoreOptions): RowStore {
  const bodies = createTransactionBodies(options.timeoutMs ?? 20_000);
  const clientOptions: TableServiceClientOptions = {
    retryOptions: RETRIES,
    additionalPolicies: [bodies.policy],
    // Only for http:// endpoints, which only Azurite has.
    allowInsecureConnection: "connectionString" in options || options.endpoint.startsWith("http://"),
  };
  const service =
    "connectionString" in options
      ? TableServiceClient.fromConnectionString(options.connectionString, clientOptions)
      : new TableServiceClient(options.endpoint, options.credential, clientOptions);
  const tables = new Map<string, RowTable>();

  return {
    table(name) {
      checkTableName(name);
      const known = tables.get(name);
      if (known) return known;
      const client =
        "connectionString" in options
          ? TableClient.fromConnectionString(options.connectionString, name, clientOptions)
          : new TableClient(options.endpoint, name, options.credential, clientOptions);
      const table = createTable({ client, bodies });
      tables.set(name, table);
      return table;
    },
    async deleteTable(name) {
      await service.deleteTable(name).catch((error: unknown) => {
        if (serviceAnswer(error).status !== 404) throw storageError(error, `delete table ${name}`);
      });
    },
    async listTables() {
      const names: string[] = [];
      try {
        for await (const table of service.listTables()) if (table.name !== undefined) names.push(table.name);
      } catch (error) {
        throw storageError(error, "list the tables");
      }
      return names.sort();
    },
  };
}

function createTable(open: OpenTable): RowTable {
  const { client } = open;
  const name = client.tableName;

  const read = async (partition: string, row: string, select?: readonly string[]): Promise<Row | undefined> => {
    checkKey(partition, "partition");
    checkKey(row, "row");
    try {
      // The answer's own fields are named like the entity's.
      const queryOptions = select ? { select: ["PartitionKey", "RowKey", ...select] } : {};
      return await rowOf(await client.getEntity<Record<string, unknown>>(partition, row, { queryOptions }), select);
    } catch (error) {
      if (serviceAnswer(error).status === 404) return undefined;
      throw storageError(error, `read row '${row}' of ${name}`);
    }
  };

  async function* query(filter: string, select?: readonly string[], limit = Number.POSITIVE_INFINITY) {
    let left = limit;
    if (left <= 0) return;
    const queryOptions = {
      // The service refuses an empty filter.
      ...(filter === "" ? {} : { filter }),
      ...(select ? { select: ["PartitionKey", "RowKey", ...select] } : {}),
    };
    const source = client.listEntities<Record<string, unknown>>({ queryOptions });
    try {
      for await (const page of source.byPage({ maxPageSize: Math.min(limit, PAGE_ROWS) })) {
        const rows = await Promise.all(page.slice(0, left).map((entity) => rowOf(entity, select)));
        if (rows.length > 0) yield rows;
        left -= rows.length;
        if (left <= 0) return;
      }
    } catch (error) {
      if (error instanceof StorageError || serviceAnswer(error).code !== "TableNotFound") {
        throw storageError(error, `read rows of ${name}`);
      }
    }
  }

  const rowOf = async (entity: Entity, select?: readonly string[]): Promise<Row> => {
    const read = rowOfEntity(entity, select);
    if (read.whole) return read.row;
    return rowOfEntity(await client.getEntity(read.row.partition, read.row.row), select).row;
  };

  return {
    name,
    get: (partition, row) => read(partition, row),
    async getMany(partition, rows, { select } = {}) {
      checkKey(partition, "partition");
      for (const row of rows) checkKey(row, "row");
      return readMany(rows, {
        point: (row) => read(partition, row, select),
        async page(first, last, limit) {
          const filter = odata`PartitionKey eq ${partition} and RowKey ge ${first} and RowKey le ${last}`;
          const found: Row[] = [];
          for await (const page of query(filter, select, limit)) found.push(...page);
          return found;
        },
      });
    },
    range: (partition, options = {}) => query(rangeFilter(partition, options), options.select, options.limit),
    across: (from, to, options = {}) =>
      query(odata`PartitionKey ge ${from} and PartitionKey lt ${to}`, options.select, options.limit),
    scan: (options = {}) => query("", options.select),
    transact: (partition, operations) => transact(open, partition, operations),
  };
}

function rangeFilter(partition: string, options: RangeOptions): string {
  const terms = [odata`PartitionKey eq ${partition}`];
  if (options.from !== undefined) terms.push(odata`RowKey ge ${options.from}`);
  if (options.to !== undefined) terms.push(odata`RowKey lt ${options.to}`);
  return terms.join(" and ");
}

async function transact(
  open: OpenTable,
  partition: string,
  operations: readonly RowOperation[],
): Promise<TransactionResult> {
  const { client, bodies } = open;
  checkTransaction(client.tableName, partition, operations);
  // A signature in the account's address isn't part of an entity's.
  const account = (client.url.split("?")[0] ?? "").replace(/\/$/, "");
  const url = `${account}/${client.tableName}`;
  const send = () =>
    bodies.with(url, partition, operations, (rowKey) =>
      client.submitTransaction([["delete", { partitionKey: partition, rowKey }]]),
    );
  try {
    const answer = await send().catch(async (error: unknown) => {
      if (!isMissingTable(error)) throw error;
      await client.createTable();
      return send();
    });
    const parts = answer.subResponses;
    if (parts.length !== operations.length) {
      throw new Error(`${operations.length} operations were sent and ${parts.length} answered`);
    }
    return { ok: true, etags: operations.map((one, at) => (one.op === "delete" ? "" : (parts[at]?.etag ?? ""))) };
  } catch (error) {
    const conflict = conflictOf(serviceAnswer(error), operations.length);
    if (conflict) return { ok: false, ...conflict };
    throw storageError(error, `write ${operations.length} rows of ${client.tableName}`);
  }
}

function isMissingTable(error: unknown): boolean {
  const answer = serviceAnswer(error);
  return answer.code === "TableNotFound" || /table specified does not exist/i.test(answer.message);
}
