/**
 * The lines of orchestrators to our own exporter, too: to the host's log they go by the context, which samples and names them its own way.
 *
 * An orchestrator stays as it is: it hands its line to the context (once, not at a replay), and what stands around it here reads the line.
 * Nothing that it does depends on that.
 */
import type { OrchestrationContext, OrchestrationHandler } from "durable-functions";
import { EVENTS, type EventName, type Level } from "../shared/contracts/events.ts";
import type { LogFields } from "../shared/ports/log.ts";
import type { Telemetry } from "../shared/ports/telemetry.ts";

const LEVELS = ["info", "warn", "error"] as const satisfies readonly Level[];

/** The same orchestrators by the same names. */
export function tellLinesOf(
  orchestrators: Readonly<Record<string, OrchestrationHandler>>,
  telemetry: Pick<Telemetry, "event">,
): Record<string, OrchestrationHandler> {
  const telling =
    (run: OrchestrationHandler): OrchestrationHandler =>
    (context) => {
      for (const level of LEVELS) listen(context, level, telemetry);
      return run(context);
    };
  return Object.fromEntries(Object.entries(orchestrators).map(([name, run]) => [name, telling(run)]));
}

function listen(context: OrchestrationContext, level: (typeof LEVELS)[number], telemetry: Pick<Telemetry, "event">) {
  const write = context[level].bind(context);
  context[level] = (...said: readonly unknown[]) => {
    write(...said);
    const { event, ...fields } = lineOf(said[0]);
    if (typeof event === "string" && event in EVENTS) telemetry.event(level, event as EventName, fields as LogFields);
  };
}

/** As the log of orchestrators writes it; empty for what somebody else says. */
function lineOf(said: unknown): Readonly<Record<string, unknown>> {
  try {
    const line: unknown = JSON.parse(String(said));
    return typeof line === "object" && line !== null ? (line as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}
