/**
 * Structured log lines, by the catalogue of events. Fields hold ids, counts and codes: people by anchor (objectGUID), never
 * a value of an attribute, never a secret.
 */
import type { EventFields, EventName, EventOf, FieldValue, Level } from "../contracts/events.ts";

export type LogFields = Readonly<Record<string, FieldValue>>;

/** Fields may be left out where the event has none that it needs. */
type Say<L extends Level> = <E extends EventOf<L>>(
  event: E,
  ...fields: Record<never, never> extends EventFields<E> ? [fields?: EventFields<E>] : [fields: EventFields<E>]
) => void;

export interface Log {
  readonly debug: Say<"debug">;
  readonly info: Say<"info">;
  readonly warn: Say<"warn">;
  readonly error: Say<"error">;
}

/** A log whose lines all go one way. */
export function logBy(write: (level: Level, event: EventName, fields: LogFields) => void): Log {
  const say =
    <L extends Level>(level: L): Say<L> =>
    (event, ...[fields]) =>
      write(level, event, fields ?? {});
  return { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") };
}
