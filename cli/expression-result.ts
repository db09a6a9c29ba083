/**
 * An outcome of the language as the tools around it read it: canonical texts, `null` with its flow, errors with a class.
 *
 * Texts are those of the language: `True` and `False`, decimal integers, dates in UTC as `M/d/yyyy h:mm:ss tt`, GUIDs
 * and SIDs in their text form, other binary values as base64. What the role functions make is an object.
 */

import type { Outcome } from "../shared/domain/expression/compile.ts";
import { type CompileFailure, ExpressionError, type FailureCode } from "../shared/domain/expression/failure.ts";
import { type Scalar, textOfScalar } from "../shared/domain/expression/value.ts";

export type Result =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "multi"; readonly value: readonly unknown[] }
  /** `null`: there is no value. `ignore`: the attribute is left out of the flow, and keeps what it has. */
  | { readonly kind: "absent"; readonly value: null; readonly flow: "null" | "ignore" }
  | ErrorResult;

export interface ErrorResult {
  readonly kind: "error";
  readonly value: null;
  readonly errorClass: string;
  readonly message: string;
}

/** The classes that tools know; every other code of ours goes with the nearest of them. */
const CLASSES: ReadonlySet<string> = new Set([
  ...["parse", "arity", "length", "unknown-function", "type", "case", "range", "date"],
  ...["unsupported", "nesting", "unique-exhausted", "custom"],
]);
const NEAREST: Partial<Record<FailureCode, string>> = { conversion: "type", constant: "range", limit: "range" };

export function errorResult(code: FailureCode, message: string): ErrorResult {
  return { kind: "error", value: null, errorClass: classOf(code), message };
}

function classOf(code: FailureCode): string {
  return CLASSES.has(code) ? code : (NEAREST[code] ?? "unsupported");
}

/** What can't be compiled: the place stands in the message. */
export function failureResult({ code, message, remedy, position }: CompileFailure): ErrorResult {
  return errorResult(code, `At character ${position + 1}: ${message} ${remedy}`);
}

export function resultOf(outcome: Outcome): Result {
  try {
    switch (outcome.kind) {
      case "value":
        return { kind: "value", value: canonical(outcome.value) };
      case "multi":
        return { kind: "multi", value: outcome.values.map(canonical) };
      case "null":
      case "ignore":
        return { kind: "absent", value: null, flow: outcome.kind };
      case "error":
        return errorResult(outcome.code, outcome.message);
    }
  } catch (error) {
    // A binary value that should be a SID and isn't has no text.
    if (error instanceof ExpressionError) return errorResult(error.code, error.message);
    throw error;
  }
}

function canonical(value: Scalar): unknown {
  return typeof value === "object" && value.kind === "structure" ? value.fields : textOfScalar(value);
}
