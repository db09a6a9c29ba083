/** Log lines of orchestrators: written once, not again at every replay. */
import type { OrchestrationContext } from "durable-functions";

export interface ReplaySafeLog {
  info(event: string, fields?: Readonly<Record<string, string | number | boolean>>): void;
  warn(event: string, fields?: Readonly<Record<string, string | number | boolean>>): void;
}

export function replaySafeLog(context: OrchestrationContext): ReplaySafeLog {
  const line = (event: string, fields: Readonly<Record<string, string | number | boolean>> = {}) =>
    JSON.stringify({ event, instanceId: context.df.instanceId, ...fields });
  return {
    info: (event, fields) => {
      if (!context.df.isReplaying) context.info(line(event, fields));
    },
    warn: (event, fields) => {
      if (!context.df.isReplaying) context.warn(line(event, fields));
    },
  };
}
