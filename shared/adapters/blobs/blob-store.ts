/**
 * The blob store on Azure Blob Storage, by `@azure/storage-blob`: one container, block blobs written in one call.
 *
 * The container is created when the first write finds it missing. Retries are short; a write with `ifAbsent` whose
 * answer was lost is sent again and may report that the blob was there: it was, and it is this one.
 */

import type { TokenCredential } from "@azure/identity";
import { BlobServiceClient, type ContainerClient } from "@azure/storage-blob";
import type { BlobStore } from "../../ports/blob-store.ts";
import { serviceAnswer, storageError } from "../tables/storage-failure.ts";
import { checkBlobPath } from "./blob-path.ts";

export type BlobStoreOptions = (
  | { readonly connectionString: string }
  | { readonly endpoint: string; readonly credential: TokenCredential }
) & {
  readonly container: string;
  /** For one attempt; there are three. Milliseconds, 30,000 when left out. */
  readonly timeoutMs?: number;
};

/** Makes no call: an unreachable account shows with the first read or write, as `StorageError`. */
export function createBlobStore(options: BlobStoreOptions): BlobStore {
  const container = openContainer(options);

  return {
    async put(path, content, putOptions = {}) {
      checkBlobPath(path);
      const body = Buffer.from(content.buffer, content.byteOffset, content.length);
      const conditions = putOptions.ifAbsent ? { conditions: { ifNoneMatch: "*" } } : {};
      const upload = () => container.getBlockBlobClient(path).upload(body, body.length, conditions);
      try {
        await upload().catch(async (error: unknown) => {
          if (serviceAnswer(error).code !== "ContainerNotFound") throw error;
          await container.createIfNotExists();
          return upload();
        });
        return true;
      } catch (error) {
        const answer = serviceAnswer(error);
        if (putOptions.ifAbsent && (answer.status === 412 || answer.code === "BlobAlreadyExists")) return false;
        throw storageError(error, `write blob '${path}'`);
      }
    },
    async get(path) {
      checkBlobPath(path);
      try {
        const answer = await container.getBlockBlobClient(path).download();
        const pieces: Uint8Array[] = [];
        for await (const piece of answer.readableStreamBody ?? []) pieces.push(Buffer.from(piece));
        return new Uint8Array(Buffer.concat(pieces));
      } catch (error) {
        if (serviceAnswer(error).status === 404) return undefined;
        throw storageError(error, `read blob '${path}'`);
      }
    },
    async delete(path) {
      checkBlobPath(path);
      try {
        await container.getBlockBlobClient(path).delete();
      } catch (error) {
        if (serviceAnswer(error).status !== 404) throw storageError(error, `delete blob '${path}'`);
      }
    },
    async *list(prefix) {
      try {
        for await (const blob of container.listBlobsFlat({ prefix })) yield blob.name;
      } catch (error) {
        if (serviceAnswer(error).status !== 404) throw storageError(error, `list blobs below '${prefix}'`);
      }
    },
  };
}

function openContainer(options: BlobStoreOptions): ContainerClient {
  const retryOptions = {
    maxTries: 3,
    tryTimeoutInMs: options.timeoutMs ?? 30_000,
    retryDelayInMs: 200,
    maxRetryDelayInMs: 1_000,
  };
  const service =
    "connectionString" in options
      ? BlobServiceClient.fromConnectionString(options.connectionString, { retryOptions })
      : new BlobServiceClient(options.endpoint, options.credential, { retryOptions });
  return service.getContainerClient(options.container);
}
