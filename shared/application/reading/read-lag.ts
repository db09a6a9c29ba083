/** How long ago a job was last read, and whether somebody should read it: of one that is stopped nobody expects that. */
import type { JobRow, ReadsRow } from "../state/job-rows.ts";

export interface ReadLag {
  readonly ms: number;
  readonly state: JobRow["state"] | "quarantined";
}

/** By the last batch that was accepted (0.1.0 forgot it as it opened a read: by the watermark then); before the first, by the job's making. */
export function readLagOf(job: JobRow, reads: ReadsRow | undefined, now: number): ReadLag {
  const { lastBatchAt = 0, accepted = null } = reads ?? {};
  const at = lastBatchAt || (accepted ? Date.parse(accepted.at) : job.createdAt);
  return {
    ms: Math.max(0, now - at),
    state: job.quarantine ? "quarantined" : job.state,
  };
}
