/**
 * What every part of an expression came to for one object: the answer to "why is this the value?".
 *
 * Parts are calls, attributes, job parameters, comparisons and concatenations, each before the parts it is made of.
 * A branch that wasn't taken is shown as not evaluated. What Redact hides from logs is hidden here too: inside it,
 * around it, and wherever the expression reads the same attributes.
 */

import { childrenOf, type Node } from "./ast.ts";
import { type CompileOptions, compileNode, failureAt, type Outcome, outcomeOf } from "./compile.ts";
import type { Evaluate, EvaluationContext } from "./definition.ts";
import { CompileError, type CompileFailure } from "./failure.ts";
import { FUNCTIONS } from "./functions/index.ts";
import { parse } from "./parser.ts";
import { printExpression } from "./print.ts";
import type { Value } from "./value.ts";

export type ExplainedOutcome =
  | Outcome
  /** A branch that wasn't taken, or what stands behind a failure. */
  | { readonly kind: "not-evaluated" }
  /** There is a value, and Redact hides it. */
  | { readonly kind: "redacted" };

export interface ExplainedPart {
  /** The part as text, in the one spelling of `printExpression`. */
  readonly text: string;
  /** Where it begins in the expression, counted from 0 in UTF-16 units. */
  readonly position: number;
  /** 0 for the whole expression. */
  readonly depth: number;
  readonly outcome: ExplainedOutcome;
}

export type Explanation =
  | { readonly ok: true; readonly outcome: ExplainedOutcome; readonly parts: readonly ExplainedPart[] }
  | { readonly ok: false; readonly failure: CompileFailure };

export function explainExpression(text: string, context: EvaluationContext, options: CompileOptions = {}): Explanation {
  const recorded = new Map<Node, Outcome>();
  const around = (node: Node, evaluate: Evaluate): Evaluate => {
    return (given) => {
      let thrown: unknown;
      const attempt = (): Value => {
        try {
          return evaluate(given);
        } catch (error) {
          thrown = error;
          throw error;
        }
      };
      const outcome = outcomeOf(attempt, given);
      recorded.set(node, outcome);
      if (outcome.kind === "error" || outcome.kind === "ignore") throw thrown;
      return outcome.kind === "value" ? outcome.value : outcome.kind === "multi" ? outcome.values : null;
    };
  };
  try {
    const node = parse(text);
    const program = compileNode(text, node, { functions: options.functions ?? FUNCTIONS, around });
    const whole = program.evaluate(context);
    const hidden = hiddenParts(node);
    const shown = (part: Node, outcome: ExplainedOutcome) => (hidden.has(part) ? redacted(outcome) : outcome);
    const parts: ExplainedPart[] = [];
    const walk = (part: Node, depth: number) => {
      const isConstant = part.type === "string" || part.type === "number" || part.type === "word";
      if (isConstant && part !== node) return;
      // The whole may be the constant "", which means null and isn't evaluated.
      const outcome = shown(part, part === node ? whole : (recorded.get(part) ?? { kind: "not-evaluated" }));
      parts.push({ text: printExpression(part), position: part.position, depth, outcome });
      for (const child of childrenOf(part)) walk(child, depth + 1);
    };
    walk(node, 0);
    return { ok: true, outcome: shown(node, whole), parts };
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    return { ok: false, failure: failureAt(text, error) };
  }
}

/** The parts inside and around Redact, and those that read an attribute which stands in one. */
function hiddenParts(root: Node): ReadonlySet<Node> {
  const secrets = new Set<string>();
  const collect = (node: Node, isInside: boolean) => {
    const inside = isInside || (node.type === "call" && node.name === "Redact");
    if (inside && node.type === "attribute") secrets.add(node.name.toLowerCase());
    for (const child of childrenOf(node)) collect(child, inside);
  };
  collect(root, false);
  const hidden = new Set<Node>();
  const mark = (node: Node, isInside: boolean): boolean => {
    const isRedact = node.type === "call" && node.name === "Redact";
    const reads = node.type === "attribute" && secrets.has(node.name.toLowerCase());
    let isHidden = isInside || isRedact || reads;
    for (const child of childrenOf(node)) isHidden = mark(child, isInside || isRedact) || isHidden;
    if (isHidden) hidden.add(node);
    return isHidden;
  };
  mark(root, false);
  return hidden;
}

/** Whether there is a value may be said, and with which code it failed; neither the value nor a message made of it. */
function redacted(outcome: ExplainedOutcome): ExplainedOutcome {
  if (outcome.kind === "value" || outcome.kind === "multi") return { kind: "redacted" };
  if (outcome.kind !== "error") return outcome;
  return { ...outcome, message: "The message may hold what Redact hides." };
}
