/**
 * The account of a batch that is set aside, from facts (`chunk-facts.ts`), summed as at its commit. Only what nobody did
 * anything for is the rest: escrowed, with a code, and a row in the log for each change. Of a chunk whose rows can't be looked at
 * the log keeps what it has.
 */
import type { ChangeBatch } from "../../contracts/change.ts";
import { withoutNames } from "../../domain/names-in-text.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Log } from "../../ports/log.ts";
import { countOf, detailOf } from "../cycles/cycle-account.ts";
import { serviceEntry } from "../log/service-entry.ts";
import { effectiveVersion } from "../schemas/covered-schema.ts";
import type { BatchRow, JobRow } from "../state/job-rows.ts";
import type { LogEntry } from "../state/log-entry.ts";
import type { ObjectLight } from "../state/object-row.ts";
import type { ObjectStore } from "../state/object-store.ts";
import type { ProvisioningLog } from "../state/provisioning-log.ts";
import { type ReadChunkFacts, withoutStopping } from "./chunk-facts.ts";
import { type OutcomeEntry, readFile } from "./chunk-files.ts";
import { cycleIdOf } from "./plan-chunks.ts";

/**
 * The batch with its account, after the log has its rows; doing it twice is doing it once. `waiting`: changes whose removals
 * wait for the end of the read; with any, the batch stays open for that. `because`: what its last attempt said.
 */
export type AccountParked = (job: JobRow, batch: BatchRow, because: string) => Promise<BatchRow>;

const CODE = "BatchSetAside";
/** Characters of a message that a row keeps. */
const MOST_SAID = 500;

export function createAccountParked(deps: {
  readonly blobs: BlobStore;
  readonly log: Log;
  readonly objects: Pick<ObjectStore, "lights">;
  readonly provisioningLog: ProvisioningLog;
  readonly readFacts: ReadChunkFacts;
}): AccountParked {
  return async (job, batch, because) => {
    const { batchId, changes } = batch;
    const { attempt, areSure } = withoutStopping(deps.log, batch, "batch");
    const { known, writes } = await deps.readFacts(batchId, attempt);
    const rest = Array.from({ length: changes }, (_, index) => index).filter((index) => !known.has(index));
    const source = await attempt(() => readFile<ChangeBatch>(deps.blobs, batch.blob));
    if (source) await logRest(job, batch, source, rest, because, areSure());
    const entries = [
      ...known.values(),
      ...rest.map((index): OutcomeEntry => ({ index, outcome: "escrowed", code: CODE })),
    ];
    return {
      ...batch,
      counts: countOf(entries.filter((entry) => !entry.isWaiting)),
      waiting: entries.filter((entry) => entry.isWaiting).length,
      detail: detailOf({ entries, writes }),
    };
  };

  async function logRest(
    job: JobRow,
    batch: BatchRow,
    source: ChangeBatch,
    rest: readonly number[],
    because: string,
    areSure: boolean,
  ): Promise<void> {
    const guids = [...new Set(rest.flatMap((index) => source.changes[index]?.objectGuid ?? []))];
    // A name that the change doesn't tell itself; the row is worth having without it.
    const lights = await deps.objects
      .lights(job.configurationId, guids, { dn: true })
      .catch(() => new Map<string, ObjectLight>());
    const entries = rest.flatMap((index) => {
      const change = source.changes[index];
      return change ? [entryOf(job, batch, source, index, change, lights.get(change.objectGuid), because)] : [];
    });
    // What a chunk may have written before says more.
    await (areSure ? deps.provisioningLog.write(entries) : deps.provisioningLog.writeMissing(entries));
  }
}

function entryOf(
  job: JobRow,
  batch: BatchRow,
  source: ChangeBatch,
  index: number,
  change: ChangeBatch["changes"][number],
  light: ObjectLight | undefined,
  because: string,
): LogEntry {
  const { jobId, batchId, readNo, agentId } = batch;
  const server = source.dsa.dnsName;
  const said = withoutNames(because).slice(0, MOST_SAID);
  return serviceEntry({
    ...{ jobId, cycleId: cycleIdOf(jobId, readNo), batchId, index, at: batch.acceptedAt },
    ...{ outcome: "escrowed", status: "failure", code: CODE, step: "EntrySynchronizationSkip" },
    message: `The batch was set aside before anything became of this change: ${said}`,
    imported: `Read by agent ${agentId} from ${server}.`,
    ...{ objectGuid: change.objectGuid, light },
    ...("dn" in change ? { own: { dn: change.dn, objectClass: change.objectClass } } : {}),
    ...{ change: `${batchId}:${index}`, agentId, server },
    schemaVersion: effectiveVersion(job, source.schemaVersion),
  });
}
