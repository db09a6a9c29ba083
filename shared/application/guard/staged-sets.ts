/**
 * What the guard staged, as sets that an admin decides on: one class of removals of one cycle, and a digest of exactly
 * that. A decision names the digest, so nobody approves or drops another set than the one that he saw.
 *
 * Approved is work in the lane (`plan-chunks.ts`): each object is mapped anew and loses only that class, if its evidence
 * still stands; none of it counts for the guard. The rows stay until that work is over, so whoever shows himself again in
 * between is noticed. Of memberships a set names groups, and its digest each of their edges.
 *
 * Of two who decide at the same moment one wins (`decision-rows.ts`): an approval is written in one transaction with the row of
 * decisions, a drop stands there until its last row is dropped, and both look at what is staged after they read it.
 */
import { randomUUID } from "node:crypto";
import type { StagedDecisionReply, StagedSetReply } from "../../contracts/admin/staged.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Lane } from "../../ports/doorbell.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { type Failure, fail, ok, type Result } from "../failure.ts";
import { noSuchJob } from "../jobs/configurations.ts";
import type { EmptyJob } from "../jobs/empty-job.ts";
import { workOperations } from "../lanes/add-work.ts";
import { readFile } from "../lanes/chunk-files.ts";
import type { WorkFile } from "../lanes/plan-chunks.ts";
import { forgetStagedMembers } from "../members/staged-members.ts";
import { type Dropping, decisionOperation, readDecisions } from "../state/decision-rows.ts";
import { jobTable, listRows, ROW, type WorkRow } from "../state/job-rows.ts";
import type { Removals, StagedClass, StagedRow } from "../state/removal-rows.ts";
import { otherSet, STAGED_LANE, type StagedSet, setsOf, stagedWorkId } from "./staged-set.ts";

const SAMPLE = 10;
/** A drop that hasn't ended by then was interrupted: longer than a function may run. */
const DROP_MS = 600_000;

export interface StagedSets {
  /** By class and cycle; `members`: with all objects, not a sample alone. Failures: 404. */
  list(jobId: string, options: { readonly members: boolean }): Promise<Result<StagedSetReply[]>>;
  /** Has that set carried out; again: the same. Failures: 404, 409 (another set by now, being dropped), 422 (memberships of an older version). */
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
  /** What is being carried out, of those sets too that have become others since. */
  async function approvedRows(jobId: string): Promise<ReadonlySet<string>> {
    const works = (await listRows<WorkRow>(jobs, jobId, `work:${STAGED_LANE}:`)).filter(
      ({ value }) => value.kind === "approved",
    );
    const files = await Promise.all(works.map(({ value }) => readFile<WorkFile>(deps.blobs, value.blob)));
    return new Set(files.flatMap((file) => file?.approved?.rows ?? []).map(keyOf));
  }

