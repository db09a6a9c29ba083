/**
 * Closing batches and cycles: accounts from facts (outcome files, never increments), and the committed watermark.
 *
 * A batch whose every change has its outcome is closed at once; one with removals stays open until its read's end gave
 * each of them an outcome. Received = exported + no-op + filtered + staged + escrowed holds for every batch, or nothing
 * is committed (N7). The committed watermark is the last one before which every batch of both lanes is closed (N2).
 */
import type { Watermark } from "../contracts/change.ts";
import { NO_REMOVALS, type RemovalCounts } from "../domain/guard.ts";
import { strongerOutcome } from "../domain/object-record.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { RowOperation, RowStore } from "../ports/row-store.ts";
import { addWork } from "./add-work.ts";
import { FILES, type OutcomeEntry, type OutcomeFile, readNeeded } from "./chunk-files.ts";
import { cycleIdOf } from "./plan-chunks.ts";
import { readVerdict } from "./read-end.ts";
import type { Escrows } from "./state/escrow-rows.ts";
import {
  addOutcomes,
  afterPrefix,
  type BatchRow,
  type CycleDetail,
  type CycleRow,
  type JobRow,
  jobTable,
  LANES,
  listRows,
  NO_OUTCOMES,
  type OutcomeCounts,
  pack,
  type ReadRow,
  type RecentRow,
  ROW,
  readRow,
  totalOf,
  unpack,
  type WorkRow,
} from "./state/job-rows.ts";
import type { Removals } from "./state/removal-rows.ts";
import { transactionChunks } from "./transaction-chunks.ts";
import type { Fence, SyncRunInput } from "./wake-job.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** Objects that wait for another one to give up a value. */
const WAITING_CODES: readonly string[] = ["AttributeValueMustBeUnique", "DuplicateSourceEntries"];
const NO_DETAIL: CycleDetail = {
  created: 0,
  updated: 0,
  deleted: 0,
  restored: 0,
  filteredBy: {},
  escrowedBy: {},
  writes: 0,
};

export interface Commit {
  batch(
    run: SyncRunInput,
    readNo: number,
    sequence: number,
    chunks: number,
  ): Promise<{ readonly closed: boolean; readonly counts: OutcomeCounts }>;
  /** After the read's end was carried out: closes its batches, writes the cycle, moves the watermark. */
  cycle(run: SyncRunInput, readNo: number): Promise<CycleRow>;
  work(run: SyncRunInput, workId: string): Promise<void>;
}

