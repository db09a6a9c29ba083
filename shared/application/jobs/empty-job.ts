/**
 * A job whose objects are to go from the target before it is deleted: it is emptied, as if nobody were in its scope any more.
 *
 * A mark on the job's row says so. From then on whatever is mapped is mapped as gone (`evaluate-object.ts`): nothing is made or
 * changed, and the guard's verdict stages every deletion, however few (`verdict.ts`). Work over every object stages all that the job
 * owns as one set; an admin approves it by its digest like any other, and that decision is the evidence (N4), with the mark, which is looked
 * at again when each deletion is carried out. Dropping a set of deletions takes the mark off: everybody is mapped anew and stays.
 * Once nothing is staged, waiting or left to go, the deletion goes on as one that keeps its objects: those that are kept are what nobody may
 * touch (excluded, of another configuration, of a class whose deletions are switched off).
 */
import { randomUUID } from "node:crypto";
import { isHeld } from "../../domain/quarantine.ts";
import { SHARDS } from "../../domain/shard.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Lane } from "../../ports/doorbell.ts";
import type { Log } from "../../ports/log.ts";
import type { RowOperation, RowStore } from "../../ports/row-store.ts";
import type { JobContext } from "../export/export-chunk.ts";
import { type Failure, fail, ok, type Result } from "../failure.ts";
import { workOperations } from "../lanes/add-work.ts";
import { decisionOperation, readDecisions } from "../state/decision-rows.ts";
import type { Escrows } from "../state/escrow-rows.ts";
import {
  heldBecause,
  type JobRow,
  jobTable,
  LANES,
  listRows,
  mappedVersionOf,
  pack,
  ROW,
  readRow,
  type Stored,
  type WorkRow,
} from "../state/job-rows.ts";
import type { ObjectStore } from "../state/object-store.ts";
import type { Removals, StagedRow } from "../state/removal-rows.ts";

/** Every object is worked where full reads are. */
const LANE: Lane = "bulk";
/** Who is left without being staged is listed again, and not sooner. */
const LIST_AGAIN_MS = 600_000;
const AT_ONCE = 200;

export interface EmptyJob {
  /** Marks the job, and has everybody listed; undefined: its row changed meanwhile. Failures: 409, for a state in which nothing is worked. */
  begin(stored: Stored<JobRow>, by: string): Promise<Result<null> | undefined>;
  /** Whether nothing is left that has to go. Has those listed who are neither staged nor waiting. */
  isEmpty(job: JobRow): Promise<boolean>;
  /** Refuses sets that were staged before the mark: they are being staged anew. */
  refusalToApprove(jobId: string, rows: readonly StagedRow[]): Promise<Failure | undefined>;
  /** Takes the mark off, and has everybody mapped anew; false: there is none. */
  callOff(jobId: string, by: string): Promise<boolean>;
}

