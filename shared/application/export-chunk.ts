/**
 * One chunk, from plan to outcome: exports the planned objects, settles those whose rows changed meanwhile, writes
 * provisioning log, escrows and removals, and at last the outcome file. Repeated at any point it goes on where it was.
 */
import type { ObjectRecord, Outcome } from "../domain/object-record.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { TargetDirectory } from "../ports/target-directory.ts";
import {
  type ChunkFile,
  FILES,
  type OutcomeEntry,
  type OutcomeFile,
  type PlanFile,
  type PlannedObject,
  readFile,
  readNeeded,
  writeOnce,
} from "./chunk-files.ts";
import { type ExportResult, exportObjects } from "./export-objects.ts";
import type { JobMapping } from "./job-mapping.ts";
import { logEntryOf } from "./log-entries.ts";
import { mapObjects } from "./map-objects.ts";
import type { ClaimIndex } from "./state/claim-index.ts";
import type { Escrows } from "./state/escrow-rows.ts";
import type { ObjectStore, StoredObject } from "./state/object-store.ts";
import type { ProvisioningLog } from "./state/provisioning-log.ts";
import type { Removals } from "./state/removal-rows.ts";
import type { Fence, SyncRunInput } from "./wake-job.ts";

/** A mark younger than this belongs to a call that may still be under way. */
const FRESH_MARK_MS = 120_000;
const ROUNDS = 3;

export interface ChunkRef extends SyncRunInput {
  readonly batchId: string;
  readonly chunk: number;
}

export interface ExportedChunk {
  /** False: the target asked for patience; call again at `notBefore` (milliseconds since 1970). */
  readonly done: boolean;
  readonly notBefore?: number;
}

/** What a job's chunks are worked with. */
export interface JobContext {
  readonly mapping: JobMapping;
  readonly objects: ObjectStore;
  readonly claims: ClaimIndex;
  readonly target: TargetDirectory;
}

export type ExportChunk = (ref: ChunkRef) => Promise<ExportedChunk>;

