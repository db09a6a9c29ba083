/**
 * Every object of a job that has an image, as work: mapped anew without a read. What is listed is ids and to whom they
 * refer; images are read chunk by chunk when they are mapped. Groups come last, as in a batch, and managers before their
 * people, so that a first export from images costs no more writes than one from batches.
 */
import { SHARDS } from "../../domain/shard.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { RowStore } from "../../ports/row-store.ts";
import type { JobMappings } from "../mapping/job-mapping.ts";
import { heldBecause, type JobRow, jobTable, listRows, mappedVersionOf, type WorkRow } from "../state/job-rows.ts";
import type { ObjectStore } from "../state/object-store.ts";
import { FILES, readFile, readNeeded, writeOnce } from "./chunk-files.ts";

export interface ListedObject {
  readonly objectGuid: string;
  readonly isGroup: boolean;
  /** Its manager, if it is still to be made. */
  readonly refersTo?: string;
}

/** Listed once. None when another such work follows in the lane: that one sees all that this one would. */
export type AllObjects = (job: JobRow, work: WorkRow) => Promise<readonly ListedObject[]>;

const listOf = (workId: string) => `${FILES.folder(workId)}all.json.gz`;

export function createAllObjects(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly objects: ObjectStore;
  readonly mappings: JobMappings;
}): AllObjects {
  const jobs = jobTable(deps.rows);

  async function isSuperseded({ jobId, lane, workId, createdAt }: WorkRow): Promise<boolean> {
    for (const { value } of await listRows<WorkRow>(jobs, jobId, `work:${lane}:`)) {
      const isLater = value.createdAt > createdAt || (value.createdAt === createdAt && value.workId > workId);
      // One that has its list already may have it from before this one was asked for.
      if (value.kind === "all" && isLater && (await deps.blobs.get(listOf(value.workId))) === undefined) return true;
    }
    return false;
  }

  async function list(job: JobRow): Promise<ListedObject[]> {
    const mapping = await deps.mappings({ ...job, schemaVersion: mappedVersionOf(job) });
    // Nobody is made now: to whom they refer needn't be known.
    const options = heldBecause(job) ? {} : { managers: true };
    const found: ListedObject[] = [];
    for (const shard of SHARDS) {
      for await (const page of deps.objects.listed(job.configurationId, shard, options)) {
        for (const { objectGuid, objectClass, state, linked, marked, manager } of page) {
          // Gone, and nothing of it can be in the target; or of a class that nobody maps: what that brought stays.
          if ((state !== "live" && !linked && !marked) || !mapping.flowsOf(objectClass)) continue;
          const refersTo = manager === undefined ? {} : { refersTo: manager };
          found.push({ objectGuid, isGroup: objectClass === "group", ...refersTo });
        }
      }
    }
    return found;
  }

  return async (job, work) => {
    const path = listOf(work.workId);
    const listed = await readFile<readonly ListedObject[]>(deps.blobs, path);
    if (listed) return listed;
    await writeOnce(deps.blobs, path, (await isSuperseded(work)) ? [] : await list(job));
    return readNeeded<readonly ListedObject[]>(deps.blobs, path);
  };
}
