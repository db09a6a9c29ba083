/**
 * Closing batches and cycles: accounts from facts (outcome files, never increments), and the committed watermark.
 *
 * A batch whose every change has its outcome is closed at once; one with removals stays open until its read's end gave
 * each of them an outcome. Received = exported + no-op + filtered + staged + escrowed holds for every batch, or nothing
 * is committed (N7). The committed watermark has no open batch before it, in either lane (N2).
 */
import type { RemovalCounts } from "../../domain/guard.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { RowOperation, RowStore } from "../../ports/row-store.ts";
import type { ReleaseRebuilt } from "../export/rebuilt-hold.ts";
import type { RecentRemovals } from "../guard/recent-removals.ts";
import type { LogStaged } from "../guard/staged-log.ts";
import { undoneIn } from "../guard/undone-removals.ts";
import { readVerdict } from "../guard/verdict.ts";
import { FILES, type OutcomeFile, readNeeded } from "../lanes/chunk-files.ts";
import { cycleIdOf, type WorkFile } from "../lanes/plan-chunks.ts";
import type { Quarantines } from "../lanes/quarantines.ts";
import type { Fence, SyncRunInput } from "../lanes/wake-job.ts";
import type { WaitingClaims } from "../matching/waiting-claims.ts";
import type { LinkAccounts } from "../members/link-account.ts";
import type { AskedWorks } from "../on-demand/asked-work.ts";
import { createMoveWatermark } from "../reading/committed-watermark.ts";
import { effectiveVersion } from "../schemas/covered-schema.ts";
import type { ScopeWork } from "../scope/scope-work.ts";
import {
  addOutcomes,
  type BatchRow,
  type CycleRow,
  type JobRow,
  jobTable,
  listRows,
  mappedVersionOf,
  NO_OUTCOMES,
  type OutcomeCounts,
  pack,
  type ReadRow,
  ROW,
  readRow,
  totalOf,
  type WorkRow,
} from "../state/job-rows.ts";
import type { Removals } from "../state/removal-rows.ts";
import { transactionChunks } from "../transaction-chunks.ts";
import type { AccountAbandoned } from "./abandoned-end.ts";
import { dayOperation, demand, faultOfBatch, faultOfCycle, faultOfDay } from "./accounts.ts";
import { countOf, cycleRow, detailOf, type FinalOutcomes, finalOutcomes, withLinks } from "./cycle-account.ts";
import type { ReleasedMeanwhile } from "./released-meanwhile.ts";

export interface Commit {
  batch(
    run: SyncRunInput,
    readNo: number,
    sequence: number,
    chunks: number,
  ): Promise<{ readonly closed: boolean; readonly counts: OutcomeCounts }>;
  /** After the read's end was carried out: closes its batches, writes the cycle, moves the watermark. */
  cycle(run: SyncRunInput, readNo: number): Promise<CycleRow>;
  /** Gives up an end of a read that can't be carried out: what it did not come to counts as escrowed, nothing more is removed. */
  abandonCycle(run: SyncRunInput, readNo: number, because: string): Promise<void>;
  work(run: SyncRunInput, workId: string): Promise<void>;
}