export function createExportChunk(deps: {
  readonly blobs: BlobStore;
  readonly fence: Fence;
  readonly clock: Clock;
  readonly log: Log;
  readonly escrows: Escrows;
  readonly removals: Removals;
  readonly provisioningLog: ProvisioningLog;
  readonly contextOf: (jobId: string) => Promise<JobContext>;
}): ExportChunk {
  return async (ref) => {
    await deps.fence.check(ref);
    const outcomePath = FILES.outcome(ref.batchId, ref.chunk);
    if ((await deps.blobs.get(outcomePath)) !== undefined) return { done: true };
    const plan = await readNeeded<PlanFile>(deps.blobs, FILES.plan(ref.batchId, ref.chunk));
    const context = await deps.contextOf(ref.jobId);
    // Counted for this chunk alone: others write through the same adapter at the same time.
    let writes = 0;
    const target: TargetDirectory = {
      ...context.target,
      apply: (actions, options) => context.target.apply(actions, { ...options, onWrite: () => void writes++ }),
    };
    const results = await settleAll(ref, plan, { ...context, target });
    await record(plan, results);
    const unsent = results.filter((result) => result.kind === "unsent");
    if (unsent.length > 0) {
      return { done: false, notBefore: deps.clock.now() + Math.max(...unsent.map((result) => result.retryAfterMs)) };
    }
    const file: OutcomeFile = {
      entries: results.flatMap((result) => entriesOf(result)),
      writes,
    };
    await writeOnce(deps.blobs, outcomePath, file);
    return { done: true };
  };

  /** Objects that need the target, then those that only need their row; contested ones are planned again and follow. */
  async function settleAll(ref: ChunkRef, plan: PlanFile, context: JobContext): Promise<ExportResult[]> {
    const settled: ExportResult[] = [];
    let open: readonly PlannedObject[] = plan.objects;
    let resumed: ReadonlyMap<string, string> = new Map();
    for (let round = 0; round < ROUNDS && open.length > 0; round++) {
      const acting = open.filter((planned) => planned.action.kind !== "none");
      const resting = open.filter((planned) => planned.action.kind === "none");
      const results = [
        ...(await exportObjects({ ...context, clock: deps.clock }, plan.header, ref.lane, acting, resumed)),
        ...(await restObjects(plan, context, resting)),
      ];
      settled.push(...results.filter((result) => result.kind !== "contested"));
      const contested = results.filter((result) => result.kind === "contested").map((result) => result.planned);
      ({ open, resumed } = await replan(ref, plan, context, contested, settled));
    }
    for (const planned of open) {
      const failure = {
        code: "EntryChanged",
        message: `The row of object ${planned.objectGuid} kept changing while it was exported.`,
        remedy: "It is tried again by itself.",
        retryAfterMs: 30_000,
      };
      settled.push({ kind: "settled", planned, outcome: "escrowed", failure, warnings: [] });
    }
    return settled;
  }

  /** Nothing to send: the row is written where it says something new. */
  async function restObjects(
    plan: PlanFile,
    context: JobContext,
    resting: readonly PlannedObject[],
  ): Promise<ExportResult[]> {
    const needsRow = resting.filter(
      (planned) => planned.isChanged || planned.failure !== undefined || planned.record.last?.outcome === "escrowed",
    );
    const written = await context.objects.write(
      needsRow.map((planned): StoredObject => {
        const [index] = planned.indexes;
        const last = {
          batchId: plan.header.batchId,
          index: index ?? 0,
          outcome: planned.outcome,
          ...(planned.failure ? { code: planned.failure.code } : {}),
        };
        const record: ObjectRecord = { ...planned.record, last };
        return planned.etag === undefined ? { record } : { record, etag: planned.etag };
      }),
    );
    const refused = new Set(
      needsRow.filter((_, index) => !written[index]?.written).map((planned) => planned.objectGuid),
    );
    return resting.map(
      (planned): ExportResult =>
        refused.has(planned.objectGuid)
          ? { kind: "contested", planned }
          : {
              kind: "settled",
              planned,
              outcome: planned.outcome,
              warnings: [],
              ...(planned.failure ? { failure: planned.failure } : {}),
            },
    );
  }

  /** Rows that changed since they were planned: by ourselves before (take the outcome, or go on), or by somebody else. */
  async function replan(
    ref: ChunkRef,
    plan: PlanFile,
    context: JobContext,
    contested: readonly PlannedObject[],
    settled: ExportResult[],
  ) {
    if (contested.length === 0) return { open: [], resumed: new Map<string, string>() };
    const stored = await context.objects.getMany(
      plan.header.configurationId,
      contested.map((planned) => planned.objectGuid),
    );
    const resumed = new Map<string, string>();
    const open: PlannedObject[] = [];
    const again = new Map<string, StoredObject>();
    for (const planned of contested) {
      const row = stored.get(planned.objectGuid);
      const mark = row?.record.mark;
      const last = row?.record.last;
      if (row && !mark && last?.batchId === plan.header.batchId) {
        settled.push({
          kind: "settled",
          planned,
          outcome: last.outcome,
          warnings: [],
          ...(last.code === undefined
            ? {}
            : { failure: planned.failure ?? { code: last.code, message: "", remedy: "" } }),
        });
      } else if (row?.etag !== undefined && mark?.batchId === plan.header.batchId) {
        resumed.set(planned.objectGuid, row.etag);
        open.push({ ...planned, record: row.record });
      } else if (mark && deps.clock.now() - mark.at < FRESH_MARK_MS) {
        const failure = {
          code: "EntryChanged",
          message: `Object ${planned.objectGuid} is being exported by another run (${mark.batchId}).`,
          remedy: "It is tried again by itself.",
          retryAfterMs: 30_000,
        };
        settled.push({ kind: "settled", planned, outcome: "escrowed", failure, warnings: [] });
      } else if (row) again.set(planned.objectGuid, row);
      else open.push(planned);
    }
    if (again.size > 0) {
      const chunk = await readNeeded<ChunkFile>(deps.blobs, FILES.chunk(ref.batchId, ref.chunk));
      const items = chunk.items.filter((item) => again.has(item.objectGuid));
      open.push(
        ...(await mapObjects({ ...context, clock: deps.clock }, { ...plan.header, isFirstLoad: false }, items, again)),
      );
    }
    return { open, resumed };
  }

  async function record(plan: PlanFile, results: readonly ExportResult[]): Promise<void> {
    const { header } = plan;
    const settled = results.filter((result) => result.kind === "settled");
    const failures = settled.flatMap((result) =>
      result.outcome === "escrowed" && result.failure
        ? [{ objectGuid: result.planned.objectGuid, ...result.failure }]
        : [],
    );
    const mended = settled.filter(
      (result) => result.outcome !== "escrowed" && result.planned.record.last?.outcome === "escrowed",
    );
    await Promise.all([
      deps.provisioningLog.write(settled.flatMap((result) => logEntryOf(header, result) ?? [])),
      deps.escrows.put(header.jobId, failures, deps.clock.now()),
      deps.escrows.clear(
        header.jobId,
        mended.map((result) => result.planned.objectGuid),
      ),
      // At the end of a cycle the guard's verdict has fallen: what still waits was staged by it.
      header.isEnd
        ? undefined
        : deps.removals.add(
            header,
            settled.filter((result) => result.planned.waiting.length > 0),
          ),
    ]);
    if (failures.length > 0)
      deps.log.warn("objects-escrowed", {
        jobId: header.jobId,
        batchId: header.batchId,
        count: failures.length,
        first: failures[0]?.code,
      });
  }
}

function entriesOf(result: ExportResult): OutcomeEntry[] {
  if (result.kind !== "settled") return [];
  const { planned, outcome, failure } = result;
  // Of several changes of one object in a batch the last one decides; the ones before are superseded by it.
  return planned.indexes.map((index, position): OutcomeEntry => {
    const isLast = position === planned.indexes.length - 1;
    const own: Outcome = isLast ? outcome : "no-op";
    if (!isLast) return { index, outcome: own };
    return {
      index,
      outcome: own,
      ...(planned.waiting.length > 0 ? { isWaiting: true } : {}),
      ...(failure ? { code: failure.code } : outcome === "filtered" ? { code: planned.filteredBy ?? "scope" } : {}),
      ...(planned.action.kind === "none" || outcome === "escrowed" ? {} : { action: planned.action.kind }),
    };
  });
}

/** The plan of a chunk, where there is one. */
export async function planOf(
  blobs: BlobStore,
  ref: { readonly batchId: string; readonly chunk: number },
): Promise<PlanFile | undefined> {
  return readFile<PlanFile>(blobs, FILES.plan(ref.batchId, ref.chunk));
}
