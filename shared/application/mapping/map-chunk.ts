/**
 * Maps one chunk and writes its plan, once: a repetition of the activity uses the plan that is there. An agent's batch that
 * would be set aside for what can't be mapped goes on without the object whose fault it is.
 */
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import { type ChunkRef, type JobContext, planOf } from "../export/export-chunk.ts";
import { type ChunkFile, type ChunkItem, FILES, type PlanFile, readNeeded, writeOnce } from "../lanes/chunk-files.ts";
import type { IsLastAttempt } from "../lanes/last-attempt.ts";
import type { Fence } from "../lanes/wake-job.ts";
import type { StoredObject } from "../state/object-store.ts";
import { mapObjects } from "./map-objects.ts";

export interface MappedChunk {
  readonly objects: number;
  /** Whether anything has to be written, here or there; a chunk that changes nothing still gets its outcome file. */
  readonly acting: number;
}

export type MapChunk = (ref: ChunkRef) => Promise<MappedChunk>;

export function createMapChunk(deps: {
  readonly blobs: BlobStore;
  readonly fence: Fence;
  readonly clock: Clock;
  readonly log: Log;
  readonly isLastAttempt: IsLastAttempt;
  readonly contextOf: (jobId: string, schemaVersion: number) => Promise<JobContext>;
}): MapChunk {
  return async (ref) => {
    await deps.fence.check(ref);
    const existing = await planOf(deps.blobs, ref);
    if (existing) return summaryOf(existing);
    const chunk = await readNeeded<ChunkFile>(deps.blobs, FILES.chunk(ref.batchId, ref.chunk));
    const context = await deps.contextOf(ref.jobId, chunk.header.schemaVersion);
    const known = chunk.header.isFirstLoad ? chunk.items.filter(goesOn) : chunk.items;
    const guids = [...new Set(known.map((item) => item.objectGuid))];
    // On a first load there is nothing to read; a row that is there after all shows when the insert is refused.
    const stored =
      guids.length === 0
        ? new Map<string, StoredObject>()
        : await context.objects.getMany(chunk.header.configurationId, guids);
    const startedAt = deps.clock.now();
    const mapDeps = { ...context, clock: deps.clock };
    const objects = await mapObjects(mapDeps, chunk.header, chunk.items, stored).catch(async (error: unknown) => {
      if (!(await deps.isLastAttempt(ref))) throw error;
      const onIsolated = (objectGuid: string) =>
        deps.log.error("object-isolated", { jobId: ref.jobId, objectGuid, workId: ref.batchId });
      return mapObjects({ ...mapDeps, onIsolated }, chunk.header, chunk.items, stored);
    });
    const plan: PlanFile = { header: chunk.header, objects, mappedMs: deps.clock.now() - startedAt };
    if (await writeOnce(deps.blobs, FILES.plan(ref.batchId, ref.chunk), plan)) return summaryOf(plan);
    // Two attempts ran at once: the plan that was written first is the plan.
    const first = await planOf(deps.blobs, ref);
    return summaryOf(first ?? plan);
  };
}

/** A change that only goes on with a list: its object was told before. */
function goesOn({ change }: ChunkItem): boolean {
  return change?.op === "upsert" && change.changed !== undefined;
}

function summaryOf(plan: PlanFile): MappedChunk {
  return {
    objects: plan.objects.length,
    acting: plan.objects.filter((planned) => planned.action.kind !== "none").length,
  };
}
