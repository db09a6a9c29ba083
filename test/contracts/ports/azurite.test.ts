import { afterAll, beforeAll, describe } from "vitest";
import { createBlobStore } from "../../../shared/adapters/blobs/blob-store.ts";
import { createTableRowStore } from "../../../shared/adapters/tables/row-store.ts";
import { type Azurite, startAzurite } from "../../support/azurite.ts";
import { describeBlobStore } from "./blob-store-contract.ts";
import { describeRowStore } from "./row-store-contract.ts";

describe("on Azurite", () => {
  let azurite: Azurite;
  beforeAll(async () => {
    azurite = await startAzurite();
  });
  afterAll(() => azurite.stop());

  describeRowStore("tables", () => createTableRowStore({ connectionString: azurite.connectionString }));
  describeBlobStore("blobs", () =>
    createBlobStore({ connectionString: azurite.connectionString, container: "contract" }),
  );
});
