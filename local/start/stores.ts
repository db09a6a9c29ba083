/**
 * Makes the tables and containers of the table of needs, as the infrastructure does on Azure. The monthly tables are left to the code,
 * there as here.
 */
import { TableServiceClient } from "@azure/data-tables";
import { BlobServiceClient } from "@azure/storage-blob";
import { CONTAINERS, TABLES } from "../../shared/needs/stores.ts";

/** What is there already stays as it is. Rejects when storage can't be reached. */
export async function makeStores(connectionString: string): Promise<void> {
  const tables = TableServiceClient.fromConnectionString(connectionString, { allowInsecureConnection: true });
  const blobs = BlobServiceClient.fromConnectionString(connectionString);
  await Promise.all([
    ...TABLES.map(({ name }) => tables.createTable(name)),
    ...Object.values(CONTAINERS).map(({ name }) => blobs.getContainerClient(name).createIfNotExists()),
  ]);
}
