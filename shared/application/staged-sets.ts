/**
 * What the guard staged, as sets that an admin decides on: one class of removals of one cycle, and a digest of exactly
 * that. A decision names the digest, so nobody approves or drops another set than the one that he saw.
 *
 * Approved is work in the lane (`plan-chunks.ts`): each object is mapped anew and loses only that class, if its evidence
 * still stands; none of it counts for the guard. The rows stay until that work is over, so whoever shows himself again in
 * between is noticed. Of memberships a set names groups, and its digest each of their edges.
 */
import type { StagedDecisionReply, StagedSetReply } from "../contracts/admin/staged.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { Lane } from "../ports/doorbell.ts";
import type { Log } from "../ports/log.ts";
import type { RowStore } from "../ports/row-store.ts";
import { addWork } from "./add-work.ts";
import { noSuchJob } from "./configurations.ts";
import type { EmptyJob } from "./empty-job.ts";
import { type Failure, fail, ok, type Result } from "./failure.ts";
import { forgetStagedMembers } from "./staged-members.ts";
import { otherSet, STAGED_LANE, type StagedSet, setsOf, stagedWorkId } from "./staged-set.ts";
import { jobTable, ROW } from "./state/job-rows.ts";
import type { Removals, StagedClass, StagedRow } from "./state/removal-rows.ts";

const SAMPLE = 10;

export interface StagedSets {
  /** By class and cycle; `members`: with all objects, not a sample alone. Failures: 404. */
  list(jobId: string, options: { readonly members: boolean }): Promise<Result<StagedSetReply[]>>;
  /** Has that set carried out; again: the same. Failures: 404, 409 (another set by now), 422 (memberships of an older version). */
  approve(jobId: string, of: StagedClass, digest: string, by: string): Promise<Result<StagedDecisionReply>>;
  /** Forgets that set until evidence comes anew. Failures: 404, 409 (another set by now, approved), 422 as above. */
  drop(jobId: string, of: StagedClass, digest: string, by: string): Promise<Result<StagedDecisionReply>>;
}

export function createStagedSets(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly removals: Removals;
  readonly emptyJob: Pick<EmptyJob, "refusalToApprove" | "callOff">;
  readonly ring: (jobId: string, lane: Lane) => Promise<void>;
}): StagedSets {
  const jobs = jobTable(deps.rows);
  const isApproved = async (jobId: string, { digest }: StagedSet) =>
    (await jobs.get(jobId, ROW.work(STAGED_LANE, stagedWorkId(jobId, digest)))) !== undefined;

  async function find(jobId: string, of: StagedClass, digest: string): Promise<Result<StagedSet>> {
    if (!(await jobs.get(jobId, ROW.job))) return noSuchJob(jobId);
    const sets = setsOf(jobId, await deps.removals.staged(jobId)).filter((own) => own.class === of);
    const found = sets.find((own) => own.digest === digest.toLowerCase());
    // Of before their edges were kept: nobody can say what was approved.
    if (found && of === "memberships" && found.rows.some((row) => !row.members)) return fail(undecidable());
    return found ? ok(found) : fail(otherSet(of, digest, sets));
  }

  return {
    async list(jobId, { members }) {
      if (!(await jobs.get(jobId, ROW.job))) return noSuchJob(jobId);
      const sets = setsOf(jobId, await deps.removals.staged(jobId));
      const approved = await Promise.all(sets.map((own) => isApproved(jobId, own)));
      return ok(sets.map((own, index) => replyOf(own, approved[index] ?? false, members)));
    },

    async approve(jobId, of, digest, by) {
      const found = await find(jobId, of, digest);
      if (!found.ok) return found;
      const { rows } = found.value;
      const refused = await deps.emptyJob.refusalToApprove(jobId, rows);
      if (refused) return fail(refused);
      const objectGuids = rows.map((row) => row.objectGuid);
      const workId = stagedWorkId(jobId, found.value.digest);
      await addWork(deps, jobId, "approved", { objectGuids, approved: { by, rows } }, workId, STAGED_LANE);
      deps.log.warn("removals-approved", { jobId, class: of, count: rows.length, digest: found.value.digest, by });
      // The tick finds what nobody rang for.
      await deps
        .ring(jobId, STAGED_LANE)
        .catch(() => deps.log.warn("doorbell-unreachable", { jobId, lane: STAGED_LANE }));
      return ok({ jobId, class: of, digest: found.value.digest, decision: "approved", objects: rows.length });
    },

    async drop(jobId, of, digest, by) {
      const found = await find(jobId, of, digest);
      if (!found.ok) return found;
      if (await isApproved(jobId, found.value)) return fail(approvedAlready(found.value));
      const { rows } = found.value;
      const decision = { jobId, class: of, digest: found.value.digest, decision: "dropped" as const };
      if (of === "deletes" && (await deps.emptyJob.callOff(jobId, by)))
        return ok({ ...decision, objects: rows.length });
      // The directory still wants those names: only a row that says so keeps them from going out with the next change.
      // So it is with what a retry would take away. Of an absence only a read tells, and of memberships the group's edges.
      const isKept = ({ absentIn }: StagedRow) => of !== "memberships" && absentIn === undefined;
      await deps.removals.keepDropped(jobId, rows.filter(isKept), by);
      await deps.removals.forget(
        jobId,
        rows.filter((row) => !isKept(row)),
      );
      for (const { objectGuid, members } of rows)
        if (members) await forgetStagedMembers(deps.blobs, jobId, objectGuid, members.digest);
      deps.log.warn("removals-dropped", { jobId, class: of, count: rows.length, digest: found.value.digest, by });
      return ok({ ...decision, objects: rows.length });
    },
  };
}

function replyOf(
  { class: of, cycleId, digest, rows }: StagedSet,
  isApproved: boolean,
  members: boolean,
): StagedSetReply {
  const guids = rows.map((row) => row.objectGuid);
  return {
    class: of,
    cycleId,
    count: rows.length,
    ...(of === "memberships" ? { memberships: rows.reduce((sum, row) => sum + (row.members?.count ?? 0), 0) } : {}),
    reason: [...new Set(rows.map((row) => row.reason))].join("; "),
    digest,
    since: new Date(Math.min(...rows.map((row) => row.stagedAt))).toISOString(),
    isApproved,
    sample: guids.slice(0, SAMPLE),
    ...(members ? { members: guids } : {}),
  };
}

function approvedAlready({ class: of, digest }: StagedSet): Failure {
  return {
    status: 409,
    code: "staged-set-approved",
    message: `The ${of} of digest ${digest} were approved, and are being carried out.`,
    remedy: "Pause the job if that has to stop.",
  };
}

function undecidable(): Failure {
  return {
    status: 422,
    code: "staged-memberships",
    message: "Some of these memberships were staged by a version that did not keep which they are.",
    remedy: "The group's next change, or a full read, has them judged again; then they can be decided on.",
  };
}
