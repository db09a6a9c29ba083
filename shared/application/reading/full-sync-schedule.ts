/** When a job is read in full: a cron expression of five fields, in the job's own time zone, summer time and all. */
import { Cron } from "croner";
import type { JobSettings } from "../../contracts/configuration.ts";

type Schedule = JobSettings["fullSync"];

/** The last moment at or before `now` at which the schedule fired, in milliseconds since 1970. */
export function lastDue(schedule: Schedule, now: number): number | undefined {
  const [previous] = cronOf(schedule).previousRuns(1, new Date(now + 1));
  return previous?.getTime();
}

/** Why the schedule can't be used; undefined when it can. */
export function scheduleFault(schedule: Schedule): string | undefined {
  try {
    return cronOf(schedule).nextRun() === null ? "it never comes round." : undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function cronOf({ schedule, timeZone }: Schedule): Cron {
  return new Cron(schedule, { timezone: timeZone, paused: true, mode: "5-part" });
}
