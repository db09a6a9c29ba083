/**
 * Whether an object is in scope, and which clause decided it.
 *
 * Groups are ORed, the clauses of a group are ANDed, no group filters nothing. `inputFilterGroups` are a second
 * condition whose failure keeps an object out but removes nothing. What the service doesn't support (dates, `manager`,
 * `userType`, operators without a documented meaning) is refused when the scope is compiled, every fault at once: a
 * clause that is silently false would delete people.
 *
 * Null and empty values are false for every operator but IS NULL, with one exception. In a group that excludes (its
 * name is `Default…Exclusions`, as in Microsoft's templates) clauses that say what a value is not hold for an object
 * that lacks the attribute. Taken to the letter, the template's "isCriticalSystemObject IS FALSE" would let nobody in:
 * the directory sets that flag on critical objects only and leaves it out everywhere else.
 *
 * A clause may be undecided for one object (a pattern that takes too many steps). One clause that fails decides its
 * group all the same, and one group that holds the whole; else the object is neither in nor out (`failure`).
 */

import { ExpressionError } from "./expression/failure.ts";
import { answerOf, beginObject, type Clause, type ClauseRefusal, compileClause, type Subject } from "./scope/clause.ts";
import { type AskFacts, type NamedObjects, namedIn } from "./scope/places.ts";
import {
  type ClauseAnswer,
  type ClauseExplanation,
  type GroupExplanation,
  inScopeBy,
  outOfScope,
  type ScopeExplanation,
  type ScopeFinding,
  type ScopeVerdict,
  type UndecidedScope,
  undecided,
} from "./scope/verdict.ts";
import type { ReadAttribute } from "./source-object.ts";
import type { ScopeFilter, ScopeFilterGroup } from "./synchronization-schema.ts";

export interface ScopeFailure {
  readonly code: ClauseRefusal["code"] | "scope-group";
  readonly message: string;
  readonly remedy: string;
}

export interface Scope {
  /** Attributes that the clauses read, sorted. */
  readonly attributes: readonly string[];
  /** Units and groups that clauses name: what becomes of them is told by `facts`, without which it is unknown. */
  readonly named: NamedObjects;
  /** Never throws, whatever the object holds. */
  readonly evaluate: (read: ReadAttribute, facts?: AskFacts) => ScopeVerdict;
  /** The same verdict, and what every clause says, those too that the verdict didn't need. */
  readonly explain: (read: ReadAttribute, facts?: AskFacts) => ScopeExplanation;
}

export type ScopeResult =
  | { readonly ok: true; readonly scope: Scope }
  | { readonly ok: false; readonly failures: readonly ScopeFailure[] };

interface Group {
  readonly name: string;
  readonly list: GroupExplanation["list"];
  readonly clauses: readonly Clause[];
}

/**
 * A tenant's export names a group for each organizational unit that its admin chose
 * `DefaultUserExclusions.0.UX-OrganizationalGroup-Scope`: the template's clauses and the unit's.
 */
const EXCLUDING_NAME = /^Default\w*Exclusions(?:\.|$)/;

export function compileScope(filter: ScopeFilter | null | undefined): ScopeResult {
  const failures: ScopeFailure[] = [];
  if ((filter?.categoryFilterGroups ?? []).length > 0) {
    const remedy = "Move its clauses to groups.";
    failures.push({ code: "scope-group", message: "Category filter groups have no documented meaning.", remedy });
  }
  const compiled = (list: Group["list"]) =>
    (filter?.[list] ?? []).map((group, index) => compileGroup(group, list, index, failures));
  const groups = compiled("groups");
  const inputGroups = compiled("inputFilterGroups");
  if (failures.length > 0) return { ok: false, failures };
  const all = [...groups, ...inputGroups];
  const attributes = [...new Set(all.flatMap(({ clauses }) => clauses.flatMap((own) => own.attribute ?? [])))].sort();
  const scope: Scope = {
    attributes,
    named: namedIn(filter),
    evaluate: (read, facts) => {
      beginObject();
      return evaluate(groups, inputGroups, { read, facts });
    },
    explain: (read, facts) => {
      const subject = { read, facts };
      beginObject();
      const verdict = evaluate(groups, inputGroups, subject);
      beginObject();
      return { verdict, groups: all.map((group) => explainGroup(group, subject, verdict)) };
    },
  };
  return { ok: true, scope };
}

