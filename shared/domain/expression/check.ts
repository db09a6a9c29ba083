/**
 * Every fault of an expression in one run, each with its place in the text.
 *
 * An error means that the expression can't be used; a warning, that it can but will do less than its author may think.
 * A text that can't be parsed has one finding; any other is compiled to its end, and every part that has a fault is
 * named.
 */

import type { ObjectDefinition } from "../object-definition.ts";
import type { Node } from "./ast.ts";
import { compileNode, failureAt, type Program } from "./compile.ts";
import type { FunctionDefinition } from "./definition.ts";
import { CompileError, excerptAt, type FailureCode } from "./failure.ts";
import { FUNCTIONS } from "./functions/index.ts";
import { parse } from "./parser.ts";

/** What a finding is about: a fault of the text, or one of these, which concern what it reads. */
export type FindingCode =
  | FailureCode
  | "unknown-attribute"
  | "attribute-case"
  | "unknown-parameter"
  | "first-value"
  | "conversion";

export interface Finding {
  readonly severity: "error" | "warning";
  readonly code: FindingCode;
  readonly message: string;
  readonly remedy: string;
  /** Index into the text, counted from 0 in UTF-16 units. */
  readonly position: number;
  /** The line of the text that holds the position, and a caret below it. */
  readonly excerpt: string;
}

export interface CheckOptions {
  /** The functions known to expressions; all of the language by default. */
  readonly functions?: ReadonlyMap<string, FunctionDefinition> | undefined;
  /** The class of the objects that the expression reads; without it attributes aren't looked at. */
  readonly source?: ObjectDefinition | undefined;
  /** The names of the job's parameters; without them `%Name%` isn't looked at. */
  readonly parameters?: ReadonlySet<string> | undefined;
}

export interface CheckResult {
  /** By position in the text. */
  readonly findings: readonly Finding[];
  /** The tree, when the text can be parsed. */
  readonly node?: Node;
  /** The program, when no finding is an error. */
  readonly program?: Program;
}

export function checkExpression(text: string, options: CheckOptions = {}): CheckResult {
  const findings: Finding[] = [];
  const report = (fault: CompileError) => findings.push({ severity: "error", ...failureAt(text, fault) });
  let node: Node;
  try {
    node = parse(text);
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    report(error);
    return { findings };
  }
  const program = compileNode(text, node, { functions: options.functions ?? FUNCTIONS, report });
  for (const parameter of options.parameters ? program.parameters : []) {
    if (options.parameters?.has(parameter)) continue;
    const position = Math.max(0, text.indexOf(`%${parameter}%`));
    findings.push({
      severity: "error",
      code: "unknown-parameter",
      message: `The job has no parameter '${parameter}'.`,
      remedy: `Add ${parameter} to the job's settings.`,
      position,
      excerpt: excerptAt(text, position),
    });
  }
  findings.sort((left, right) => left.position - right.position);
  const isFaulty = findings.some((finding) => finding.severity === "error");
  return isFaulty ? { findings, node } : { findings, node, program };
}
