/**
 * The agent's log: a line a thing, to standard error, readable or as JSON. Fields hold ids, counts and codes; values of
 * attributes and secrets have no way in here.
 */
import type { Clock } from "../shared/ports/clock.ts";
import type { Log, LogFields } from "../shared/ports/log.ts";

export interface LogOptions {
  readonly out: { write(text: string): unknown };
  readonly clock: Clock;
  readonly json: boolean;
  readonly verbose: boolean;
}

type Level = "debug" | "info" | "warn" | "error";

export function createLineLog(options: LogOptions): Log {
  const write =
    (level: Level) =>
    (event: string, fields: LogFields = {}) => {
      if (level === "debug" && !options.verbose) return;
      const time = new Date(options.clock.now()).toISOString();
      const line = options.json ? JSON.stringify({ time, level, event, ...fields }) : plain(time, level, event, fields);
      options.out.write(`${line}\n`);
    };
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}

/** `message` and `remedy` are prose and come last. */
function plain(time: string, level: Level, event: string, fields: LogFields): string {
  const { message, remedy, ...rest } = fields;
  const pairs = Object.entries(rest)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${typeof value === "string" && /\s/.test(value) ? JSON.stringify(value) : value}`)
    .join("");
  const prose = [message, remedy].filter((text) => text !== undefined && text !== null).join(" ");
  const mark = level === "warn" || level === "error" ? `${level}: ` : "";
  return `${time} ${mark}${event}${pairs}${prose === "" ? "" : ` ${prose}`}`;
}
