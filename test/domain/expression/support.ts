/** Evaluates expressions over plain JSON sources, as the vector files write them. */

import { compileExpression, type Outcome } from "../../../shared/domain/expression/compile.ts";
import type { EvaluationContext } from "../../../shared/domain/expression/definition.ts";
import { listValue, type Scalar, textOfScalar, type Value } from "../../../shared/domain/expression/value.ts";
import { createWork } from "../../../shared/domain/expression/work.ts";

export type Source = Readonly<Record<string, unknown>>;

export interface Surroundings {
  readonly now?: string;
  readonly existing?: readonly string[];
  readonly parameters?: Readonly<Record<string, string>>;
}

export function scalarOf(json: unknown): Scalar {
  if (typeof json === "string" || typeof json === "boolean") return json;
  if (typeof json === "number") return BigInt(json);
  const record = json as Record<string, string>;
  if (record["$binary"] !== undefined) return { kind: "binary", base64: record["$binary"], form: "bytes" };
  return { kind: "structure", fields: record };
}

export function jsonValue(json: unknown): Value {
  if (json === null || json === undefined) return null;
  return Array.isArray(json) ? listValue(json.map(scalarOf)) : scalarOf(json);
}

/** A small deterministic generator: tests must not depend on luck. */
export function seededRandom(seed = 1): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

export function contextOf(source: Source, around: Surroundings = {}): EvaluationContext {
  const existing = new Set(around.existing ?? []);
  return {
    attribute: (name) => (Object.hasOwn(source, name) ? jsonValue(source[name]) : null),
    parameter: (name) => around.parameters?.[name],
    now: Date.parse(around.now ?? "2026-01-15T10:20:30Z"),
    random: seededRandom(),
    isTaken: (value) => existing.has(value),
    work: createWork(),
  };
}

export type Result = Outcome | { readonly kind: "failure"; readonly code: string; readonly position: number };

export function run(expression: string, source: Source = {}, around: Surroundings = {}): Result {
  const compiled = compileExpression(expression);
  if (!compiled.ok) return { kind: "failure", code: compiled.failure.code, position: compiled.failure.position };
  return compiled.program.evaluate(contextOf(source, around));
}

/** The canonical text of a result, for tables: `null`, `ignored`, `error: code`, values joined by ` | `. */
export function shown(result: Result): string {
  switch (result.kind) {
    case "value":
      return textOfScalar(result.value);
    case "multi":
      return result.values.map(textOfScalar).join(" | ");
    case "null":
      return "null";
    case "ignore":
      return "ignored";
    case "error":
      return `error: ${result.code}`;
    case "failure":
      return `failure: ${result.code}`;
  }
}

export const text = (expression: string, source: Source = {}, around: Surroundings = {}): string =>
  shown(run(expression, source, around));
