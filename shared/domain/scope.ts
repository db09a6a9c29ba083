/**
 * Whether an object is in scope, and which clause decided it.
 *
 * Groups are ORed, the clauses of a group are ANDed, no group filters nothing. `inputFilterGroups` are a second
 * condition whose failure keeps an object out but removes nothing. What the service doesn't support (several values,
 * group membership, dates, `manager`, `userType`, operators without a documented meaning) is refused when the scope is
 * compiled, every fault at once: a clause that is silently false would delete people.
 *
 * Null and empty values are false for every operator but IS NULL, with one exception. In a group that excludes (its
 * name is `Default…Exclusions`, as in Microsoft's templates) clauses that say what a value is not hold for an object
 * that lacks the attribute. Taken to the letter, the template's "isCriticalSystemObject IS FALSE" would let nobody in:
 * the directory sets that flag on critical objects only and leaves it out everywhere else.
 */

import { allOf, isEmpty, textOfScalar, type Value } from "./expression/value.ts";
import { OperandRefusal, operatorNamed } from "./scope/operators.ts";
import type { ReadAttribute } from "./source-object.ts";
import type { ScopeFilter, ScopeFilterClause, ScopeFilterGroup } from "./synchronization-schema.ts";

interface ScopeFailure {
  readonly code: "scope-operator" | "scope-operand" | "scope-attribute" | "scope-group";
  readonly message: string;
  readonly remedy: string;
}

/** A clause that decided, with the value that it saw. */
interface ScopeFinding {
  readonly group: string;
  readonly clause: string;
  /** The attribute's text, several joined by `; `; null when the object has none. */
  readonly value: string | null;
}

export interface ScopeVerdict {
  readonly inScope: boolean;
  /** False when the object is out for an input filter only: such an object is skipped, never removed. */
  readonly mayRemove: boolean;
  /** Out of scope: the first failing clause of every group. In scope: empty. */
  readonly findings: readonly ScopeFinding[];
  /** One sentence for the log. */
  readonly explanation: string;
}

export interface Scope {
  /** Attributes that the clauses read, sorted. */
  readonly attributes: readonly string[];
  readonly evaluate: (read: ReadAttribute) => ScopeVerdict;
}

export type ScopeResult =
  | { readonly ok: true; readonly scope: Scope }
  | { readonly ok: false; readonly failures: readonly ScopeFailure[] };

interface Clause {
  readonly attribute: string;
  readonly text: string;
  readonly holds: (value: Value) => boolean;
}

interface Group {
  readonly name: string;
  readonly clauses: readonly Clause[];
}

/** Lower case. Documented as not filterable; the dates are those of the same list. */
const UNSUPPORTED_ATTRIBUTES: ReadonlySet<string> = new Set([
  "approleassignments",
  "usertype",
  "manager",
  "member",
  "members",
  "memberof",
  "statushiredate",
  "startdate",
  "enddate",
  "statusterminationdate",
  "accountexpires",
]);

/** Microsoft appends its own marks to the name, such as `.0.UX-OrganizationalGroup-Scope`. */
const EXCLUDING_NAME = /^Default\w*Exclusions(?:\.|$)/;

export function compileScope(filter: ScopeFilter | null | undefined): ScopeResult {
  const failures: ScopeFailure[] = [];
  if ((filter?.categoryFilterGroups ?? []).length > 0) {
    const remedy = "Move its clauses to groups.";
    failures.push({ code: "scope-group", message: "Category filter groups have no documented meaning.", remedy });
  }
  const groups = (filter?.groups ?? []).map((group, index) => compileGroup(group, index, failures));
  const inputGroups = (filter?.inputFilterGroups ?? []).map((group, index) => compileGroup(group, index, failures));
  if (failures.length > 0) return { ok: false, failures };
  const clauses = [...groups, ...inputGroups].flatMap((group) => group.clauses);
  const attributes = [...new Set(clauses.map((clause) => clause.attribute))].sort();
  return { ok: true, scope: { attributes, evaluate: (read) => evaluate(groups, inputGroups, read) } };
}