export function createCommit(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly fence: Fence;
  readonly clock: Clock;
  readonly log: Log;
  readonly removals: Removals;
  readonly recent: RecentRemovals;
  readonly linkAccounts: LinkAccounts;
  readonly waiting: WaitingClaims;
  readonly scopeWork: ScopeWork;
  readonly askedWork: Pick<AskedWorks, "finish">;
  readonly logStaged: LogStaged;
  readonly accountAbandoned: AccountAbandoned;
  readonly quarantines: Pick<Quarantines, "afterCycle" | "causeOf" | "under" | "tell">;
  readonly releasedMeanwhile: ReleasedMeanwhile;
  readonly releaseRebuilt: ReleaseRebuilt;
}): Commit {
  const jobs = jobTable(deps.rows);
  const moveWatermark = createMoveWatermark(deps);

  async function outcomesOf(batchId: string, chunks: number): Promise<OutcomeFile> {
    const files = await Promise.all(
      Array.from({ length: chunks }, (_, chunk) => readNeeded<OutcomeFile>(deps.blobs, FILES.outcome(batchId, chunk))),
    );
    return {
      entries: files.flatMap((file) => file.entries),
      writes: files.reduce((sum, file) => sum + file.writes, 0),
    };
  }

  /** The operations that close a batch, with its final account. */
  function closing(batch: BatchRow, etag: string): RowOperation[] {
    demand(deps.log, batch.jobId, faultOfBatch(batch));
    return [
      { op: "delete", row: ROW.batch(batch.lane, batch.readNo, batch.sequence), etag },
      { op: "upsert", row: ROW.done(batch.readNo, batch.sequence), values: pack(batch) },
    ];
  }

  return {
    async batch(run, readNo, sequence, chunks) {
      await deps.fence.check(run);
      const stored = await readRow<BatchRow>(jobs, run.jobId, ROW.batch(run.lane, readNo, sequence));
      if (!stored) {
        const done = await readRow<BatchRow>(jobs, run.jobId, ROW.done(readNo, sequence));
        if (!done?.value.counts)
          throw new Error(`Batch ${readNo}/${sequence} of job ${run.jobId} is neither open nor closed.`);
        // Closed by an attempt that may have ended right after.
        await moveWatermark(run.jobId);
        return { closed: true, counts: done.value.counts };
      }
      const file = await outcomesOf(stored.value.batchId, chunks);
      const counts = countOf(file.entries.filter((entry) => !entry.isWaiting));
      const waiting = file.entries.filter((entry) => entry.isWaiting).length;
      const batch: BatchRow = { ...stored.value, state: "processed", counts, waiting, chunks, detail: detailOf(file) };
      demand(deps.log, run.jobId, faultOfBatch(batch));
      const closed = waiting === 0;
      await deps.releasedMeanwhile(run, batch.batchId, batch.acceptedAt);
      const operations: RowOperation[] = closed
        ? closing(batch, stored.etag)
        : [{ op: "replace", row: ROW.batch(run.lane, readNo, sequence), values: pack(batch), etag: stored.etag }];
      const written = await jobs.transact(run.jobId, operations);
      if (!written.ok) throw new Error(`Batch ${batch.batchId} changed while it was committed (${written.reason}).`);
      deps.log.info("batch-committed", {
        jobId: run.jobId,
        lane: run.lane,
        batchId: batch.batchId,
        received: batch.changes,
        ...counts,
        waiting,
        writes: file.writes,
        lagMs: deps.clock.now() - batch.acceptedAt,
      });
      if (closed) await moveWatermark(run.jobId, ROW.done(readNo, sequence));
      return { closed, counts };
    },

    async cycle(run, readNo) {
      await deps.fence.check(run);
      const read = await readRow<ReadRow>(jobs, run.jobId, ROW.read(readNo));
      const before = await readRow<CycleRow>(jobs, run.jobId, ROW.cycle(readNo));
      if (!read && !before) throw new Error(`Read ${readNo} of job ${run.jobId} has no end to close.`);
      const cycle = read ? await accountOf(run, read.value) : before?.value;
      if (!cycle) throw new Error(`Read ${readNo} of job ${run.jobId} has no account.`);
      if (read) {
        // Before the cycle is: whoever sees it closed sees what still follows from it, and once it is closed another run may go on, which
        // comes here no more. Said again, each does nothing.
        await deps.recent.close(run.jobId, cycle.cycleId, () => undoneIn(deps.blobs, cycle.cycleId));
        if (cycle.kind === "full" && cycle.complete) await deps.removals.dropStaged(run.jobId, cycle.startedAt);
        await deps.linkAccounts.finish(run.jobId, cycle.cycleId);
        await deps.waiting.afterCycle(run.jobId, cycle);
        await deps.scopeWork.afterCycle(run.jobId, cycle, read.value);
        await deps.releasedMeanwhile(run, cycle.cycleId, read.value.endedAt);
        await deps.releaseRebuilt(run.jobId, cycle);
        await deps.removals.clear(cycle.cycleId);
        await closeCycle(run.jobId, cycle, read.value);
        deps.log.info("cycle-closed", {
          jobId: run.jobId,
          lane: cycle.lane,
          cycleId: cycle.cycleId,
          kind: cycle.kind,
          received: cycle.received,
          ...cycle.outcomes,
          writes: cycle.detail.writes,
          ...cycle.removed,
          durationMs: cycle.closedAt - cycle.startedAt,
        });
      }
      // Also when an attempt before closed the cycle and ended right after.
      await moveWatermark(run.jobId);
      return cycle;
    },

    async abandonCycle(run, readNo, because) {
      await deps.fence.check(run);
      const read = await readRow<ReadRow>(jobs, run.jobId, ROW.read(readNo));
      if (read) await giveUp(run, read.value, because);
      // Also when an attempt before closed the cycle and ended right after.
      await deps.removals.clear(cycleIdOf(run.jobId, readNo));
      await moveWatermark(run.jobId);
    },

    async work(run, workId) {
      await deps.fence.check(run);
      // A read tells of its own with its cycle.
      const tell = ({ deletes, disables, blanks }: RemovalCounts) => {
        if (deletes + disables + blanks > 0)
          deps.log.info("removals-done", { jobId: run.jobId, workId, deletes, disables, blanks });
      };
      for (;;) {
        const job = await readRow<JobRow>(jobs, run.jobId, ROW.job);
        const work = await readRow<WorkRow>(jobs, run.jobId, ROW.work(run.lane, workId));
        if (!work || !job) break;
        await deps.waiting.afterWork(job.value, work.value);
        // After one over every object another one follows, if need be.
        if (work.value.kind !== "all") await deps.releasedMeanwhile(run, workId, work.value.createdAt);
        if (work.value.kind === "scope") await deps.scopeWork.afterWork(work.value);
        if (work.value.kind === "approved") await forgetApproved(run.jobId, work.value);
        if (work.value.kind === "provision") {
          await deps.askedWork.finish(work.value);
          await deps.scopeWork.afterAsked(run.jobId);
        }
        await deps.recent.close(run.jobId, workId, () => undoneIn(deps.blobs, workId), tell);
        await deps.removals.clear(workId);
        await deps.linkAccounts.finish(run.jobId, workId);
        const cause = await deps.quarantines.causeOf(job.value, work.value);
        const next = cause ? deps.quarantines.under(job.value, cause) : job.value;
        const written = await jobs.transact(run.jobId, [
          { op: "delete", row: ROW.work(run.lane, workId), etag: work.etag },
          ...(next === job.value ? [] : [{ op: "replace" as const, row: ROW.job, values: pack(next), etag: job.etag }]),
        ]);
        if (!written.ok) continue;
        deps.quarantines.tell(run.jobId, job.value, next);
        break;
      }
      // A repetition of what comes before would need them.
      const folders = [FILES.folder(workId), FILES.folder(`${workId}-end`), ...deps.linkAccounts.folders(workId)];
      for (const folder of folders) {
        for await (const path of deps.blobs.list(folder)) await deps.blobs.delete(path);
      }
    },
  };

  async function giveUp(run: SyncRunInput, read: ReadRow, because: string): Promise<void> {
    const { jobId } = run;
    const { final, verdict, ends, links } = await deps.accountAbandoned(run, read, because);
    await closeBatches(run, read.readNo, (batch) => withRest(outcomesIn(final, batch), batch.waiting));
    const done = await closedBatches(jobId, read.readNo);
    const given: ReadRow = { ...read, complete: false, incompleteBecause: because };
    const bare = cycleRow(run, given, done, verdict, final, ends, deps.clock.now());
    const cycle = links ? withLinks(bare, links) : bare;
    // Told, and not refused: a cycle that can't be given up would hold up its lane for ever.
    const fault = faultOfCycle(cycle, given, done.length);
    if (fault !== undefined) deps.log.error("accounts-violated", { jobId, message: fault });
    deps.log.error("cycle-abandoned", { jobId, cycleId: cycle.cycleId, because });
    // Before the cycle is, as one that was carried out.
    await deps.recent.close(jobId, cycle.cycleId);
    await closeCycle(jobId, cycle, read, true);
  }

  /** What was approved has been carried out, or its evidence stands no more. */
  async function forgetApproved(jobId: string, work: WorkRow): Promise<void> {
    const { approved } = await readNeeded<WorkFile>(deps.blobs, work.blob);
    if (approved) await deps.removals.forget(jobId, approved.rows);
  }

  async function accountOf(run: SyncRunInput, read: ReadRow): Promise<CycleRow> {
    const verdict = await readVerdict(deps.blobs, cycleIdOf(run.jobId, read.readNo));
    const ends = await outcomesOf(verdict.batchId, verdict.chunks);
    await deps.logStaged(run.jobId, cycleIdOf(run.jobId, read.readNo), verdict, read.schemaVersion ?? 1);
    const final = finalOutcomes(verdict, ends.entries);
    await closeBatches(run, read.readNo, (batch) => outcomesIn(final, batch));
    const done = await closedBatches(run.jobId, read.readNo);
    const cycle = cycleRow(run, read, done, verdict, final, ends, deps.clock.now());
    demand(deps.log, run.jobId, faultOfCycle(cycle, read, done.length));
    const links = await deps.linkAccounts.of(cycle.cycleId);
    return links ? withLinks(cycle, links) : cycle;
  }

  /** Closes what is still open of a read; `rest` says what became of the changes that waited. */
  async function closeBatches(
    run: SyncRunInput,
    readNo: number,
    rest: (batch: BatchRow) => OutcomeCounts,
  ): Promise<void> {
    const open = (await listRows<BatchRow>(jobs, run.jobId, `batch:${run.lane}:`)).filter(
      (batch) => batch.value.readNo === readNo,
    );
    const settled = open.map(({ value, etag }) => ({ value, etag, outcomes: rest(value) }));
    const operations = settled.flatMap(({ value, etag, outcomes }) =>
      closing({ ...value, waiting: 0, counts: addOutcomes(value.counts ?? NO_OUTCOMES, outcomes) }, etag),
    );
    for (const chunk of transactionChunks(operations)) {
      const written = await jobs.transact(run.jobId, chunk);
      if (!written.ok)
        throw new Error(`A batch of read ${readNo} changed while its cycle was committed (${written.reason}).`);
    }
    const { jobId, lane } = run;
    for (const { value, outcomes } of settled)
      deps.log.info("batch-settled", { jobId, lane, batchId: value.batchId, ...outcomes });
  }

  async function closedBatches(jobId: string, readNo: number): Promise<BatchRow[]> {
    const done = await listRows<BatchRow>(jobs, jobId, ROW.doneOf(readNo));
    return done.map((row) => row.value);
  }

  /** Given up, a cycle is closed also where its day doesn't add up: the day goes without it then. */
  async function closeCycle(jobId: string, cycle: CycleRow, read: ReadRow, isGivenUp = false): Promise<void> {
    for (;;) {
      const job = await readRow<JobRow>(jobs, jobId, ROW.job);
      const isWhole = job !== undefined && cycle.kind === "full" && cycle.state === "ended";
      const judged = job && deps.quarantines.afterCycle(job.value, cycle);
      const next = judged && isWhole ? afterWhole(judged, cycle, read) : judged;
      const day = await dayOperation(jobs, jobId, cycle);
      const fault = faultOfDay(day.next);
      if (!isGivenUp) demand(deps.log, jobId, fault);
      const written = await jobs.transact(jobId, [
        { op: "upsert", row: ROW.cycle(cycle.readNo), values: pack(cycle) },
        ...(fault === undefined ? [day.operation] : []),
        { op: "delete", row: ROW.read(cycle.readNo) },
        ...(job && next && next !== job.value
          ? [{ op: "replace" as const, row: ROW.job, values: pack(next), etag: job.etag }]
          : []),
      ]);
      if (written.ok && job && next) deps.quarantines.tell(jobId, job.value, next);
      if (written.ok || written.reason === "missing") return;
    }
  }
}

