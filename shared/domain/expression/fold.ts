/**
 * Evaluates a call that reads nothing, before any object is seen: what fails then fails for every object.
 *
 * What depends on the moment or on chance is run for its errors only. `Error` is meant to fail, and SelectUniqueValue
 * has nobody to ask.
 */

import type { CallNode } from "./ast.ts";
import type { Evaluate, EvaluationContext } from "./definition.ts";
import { ExpressionError } from "./failure.ts";
import type { Complaint } from "./finding.ts";
import { IGNORE_FLOW } from "./functions/presence.ts";
import type { Value } from "./value.ts";
import type { Work } from "./work.ts";

export type Folded =
  | { readonly kind: "constant"; readonly value: Value }
  | { readonly kind: "failure"; readonly complaint: Complaint }
  | { readonly kind: "unknown" };

const UNKNOWN: Folded = { kind: "unknown" };
const NEVER: ReadonlySet<string> = new Set(["Error", "SelectUniqueValue"]);
const CHANGING: ReadonlySet<string> = new Set(["Now", "Guid", "RandomString", "FormatDateTime"]);

/** `work` bounds all that is folded of one expression: what would take longer is left unknown. */
export function fold({ name, position }: CallNode, evaluate: Evaluate, work: Work): Folded {
  if (NEVER.has(name)) return UNKNOWN;
  const context: EvaluationContext = {
    attribute: () => null,
    parameter: () => undefined,
    now: 0,
    random: () => 0,
    work,
  };
  try {
    const value = evaluate(context);
    return CHANGING.has(name) ? UNKNOWN : { kind: "constant", value };
  } catch (error) {
    if (error === IGNORE_FLOW) return UNKNOWN;
    if (!(error instanceof ExpressionError)) throw error;
    const { code, message } = error;
    if (code === "limit") return UNKNOWN;
    const remedy = "Correct it: it reads no attribute, so it fails for every object.";
    return { kind: "failure", complaint: { severity: "error", code, message, remedy, position } };
  }
}