function compileGroup(group: ScopeFilterGroup, index: number, failures: ScopeFailure[]): Group {
  const name = group.name || `group ${index + 1}`;
  const clauses = (group.clauses ?? []).flatMap((clause) => {
    const compiled = compileClause(clause, EXCLUDING_NAME.test(name));
    if ("holds" in compiled) return [compiled];
    failures.push({ ...compiled, message: `In the scope's ${name}: ${compiled.message}` });
    return [];
  });
  return { name, clauses };
}

function compileClause(clause: ScopeFilterClause, isExcluding: boolean): Clause | ScopeFailure {
  const attribute = clause.sourceOperandName ?? "";
  const operatorName = clause.operatorName ?? "";
  const values = clause.targetOperand?.values ?? [];
  const operator = operatorNamed(operatorName);
  if (attribute === "") {
    return { code: "scope-attribute", message: "a clause names no attribute.", remedy: "Name one." };
  }
  if (UNSUPPORTED_ATTRIBUTES.has(attribute.toLowerCase())) {
    const message = `the attribute ${attribute} can't be filtered by.`;
    return { code: "scope-attribute", message, remedy: "Filter by a single-valued text, number or Boolean." };
  }
  if (!operator) {
    const message = `the operator '${operatorName}' is not supported.`;
    return { code: "scope-operator", message, remedy: "Use EQUALS, REGEX MATCH, IS NOT NULL or another listed one." };
  }
  if (operator.isBinary && values.length !== 1) {
    const message = `${attribute} ${operatorName} has ${values.length} operands.`;
    return { code: "scope-operand", message, remedy: "Give one; write several as several groups." };
  }
  const operand = values[0] ?? "";
  const text = operator.isBinary ? `${attribute} ${operatorName} '${operand}'` : `${attribute} ${operatorName}`;
  const ofEmpty = operator.ofEmpty || (isExcluding && operator.isNegative);
  try {
    const test = operator.compile(operand, attribute);
    // Several values: all of them, as Graph's multivaluedComparisonType has it by default.
    const holds = (value: Value) => (isEmpty(value) ? ofEmpty : allOf(value).every(test));
    return { attribute, text, holds };
  } catch (error) {
    if (!(error instanceof OperandRefusal)) throw error;
    const message = `${text} can't be used. ${error.message}`;
    return { code: "scope-operand", message, remedy: "Correct the operand." };
  }
}

const IN_SCOPE_UNFILTERED: ScopeVerdict = {
  inScope: true,
  mayRemove: false,
  findings: [],
  explanation: "In scope: the job has no filter.",
};

function evaluate(groups: readonly Group[], inputGroups: readonly Group[], read: ReadAttribute): ScopeVerdict {
  const main = firstHolding(groups, read);
  if (main.findings.length > 0) return outOfScope(main.findings, true);
  const input = firstHolding(inputGroups, read);
  if (input.findings.length > 0) return outOfScope(input.findings, false);
  const name = main.group?.name ?? input.group?.name;
  if (name === undefined) return IN_SCOPE_UNFILTERED;
  return { inScope: true, mayRemove: false, findings: [], explanation: `In scope: every clause of ${name} holds.` };
}

function firstHolding(groups: readonly Group[], read: ReadAttribute): { group?: Group; findings: ScopeFinding[] } {
  const findings: ScopeFinding[] = [];
  for (const group of groups) {
    const failing = group.clauses.find((clause) => !clause.holds(read(clause.attribute)));
    if (!failing) return { group, findings: [] };
    findings.push({ group: group.name, clause: failing.text, value: shownValue(read(failing.attribute)) });
  }
  return { findings };
}

function outOfScope(findings: readonly ScopeFinding[], mayRemove: boolean): ScopeVerdict {
  const reasons = findings.map(({ group, clause, value }) => {
    return `${group} wants ${clause}, and the value is ${value === null ? "absent" : `'${value}'`}`;
  });
  return { inScope: false, mayRemove, findings, explanation: `Out of scope: ${reasons.join("; ")}.` };
}

function shownValue(value: Value): string | null {
  return value === null ? null : allOf(value).map(textOfScalar).join("; ");
}
