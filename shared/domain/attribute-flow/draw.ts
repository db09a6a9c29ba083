/** One property of one object: evaluate its expression, apply its default, convert what comes out. */

import type { Outcome, Program } from "../expression/compile.ts";
import type { EvaluationContext } from "../expression/definition.ts";
import { ExpressionError } from "../expression/failure.ts";
import type { Scalar } from "../expression/value.ts";
import type { TargetProperty } from "../target-table.ts";
import type { TargetScalar } from "../target-value.ts";
import { type Converted, convert, type FlowCode } from "./convert.ts";

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
  const result = convertedOf(drawn.entry, outcome);
  if (result.isEmpty && creating && drawn.defaultValue !== undefined) {
    return { ...converted(drawn.entry, drawn.defaultValue), isForCreationOnly: true };
  }
  return drawn.onCreationOnly && result.value !== undefined ? { ...result, isForCreationOnly: true } : result;
}

type Given = Exclude<Outcome, { kind: "error" | "ignore" }>;

/** A property that takes one value gets the first of several; a list gets all that it takes, each once. */
function convertedOf(entry: TargetProperty, outcome: Given): DrawResult {
  if (outcome.kind === "null") return EMPTY;
  if (outcome.kind === "value") return converted(entry, outcome.value);
  const { values } = outcome;
  if (entry.type !== "list" || entry.maximumItems === 1)
    return values[0] === undefined ? EMPTY : converted(entry, values[0]);
  const results = values.map((value) => converted(entry, value));
  const fault = results.find((result) => result.failure ?? result.warning);
  const texts = new Set(results.flatMap(({ value }) => (Array.isArray(value) ? value : [])));
  if (fault?.failure) return fault;
  const kept = [...texts].slice(0, entry.maximumItems);
  if (kept.length === 0) return fault ?? EMPTY;
  return { value: kept, ...(fault?.warning ? { warning: fault.warning } : {}) };
}

function converted(entry: TargetProperty, scalar: Scalar): DrawResult {
  const result = attempted(entry, scalar);
  if (result.kind === "empty") return EMPTY;
  if (result.kind === "value") {
    if (!result.adjusted) return { value: result.value };
    return { value: result.value, warning: { code: "ValueAdjusted", message: result.adjusted } };
  }
  const notice = { code: result.code, message: result.message };
  return result.isFatal ? { failure: notice } : { warning: notice };
}

/** Bytes that should be a SID and are none have no text: a fault of this object, as if the expression had met it. */
function attempted(entry: TargetProperty, scalar: Scalar): Converted {
  try {
    return convert(entry, scalar);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return { kind: "fault", code: "AttributeMappingFailed", message: error.message, isFatal: true };
  }
}
