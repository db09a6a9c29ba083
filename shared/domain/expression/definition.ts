/**
 * What a function of the language is: its name, its parameters, and how a call of it becomes a closure.
 *
 * `compile` runs once per call in a schema; what it returns runs once per object. Arguments arrive as closures, so a
 * function decides which of them it evaluates (IIF evaluates one branch). An omitted argument is undefined, which is
 * not the same as `""`. The rest of this file is for functions that only turn the first value of each argument into
 * something else.
 */

import type { Node } from "./ast.ts";
import type { CompileError, FailureCode } from "./failure.ts";
import { allOf, isList, listValue, type Scalar, textOf, textOfScalar, type Value } from "./value.ts";
import type { Work } from "./work.ts";

/** Everything outside the expression that its value depends on. */
export interface EvaluationContext {
  /** The value of a source attribute; null when the object doesn't have it. */
  readonly attribute: (name: string) => Value;
  /** The value of a job parameter, undefined when the job has none of that name. */
  readonly parameter: (name: string) => string | undefined;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly now: number;
  /** A uniformly distributed integer from 0 to 2^32 − 1. Make it unguessable where RandomString makes secrets. */
  readonly random: () => number;
  /** Whether a value is in use in the target (SelectUniqueValue); without it that function fails. */
  readonly isTaken?: ((value: string) => boolean) | undefined;
  /** What the evaluation may still do; filled anew by every `Program.evaluate`. */
  readonly work: Work;
}

export type Evaluate = (context: EvaluationContext) => Value;

/**
 * `condition` is a truth that must be one, `Boolean` one that may be anything (Not); `sid` a binary or written security
 * identifier; `roles` app role assignments; `word` one of a few constants.
 */
export type ParameterType =
  | "text"
  | "number"
  | "Boolean"
  | "condition"
  | "date"
  | "list"
  | "reference"
  | "any"
  | "word"
  | "sid"
  | "roles";

export interface Parameter {
  readonly name: string;
  /** What the documentation says the argument is; for messages and documentation. */
  readonly type: ParameterType;
  /** May be left out at the end of the call or between two commas. */
  readonly optional?: true;
}

export interface Call {
  readonly node: { readonly position: number; readonly name: string };
  /** The closure of an argument, undefined when it is omitted. */
  readonly arg: (index: number) => Evaluate | undefined;
  /** The closure of an argument that the arity check has found to be there. */
  readonly required: (index: number) => Evaluate;
  readonly argNode: (index: number) => Node | undefined;
  readonly count: number;
  /** Tells of a fault without giving up the call, where all faults are collected; throws it elsewhere. */
  readonly report: (fault: CompileError) => void;
  readonly fail: (code: FailureCode, message: string, remedy: string, argument?: number) => CompileError;
}

export interface FunctionDefinition {
  readonly name: string;
  readonly parameters: readonly Parameter[];
  /** Parameters that come again and again after the fixed ones, at least `times` times. */
  readonly repeating?: { readonly parameters: readonly Parameter[]; readonly times: number };
  readonly returns: "text" | "number" | "Boolean" | "date" | "list" | "any";
  /** Only at the top of an expression. */
  readonly topLevelOnly?: true;
  readonly compile: (call: Call) => Evaluate;
}

export const text = (name: string): Parameter => ({ name, type: "text" });
export const optionalText = (name: string): Parameter => ({ name, type: "text", optional: true });
export const number = (name: string): Parameter => ({ name, type: "number" });
export const any = (name: string): Parameter => ({ name, type: "any" });
export const condition = (name: string): Parameter => ({ name, type: "condition" });
export const roles = (name: string): Parameter => ({ name, type: "roles" });
export const list = (name: string): Parameter => ({ name, type: "list" });

/** A text argument evaluated: null for null, the canonical text of anything else. */
export function textArgument(call: Call, index: number): (context: EvaluationContext) => string | null {
  const evaluate = call.arg(index);
  return evaluate ? (context) => textOf(evaluate(context)) : () => null;
}

/** A function of one text: null gives null, and every value of a list is changed. */
export function overTexts(change: (text: string) => Scalar): FunctionDefinition["compile"] {
  return (call) => {
    const source = call.required(0);
    return (context) => {
      const value = source(context);
      if (value === null) return null;
      if (isList(value)) return listValue(allOf(value).map((item) => change(textOfScalar(item))));
      return change(textOfScalar(value));
    };
  };
}
