/**
 * How an expression fails: while it is compiled (a `CompileFailure` with its place in the text) or while it is
 * evaluated for one object (an `ExpressionError`, caught by the program and handed out as a value).
 *
 * Codes: `parse`, `length`, `nesting`, `unknown-function`, `arity`, `unsupported`, `regex` and `constant` come from
 * compiling; `type`, `range`, `date`, `regex`, `unique-exhausted`, `culture`, `parameter` and `custom` (the function
 * Error) and `limit` (too much work) from evaluating; `unknown` from scopes only (too little is known of the object).
 *
 * `type` is a value of a kind that can never be what is asked for, a date where a number belongs: the expression is
 * wrong, and the checker finds it wherever the kinds are known. `conversion` is a text that could have been one and
 * isn't: the object's data is wrong.
 */

export type FailureCode =
  | "parse"
  | "length"
  | "nesting"
  | "unknown-function"
  | "arity"
  | "unsupported"
  | "constant"
  | "regex"
  | "type"
  | "conversion"
  | "range"
  | "date"
  | "culture"
  | "parameter"
  | "unique-exhausted"
  | "limit"
  | "unknown"
  | "custom";

export interface CompileFailure {
  readonly code: FailureCode;
  readonly message: string;
  readonly remedy: string;
  /** Index into the text, counted from 0 in UTF-16 units. */
  readonly position: number;
  /** The line of the text that holds the position, and a caret below it. */
  readonly excerpt: string;
}

/** Thrown inside the compiler only; `compileExpression` turns it into a `CompileFailure`. */
export class CompileError extends Error {
  readonly code: FailureCode;
  readonly position: number;
  readonly remedy: string;

  constructor(code: FailureCode, position: number, message: string, remedy: string) {
    super(message);
    this.code = code;
    this.position = position;
    this.remedy = remedy;
  }
}

/** Thrown inside a running program only; `evaluate` turns it into an outcome of kind `error`. */
export class ExpressionError extends Error {
  readonly code: FailureCode;

  constructor(code: FailureCode, message: string) {
    super(message);
    this.code = code;
  }
}

const EXCERPT_WIDTH = 72;

/** The place of a fault, as people want to see it: at most 72 characters of its line, and a caret. */
export function excerptAt(text: string, position: number): string {
  const lineStart = text.lastIndexOf("\n", Math.max(0, position - 1)) + 1;
  const lineEnd = text.indexOf("\n", position);
  const line = text.slice(lineStart, lineEnd < 0 ? undefined : lineEnd).replace(/[\p{Cc}\u2028\u2029]/gu, " ");
  const column = position - lineStart;
  const from = Math.max(0, Math.min(column - EXCERPT_WIDTH / 2, line.length - EXCERPT_WIDTH));
  return `${line.slice(from, from + EXCERPT_WIDTH)}\n${" ".repeat(column - from)}^`;
}
