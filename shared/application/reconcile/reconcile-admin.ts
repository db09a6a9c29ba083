/**
 * Reconciles as admins see them: asked for, one at a time for each job; listed; shown with what they found, page by page. A
 * new one drops the oldest beyond those that are kept.
 */
import type { ReconcileFindingReply, ReconcileReply } from "../../contracts/admin/reconciles.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Lane } from "../../ports/doorbell.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { type Failure, fail, ok, type Result } from "../failure.ts";
import { noSuchJob } from "../jobs/configurations.ts";
import { jobTable, pack, ROW, type WorkRow } from "../state/job-rows.ts";
import {
  type Finding,
  isOver,
  KEPT_RECONCILES,
  listReconciles,
  newReconcile,
  RECONCILE,
  type ReconcilePolicy,
  type ReconcileRow,
  readReconcile,
  reconcileFiles,
} from "../state/reconcile-rows.ts";

const LANE: Lane = "bulk";

export interface FindingsPage {
  readonly value: readonly ReconcileFindingReply[];
  /** Where the next page begins; absent: this was the last one. */
  readonly next?: string;
}

export interface ReconcileAdmin {
  /** Failures: 404, 409 (one is under way). */
  ask(jobId: string, policy: ReconcilePolicy, by: string): Promise<Result<ReconcileReply>>;
  /** Newest first. Failures: 404. */
  list(jobId: string): Promise<Result<ReconcileReply[]>>;
  /** Failures: 404. */
  show(jobId: string, id: string): Promise<Result<ReconcileReply>>;
  /** From the start or from the `next` of a page. Failures: 400, 404. */
  findings(jobId: string, id: string, from: string | null, top: number): Promise<Result<FindingsPage>>;
}

export function createReconcileAdmin(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly ring: (jobId: string, lane: Lane) => Promise<void>;
}): ReconcileAdmin {
  const { rows, blobs, clock, log } = deps;
  const jobs = jobTable(rows);

  async function find(jobId: string, id: string): Promise<Result<ReconcileRow>> {
    if (!(await jobs.get(jobId, ROW.job))) return noSuchJob(jobId);
    const found = await readReconcile(rows, jobId, id);
    return found ? ok(found.value) : fail(noSuchReconcile(jobId, id));
  }

  async function dropOld(jobId: string): Promise<void> {
    const over = (await listReconciles(rows, jobId)).filter(({ value }) => isOver(value));
    for (const { value, row } of over.slice(0, Math.max(0, over.length - KEPT_RECONCILES))) {
      await reconcileFiles(blobs, value).drop("");
      await jobs.transact(jobId, [{ op: "delete", row }]);
    }
  }

  return {
    async ask(jobId, policy, by) {
      if (!(await jobs.get(jobId, ROW.job))) return noSuchJob(jobId);
      const open = (await listReconciles(rows, jobId)).find(({ value }) => !isOver(value));
      if (open) return fail(underWay(open.value));
      await dropOld(jobId);
      const row = newReconcile(jobId, policy, by, clock);
      const work: WorkRow = {
        workId: row.workId,
        jobId,
        lane: LANE,
        kind: "reconcile",
        blob: "",
        objects: 0,
        createdAt: clock.now(),
        attempts: 0,
      };
      await jobs.transact(jobId, [
        { op: "insert", row: RECONCILE.row(row.id), values: pack(row) },
        { op: "insert", row: ROW.work(LANE, row.workId), values: pack(work) },
        { op: "upsert", row: ROW.inbox(LANE), values: { n: clock.now() } },
      ]);
      log.warn("reconcile-asked", { jobId, reconcileId: row.id, policy, by });
      await deps.ring(jobId, LANE).catch(() => log.warn("doorbell-unreachable", { jobId, lane: LANE }));
      return ok(replyOf(row));
    },

    async list(jobId) {
      if (!(await jobs.get(jobId, ROW.job))) return noSuchJob(jobId);
      return ok((await listReconciles(rows, jobId)).map(({ value }) => replyOf(value)).reverse());
    },

    async show(jobId, id) {
      const found = await find(jobId, id);
      return found.ok ? ok(replyOf(found.value)) : found;
    },

    async findings(jobId, id, from, top) {
      const found = await find(jobId, id);
      if (!found.ok) return found;
      const at = /^(\d{1,9})-(\d{1,9})$/.exec(from ?? "0-0");
      if (!at) return fail(noSuchPage(from ?? ""));
      const files = reconcileFiles(blobs, found.value);
      const value: Finding[] = [];
      let [file, offset] = [Number(at[1]), Number(at[2])];
      while (file < found.value.findings && value.length < top) {
        const own = (await files.get<readonly Finding[]>(`findings-${file}`)) ?? [];
        const part = own.slice(offset, offset + top - value.length);
        value.push(...part);
        offset += part.length;
        if (offset >= own.length) [file, offset] = [file + 1, 0];
      }
      return ok({ value, ...(file < found.value.findings ? { next: `${file}-${offset}` } : {}) });
    },
  };
}

function replyOf(row: ReconcileRow): ReconcileReply {
  const { id, jobId, policy, by, state, message, counts } = row;
  const moment = (at: number | null) => (at === null ? null : new Date(at).toISOString());
  return {
    id,
    jobId,
    policy,
    by,
    state,
    message,
    askedAt: new Date(row.askedAt).toISOString(),
    startedAt: moment(row.startedAt),
    endedAt: moment(row.endedAt),
    counts,
  };
}

function noSuchReconcile(jobId: string, id: string): Failure {
  return {
    status: 404,
    code: "reconcile-not-found",
    message: `Job ${jobId} has no reconcile ${id}.`,
    remedy: `'uplink reconcile list' names them; the last ${KEPT_RECONCILES} are kept, as long as the log.`,
  };
}

function underWay({ jobId, id, state }: ReconcileRow): Failure {
  return {
    status: 409,
    code: "reconcile-under-way",
    message: `Reconcile ${id} of job ${jobId} is under way (${state}).`,
    remedy: "Wait for it: 'uplink reconcile show' tells how far it is.",
  };
}

function noSuchPage(from: string): Failure {
  return {
    status: 400,
    code: "reconcile-page",
    message: `'${from.slice(0, 40)}' is no place among the findings of a reconcile.`,
    remedy: "Begin without $skiptoken, and go on by @odata.nextLink.",
  };
}