/** Of the changes of a batch that waited for the end of the read. */
function outcomesIn(final: FinalOutcomes, { batchId }: BatchRow): OutcomeCounts {
  return countOf(final.byChange.filter((entry) => entry.batchId === batchId));
}

/** What nobody knows of counts as escrowed; where more is known than there can be, all of it does. */
function withRest(known: OutcomeCounts, waiting: number): OutcomeCounts {
  const rest = waiting - totalOf(known);
  return rest < 0 ? { ...NO_OUTCOMES, escrowed: waiting } : { ...known, escrowed: known.escrowed + rest };
}

/** The full read has brought again what was set aside before it. */
function madeUp({ setAsideAt: _, setAsideBecause: __, ...job }: JobRow): JobRow {
  return job;
}

/** The job's row after a full read that came to its end; the very same one when nothing changes. */
function afterWhole(before: JobRow, { closedAt, readNo, startedAt }: CycleRow, { schemaVersion = 1 }: ReadRow): JobRow {
  const job = before.setAsideAt !== undefined && startedAt > before.setAsideAt ? madeUp(before) : before;
  const steady = job.steadyStateAt === null ? { ...job, steadyStateAt: closedAt } : job;
  if (effectiveVersion(job, schemaVersion) === mappedVersionOf(job)) return steady;
  const { coveredSchema: _, ...rest } = steady;
  return { ...rest, mappedSchemaVersion: schemaVersion, mappedSchemaRead: readNo };
}
