/**
 * The service's own books, read from its storage while it may be dead: what is under way now, and whether everything that
 * was ever received is accounted for (N2, N7).
 */
import type { CommittedWatermark } from "../../../shared/application/reading/committed-watermark.ts";
import { LEASE_ROW, type LeaseRow } from "../../../shared/application/state/agent-rows.ts";
import { createEscrows } from "../../../shared/application/state/escrow-rows.ts";
import {
  type BatchRow,
  type CycleRow,
  jobTable,
  LANES,
  listRows,
  type ReadRow,
  type ReadsRow,
  ROW,
  type RunnerRow,
  readRow,
  totalOf,
  type WorkRow,
} from "../../../shared/application/state/job-rows.ts";
import type { RowStore } from "../../../shared/ports/row-store.ts";

export type UnderWay = {
  /** Accepted and not closed. */
  readonly batches: number;
  readonly readsEnding: number;
  readonly work: number;
  /** Batches that the open read has brought so far; undefined: no read is open. */
  readonly openRead: number | undefined;
  /** Up to when the directory was read and accepted, milliseconds since 1970; undefined: it never was, to its end. */
  readonly readUpTo: number | undefined;
  /** Who holds the domain's lease. */
  readonly holder: string | undefined;
};

export type Books = ReturnType<typeof openBooks>;

export function openBooks(rows: RowStore, jobId: string) {
  const jobs = jobTable(rows);
  const openRows = async () => ({
    batches: (await Promise.all(LANES.map((lane) => listRows<BatchRow>(jobs, jobId, `batch:${lane}:`)))).flat(),
    ending: await listRows<ReadRow>(jobs, jobId, "read:"),
    work: (await Promise.all(LANES.map((lane) => listRows<WorkRow>(jobs, jobId, `work:${lane}:`)))).flat(),
    reads: await readRow<ReadsRow>(jobs, jobId, ROW.reads),
  });

  return {
    async underWay(): Promise<UnderWay> {
      const { batches, ending, work, reads } = await openRows();
      const lease = await readRow<LeaseRow>(jobs, jobId, LEASE_ROW);
      const open = reads?.value;
      return {
        batches: batches.length,
        readsEnding: ending.length,
        work: work.length,
        openRead: open === undefined || open.openReadNo === 0 ? undefined : open.nextSequence - 1,
        readUpTo: open?.accepted ? Date.parse(open.accepted.at) : undefined,
        holder: lease?.value.agentId,
      };
    },

    async escrows(): Promise<string[]> {
      const found = await createEscrows({ rows }).list(jobId);
      return found.map(({ objectGuid, code, message, attempts, nextAttemptAt }) =>
        [objectGuid, code, attempts, new Date(nextAttemptAt).toISOString(), message].join(" "),
      );
    },

    /** Nothing waits, and no run is on its way. */
    async isAtRest(): Promise<boolean> {
      const { batches, ending, work, reads } = await openRows();
      if (batches.length + ending.length + work.length > 0) return false;
      if (reads !== undefined && reads.value.openReadNo !== 0 && reads.value.nextSequence > 1) return false;
      const runners = await Promise.all(LANES.map((lane) => readRow<RunnerRow>(jobs, jobId, ROW.runner(lane))));
      return runners.every((runner) => runner === undefined || runner.value.state === "idle");
    },

    /** What doesn't add up, in words. To be asked at rest. */
    async faults(): Promise<string[]> {
      const faults: string[] = [];
      const done = (await listRows<BatchRow>(jobs, jobId, "done:")).map((row) => row.value);
      const cycles = (await listRows<CycleRow>(jobs, jobId, "cycle:")).map((row) => row.value);
      for (const { batchId, changes, counts, waiting } of done) {
        const accounted = counts === null ? 0 : totalOf(counts);
        if (accounted !== changes) faults.push(`Batch ${batchId} received ${changes} and accounts for ${accounted}.`);
        if (waiting !== 0) faults.push(`Batch ${batchId} is closed, and ${waiting} of its changes wait.`);
      }
      const byRead = new Map<number, BatchRow[]>();
      for (const batch of done) byRead.set(batch.readNo, [...(byRead.get(batch.readNo) ?? []), batch]);
      for (const [readNo, batches] of byRead) {
        const sequences = batches.map((batch) => batch.sequence).sort((one, other) => one - other);
        if (sequences.some((sequence, index) => sequence !== index + 1)) {
          faults.push(`Read ${readNo} has the batches ${sequences.join(", ")}.`);
        }
        const received = batches.reduce((sum, batch) => sum + batch.changes, 0);
        const cycle = cycles.find((one) => one.readNo === readNo);
        if (cycle === undefined) faults.push(`Read ${readNo} brought ${received} changes and has no cycle.`);
        else if (cycle.received !== received || totalOf(cycle.outcomes) !== received) {
          const said = `${cycle.received} received, ${totalOf(cycle.outcomes)} accounted for`;
          faults.push(`Cycle ${readNo} says ${said}; its batches brought ${received}.`);
        }
      }
      for (const { readNo, received } of cycles) {
        if (!byRead.has(readNo)) faults.push(`Cycle ${readNo} says ${received} received, and has no batches.`);
      }
      const { batches, ending, work, reads } = await openRows();
      for (const { value } of batches) faults.push(`Batch ${value.batchId} is still open.`);
      for (const { value } of ending) faults.push(`The end of read ${value.readNo} is still open.`);
      for (const { value } of work) faults.push(`Work ${value.workId} is still open.`);
      const committed = await readRow<CommittedWatermark>(jobs, jobId, ROW.watermark);
      const [is, ought] = [committed?.value.watermark.id, reads?.value.accepted?.id];
      if (is === undefined || is !== ought) faults.push(`Committed is watermark ${is}, accepted ${ought}.`);
      return faults;
    },

    /** How many batches were closed, and how many reads ended or were given up. */
    async totals() {
      const cycles = (await listRows<CycleRow>(jobs, jobId, "cycle:")).map((row) => row.value);
      return {
        batches: (await listRows<BatchRow>(jobs, jobId, "done:")).length,
        ended: cycles.filter((cycle) => cycle.state === "ended").length,
        aborted: cycles.filter((cycle) => cycle.state === "aborted").length,
      };
    },
  };
}
