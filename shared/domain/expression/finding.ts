/** What the checker finds: a fault or a doubt, with its place in the text and what to do about it. */

import { excerptAt, type FailureCode } from "./failure.ts";

/** What a finding is about: a fault of the text, or one of these, which concern what it reads. */
export type FindingCode = FailureCode | "unknown-attribute" | "attribute-case" | "unknown-parameter" | "first-value";

export interface Complaint {
  /** An error: the expression can't be used. A warning: it can, but does less than its author may think. */
  readonly severity: "error" | "warning";
  readonly code: FindingCode;
  readonly message: string;
  readonly remedy: string;
  /** Index into the text, counted from 0 in UTF-16 units. */
  readonly position: number;
}

export interface Finding extends Complaint {
  /** The line of the text that holds the position, and a caret below it. */
  readonly excerpt: string;
}

export function findingOf(text: string, { severity, code, message, remedy, position }: Complaint): Finding {
  return { severity, code, message, remedy, position, excerpt: excerptAt(text, position) };
}
