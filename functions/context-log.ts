/** Log lines of the cloud side: one JSON object a line on the console, which the Functions host takes up. */
import type { Log, LogFields } from "../shared/ports/log.ts";

export function createConsoleLog(): Log {
  const line = (event: string, fields: LogFields = {}) => JSON.stringify({ event, ...fields });
  return {
    debug: (event, fields) => console.debug(line(event, fields)),
    info: (event, fields) => console.info(line(event, fields)),
    warn: (event, fields) => console.warn(line(event, fields)),
    error: (event, fields) => console.error(line(event, fields)),
  };
}