export function createCommit(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly fence: Fence;
  readonly clock: Clock;
  readonly log: Log;
  readonly removals: Removals;
  readonly escrows: Escrows;
}): Commit {
  const jobs = jobTable(deps.rows);

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
    if (batch.counts === null || totalOf(batch.counts) !== batch.changes) {
      throw new Error(
        `Batch ${batch.batchId} received ${batch.changes} changes and accounts for ${batch.counts ? totalOf(batch.counts) : 0}.`,
      );
    }
    return [
      { op: "delete", row: ROW.batch(batch.lane, batch.readNo, batch.sequence), etag },
      { op: "upsert", row: ROW.done(batch.readNo, batch.sequence), values: pack(batch) },
    ];
  }

  /** The newest watermark before which all is closed, and where to write it. */
  async function moveWatermark(jobId: string): Promise<void> {
    const open = (await Promise.all(LANES.map((lane) => listRows<BatchRow>(jobs, jobId, `batch:${lane}:`, 1)))).flat();
    const firstOpen =
      open.map((batch) => ROW.done(batch.value.readNo, batch.value.sequence)).sort()[0] ?? afterPrefix("done:");
    const committed = await readRow<CommittedWatermark>(jobs, jobId, ROW.watermark);
    let newest: BatchRow | undefined;
    for await (const rows of jobs.range(jobId, { from: committed?.value.row ?? "done:", to: firstOpen })) {
      newest =
        rows.map((row) => unpack<BatchRow>(row).value).findLast((batch) => batch.watermarkAfter !== null) ?? newest;
    }
    if (!newest?.watermarkAfter) return;
    const value: CommittedWatermark = {
      watermark: newest.watermarkAfter,
      row: ROW.done(newest.readNo, newest.sequence),
      at: deps.clock.now(),
    };
    if (committed?.value.row === value.row) return;
    const etag = committed?.etag;
    await jobs.transact(jobId, [
      etag === undefined
        ? { op: "insert", row: ROW.watermark, values: pack(value) }
        : { op: "replace", row: ROW.watermark, values: pack(value), etag },
    ]);
  }

  return {
    async batch(run, readNo, sequence, chunks) {
      await deps.fence.check(run);
      const stored = await readRow<BatchRow>(jobs, run.jobId, ROW.batch(run.lane, readNo, sequence));
      if (!stored) {
        const done = await readRow<BatchRow>(jobs, run.jobId, ROW.done(readNo, sequence));
        if (!done?.value.counts)
          throw new Error(`Batch ${readNo}/${sequence} of job ${run.jobId} is neither open nor closed.`);
        return { closed: true, counts: done.value.counts };
      }
      const file = await outcomesOf(stored.value.batchId, chunks);
      const counts = countOf(file.entries.filter((entry) => !entry.isWaiting));
      const waiting = file.entries.filter((entry) => entry.isWaiting).length;
      const batch: BatchRow = { ...stored.value, state: "processed", counts, waiting, chunks, detail: detailOf(file) };
      if (totalOf(counts) + waiting !== batch.changes) {
        throw new Error(
          `Batch ${batch.batchId} received ${batch.changes} changes; ${totalOf(counts)} have an outcome and ${waiting} wait.`,
        );
      }
      const closed = waiting === 0;
      const operations: RowOperation[] = closed
        ? closing(batch, stored.etag)
        : [{ op: "replace", row: ROW.batch(run.lane, readNo, sequence), values: pack(batch), etag: stored.etag }];
      const written = await jobs.transact(run.jobId, operations);
      if (!written.ok) throw new Error(`Batch ${batch.batchId} changed while it was committed (${written.reason}).`);
      if (closed) await moveWatermark(run.jobId);
      return { closed, counts };
    },

    async cycle(run, readNo) {
      await deps.fence.check(run);
      const cycleId = cycleIdOf(run.jobId, readNo);
      const read = await readRow<ReadRow>(jobs, run.jobId, ROW.read(readNo));
      const before = await readRow<CycleRow>(jobs, run.jobId, ROW.cycle(readNo));
      if (!read) {
        if (before) return before.value;
        throw new Error(`Read ${readNo} of job ${run.jobId} has no end to close.`);
      }
      const verdict = await readVerdict(deps.blobs, cycleId);
      const ends = await outcomesOf(verdict.batchId, verdict.chunks);
      const final = finalOutcomes(verdict, ends.entries);
      const open = (await listRows<BatchRow>(jobs, run.jobId, `batch:${run.lane}:`)).filter(
        (batch) => batch.value.readNo === readNo,
      );
      const operations: RowOperation[] = [];
      for (const { value, etag } of open) {
        const own = final.byChange.filter((entry) => entry.batchId === value.batchId);
        operations.push(
          ...closing({ ...value, waiting: 0, counts: addOutcomes(value.counts ?? NO_OUTCOMES, countOf(own)) }, etag),
        );
      }
      for (const chunk of transactionChunks(operations)) {
        const written = await jobs.transact(run.jobId, chunk);
        if (!written.ok)
          throw new Error(`A batch of read ${readNo} changed while its cycle was committed (${written.reason}).`);
      }
      const done = await listRows<BatchRow>(jobs, run.jobId, `done:${String(readNo).padStart(10, "0")}:`);
      const cycle = cycleRow(
        run,
        read.value,
        done.map((row) => row.value),
        verdict,
        final,
        ends,
        deps.clock.now(),
      );
      await closeCycle(run.jobId, cycle);
      await deps.removals.clear(cycleId);
      await moveWatermark(run.jobId);
      await retryWaiting(run.jobId, cycle);
      deps.log.info("cycle-closed", {
        jobId: run.jobId,
        cycleId,
        received: cycle.received,
        ...cycle.outcomes,
        writes: cycle.detail.writes,
      });
      return cycle;
    },

    async work(run, workId) {
      await deps.fence.check(run);
      for (;;) {
        const work = await readRow<WorkRow>(jobs, run.jobId, ROW.work(run.lane, workId));
        if (!work) break;
        const verdict = await readVerdict(deps.blobs, workId);
        const recent = await recentOperation(run.jobId, verdict.removed);
        const written = await jobs.transact(run.jobId, [
          { op: "delete", row: ROW.work(run.lane, workId), etag: work.etag },
          ...recent,
        ]);
        if (written.ok) break;
      }
      await deps.removals.clear(workId);
      for (const folder of [FILES.folder(workId), FILES.folder(`${workId}-end`)]) {
        for await (const path of deps.blobs.list(folder)) await deps.blobs.delete(path);
      }
    },
  };

  /** Whatever waits for a value that another object held is tried again when this cycle changed something. */
  async function retryWaiting(jobId: string, cycle: CycleRow): Promise<void> {
    if (cycle.outcomes.exported + cycle.absent.exported === 0) return;
    const waiting = (await deps.escrows.list(jobId)).filter((escrow) => WAITING_CODES.includes(escrow.code));
    if (waiting.length > 0)
      await addWork(
        deps,
        jobId,
        "reevaluate",
        waiting.map((escrow) => escrow.objectGuid),
      );
  }

  async function closeCycle(jobId: string, cycle: CycleRow): Promise<void> {
    for (;;) {
      const job = await readRow<JobRow>(jobs, jobId, ROW.job);
      const isFirst =
        job !== undefined && job.value.steadyStateAt === null && cycle.kind === "full" && cycle.state === "ended";
      const written = await jobs.transact(jobId, [
        { op: "upsert", row: ROW.cycle(cycle.readNo), values: pack(cycle) },
        { op: "delete", row: ROW.read(cycle.readNo) },
        ...(isFirst
          ? [
              {
                op: "replace" as const,
                row: ROW.job,
                values: pack({ ...job.value, steadyStateAt: cycle.closedAt }),
                etag: job.etag,
              },
            ]
          : []),
        ...(await recentOperation(jobId, cycle.removed)),
      ]);
      if (written.ok || written.reason === "missing") return;
    }
  }

  async function recentOperation(jobId: string, removed: RemovalCounts): Promise<RowOperation[]> {
    if (removed.deletes + removed.disables + removed.blanks === 0) return [];
    const recent = await readRow<RecentRow>(jobs, jobId, ROW.recent);
    const now = deps.clock.now();
    const entries = (recent?.value.entries ?? []).filter((entry) => entry.at > now - DAY_MS);
    const values = pack({ entries: [...entries, { at: now, removed }] } satisfies RecentRow);
    return [
      recent
        ? { op: "replace", row: ROW.recent, values, etag: recent.etag }
        : { op: "insert", row: ROW.recent, values },
    ];
  }
}

