/**
 * Which memberships of a group are staged, edge by edge: a blob each set, named by its digest, for there may be a quarter of a
 * million of them. The row of what is staged says how many there are, and the digest that an approval is bound to.
 */
import { createHash } from "node:crypto";
import type { BlobStore } from "../../ports/blob-store.ts";
import { readFile, writeOnce } from "../lanes/chunk-files.ts";

export interface StagedMembers {
  readonly count: number;
  readonly digest: string;
}

/** Keeps a set: objectGUIDs of members. The same set again is the same blob. */
export async function keepStagedMembers(
  blobs: BlobStore,
  jobId: string,
  group: string,
  members: readonly string[],
): Promise<StagedMembers> {
  const sorted = [...members].sort();
  const digest = createHash("sha256")
    .update(JSON.stringify([group, sorted]))
    .digest("hex")
    .slice(0, 32);
  await writeOnce(blobs, pathOf(jobId, group, digest), sorted);
  return { count: sorted.length, digest };
}

/** None where the set is gone: nothing of it is approved then. */
export async function readStagedMembers(
  blobs: BlobStore,
  jobId: string,
  group: string,
  digest: string,
): Promise<readonly string[]> {
  return (await readFile<string[]>(blobs, pathOf(jobId, group, digest))) ?? [];
}

/** All sets of a group; or one. */
export async function forgetStagedMembers(
  blobs: BlobStore,
  jobId: string,
  group: string,
  digest?: string,
): Promise<void> {
  if (digest !== undefined) return blobs.delete(pathOf(jobId, group, digest));
  for await (const path of blobs.list(folderOf(jobId, group))) await blobs.delete(path);
}

function folderOf(jobId: string, group: string): string {
  return `staged/${jobId}/${group}/`;
}

function pathOf(jobId: string, group: string, digest: string): string {
  return `${folderOf(jobId, group)}${digest}.json.gz`;
}
