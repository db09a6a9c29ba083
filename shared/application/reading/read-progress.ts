/**
 * How far the reads under way are: of what agents sent for them, how much is through. A batch's row moves when it is closed, so
 * both kinds are looked at, for as long as the read's cycle isn't closed. Costs a list of rows for each read under way.
 */
import type { RowTable } from "../../ports/row-store.ts";
import { type BatchRow, LANES, listRows, type ReadRow, type ReadsRow, ROW } from "../state/job-rows.ts";

export interface ReadProgress {
  /** Accepted and not closed. */
  readonly batches: readonly BatchRow[];
  /** Reads that came to their end, and whose cycle isn't closed. */
  readonly ending: readonly ReadRow[];
  /** Changes of all batches of these reads, and of the one that is open. */
  readonly changes: number;
  /** How many of them are mapped and exported, or came to nothing; what waits for its read's end is among them. */
  readonly processed: number;
}

/** `open`: the job's `reads` row. */
export async function readProgress(
  jobs: RowTable,
  jobId: string,
  open: Pick<ReadsRow, "openReadNo">,
): Promise<ReadProgress> {
  const [batches, ending] = await Promise.all([
    Promise.all(LANES.map((lane) => listRows<BatchRow>(jobs, jobId, `batch:${lane}:`))),
    listRows<ReadRow>(jobs, jobId, "read:"),
  ]);
  const waiting = batches.flat().map(({ value }) => value);
  const ended = ending.map(({ value }) => value);
  const reads = new Set([...waiting, ...ended].map(({ readNo }) => readNo));
  if (open.openReadNo !== 0) reads.add(open.openReadNo);
  const prefixes = [...reads].map((readNo) => ROW.doneOf(readNo));
  const done = (await Promise.all(prefixes.map((prefix) => listRows<BatchRow>(jobs, jobId, prefix)))).flat();
  const sum = (own: readonly BatchRow[]) => own.reduce((total, { changes }) => total + changes, 0);
  // One that was closed in between is in both lists.
  const closed = new Set(done.map(({ value }) => value.batchId));
  const still = waiting.filter(({ batchId }) => !closed.has(batchId));
  const through = sum(done.map(({ value }) => value));
  return {
    batches: still,
    ending: ended,
    changes: through + sum(still),
    processed: through + sum(still.filter(({ state }) => state === "processed")),
  };
}