function compileGroup(
  { name: given, clauses: written }: ScopeFilterGroup,
  list: Group["list"],
  index: number,
  failures: ScopeFailure[],
): Group {
  const name = given || `${list === "groups" ? "group" : "input group"} ${index + 1}`;
  const clauses = (written ?? []).flatMap((clause) => {
    const compiled = compileClause(clause, EXCLUDING_NAME.test(name));
    if ("holds" in compiled) return [compiled];
    failures.push({ ...compiled, message: `In the scope's ${name}: ${compiled.message}` });
    return [];
  });
  return { name, list, clauses };
}

function evaluate(groups: readonly Group[], inputGroups: readonly Group[], subject: Subject): ScopeVerdict {
  const main = firstHolding(groups, subject);
  if (main?.failure) return undecided(main.failure);
  if (main?.findings) return outOfScope(main.findings, true);
  const input = firstHolding(inputGroups, subject);
  if (input?.failure) return undecided(input.failure);
  if (input?.findings) return outOfScope(input.findings, false);
  return inScopeBy(main?.name ?? input?.name);
}

/** What a list of groups comes to: the name of one that holds, or why none does. Undefined: there are no groups. */
type ListAnswer =
  | { readonly name: string; readonly findings?: undefined; readonly failure?: undefined }
  | { readonly findings: readonly ScopeFinding[]; readonly failure?: undefined; readonly name?: undefined }
  | { readonly failure: UndecidedScope["failure"]; readonly findings?: undefined; readonly name?: undefined };

function firstHolding(groups: readonly Group[], subject: Subject): ListAnswer | undefined {
  if (groups.length === 0) return undefined;
  const findings: ScopeFinding[] = [];
  let failure: UndecidedScope["failure"] | undefined;
  for (const group of groups) {
    const against = firstAgainst(group, subject);
    if (!against) return group;
    const { clause, error } = against;
    const finding = { group: group.name, clause: clause.text, value: clause.seen(subject) };
    if (!error) findings.push(finding);
    else failure ??= { ...finding, code: error.code, message: error.message };
  }
  return failure ? { failure } : { findings };
}

/** The clause that fails a group, else the first that is undecided; undefined when all hold. */
function firstAgainst(
  { clauses }: Group,
  subject: Subject,
): { readonly clause: Clause; readonly error?: ExpressionError } | undefined {
  let undecidedClause: { clause: Clause; error: ExpressionError } | undefined;
  for (const clause of clauses) {
    const answer = answerOf(clause, subject);
    if (answer === false) return { clause };
    if (answer !== true) undecidedClause ??= { clause, error: answer };
  }
  return undecidedClause;
}

function explainGroup(group: Group, subject: Subject, verdict: ScopeVerdict): GroupExplanation {
  const { name, list } = group;
  const against = firstAgainst(group, subject);
  const answer: ClauseAnswer = !against ? "holds" : against.error ? "undecided" : "fails";
  const decidesFor = isDecisive(group, answer, verdict);
  const clauses = group.clauses.map((clause): ClauseExplanation => {
    const own = answerOf(clause, subject);
    const isError = own instanceof ExpressionError;
    return {
      clause: clause.text,
      value: clause.seen(subject),
      answer: isError ? "undecided" : own ? "holds" : "fails",
      ...(isError ? { message: own.message } : {}),
      isDecisive: decidesFor && (against === undefined || against.clause === clause),
    };
  });
  return { name, list, answer, clauses };
}

/** Whether the verdict rests on this group: on the one that holds, on all that fail, on those that are undecided. */
function isDecisive({ list }: Group, answer: ClauseAnswer, verdict: ScopeVerdict): boolean {
  if (verdict.failure) return answer === "undecided";
  if (verdict.inScope) return answer === "holds";
  return answer === "fails" && (list === "groups") === verdict.mayRemove;
}
