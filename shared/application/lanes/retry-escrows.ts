/**
 * Escrows tried again by hand, before their time: all of a job, or one object. It is the same work that the tick makes of
 * those that are due; an attempt before its time doesn't lengthen the next gap. Members of a group that failed are due at
 * once then, too.
 */
import type { EscrowRetryReply } from "../../contracts/admin/escrows.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Lane } from "../../ports/doorbell.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { fail, ok, type Result } from "../failure.ts";
import { noSuchJob } from "../jobs/configurations.ts";
import type { DirtyRows } from "../state/dirty-links.ts";
import type { Escrows } from "../state/escrow-rows.ts";
import { jobTable, ROW } from "../state/job-rows.ts";
import { addWork } from "./add-work.ts";

/** Without an object: all. Failures: 404 (no such job; that object is not in escrow). */
export type RetryEscrows = (
  jobId: string,
  objectGuid: string | undefined,
  by: string,
) => Promise<Result<EscrowRetryReply>>;

export function createRetryEscrows(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly escrows: Escrows;
  readonly dirty: DirtyRows;
  readonly ring: (jobId: string, lane: Lane) => Promise<void>;
  readonly escrowsAtOnce: number;
}): RetryEscrows {
  const jobs = jobTable(deps.rows);

  return async (jobId, objectGuid, by) => {
    if (!(await jobs.get(jobId, ROW.job))) return noSuchJob(jobId);
    const isMeant = (own: string) => objectGuid === undefined || own === objectGuid.toLowerCase();
    const objects = (await deps.escrows.list(jobId)).map((own) => own.objectGuid).filter(isMeant);
    const groups = await makeDue(jobId, isMeant);
    const all = new Set([...objects, ...groups]);
    if (objectGuid !== undefined && all.size === 0)
      return fail({
        status: 404,
        code: "escrow-not-found",
        message: `Object ${objectGuid} of job ${jobId} is not in escrow.`,
        remedy: "'uplink escrow list' names those that are.",
      });
    for (let at = 0; at < objects.length; at += deps.escrowsAtOnce)
      await addWork(deps, jobId, "escrows", { objectGuids: objects.slice(at, at + deps.escrowsAtOnce) });
    if (objects.length === 0 && groups.length > 0) await addWork(deps, jobId, "links", { objectGuids: [] });
    if (all.size > 0) {
      deps.log.info("escrows-retried", { jobId, objects: all.size, by });
      await deps.ring(jobId, "live").catch(() => deps.log.warn("doorbell-unreachable", { jobId, lane: "live" }));
    }
    return ok({ jobId, objects: all.size });
  };

  /** Groups whose members failed; the work that follows looks at those that are due. */
  async function makeDue(jobId: string, isMeant: (objectGuid: string) => boolean): Promise<string[]> {
    const now = deps.clock.now();
    const failing = (await deps.dirty.list(jobId)).flatMap((own) => {
      const { dirty } = own;
      if (!dirty.failure || !isMeant(dirty.referrer)) return [];
      return [{ ...own, dirty: { ...dirty, failure: { ...dirty.failure, nextAttemptAt: now } } }];
    });
    await deps.dirty.fail(jobId, failing);
    return failing.map(({ dirty }) => dirty.referrer);
  }
}
