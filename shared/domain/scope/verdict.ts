/**
 * What a scope says of an object, in values for programs and in sentences for people.
 *
 * There are three answers. An object is in, or out, or it can't be told: a pattern took too many steps, or a value has
 * no text. The third answer carries `failure` and no `inScope`, so that nobody takes it for one of the others by
 * accident: an object that can't be told keeps what it has in the target.
 */

import type { FailureCode } from "../expression/failure.ts";

/** A clause that decided, with the value that it saw. */
export interface ScopeFinding {
  readonly group: string;
  readonly clause: string;
  /** The attribute's text, several joined by `; `; null when the object has none. */
  readonly value: string | null;
}

export interface DecidedScope {
  readonly inScope: boolean;
  /** False when the object is out for an input filter only: such an object is skipped, never removed. */
  readonly mayRemove: boolean;
  /** Out of scope: the first failing clause of every group. In scope: empty. */
  readonly findings: readonly ScopeFinding[];
  /** One sentence for the log. */
  readonly explanation: string;
  readonly failure?: undefined;
}

export interface UndecidedScope {
  /** Why the first clause that can't be told can't be, and which one it is. */
  readonly failure: ScopeFinding & { readonly code: FailureCode; readonly message: string };
  readonly explanation: string;
}

export type ScopeVerdict = DecidedScope | UndecidedScope;

export type ClauseAnswer = "holds" | "fails" | "undecided";

export interface ClauseExplanation extends Omit<ScopeFinding, "group"> {
  readonly answer: ClauseAnswer;
  /** Why it is undecided. */
  readonly message?: string;
  /** The verdict rests on this clause. */
  readonly isDecisive: boolean;
}

export interface GroupExplanation {
  readonly name: string;
  /** Which of the filter's lists it stands in. */
  readonly list: "groups" | "inputFilterGroups";
  readonly answer: ClauseAnswer;
  readonly clauses: readonly ClauseExplanation[];
}

/** Every clause of every group for one object, whatever decided. */
export interface ScopeExplanation {
  readonly verdict: ScopeVerdict;
  readonly groups: readonly GroupExplanation[];
}

const UNFILTERED: ScopeVerdict = inScope("the job has no filter");

export function inScopeBy(group: string | undefined): ScopeVerdict {
  return group === undefined ? UNFILTERED : inScope(`every clause of ${group} holds`);
}

function inScope(because: string): ScopeVerdict {
  return { inScope: true, mayRemove: false, findings: [], explanation: `In scope: ${because}.` };
}

export function outOfScope(findings: readonly ScopeFinding[], mayRemove: boolean): ScopeVerdict {
  const reasons = findings.map(({ group, clause, value }) => {
    return `${group} wants ${clause}, and the value is ${value === null ? "absent" : `'${value}'`}`;
  });
  return { inScope: false, mayRemove, findings, explanation: `Out of scope: ${reasons.join("; ")}.` };
}

export function undecided(failure: UndecidedScope["failure"]): ScopeVerdict {
  const { group, clause, message } = failure;
  return { failure, explanation: `Neither in nor out of scope: ${group} wants ${clause}. ${message}` };
}
