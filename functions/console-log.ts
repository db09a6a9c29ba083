/** Log lines of the cloud side: one JSON object a line on the console, which the Functions host takes up. */
import { type Log, logBy } from "../shared/ports/log.ts";

export function createConsoleLog(): Log {
  return logBy((level, event, fields) =>
    console[level](JSON.stringify({ time: new Date().toISOString(), level, event, ...fields })),
  );
}
