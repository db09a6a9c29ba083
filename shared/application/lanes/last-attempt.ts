/** Whether an agent's batch is tried for the last time before it is set aside: then it goes on without the object whose fault it is. */
import type { RowStore } from "../../ports/row-store.ts";
import { type BatchRow, jobTable, listRows } from "../state/job-rows.ts";
import type { SyncRunInput } from "./wake-job.ts";

/** False of the cloud's own work: that is split, or made again. */
export type IsLastAttempt = (ref: SyncRunInput & { readonly batchId: string }) => Promise<boolean>;

/** `attempts`: after so many failed ones an attempt is a batch's last. */
export function createIsLastAttempt(deps: { readonly rows: RowStore; readonly attempts: number }): IsLastAttempt {
  return async ({ jobId, lane, batchId }) => {
    const batches = await listRows<BatchRow>(jobTable(deps.rows), jobId, `batch:${lane}:`);
    const own = batches.find(({ value }) => value.batchId === batchId);
    return own !== undefined && own.value.attempts >= deps.attempts;
  };
}
