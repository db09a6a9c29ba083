/** The doorbell: a message names a job and a lane, and carries nothing else. */
import type { InvocationContext } from "@azure/functions";
import { z } from "zod";
import type { WakeJob } from "../shared/application/wake-job.ts";

const Bell = z.object({ jobId: z.string().min(1), lane: z.enum(["bulk", "live"]) });

/** A bell that can't be read is thrown, so that the bus dead-letters it. */
export function wakeJobHandler(wakeJobOf: (context: InvocationContext) => WakeJob) {
  return async (_message: unknown, context: InvocationContext): Promise<void> => {
    const { jobId, lane } = Bell.parse(context.triggerMetadata?.["applicationProperties"]);
    await wakeJobOf(context)(jobId, lane);
  };
}
