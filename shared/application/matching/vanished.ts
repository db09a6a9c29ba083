/**
 * An object whose target object went to another source object: whoever names it (groups, above all) has to be looked at, in
 * the job that it belongs to. Noted as work of that job, which the caller's own job may be.
 */
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Lane } from "../../ports/doorbell.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { CATALOGUE, type ConfigurationEntry } from "../jobs/configurations.ts";
import { addWork } from "../lanes/add-work.ts";
import { type ClaimOwner, objectOf } from "../state/claim-index.ts";
import { jobTable, readRow } from "../state/job-rows.ts";

export type Vanished = (owner: ClaimOwner) => Promise<void>;

export function createVanished(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly ring: (jobId: string, lane: Lane) => Promise<void>;
}): Vanished {
  return async (owner) => {
    const { configurationId, objectGuid } = objectOf(owner);
    const row = `configuration:${configurationId}`;
    const entry = await readRow<ConfigurationEntry>(jobTable(deps.rows), CATALOGUE, row);
    if (!entry || entry.value.jobId === "") return;
    const { jobId } = entry.value;
    await addWork(deps, jobId, "reevaluate", { objectGuids: [objectGuid] });
    await deps.ring(jobId, "live").catch(() => deps.log.warn("doorbell-unreachable", { jobId, lane: "live" }));
  };
}
