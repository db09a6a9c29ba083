/**
 * What became of the items of a batch, or of an end of a read, that can't be worked to its end: outcome files say it; of a chunk
 * that has none, the rows of its objects say what it did before it failed, and what that leaves to be noted (log, removals,
 * escrows) is noted as a repetition of the chunk would.
 *
 * Nothing here may hold up the lane for ever: a file that can't be read counts as one that isn't there, and a chunk whose rows
 * can't be looked at says nothing.
 */
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Lane } from "../../ports/doorbell.ts";
import type { Log } from "../../ports/log.ts";
import { StorageError } from "../../ports/row-store.ts";
import type { ImageSources } from "../cycles/image-sources.ts";
import { entriesOf } from "../export/export-chunk.ts";
import { recordResults } from "../export/record-results.ts";
import { settledBefore } from "../export/write-outcomes.ts";
import type { ClaimIndex } from "../state/claim-index.ts";
import type { Escrows } from "../state/escrow-rows.ts";
import type { ObjectStore } from "../state/object-store.ts";
import type { ProvisioningLog } from "../state/provisioning-log.ts";
import type { Removals } from "../state/removal-rows.ts";
import type { ScopeNotes } from "../state/scope-notes.ts";
import { FILES, type OutcomeEntry, type OutcomeFile, type PlanFile, readFile } from "./chunk-files.ts";

const NO_TIME = { mappingMs: 0, exportMs: 0 };

/** Undefined: it failed. */
export type Attempt = <T>(work: () => Promise<T>) => Promise<T | undefined>;

export interface ChunkFacts {
  /** By index. */
  readonly known: ReadonlyMap<number, OutcomeEntry>;
  readonly writes: number;
}

export type ReadChunkFacts = (batchId: string, attempt: Attempt) => Promise<ChunkFacts>;

/**
 * What can't be had any more must not stop the lane: told, and done without. `areSure`: until now nothing failed. Throws where
 * the storage is out of reach.
 */
export function withoutStopping(
  log: Log,
  { jobId, lane }: { readonly jobId: string; readonly lane: Lane },
  step: "batch" | "read-end",
): { readonly attempt: Attempt; readonly areSure: () => boolean } {
  let areSure = true;
  return {
    areSure: () => areSure,
    async attempt(work) {
      try {
        return await work();
      } catch (error) {
        // Back in a moment, it says more: whoever accounts is repeated.
        if (error instanceof StorageError && error.retriable) throw error;
        areSure = false;
        const message = error instanceof Error ? error.message : String(error);
        log.error("step-failed", { jobId, lane, step, message });
        return undefined;
      }
    },
  };
}

export function createChunkFacts(deps: {
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly objects: ObjectStore;
  readonly claims: ClaimIndex;
  readonly escrows: Escrows;
  readonly removals: Removals;
  readonly provisioningLog: ProvisioningLog;
  readonly scopeNotes: ScopeNotes;
  readonly imageSources: ImageSources;
}): ReadChunkFacts {
  return async (batchId, attempt) => {
    const known = new Map<number, OutcomeEntry>();
    let writes = 0;
    for (const chunk of (await attempt(() => chunksOf(batchId))) ?? []) {
      const file = await attempt(() => readFile<OutcomeFile>(deps.blobs, FILES.outcome(batchId, chunk)));
      writes += file?.writes ?? 0;
      for (const entry of file?.entries ?? []) known.set(entry.index, entry);
      for (const entry of (await attempt(() => settledIn(batchId, chunk, known))) ?? []) known.set(entry.index, entry);
    }
    return { known, writes };
  };

  /** Numbers of the chunks that were planned or worked. */
  async function chunksOf(batchId: string): Promise<number[]> {
    const found = new Set<number>();
    for await (const path of deps.blobs.list(FILES.folder(batchId))) {
      const [, chunk] = /\/(?:plan|outcome)-(\d+)\.json\.gz$/.exec(path) ?? [];
      if (chunk !== undefined) found.add(Number(chunk));
    }
    return [...found].sort((one, other) => one - other);
  }

  /** Of a chunk's objects that no outcome file tells of: those whose rows have this batch's outcome. */
  async function settledIn(
    batchId: string,
    chunk: number,
    known: ReadonlyMap<number, OutcomeEntry>,
  ): Promise<OutcomeEntry[]> {
    const plan = await readFile<PlanFile>(deps.blobs, FILES.plan(batchId, chunk));
    const untold = plan?.objects.filter(({ indexes }) => indexes.some((index) => !known.has(index))) ?? [];
    if (!plan || untold.length === 0) return [];
    const { header } = plan;
    const guids = untold.map((planned) => planned.objectGuid);
    const stored = await deps.objects.getMany(header.configurationId, guids);
    const results = untold.flatMap((planned) => {
      const record = stored.get(planned.objectGuid)?.record;
      const isUnderWay = record?.mark?.batchId === batchId && !record.mark.isLost;
      return record?.last?.batchId === batchId && !isUnderWay ? [settledBefore(planned, record)] : [];
    });
    await recordResults(deps, header, deps.claims, results, NO_TIME);
    return results.flatMap((result) => entriesOf(result));
  }
}
