/** Work that failed for good, as its job's row keeps it. */
import type { JobRow } from "../state/job-rows.ts";

/** What it ended with; undefined where nothing was set aside, or a full read has come to its end since. */
export function setAsideOf({ setAsideAt, setAsideBecause, fullReadWanted }: JobRow): string | undefined {
  // Releases that didn't note the moment said it by their wish alone, until the read was accepted.
  if (setAsideAt === undefined && !fullReadWanted?.startsWith("parked")) return undefined;
  return setAsideBecause ?? `see the event step-failed (${fullReadWanted}).`;
}