export function createEmptyJob(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly objects: ObjectStore;
  readonly removals: Pick<Removals, "staged" | "forget">;
  readonly escrows: Pick<Escrows, "list">;
  readonly contextOf: (jobId: string) => Promise<Pick<JobContext, "mapping" | "excluded">>;
  readonly ring: (jobId: string, lane: Lane) => Promise<void>;
}): EmptyJob {
  const { clock, log } = deps;
  const jobs = jobTable(deps.rows);

  /** Another row of the job, and work over every object, in one transaction with what else there is. */
  async function write({ value, etag }: Stored<JobRow>, more: readonly RowOperation[] = []): Promise<boolean> {
    const { jobId } = value;
    const workId = `${jobId}-work-all-${randomUUID()}`;
    const work = await workOperations(deps, jobId, "all", { objectGuids: [] }, workId, LANE);
    const job: RowOperation = { op: "replace", row: ROW.job, values: pack(value), etag };
    const written = await jobs.transact(jobId, [job, ...work, ...more]);
    // The tick finds what nobody rang for.
    if (written.ok) await deps.ring(jobId, LANE).catch(() => log.warn("doorbell-unreachable", { jobId, lane: LANE }));
    return written.ok;
  }

  async function worksOf(jobId: string): Promise<WorkRow[]> {
    const works = await Promise.all(LANES.map((lane) => listRows<WorkRow>(jobs, jobId, `work:${lane}:`)));
    return works.flat().map(({ value }) => value);
  }

  const deletesOf = async (jobId: string) =>
    (await deps.removals.staged(jobId)).filter((row) => row.class === "deletes");

  /** Nothing waits or is under way in either lane: what was planned before the mark has been carried out. */
  async function isIdle(jobId: string): Promise<boolean> {
    for (const prefix of [...LANES.map((lane) => `batch:${lane}:`), "read:"])
      if ((await listRows(jobs, jobId, prefix, 1)).length > 0) return false;
    return (await worksOf(jobId)).every(({ kind }) => kind === "whatif" || kind === "reconcile");
  }

  /** Objects whose target objects have to go, by whether they wait for something that comes by itself. */
  async function left(job: JobRow): Promise<{ readonly waiting: number; readonly unlisted: number }> {
    const { jobId, configurationId } = job;
    const { mapping, excluded } = await deps.contextOf(jobId);
    const escrowed = new Set((await deps.escrows.list(jobId)).map(({ objectGuid }) => objectGuid));
    const now = clock.now();
    let [waiting, unlisted] = [0, 0];
    for (const shard of SHARDS)
      for await (const page of deps.objects.summaries(configurationId, shard)) {
        const found = page
          .filter(({ linked, marked, objectClass }) => (linked || marked) && mapping.flowsOf(objectClass)?.deletes)
          .map(({ objectGuid }) => objectGuid);
        for (let at = 0; at < found.length; at += AT_ONCE) {
          const stored = await deps.objects.getMany(configurationId, found.slice(at, at + AT_ONCE));
          for (const [objectGuid, { record }] of stored) {
            const { link, goneAt, expiresAt = 0 } = record;
            if (excluded(objectGuid) || excluded(link?.targetId)) continue;
            if (link && link.owner !== configurationId) continue;
            if (escrowed.has(objectGuid) || (goneAt !== undefined && expiresAt > now)) waiting++;
            else unlisted++;
          }
        }
      }
    return { waiting, unlisted };
  }

  async function listAgain(jobId: string): Promise<void> {
    const stored = await readRow<JobRow>(jobs, jobId, ROW.job);
    const now = clock.now();
    if (!stored?.value.emptying || now - stored.value.emptying.listedAt < LIST_AGAIN_MS) return;
    await write({ ...stored, value: { ...stored.value, emptying: { ...stored.value.emptying, listedAt: now } } });
  }

  return {
    async begin(stored, by) {
      const { value: job } = stored;
      const { jobId, configurationId } = job;
      if (job.emptying) return ok(null);
      // Nobody approves an older set between the look at what was approved and the mark.
      const decisions = await readDecisions(jobs, jobId);
      const hasApproved = (await worksOf(jobId)).some(({ kind }) => kind === "approved");
      const refused = hasApproved ? notNow(jobId, ...APPROVED) : unfit(job, clock.now());
      if (refused) return fail(refused);
      const at = clock.now();
      const marked = { ...stored, value: { ...job, emptying: { by, at, listedAt: at } } };
      if (!(await write(marked, [decisionOperation(decisions, decisions.drops)]))) return undefined;
      log.warn("job-emptying-begun", { jobId, configurationId, by });
      return ok(null);
    },

    async isEmpty(job) {
      const { jobId, emptying } = job;
      if (!emptying || !(await isIdle(jobId))) return false;
      const staged = await deletesOf(jobId);
      if (staged.length > 0) {
        if (staged.some((row) => row.stagedAt < emptying.at)) await listAgain(jobId);
        return false;
      }
      const { waiting, unlisted } = await left(job);
      if (unlisted > 0) await listAgain(jobId);
      return waiting + unlisted === 0;
    },

    async refusalToApprove(jobId, rows) {
      const job = await readRow<JobRow>(jobs, jobId, ROW.job);
      const since = job?.value.emptying?.at;
      const isOlder = (row: StagedRow) => row.class === "deletes" && since !== undefined && row.stagedAt < since;
      return rows.some(isOlder) ? stagedBefore(jobId) : undefined;
    },

    async callOff(jobId, by) {
      for (;;) {
        const stored = await readRow<JobRow>(jobs, jobId, ROW.job);
        if (!stored?.value.emptying || stored.value.deleting) return false;
        const { emptying: _, ...job } = stored.value;
        if (!(await write({ ...stored, value: job }))) continue;
        // Their evidence was the mark: who is to go for another reason is found by the work, and judged anew.
        await deps.removals.forget(jobId, await deletesOf(jobId));
        log.warn("job-emptying-called-off", { jobId, configurationId: job.configurationId, by });
        return true;
      }
    },
  };
}

const APPROVED = [
  "staged sets that were approved are being carried out",
  "Wait until they are, and ask again.",
] as const;

/** Why its objects can't be listed now. */
function unfit(job: JobRow, now: number): Failure | undefined {
  const { jobId } = job;
  if (job.state === "paused")
    return notNow(jobId, "it is paused", "Start it (uplink job start), and ask again at once.");
  if (isHeld(job.quarantine, now))
    return notNow(jobId, "it is in quarantine", "Mend what stopped it, and clear it (uplink quarantine clear).");
  const held = heldBecause(job);
  if (held)
    return notNow(
      jobId,
      `nothing is sent to the target (${held.because})`,
      held.because === "links-rebuilt"
        ? "Wait for the full read that ends this."
        : "Release its exports (uplink job mode … normal, uplink whatif approve), or let go of its objects (?objects=keep).",
    );
  if (mappedVersionOf(job) !== job.schemaVersion)
    return notNow(jobId, "its schema waits for a full read", "Wait until that has ended (uplink job show).");
  return undefined;
}

function notNow(jobId: string, because: string, remedy: string): Failure {
  return {
    status: 409,
    code: "job-objects-not-deleted",
    message: `The objects of job ${jobId} can't be listed for deletion now: ${because}.`,
    remedy,
  };
}

function stagedBefore(jobId: string): Failure {
  return {
    status: 409,
    code: "staged-set-changed",
    message: `Job ${jobId} is being deleted with its objects since this set was staged: everybody is being staged anew.`,
    remedy: "Look at what is staged in a few minutes ('uplink staged list'), and decide on that.",
  };
}
