/**
 * The account of a batch that is set aside, from facts: outcome files are summed as at its commit; of a chunk that has none,
 * the rows of its objects say what it did before it failed, and what that leaves to be noted (log, removals, escrows) is noted
 * as a repetition of the chunk would. Only what nobody did anything for is the rest: escrowed, with a code, and a row in the
 * log for each change.
 *
 * Nothing here may hold up the lane for ever: a file that can't be read counts as one that isn't there, and a chunk whose
 * rows can't be looked at is part of the rest. Of such a chunk the log keeps what it has.
 */
import type { ChangeBatch } from "../contracts/change.ts";
import { FAILURES } from "../domain/failure-codes.ts";
import { withoutNames } from "../domain/names-in-text.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { FILES, type OutcomeEntry, type OutcomeFile, type PlanFile, readFile } from "./chunk-files.ts";
import { effectiveVersion } from "./covered-schema.ts";
import { countOf, detailOf } from "./cycle-account.ts";
import { entriesOf } from "./export-chunk.ts";
import type { ImageSources } from "./image-sources.ts";
import { cycleIdOf } from "./plan-chunks.ts";
import { recordResults } from "./record-results.ts";
import type { ClaimIndex } from "./state/claim-index.ts";
import type { Escrows } from "./state/escrow-rows.ts";
import type { BatchRow, JobRow } from "./state/job-rows.ts";
import type { ObjectLight } from "./state/object-row.ts";
import type { ObjectStore } from "./state/object-store.ts";
import type { LogEntry, ProvisioningLog } from "./state/provisioning-log.ts";
import type { Removals } from "./state/removal-rows.ts";
import type { ScopeNotes } from "./state/scope-notes.ts";
import { settledBefore } from "./write-outcomes.ts";

/**
 * The batch with its account, after the log has its rows; doing it twice is doing it once. `waiting`: changes whose removals
 * wait for the end of the read; with any, the batch stays open for that. `because`: what its last attempt said.
 */
export type AccountParked = (job: JobRow, batch: BatchRow, because: string) => Promise<BatchRow>;

const CODE = "BatchSetAside";
const NO_TIME = { mappingMs: 0, exportMs: 0 };
/** Characters of a message that a row keeps. */
const MOST_SAID = 500;

export function createAccountParked(deps: {
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
}): AccountParked {
  return async (job, batch, because) => {
    const { batchId, changes } = batch;
    let areSure = true;
    /** What can't be had any more must not stop the lane: told, and done without. */
    const attempt = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
      try {
        return await work();
      } catch (error) {
        areSure = false;
        const message = error instanceof Error ? error.message : String(error);
        deps.log.error("step-failed", { jobId: batch.jobId, lane: batch.lane, step: "batch", message });
        return undefined;
      }
    };
    const known = new Map<number, OutcomeEntry>();
    let writes = 0;
    for (const chunk of await chunksOf(batchId)) {
      const file = await attempt(() => readFile<OutcomeFile>(deps.blobs, FILES.outcome(batchId, chunk)));
      writes += file?.writes ?? 0;
      for (const entry of file?.entries ?? []) known.set(entry.index, entry);
      for (const entry of (await attempt(() => settledIn(batchId, chunk, known))) ?? []) known.set(entry.index, entry);
    }
    const rest = Array.from({ length: changes }, (_, index) => index).filter((index) => !known.has(index));
    const source = await attempt(() => readFile<ChangeBatch>(deps.blobs, batch.blob));
    if (source) await logRest(job, batch, source, rest, because, areSure);
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
  const message = `The batch was set aside before anything became of this change: ${said}`;
  const own = "dn" in change ? { dn: change.dn, objectClass: change.objectClass } : undefined;
  return {
    jobId,
    cycleId: cycleIdOf(jobId, readNo),
    batchId,
    index,
    at: batch.acceptedAt,
    action: "other",
    outcome: "escrowed",
    status: "failure",
    code: CODE,
    message,
    remedy: FAILURES[CODE].action,
    source: {
      objectGuid: change.objectGuid,
      dn: own?.dn ?? light?.dn ?? "",
      objectClass: own?.objectClass ?? light?.objectClass ?? "",
    },
    ...(light?.targetId === undefined ? {} : { targetId: light.targetId }),
    before: {},
    after: {},
    steps: [
      {
        name: "EntryImport",
        type: "import",
        status: "success",
        description: `Read by agent ${agentId} from ${server}.`,
      },
      { name: "EntrySynchronizationSkip", type: "processing", status: "failure", description: message },
    ],
    change: `${batchId}:${index}`,
    agentId,
    server,
    schemaVersion: effectiveVersion(job, source.schemaVersion),
  };
}
