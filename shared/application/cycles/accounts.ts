/**
 * The accounting identity (N7): received = exported + no-op + filtered + staged + escrowed, for every batch, cycle and day.
 *
 * Whoever commits asks here first. A violation is never written down as if it were an account: it is an alert (the event
 * `accounts-violated`) and an error, and the step is repeated and at last set aside. Days are sums of cycles' accounts,
 * each cycle once, in the transaction that closes it; members are counted apart, and so is who was absent.
 */
import type { Log } from "../../ports/log.ts";
import type { RowTable } from "../../ports/row-store.ts";
import {
  addOutcomes,
  type BatchRow,
  type CycleRow,
  NO_OUTCOMES,
  type OutcomeCounts,
  pack,
  type ReadRow,
  readRow,
  totalOf,
} from "../state/job-rows.ts";

/** The account of a day (UTC): of the cycles that were closed on it. */
export interface DayRow {
  /** `2026-01-05`. */
  readonly day: string;
  /** Numbers of the reads whose cycles are in it. */
  readonly cycles: readonly number[];
  readonly received: number;
  readonly outcomes: OutcomeCounts;
  /** Beside those received: whom full reads lacked. */
  readonly absent: OutcomeCounts;
  readonly writes: number;
}

export const DAY_PREFIX = "day:";

export function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

/** What does not add up, in words; undefined: all does. */
export function faultOfBatch({ batchId, changes, counts, waiting }: BatchRow): string | undefined {
  const settled = counts ? totalOf(counts) : 0;
  if (counts && settled + waiting === changes) return undefined;
  return `Batch ${batchId} received ${changes} changes; ${settled} have an outcome and ${waiting} wait.`;
}

/** `read` says what was accepted; the cycle's own numbers are the sums of its batches. */
export function faultOfCycle(cycle: CycleRow, read: ReadRow, batches: number): string | undefined {
  const { cycleId, received, outcomes } = cycle;
  const settled = totalOf(outcomes);
  if (settled !== received) return `Cycle ${cycleId} received ${received} changes and accounts for ${settled}.`;
  if (batches !== read.batches || received !== read.objects)
    return `Cycle ${cycleId} has the accounts of ${batches} batches with ${received} changes; its read was accepted with ${read.batches} and ${read.objects}.`;
  return undefined;
}

export function faultOfDay({ day, received, outcomes, cycles }: DayRow): string | undefined {
  const settled = totalOf(outcomes);
  if (settled === received) return undefined;
  return `Day ${day} received ${received} changes in ${cycles.length} cycles and accounts for ${settled}.`;
}

/** The day with one more cycle; the same row where it has it already. */
export function dayWith(before: DayRow | undefined, cycle: CycleRow): DayRow {
  const day = dayOf(cycle.closedAt);
  const known = before ?? { day, cycles: [], received: 0, outcomes: NO_OUTCOMES, absent: NO_OUTCOMES, writes: 0 };
  if (known.cycles.includes(cycle.readNo)) return known;
  return {
    day,
    cycles: [...known.cycles, cycle.readNo],
    received: known.received + cycle.received,
    outcomes: addOutcomes(known.outcomes, cycle.outcomes),
    absent: addOutcomes(known.absent, cycle.absent),
    writes: known.writes + cycle.detail.writes,
  };
}

/** Tells of a violation and throws it. */
export function demand(log: Log, jobId: string, fault: string | undefined): void {
  if (fault === undefined) return;
  log.error("accounts-violated", { jobId, message: fault });
  throw new Error(fault);
}

/** The operation that writes the day of a cycle, If-Match, and what it will say. */
export async function dayOperation(jobs: RowTable, jobId: string, cycle: CycleRow) {
  const row = `${DAY_PREFIX}${dayOf(cycle.closedAt)}`;
  const before = await readRow<DayRow>(jobs, jobId, row);
  const next = dayWith(before?.value, cycle);
  const values = pack(next);
  return {
    next,
    operation: before
      ? ({ op: "replace", row, values, etag: before.etag } as const)
      : ({ op: "insert", row, values } as const),
  };
}
