/**
 * How an event of the log is declared: its level, what it means, and which fields it carries.
 *
 * A field's name that ends with `?` may be left out. `message` and `remedy` are prose; all other fields are ids, counts, codes
 * and moments, and `by` is an admin's object id.
 */
export type Level = "debug" | "info" | "warn" | "error";

export interface EventDeclaration {
  readonly level: Level;
  /** One sentence for whoever meets it in the log. */
  readonly meaning: string;
  readonly fields: readonly string[];
}

interface Declared<L extends Level, F extends readonly string[]> extends EventDeclaration {
  readonly level: L;
  readonly fields: F;
}

const declare =
  <const L extends Level>(level: L) =>
  <const F extends readonly string[]>(meaning: string, ...fields: F): Declared<L, F> => ({ level, meaning, fields });

/** Only for whoever looks for a fault. */
export const debug = declare("debug");
/** Nothing to do. */
export const info = declare("info");
/** Somebody should know, or look when it doesn't end. */
export const warn = declare("warn");
/** Somebody must look. */
export const error = declare("error");
