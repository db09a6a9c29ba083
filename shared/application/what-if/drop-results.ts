/**
 * Results of what-ifs and reconciles, rows and blobs, are kept as long as the provisioning log: older ones go, once they are
 * over. What an approval names, may name or is being carried out by stays, however old (`droppableWhatIfs`).
 *
 * Blobs go before their row: a drop that is interrupted between them is finished by the next one.
 */
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { jobTable } from "../state/job-rows.ts";
import { logKeptSince } from "../state/provisioning-log.ts";
import { isOver, listReconciles, reconcileFiles } from "../state/reconcile-rows.ts";
import { droppableWhatIfs, dropWhatIf, listWhatIfs } from "../state/what-if-rows.ts";

export type DropResults = (jobId: string) => Promise<void>;

export function createDropResults(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly logMonths: number;
}): DropResults {
  const { rows, blobs, clock, log } = deps;
  const jobs = jobTable(rows);
  return async (jobId) => {
    const before = logKeptSince(clock.now(), deps.logMonths);
    const whatIfs = droppableWhatIfs(await listWhatIfs(jobs, jobId)).filter(
      ({ value }) => (value.endedAt ?? value.at) < before,
    );
    for (const own of whatIfs) await dropWhatIf(jobs, blobs, own);
    const reconciles = (await listReconciles(rows, jobId)).filter(
      ({ value }) => isOver(value) && (value.endedAt ?? value.askedAt) < before,
    );
    for (const { value, row, etag } of reconciles) {
      await reconcileFiles(blobs, value).drop("");
      await jobs.transact(jobId, [{ op: "delete", row, etag }]);
    }
    if (whatIfs.length + reconciles.length > 0)
      log.info("results-dropped", { jobId, whatIfs: whatIfs.length, reconciles: reconciles.length });
  };
}
