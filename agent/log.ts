/**
 * The agent's log: a line a thing, to standard error, readable or as JSON. Fields hold ids, counts and codes; values of
 * attributes and secrets have no way in here.
 */
import type { Clock } from "../shared/ports/clock.ts";
import { type Log, type LogFields, logBy } from "../shared/ports/log.ts";

export interface LogOptions {
  readonly out: { write(text: string): unknown };
  readonly clock: Clock;
  readonly json: boolean;
  readonly verbose: boolean;
}

export function createLineLog(options: LogOptions): Log {
  return logBy((level, event, fields) => {
    if (level === "debug" && !options.verbose) return;
    const time = new Date(options.clock.now()).toISOString();
    const line = options.json ? JSON.stringify({ time, level, event, ...fields }) : plain(time, level, event, fields);
    options.out.write(`${line}\n`);
  });
}

/** `message` and `remedy` are prose and come last. */
function plain(time: string, level: string, event: string, fields: LogFields): string {
  const { message, remedy, ...rest } = fields;
  const pairs = Object.entries(rest)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${typeof value === "string" && /\s/.test(value) ? JSON.stringify(value) : value}`)
    .join("");
  const prose = [message, remedy].filter((text) => text !== undefined && text !== null).join(" ");
  const mark = level === "warn" || level === "error" ? `${level}: ` : "";
  return `${time} ${mark}${event}${pairs}${prose === "" ? "" : ` ${prose}`}`;
}
