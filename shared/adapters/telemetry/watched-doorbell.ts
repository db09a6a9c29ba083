/** A doorbell whose ringing is seen in the trace that rings it, if there is one. */
import type { Doorbell } from "../../ports/doorbell.ts";
import type { Telemetry } from "../../ports/telemetry.ts";

export function watchDoorbell(doorbell: Doorbell, telemetry: Telemetry): Doorbell {
  return {
    ...doorbell,
    ring(jobId, lane) {
      if (telemetry.current() === undefined) return doorbell.ring(jobId, lane);
      return telemetry.span("ring", { kind: "producer", attributes: { jobId, lane } }, () =>
        doorbell.ring(jobId, lane),
      );
    },
  };
}
