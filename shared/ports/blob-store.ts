/** Blobs for payloads: batches, plans, outcomes, schemas. Paths are `/`-separated, below one container. */
export interface BlobStore {
  /** Writes whole. With `ifAbsent` an existing blob is left alone and `false` comes back. Throws `StorageError`. */
  put(path: string, content: Uint8Array, options?: { readonly ifAbsent?: boolean }): Promise<boolean>;
  get(path: string): Promise<Uint8Array | undefined>;
  /** Deleting what isn't there is fine. */
  delete(path: string): Promise<void>;
  /** Paths below a prefix, in order. */
  list(prefix: string): AsyncIterable<string>;
}
