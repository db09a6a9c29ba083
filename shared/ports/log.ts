/**
 * Structured log lines. `event` is a short kebab-case name from the code; fields hold ids, counts and codes: people by
 * anchor (objectGUID), never a value of an attribute, never a secret.
 */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;
