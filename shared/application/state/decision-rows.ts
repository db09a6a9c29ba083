/**
 * Who decides on what is staged of a job: row `decisions` of its partition. A set has more rows than a transaction takes, so a
 * decision is this one row: each reads it first, looks at what is staged, and replaces it if nobody decided meanwhile. Else it
 * looks again. A drop stands in it while its rows are being dropped.
 */
import type { RowOperation, RowTable } from "../../ports/row-store.ts";
import { pack, ROW, readRow } from "./job-rows.ts";
import type { StagedClass } from "./removal-rows.ts";

/** A drop under way, of one class of one cycle. */
export interface Dropping {
  readonly id: string;
  readonly class: StagedClass;
  readonly cycleId: string;
  readonly by: string;
  readonly at: number;
}

export interface Decisions {
  readonly drops: readonly Dropping[];
  /** Absent: nobody decided yet. */
  readonly etag?: string;
}

interface DecisionsRow {
  readonly drops: readonly Dropping[];
}

export async function readDecisions(jobs: RowTable, jobId: string): Promise<Decisions> {
  const stored = await readRow<DecisionsRow>(jobs, jobId, ROW.decisions);
  return stored ? { drops: stored.value.drops, etag: stored.etag } : { drops: [] };
}

/** Fails in its transaction if somebody decided since. */
export function decisionOperation({ etag }: Decisions, drops: readonly Dropping[]): RowOperation {
  const written = { row: ROW.decisions, values: pack({ drops } satisfies DecisionsRow) };
  return etag === undefined ? { op: "insert", ...written } : { op: "replace", ...written, etag };
}
