/** The doorbell: a message names a job and a lane, and the trace that rang. It carries nothing else. */
import type { InvocationContext } from "@azure/functions";
import { z } from "zod";
import type { WakeJob } from "../shared/application/lanes/wake-job.ts";
import { parseTraceparent } from "../shared/domain/trace-context.ts";
import { NO_TELEMETRY, type Telemetry } from "../shared/ports/telemetry.ts";

const Bell = z.object({
  jobId: z.string().min(1),
  lane: z.enum(["bulk", "live"]),
  // A trace that can't be read is no reason to lose a bell.
  traceparent: z.unknown().optional(),
});

/** A bell that can't be read is thrown, so that the bus dead-letters it. */
export function wakeJobHandler(
  wakeJobOf: (context: InvocationContext) => WakeJob,
  telemetry: Telemetry = NO_TELEMETRY,
) {
  return async (_message: unknown, context: InvocationContext): Promise<void> => {
    const { jobId, lane, traceparent } = Bell.parse(context.triggerMetadata?.["applicationProperties"]);
    // One that was rung outside of any trace, or by somebody who can't trace, begins its own.
    const parent = parseTraceparent(traceparent) ? String(traceparent) : undefined;
    await telemetry.span("WakeJob", { kind: "consumer", parent, attributes: { jobId, lane } }, () =>
      wakeJobOf(context)(jobId, lane),
    );
  };
}
