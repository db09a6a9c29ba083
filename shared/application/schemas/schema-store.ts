/**
 * Where schemas lie: one blob for each version of a job's schema, written once and never changed. Version 1 is the
 * default schema of the service, which lies nowhere until somebody stored it.
 */
import { defaultSchema } from "../../domain/default-schema.ts";
import type { SynchronizationSchema } from "../../domain/synchronization-schema.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import { gunzipJson, gzipJson } from "../state/packing.ts";

export function schemaPath(jobId: string, version: number): string {
  return `schemas/${jobId}/${version}.json.gz`;
}

/** As it was stored, unknown fields and the order of keys included. Undefined when there is no such version. */
export async function readSchema(
  blobs: BlobStore,
  jobId: string,
  version: number,
): Promise<SynchronizationSchema | undefined> {
  const stored = await blobs.get(schemaPath(jobId, version));
  if (stored) return gunzipJson<SynchronizationSchema>(stored);
  return version === 1 ? defaultSchema() : undefined;
}

/**
 * Writes a schema under the first free number from `version` on, and tells which. A blob that is there without being a
 * version of the job is what a writer left that didn't come to its end: with the same content it serves again.
 */
export async function writeSchema(
  blobs: BlobStore,
  jobId: string,
  version: number,
  schema: SynchronizationSchema,
): Promise<number> {
  const text = JSON.stringify(schema);
  const content = gzipJson(schema);
  for (let free = version; ; free++) {
    const path = schemaPath(jobId, free);
    if (await blobs.put(path, content, { ifAbsent: true })) return free;
    const there = await blobs.get(path);
    if (there && JSON.stringify(gunzipJson(there)) === text) return free;
  }
}
