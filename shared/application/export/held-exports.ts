/**
 * A job whose exports are held: everything else happens. Batches are accepted, folded, scoped, matched and mapped; what
 * would be sent is *staged* (`ExportsHeld`), and nothing is written to the target. Two things hold them: the job's mode
 * `staging`, and a first export that nobody approved yet; each is ended by its own word, and both have to be.
 *
 * Released, every object that has an image is mapped anew, as work that begins with the very transaction that releases:
 * what was held is nowhere listed, it follows from images and links. Pausing and quarantine stop more, and go before.
 * What rows that were put back hold is ended by a full read alone (`rebuilt-hold.ts`).
 */
import { randomUUID } from "node:crypto";
import type { JobModeReply, ReevaluateReply } from "../../contracts/admin/jobs.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Lane } from "../../ports/doorbell.ts";
import type { Log } from "../../ports/log.ts";
import type { RowOperation, RowStore } from "../../ports/row-store.ts";
import { exportsHeldReply } from "../admin/admin-queries.ts";
import { type Failure, fail, ok, type Result } from "../failure.ts";
import { noSuchJob } from "../jobs/configurations.ts";
import { workOperations } from "../lanes/add-work.ts";
import { heldBecause, type JobRow, jobTable, pack, ROW, readRow } from "../state/job-rows.ts";

export type JobMode = JobModeReply["mode"];

export interface HeldExports {
  /**
   * The first export was approved, unless `refusalOf` says of the very job that would be released why not. What `staging`
   * holds stays held. Failures: 404, and that.
   */
  releaseExports(
    jobId: string,
    by: string,
    refusalOf?: (job: JobRow) => Failure | undefined,
  ): Promise<Result<JobModeReply>>;
  /** `normal`: what waits for the approval of a first export goes on waiting. Failures: 404. */
  setMode(jobId: string, mode: JobMode, by: string): Promise<Result<JobModeReply>>;
  /** Every object that has an image is mapped anew, without a read. Failures: 404. */
  reevaluate(jobId: string, by: string): Promise<Result<ReevaluateReply>>;
}

/** Every object is worked where full reads are: deltas overtake it. */
const LANE: Lane = "bulk";

export function createHeldExports(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly ring: (jobId: string, lane: Lane) => Promise<void>;
}): HeldExports {
  const jobs = jobTable(deps.rows);
  // The tick finds what nobody rang for.
  const ring = (jobId: string) =>
    deps.ring(jobId, LANE).catch(() => deps.log.warn("doorbell-unreachable", { jobId, lane: LANE }));
  const allOf = (jobId: string, workId: string): Promise<RowOperation[]> =>
    workOperations(deps, jobId, "all", { objectGuids: [] }, workId, LANE);

  async function change(
    jobId: string,
    by: string,
    to: (job: JobRow) => JobRow,
    refusalOf: (job: JobRow) => Failure | undefined = () => undefined,
  ): Promise<Result<JobModeReply>> {
    for (;;) {
      const stored = await readRow<JobRow>(jobs, jobId, ROW.job);
      if (!stored) return noSuchJob(jobId);
      const refused = refusalOf(stored.value);
      if (refused) return fail(refused);
      const before = heldBecause(stored.value);
      const next = to(stored.value);
      const exportsHeld = heldBecause(next);
      const released = before !== null && exportsHeld === null;
      const operations: RowOperation[] = [
        {
          op: "replace",
          row: ROW.job,
          values: pack(released ? { ...next, exportsReleasedAt: deps.clock.now() } : next),
          etag: stored.etag,
        },
        ...(released ? await allOf(jobId, `${jobId}-work-all-${randomUUID()}`) : []),
      ];
      if (!(await jobs.transact(jobId, operations)).ok) continue;
      if (released) deps.log.warn("exports-released", { jobId, because: before.because, by });
      if (before?.because !== exportsHeld?.because && exportsHeld)
        deps.log.warn("exports-held", { jobId, because: exportsHeld.because, by });
      if (released) await ring(jobId);
      return ok({
        jobId,
        mode: next.settings.mode ?? "normal",
        exportsHeld: exportsHeldReply(exportsHeld),
        released,
      });
    }
  }

  return {
    releaseExports: (jobId, by, refusalOf) =>
      change(
        jobId,
        by,
        (job) => {
          if (job.exportsHeld?.because !== "first-export") return job;
          const isStaging = job.settings.mode === "staging";
          return { ...job, exportsHeld: isStaging ? { because: "staging", at: deps.clock.now(), by } : null };
        },
        refusalOf,
      ),
    setMode: (jobId, mode, by) =>
      change(jobId, by, (job) => {
        const next: JobRow = { ...job, settings: { ...job.settings, mode } };
        const held = heldBecause(job);
        if (held?.because === "first-export") return next;
        if (mode === "normal") return { ...next, exportsHeld: null };
        return job.exportsHeld ? next : { ...next, exportsHeld: { because: "staging", at: deps.clock.now(), by } };
      }),
    async reevaluate(jobId, by) {
      if (!(await jobs.get(jobId, ROW.job))) return noSuchJob(jobId);
      const workId = `${jobId}-work-all-${randomUUID()}`;
      await jobs.transact(jobId, await allOf(jobId, workId));
      deps.log.info("reevaluation-asked", { jobId, workId, by });
      await ring(jobId);
      return ok({ jobId, workId });
    },
  };
}
