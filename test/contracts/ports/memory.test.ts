import { createMemoryBlobStore } from "../../../shared/adapters/memory/blob-store.ts";
import { createMemoryRowStore } from "../../../shared/adapters/memory/row-store.ts";
import { describeBlobStore } from "./blob-store-contract.ts";
import { describeRowStore } from "./row-store-contract.ts";

describeRowStore("memory", createMemoryRowStore);
describeBlobStore("memory", createMemoryBlobStore);
