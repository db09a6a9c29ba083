/** Log lines of orchestrators: written once, not again at every replay, and without names of people. */
import type { OrchestrationContext } from "durable-functions";
import type { EventFields, EventOf } from "../shared/contracts/events.ts";
import { fieldsWithoutNames } from "../shared/domain/names-in-text.ts";

export interface ReplaySafeLog {
  info<E extends EventOf<"info">>(event: E, fields: EventFields<E>): void;
  warn<E extends EventOf<"warn">>(event: E, fields: EventFields<E>): void;
  error<E extends EventOf<"error">>(event: E, fields: EventFields<E>): void;
}

export function replaySafeLog(context: OrchestrationContext): ReplaySafeLog {
  const line = (event: string, fields: object) =>
    JSON.stringify({ event, instanceId: context.df.instanceId, ...fieldsWithoutNames({ ...fields }) });
  return {
    info: (event, fields) => {
      if (!context.df.isReplaying) context.info(line(event, fields));
    },
    warn: (event, fields) => {
      if (!context.df.isReplaying) context.warn(line(event, fields));
    },
    error: (event, fields) => {
      if (!context.df.isReplaying) context.error(line(event, fields));
    },
  };
}
