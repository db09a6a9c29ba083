/**
 * The log of the cloud side: every event goes to the console and to telemetry, without names of people, and what an event
 * counts is measured where it is told: once, after the fact was written down.
 */
import type { EventFields, EventName } from "../../contracts/events.ts";
import { fieldsWithoutNames } from "../../domain/names-in-text.ts";
import { type Log, type LogFields, logBy } from "../../ports/log.ts";
import type { Telemetry } from "../../ports/telemetry.ts";

const OUTCOMES = ["exported", "no-op", "filtered", "staged", "escrowed"] as const;
const REMOVALS = ["deletes", "disables", "blanks"] as const;

export function createWatchedLog(console: Log, telemetry: Telemetry): Log {
  return logBy((level, event, fields) => {
    const told = fieldsWithoutNames(fields);
    // The catalogue's types were kept by whoever told it.
    (console[level] as (event: EventName, fields: LogFields) => void)(event, told);
    telemetry.event(level, event, told);
    measureEvent(telemetry, event, told);
  });
}

function measureEvent(telemetry: Telemetry, event: EventName, fields: LogFields): void {
  if (event === "batch-committed" || event === "batch-settled") {
    const { jobId, lane, ...counts } = fields as EventFields<"batch-settled">;
    const own = { jobId: String(jobId), lane: String(lane) };
    for (const outcome of OUTCOMES) telemetry.count("uplink.objects", Number(counts[outcome]), { ...own, outcome });
    if (event === "batch-committed") telemetry.record("uplink.lag", Number(fields["lagMs"]) / 1000, own);
  }
  if (event === "cycle-closed") {
    const { jobId, kind, durationMs } = fields as EventFields<"cycle-closed">;
    telemetry.record("uplink.cycle.duration", Number(durationMs) / 1000, { jobId: String(jobId), kind: String(kind) });
  }
  if (event === "cycle-closed" || event === "removals-done") {
    const { jobId, ...counts } = fields as EventFields<"removals-done">;
    for (const name of REMOVALS)
      telemetry.count("uplink.removals", Number(counts[name]), { jobId: String(jobId), class: name });
  }
}
