/**
 * Faults of arguments that are constants, found when the schema is compiled rather than at the first object: a number
 * that is none, a date that doesn't exist, an interval that nobody knows. The same checks run again on what is only
 * known for an object; here their errors get a place in the text.
 */

import type { Call, FunctionDefinition, Parameter } from "../definition.ts";
import { ExpressionError } from "../failure.ts";
import { requireInteger, type Scalar } from "../value.ts";
import { ticksOf } from "./date-argument.ts";

/** The value of an argument that stands in the expression itself; undefined when it is computed or omitted. */
function constantOf(call: Call, index: number): Scalar | undefined {
  const node = call.argNode(index);
  if (node?.type === "string" || node?.type === "number") return node.value;
  return node?.type === "word" ? node.name : undefined;
}

/** Runs `check` on a constant argument; what it throws becomes a fault of the expression. */
export function checkConstant(call: Call, index: number, remedy: string, check: (value: Scalar) => unknown): void {
  const value = constantOf(call, index);
  if (value === undefined) return;
  try {
    check(value);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    // A text of an object may be malformed; one that stands in the expression makes the expression wrong.
    call.report(call.fail(error.code === "conversion" ? "type" : error.code, error.message, remedy, index));
  }
}

/** Holds constants against what a parameter is documented to be. */
function checkByType(call: Call, index: number, { name, type }: Parameter): void {
  const what = `The argument '${name}' of ${call.node.name}`;
  if (type === "number") {
    checkConstant(call, index, "Write an integer.", (value) => requireInteger(value, what));
  }
  if (type === "date") {
    const remedy = "Write a date such as 2026-01-31 or 2026-01-31T08:00:00Z.";
    checkConstant(call, index, remedy, (value) => ticksOf(value, what));
  }
}

/** A function that looks at its constants before it is compiled. */
export function withConstantChecks(definition: FunctionDefinition): FunctionDefinition {
  const typed = definition.parameters.flatMap((parameter, index) => {
    return parameter.type === "number" || parameter.type === "date" ? [{ parameter, index }] : [];
  });
  if (typed.length === 0) return definition;
  return {
    ...definition,
    compile: (call) => {
      for (const { parameter, index } of typed) checkByType(call, index, parameter);
      return definition.compile(call);
    },
  };
}
