/** One property of one object: evaluate its expression, apply its default, convert what comes out. */

import type { Outcome, Program } from "../expression/compile.ts";
import type { EvaluationContext } from "../expression/definition.ts";
import type { Scalar } from "../expression/value.ts";
import type { TargetProperty } from "../target-table.ts";
import type { TargetScalar } from "../target-value.ts";
import { convert, type FlowCode } from "./convert.ts";

/** A mapping that the target can take, compiled. */
export interface Drawn {
  readonly target: string;
  readonly entry: TargetProperty;
  /** Of a key of a nested property: where its value goes. */
  readonly nesting?: { readonly outer: string; readonly key: string };
  readonly program: Program;
  readonly defaultValue: string | undefined;
  readonly onCreationOnly: boolean;
}

export interface DrawResult {
  /** Absent when nothing is to be said about the property. */
  readonly value?: Exclude<TargetScalar, null>;
  readonly isEmpty?: boolean;
  readonly isForCreationOnly?: boolean;
  readonly warning?: { readonly code: FlowCode; readonly message: string };
  readonly failure?: { readonly code: FlowCode; readonly message: string };
}

const SILENT: DrawResult = {};
const EMPTY: DrawResult = { isEmpty: true };

export function drawProperty(drawn: Drawn, context: EvaluationContext, creating: boolean): DrawResult {
  if (drawn.onCreationOnly && !creating) return SILENT;
  const outcome = drawn.program.evaluate(context);
  if (outcome.kind === "ignore") return SILENT;
  if (outcome.kind === "error") return { failure: { code: "AttributeMappingFailed", message: outcome.message } };
  const first = firstOf(outcome);
  const result = first === undefined ? EMPTY : converted(drawn.entry, first);
  if (result.isEmpty && creating && drawn.defaultValue !== undefined) {
    return { ...converted(drawn.entry, drawn.defaultValue), isForCreationOnly: true };
  }
  return drawn.onCreationOnly && result.value !== undefined ? { ...result, isForCreationOnly: true } : result;
}

/** A property here takes one value: of several the first. */
function firstOf(outcome: Exclude<Outcome, { kind: "error" | "ignore" }>): Scalar | undefined {
  if (outcome.kind === "value") return outcome.value;
  return outcome.kind === "multi" ? outcome.values[0] : undefined;
}

function converted(entry: TargetProperty, scalar: Scalar): DrawResult {
  const result = convert(entry, scalar);
  if (result.kind === "empty") return EMPTY;
  if (result.kind === "value") {
    if (!result.adjusted) return { value: result.value };
    return { value: result.value, warning: { code: "ValueAdjusted", message: result.adjusted } };
  }
  const notice = { code: result.code, message: result.message };
  return result.isFatal ? { failure: notice } : { warning: notice };
}
