/**
 * Accounts whose time is over: nothing changed at the source, so the tick has those objects mapped again. The earliest first, so
 * many at once, and no more while other work of the lane waits: after a long absence the rest follows tick by tick. What it takes
 * away is judged by the guard like any disable.
 */
import { createHash } from "node:crypto";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { RowStore } from "../../ports/row-store.ts";
import type { Expiries } from "../state/expiry-rows.ts";
import { jobTable, listRows, type WorkRow } from "../state/job-rows.ts";
import { addWork } from "./add-work.ts";

/** How many became work. */
export async function lookAtExpired(
  deps: {
    readonly rows: RowStore;
    readonly blobs: BlobStore;
    readonly clock: Clock;
    readonly expiries: Expiries;
    readonly atOnce: number;
  },
  jobId: string,
): Promise<number> {
  const open = await listRows<WorkRow>(jobTable(deps.rows), jobId, "work:live:", 1);
  if (open.length > 0) return 0;
  const due = await deps.expiries.due(jobId, deps.clock.now(), deps.atOnce);
  if (due.length === 0) return 0;
  const objectGuids = [...new Set(due.map((expiry) => expiry.objectGuid))];
  // Named by what is due: who dies before the rows are gone adds the same work, not another.
  const digest = createHash("sha256").update(JSON.stringify(due)).digest("hex").slice(0, 32);
  await addWork(deps, jobId, "escrows", { objectGuids }, `${jobId}-expired-${digest}`);
  await deps.expiries.remove(jobId, due);
  return objectGuids.length;
}