/** The row of a closed batch whose watermark is committed. */
export interface CommittedWatermark {
  readonly watermark: Watermark;
  readonly row: string;
  readonly at: number;
}

interface FinalOutcomes {
  readonly byChange: readonly { readonly batchId: string; readonly outcome: keyof OutcomeCounts }[];
  readonly absent: OutcomeCounts;
}

/** What became of each removal, told to the change that asked for it. */
function finalOutcomes(
  verdict: Awaited<ReturnType<typeof readVerdict>>,
  entries: readonly OutcomeEntry[],
): FinalOutcomes {
  const byIndex = new Map(entries.map((entry) => [entry.index, entry]));
  const byChange: { batchId: string; outcome: keyof OutcomeCounts }[] = [];
  let absent = NO_OUTCOMES;
  for (const [index, removal] of verdict.removals.entries()) {
    const entry = byIndex.get(index);
    const carried = entry === undefined ? undefined : entry.outcome;
    const isStaged = removal.isStaged || entry?.isWaiting === true;
    const settled = isStaged
      ? carried === undefined
        ? "staged"
        : strongerOutcome(carried, "staged")
      : (carried ?? "no-op");
    for (const origin of removal.origins)
      byChange.push({ batchId: origin.batchId, outcome: strongerOutcome(origin.outcome, settled) });
    if (removal.isAbsent && removal.origins.length === 0)
      absent = addOutcomes(absent, { ...NO_OUTCOMES, [settled]: 1 });
  }
  return { byChange, absent };
}