  const isUnderWay = ({ at }: Dropping) => deps.clock.now() - at < DROP_MS;

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
      const approved = await approvedRows(jobId);
      return ok(
        sets.map((own) =>
          replyOf(
            own,
            own.rows.every((row) => approved.has(keyOf(row))),
            members,
          ),
        ),
      );
    },

    async approve(jobId, of, digest, by) {
      for (;;) {
        const decisions = await readDecisions(jobs, jobId);
        const found = await find(jobId, of, digest);
        if (!found.ok) return found;
        const { rows } = found.value;
        const dropping = decisions.drops.find((own) => isOf(own, found.value) && isUnderWay(own));
        if (dropping) return fail(beingDropped(found.value, dropping));
        const refused = await deps.emptyJob.refusalToApprove(jobId, rows);
        if (refused) return fail(refused);
        const workId = stagedWorkId(jobId, found.value.digest);
        const file: WorkFile = { objectGuids: rows.map((row) => row.objectGuid), approved: { by, rows } };
        const written = await jobs.transact(jobId, [
          ...(await workOperations(deps, jobId, "approved", file, workId, STAGED_LANE)),
          decisionOperation(
            decisions,
            decisions.drops.filter((own) => !isOf(own, found.value)),
          ),
        ]);
        if (!written.ok && !(await jobs.get(jobId, ROW.work(STAGED_LANE, workId)))) continue;
        deps.log.warn("removals-approved", { jobId, class: of, count: rows.length, digest: found.value.digest, by });
        // The tick finds what nobody rang for.
        await deps
          .ring(jobId, STAGED_LANE)
          .catch(() => deps.log.warn("doorbell-unreachable", { jobId, lane: STAGED_LANE }));
        return ok({ jobId, class: of, digest: found.value.digest, decision: "approved", objects: rows.length });
      }
    },

    async drop(jobId, of, digest, by) {
      const begun = await beginDrop(jobId, of, digest, by);
      if (!begun.ok) return begun;
      const { set, id } = begun.value;
      const isCalledOff = of === "deletes" && (await deps.emptyJob.callOff(jobId, by));
      if (!isCalledOff) await dropRows(jobId, set, by);
      if (!(await endDrop(jobId, id))) return fail(approvedAlready(set));
      if (!isCalledOff)
        deps.log.warn("removals-dropped", { jobId, class: of, count: set.rows.length, digest: set.digest, by });
      return ok({ jobId, class: of, digest: set.digest, decision: "dropped", objects: set.rows.length });
    },
  };

  /** From here on nobody can approve it. */
  async function beginDrop(jobId: string, of: StagedClass, digest: string, by: string) {
    for (;;) {
      const decisions = await readDecisions(jobs, jobId);
      // Before the set is looked for: what was carried out meanwhile is staged no more.
      const approved = await approvedRows(jobId);
      const found = await find(jobId, of, digest);
      if (!found.ok) return found;
      const { cycleId, rows } = found.value;
      if (rows.some((row) => approved.has(keyOf(row)))) return fail(approvedAlready(found.value));
      const own: Dropping = { id: randomUUID(), class: of, cycleId, by, at: deps.clock.now() };
      const drops = [...decisions.drops.filter(isUnderWay), own];
      const written = await jobs.transact(jobId, [decisionOperation(decisions, drops)]);
      if (written.ok) return ok({ set: found.value, id: own.id });
    }
  }

  async function dropRows(jobId: string, { class: of, rows }: StagedSet, by: string): Promise<void> {
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
  }

  /** False: it took so long that somebody approved what it had left. */
  async function endDrop(jobId: string, id: string): Promise<boolean> {
    for (;;) {
      const decisions = await readDecisions(jobs, jobId);
      const others = decisions.drops.filter((own) => own.id !== id);
      if (others.length === decisions.drops.length) return false;
      if ((await jobs.transact(jobId, [decisionOperation(decisions, others)])).ok) return true;
    }
  }
}

function keyOf({ class: of, objectGuid, cycleId }: StagedRow): string {
  return `${of} ${objectGuid} ${cycleId}`;
}

/** Whatever of the set is left by then. */
function isOf(drop: Dropping, { class: of, cycleId }: StagedSet): boolean {
  return drop.class === of && drop.cycleId === cycleId;
}

function replyOf(
  { class: of, cycleId, digest, rows }: StagedSet,
  isApproved: boolean,
  members: boolean,
): StagedSetReply {
  const guids = rows.map((row) => row.objectGuid);
  const failures = rows.flatMap(({ lastFailure }) => lastFailure ?? []).sort((left, right) => right.at - left.at);
  const [last] = isApproved ? [] : failures;
  return {
    class: of,
    cycleId,
    count: rows.length,
    ...(of === "memberships" ? { memberships: rows.reduce((sum, row) => sum + (row.members?.count ?? 0), 0) } : {}),
    reason: [...new Set(rows.map((row) => row.reason))].join("; "),
    digest,
    since: new Date(Math.min(...rows.map((row) => row.stagedAt))).toISOString(),
    isApproved,
    ...(last ? { lastFailure: { ...last, at: new Date(last.at).toISOString() } } : {}),
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

function beingDropped({ class: of, digest }: StagedSet, { by }: Dropping): Failure {
  return {
    status: 409,
    code: "staged-set-changed",
    message: `The ${of} of digest ${digest} are being dropped by ${by}.`,
    remedy:
      "Look at what is staged in a moment ('uplink staged list'); a drop that was interrupted stands in the way for ten minutes, or until it is asked for again.",
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
