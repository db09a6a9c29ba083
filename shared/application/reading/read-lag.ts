/** How long ago a job was last read, or went on, and whether somebody should read it: of one that is stopped nobody expects that. */
import type { JobRow, ReadsRow } from "../state/job-rows.ts";

export interface ReadLag {
  readonly ms: number;
  readonly state: JobRow["state"] | "quarantined";
}

/**
 * By the last batch that was accepted (0.1.0 forgot it as it opened a read: by the watermark then); before the first, by the job's making.
 * Nobody could bring anything while it was stopped: from when it went on, if that came later.
 */
export function readLagOf(job: JobRow, reads: ReadsRow | undefined, now: number): ReadLag {
  const { lastBatchAt = 0, accepted = null } = reads ?? {};
  const at = lastBatchAt || (accepted ? Date.parse(accepted.at) : job.createdAt);
  return {
    ms: Math.max(0, now - Math.max(at, job.resumedAt ?? 0)),
    state: job.quarantine ? "quarantined" : job.state,
  };
}