function cycleRow(
  run: SyncRunInput,
  read: ReadRow,
  done: readonly BatchRow[],
  verdict: Awaited<ReturnType<typeof readVerdict>>,
  final: FinalOutcomes,
  ends: OutcomeFile,
  now: number,
): CycleRow {
  const details = [...done.map((batch) => batch.detail ?? NO_DETAIL), detailOf(ends)];
  return {
    cycleId: cycleIdOf(run.jobId, read.readNo),
    readNo: read.readNo,
    lane: run.lane,
    kind: read.kind,
    state: read.state,
    startedAt: read.startedAt,
    endedAt: read.endedAt,
    closedAt: now,
    received: done.reduce((sum, batch) => sum + batch.changes, 0),
    outcomes: done.reduce((sum, batch) => addOutcomes(sum, batch.counts ?? NO_OUTCOMES), NO_OUTCOMES),
    absent: final.absent,
    detail: details.reduce(addDetails, NO_DETAIL),
    removed: verdict.removed ?? NO_REMOVALS,
    staged: verdict.staged,
    complete: read.complete,
    incompleteBecause: read.incompleteBecause,
  };
}

function countOf(entries: readonly { readonly outcome: keyof OutcomeCounts }[]): OutcomeCounts {
  const counts: Record<keyof OutcomeCounts, number> = { ...NO_OUTCOMES };
  for (const entry of entries) counts[entry.outcome]++;
  return counts;
}

function detailOf(file: OutcomeFile): CycleDetail {
  const of = (...kinds: string[]) =>
    file.entries.filter((entry) => entry.action !== undefined && kinds.includes(entry.action)).length;
  return {
    created: of("create"),
    updated: of("update", "adopt"),
    deleted: of("delete"),
    restored: of("restore"),
    filteredBy: tally(file.entries.filter((entry) => entry.outcome === "filtered")),
    escrowedBy: tally(file.entries.filter((entry) => entry.outcome === "escrowed")),
    writes: file.writes,
  };
}

function addDetails(left: CycleDetail, right: CycleDetail): CycleDetail {
  return {
    created: left.created + right.created,
    updated: left.updated + right.updated,
    deleted: left.deleted + right.deleted,
    restored: left.restored + right.restored,
    filteredBy: addTallies(left.filteredBy, right.filteredBy),
    escrowedBy: addTallies(left.escrowedBy, right.escrowedBy),
    writes: left.writes + right.writes,
  };
}

function tally(entries: readonly OutcomeEntry[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const entry of entries) counts[entry.code ?? "unknown"] = (counts[entry.code ?? "unknown"] ?? 0) + 1;
  return counts;
}

function addTallies(
  left: Readonly<Record<string, number>>,
  right: Readonly<Record<string, number>>,
): Record<string, number> {
  const sum: Record<string, number> = { ...left };
  for (const [name, count] of Object.entries(right)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}
