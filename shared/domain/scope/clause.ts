/**
 * One clause of a scoping filter, compiled: an operator with its operand over what it reads of an object.
 *
 * A clause sees an object as a `Subject`. What it needs beside attributes would be a further member there, and `holds`
 * stays as it is. `answerOf` gives every clause a meter of its own, so that neither the order of clauses nor what an
 * explanation looks at besides changes an answer.
 */

import { ExpressionError } from "../expression/failure.ts";
import { allOf, isList, type Scalar, textOfScalar, type Value } from "../expression/value.ts";
import { createWork, OBJECT_LIMIT, refill, restart, type Work } from "../expression/work.ts";
import type { ReadAttribute } from "../source-object.ts";
import type { ScopeFilterClause } from "../synchronization-schema.ts";
import { OperandRefusal, operatorNamed } from "./operators.ts";
import { type AskFacts, compilePlaceClause, NO_FACTS, type PlaceClause } from "./places.ts";

/** What clauses may ask of an object. */
export interface Subject {
  readonly read: ReadAttribute;
  /** Where it is, and in which groups; absent: nobody knows. */
  readonly facts?: AskFacts | undefined;
}

export interface Clause {
  /** The attribute that it reads; absent: it asks for facts. */
  readonly attribute?: string;
  readonly text: string;
  /** Throws `ExpressionError` when it can't be told. */
  readonly holds: (subject: Subject, work: Work) => boolean;
  /** What it looks at, as text; null when the object has no value. */
  readonly seen: (subject: Subject) => string | null;
}

export interface ClauseRefusal {
  readonly code: "scope-operator" | "scope-operand" | "scope-attribute";
  readonly message: string;
  readonly remedy: string;
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

const GROUP_ATTRIBUTE = /^member(s|Of)?$/i;
const GROUP_OPERATOR = /^is[\s_]?member[\s_]?of$/i;
const BY_GROUP = "Write objectGUID IS_MEMBER_OF with the groups' objectGUIDs.";
const OPERATORS_SHOWN = [
  ...["EQUALS", "NOT EQUALS", "IS NULL", "IS NOT NULL", "IS TRUE", "IS FALSE", "REGEX MATCH", "NOT REGEX MATCH"],
  ...["GREATER_THAN", "GREATER_THAN_OR_EQUALS", "INCLUDES", "ENDS_WITH", "&", "!&"],
].join(", ");

/** `isExcluding`: in a group that excludes, where an absent attribute can't be what is excluded. */
export function compileClause(clause: ScopeFilterClause, isExcluding: boolean): Clause | ClauseRefusal {
  const attribute = clause.sourceOperandName ?? "";
  const operatorName = clause.operatorName ?? "";
  const values = clause.targetOperand?.values ?? [];
  const place = compilePlaceClause(clause);
  if (place) return "code" in place ? place : ofPlace(place);
  const operator = operatorNamed(operatorName);
  if (attribute === "") {
    return { code: "scope-attribute", message: "a clause names no attribute.", remedy: "Name one." };
  }
  if (UNSUPPORTED_ATTRIBUTES.has(attribute.toLowerCase())) {
    const message = `the attribute ${attribute} can't be filtered by.`;
    const remedy = GROUP_ATTRIBUTE.test(attribute) ? BY_GROUP : "Filter by a single-valued text, number or Boolean.";
    return { code: "scope-attribute", message, remedy };
  }
  if (!operator) {
    const message = `the operator '${operatorName}' is not supported.`;
    const remedy = GROUP_OPERATOR.test(operatorName) ? BY_GROUP : `Use one of ${OPERATORS_SHOWN}.`;
    return { code: "scope-operator", message, remedy };
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
    const holds: Clause["holds"] = ({ read }, work) => {
      const value = read(attribute);
      if (isList(value)) return holdsForAll(value, test, ofEmpty, work);
      return value === null || value === "" ? ofEmpty : test(value, work);
    };
    return { attribute, text, holds, seen: ({ read }) => shownValue(read(attribute)) };
  } catch (error) {
    if (!(error instanceof OperandRefusal)) throw error;
    const message = `${text} can't be used. ${error.message}`;
    return { code: "scope-operand", message, remedy: "Correct the operand." };
  }
}

function ofPlace({ text, ask, shown }: PlaceClause): Clause {
  return {
    text,
    holds: ({ facts = NO_FACTS }) => {
      const answer = ask(facts);
      if (answer === undefined) throw new ExpressionError("unknown", `Too little is known: ${shown(facts)}.`);
      return answer;
    },
    seen: ({ facts = NO_FACTS }) => shown(facts),
  };
}

/** Several values: all of them, as Graph's multivaluedComparisonType has it by default. Empty ones are none. */
function holdsForAll(
  values: readonly Scalar[],
  test: (value: Scalar, work: Work) => boolean,
  ofEmpty: boolean,
  work: Work,
): boolean {
  let isNothing = true;
  for (const value of values) {
    if (value === "") continue;
    isNothing = false;
    if (!test(value, work)) return false;
  }
  return isNothing ? ofEmpty : true;
}

const work = createWork();

/** Before the clauses of a filter are asked about an object: what they may do together. */
export function beginObject(): void {
  restart(work, OBJECT_LIMIT);
}

/** Whether a clause holds, or why it can't be told. Nothing that an object holds makes it throw. */
export function answerOf(clause: Clause, subject: Subject): boolean | ExpressionError {
  refill(work);
  try {
    return clause.holds(subject, work);
  } catch (error) {
    if (error instanceof ExpressionError) return error;
    throw error;
  }
}

const LONGEST_SHOWN = 256;

function shownValue(value: Value): string | null {
  if (value === null) return null;
  const text = allOf(value).map(shownScalar).join("; ");
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
}

function shownScalar(value: Scalar): string {
  try {
    return textOfScalar(value);
  } catch (error) {
    if (error instanceof ExpressionError) return "(no text)";
    throw error;
  }
}
