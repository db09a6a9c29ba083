/**
 * Work that failed again and again as a whole: it is halved, and its halves are, until the object whose fault it is stands
 * alone. That one goes into escrow with a gap of its own, so that it takes nobody else down with it the next time. Of an
 * approved set it is told that nobody carried it out, and its rows say so.
 */
import { FAILURES } from "../../domain/failure-codes.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { setsOf } from "../guard/staged-set.ts";
import type { Escrows } from "../state/escrow-rows.ts";
import type { WorkRow } from "../state/job-rows.ts";
import type { Removals } from "../state/removal-rows.ts";
import { addWork } from "./add-work.ts";
import { readFile } from "./chunk-files.ts";
import type { WorkFile } from "./plan-chunks.ts";

/** Called before the row of the work is deleted; doing it twice is doing it once. */
export type SplitWork = (work: WorkRow) => Promise<void>;

/** Lists of objects to be mapped again. What else there is decides about all its objects together, or is made again. */
const DIVISIBLE: readonly WorkRow["kind"][] = ["escrows", "reevaluate"];

export function createSplitWork(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly escrows: Escrows;
  readonly removals: Pick<Removals, "keepFailure">;
  /** Attempts that a half has behind it: it failed with the whole. */
  readonly attempts: number;
}): SplitWork {
  return async (work) => {
    const { jobId, workId, kind, lane } = work;
    if (kind === "approved") return tellApproval(work);
    if (!DIVISIBLE.includes(kind)) return;
    const file = await readFile<WorkFile>(deps.blobs, work.blob);
    const guids = file?.objectGuids ?? [];
    const [only] = guids;
    if (!file || only === undefined) return;
    if (guids.length === 1) return isolate(work, only, file);
    const middle = Math.ceil(guids.length / 2);
    for (const [half, own] of [guids.slice(0, middle), guids.slice(middle)].entries())
      await addWork(deps, jobId, kind, { ...file, objectGuids: own }, `${workId}-${half}`, lane, deps.attempts);
    deps.log.warn("work-split", { jobId, workId, objects: guids.length });
  };

  /** Who approved it takes it for carried out: the set stands where it stood, and asks for another approval. */
  async function tellApproval({ jobId, blob }: WorkRow): Promise<void> {
    const { approved } = (await readFile<WorkFile>(deps.blobs, blob)) ?? {};
    if (!approved) return;
    const failure = { code: "InternalError", at: deps.clock.now(), approvedBy: approved.by } as const;
    await deps.removals.keepFailure(jobId, approved.rows, failure);
    for (const { class: of, rows, digest } of setsOf(jobId, approved.rows))
      deps.log.error("approval-failed", { jobId, class: of, count: rows.length, digest, by: approved.by });
  }

  async function isolate({ jobId, workId }: WorkRow, objectGuid: string, file: WorkFile): Promise<void> {
    const known = (await deps.escrows.getMany(jobId, [objectGuid])).get(objectGuid);
    const origin = known?.origin ?? file.origin ?? { batchId: workId, index: 0, agentId: "", server: "" };
    const failure = {
      objectGuid,
      code: "InternalError" as const,
      message: `The work on object ${objectGuid} alone fails, which should not happen; the events 'step-failed' before this say why.`,
      remedy: FAILURES.InternalError.action,
      origin,
    };
    await deps.escrows.put(jobId, workId, [failure], deps.clock.now());
    deps.log.error("object-isolated", { jobId, objectGuid, workId });
  }
}
