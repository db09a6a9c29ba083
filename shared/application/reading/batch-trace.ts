/**
 * The trace of a batch: ids that follow from the batch's id, so that it is one trace however often the batch is sent, whoever
 * works on it and whichever of them exports. The span with these ids is the agent's: reading and sending the batch.
 */
import { createHash } from "node:crypto";
import { traceparentOf } from "../../domain/trace-context.ts";

/** A `traceparent`. Of work and ends of reads: by their own ids. */
export function batchTrace(batchId: string): string {
  const digest = createHash("sha256").update(`directory-uplink ${batchId}`).digest("hex");
  return traceparentOf({ traceId: digest.slice(0, 32), spanId: digest.slice(32, 48) });
}
