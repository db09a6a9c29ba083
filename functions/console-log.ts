/** Log lines of the cloud side: one JSON object a line on the console, which the Functions host takes up. */
import type { Log, LogFields } from "../shared/ports/log.ts";

export function createConsoleLog(): Log {
  const line = (level: string, event: string, fields: LogFields = {}) =>
    JSON.stringify({ time: new Date().toISOString(), level, event, ...fields });
  return {
    debug: (event, fields) => console.debug(line("debug", event, fields)),
    info: (event, fields) => console.info(line("info", event, fields)),
    warn: (event, fields) => console.warn(line("warn", event, fields)),
    error: (event, fields) => console.error(line("error", event, fields)),
  };
}
