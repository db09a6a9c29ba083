/** The timer that ticks, and then tells how things stand: also, and then above all, where the tick itself failed. */
import type { InvocationContext } from "@azure/functions";
import type { ReportState } from "../shared/application/admin/report-state.ts";
import type { Tick } from "../shared/application/lanes/tick.ts";

/** What the tick throws fails the invocation, once the gauges are told. */
export function tickHandler(tickOf: (context: InvocationContext) => Tick, reportState: ReportState) {
  return async (_timer: unknown, context: InvocationContext): Promise<void> => {
    try {
      await tickOf(context)();
    } finally {
      await reportState();
    }
  };
}
