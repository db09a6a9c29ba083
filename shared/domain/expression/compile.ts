/**
 * Compiles an expression once into closures; a program then runs for every object without looking at text again.
 *
 * A program is a pure function of its context: clock, randomness, job parameters and taken values come in. Its outcome
 * is a value, several values, null (the object has no value), ignore (the attribute is left out of the flow) or an
 * error; nothing is thrown. A constant that is nothing but `""` means null, as on the cloud sync page.
 */

import { nearestName } from "../nearest-name.ts";
import { createRecent } from "../recent.ts";
import type { CallNode, CompareNode, Node } from "./ast.ts";
import { compileComparison } from "./comparison.ts";
import type { Call, Evaluate, EvaluationContext, FunctionDefinition, Parameter } from "./definition.ts";
import { CompileError, type CompileFailure, ExpressionError, excerptAt, type FailureCode } from "./failure.ts";
import { FUNCTIONS, WORDS } from "./functions/index.ts";
import { IGNORE_FLOW } from "./functions/presence.ts";
import { parse } from "./parser.ts";
import { isList, type Scalar, textOf, type Value } from "./value.ts";
import { metered, refill } from "./work.ts";

export type Outcome =
  | { readonly kind: "value"; readonly value: Scalar }
  | { readonly kind: "multi"; readonly values: readonly Scalar[] }
  | { readonly kind: "null" }
  | { readonly kind: "ignore" }
  | { readonly kind: "error"; readonly code: FailureCode; readonly message: string };

export interface Program {
  readonly text: string;
  /** Names of the source attributes and job parameters that it may read, sorted, as written. */
  readonly attributes: readonly string[];
  readonly parameters: readonly string[];
  /** The value is marked by Redact: it flows, but logs show `[Redact]`. */
  readonly redacted: boolean;
  /** Uses SelectUniqueValue, which is for creation only. */
  readonly selectsUniqueValue: boolean;
  /** The attribute's name when the expression is nothing but one. */
  readonly directAttribute: string | undefined;
  readonly evaluate: (context: EvaluationContext) => Outcome;
}

export type CompileResult =
  | { readonly ok: true; readonly program: Program }
  | { readonly ok: false; readonly failure: CompileFailure };

export interface CompileOptions {
  /** The functions known to expressions; all of the language by default. */
  readonly functions?: ReadonlyMap<string, FunctionDefinition> | undefined;
}

/** How a tree is compiled: by which functions, who hears of its faults, and what is put around every closure. */
export interface NodeCompilation {
  readonly functions: ReadonlyMap<string, FunctionDefinition>;
  /** Hears of every fault; the part that has it is compiled as null. Without it the first fault is thrown. */
  readonly report?: (fault: CompileError) => void;
  /** Sees what every part of the tree was compiled to, and may put something around it. */
  readonly around?: (node: Node, evaluate: Evaluate) => Evaluate;
}

const NULL_OUTCOME: Outcome = { kind: "null" };
const IGNORE_OUTCOME: Outcome = { kind: "ignore" };

const recentlyCompiled = createRecent((text) => compiled(text, FUNCTIONS));

export function compileExpression(text: string, { functions }: CompileOptions = {}): CompileResult {
  return functions ? compiled(text, functions) : recentlyCompiled(text);
}

function compiled(text: string, functions: ReadonlyMap<string, FunctionDefinition>): CompileResult {
  try {
    const node = parse(text);
    return { ok: true, program: compileNode(text, node, { functions }) };
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    return { ok: false, failure: failureAt(text, error) };
  }
}

/** A parsed expression as a program. Throws a CompileError for the first fault when nobody hears of them. */
export function compileNode(text: string, node: Node, compilation: NodeCompilation): Program {
  const compiler = createCompiler(compilation);
  const isNullConstant = node.type === "string" && node.value === "";
  const run = isNullConstant ? () => null : compiler.compile(node, true);
  return {
    text,
    attributes: [...compiler.attributes].sort(),
    parameters: [...compiler.parameters].sort(),
    redacted: compiler.calls.has("Redact"),
    selectsUniqueValue: compiler.calls.has("SelectUniqueValue"),
    directAttribute: node.type === "attribute" ? node.name : undefined,
    evaluate: (context) => {
      refill(context.work);
      return outcomeOf(run, context);
    },
  };
}

/** A fault with its place in the text. */
export function failureAt(text: string, { code, message, remedy, position }: CompileError): CompileFailure {
  return { code, message, remedy, position, excerpt: excerptAt(text, position) };
}

/** What a closure comes to, with nothing thrown. */
export function outcomeOf(run: Evaluate, context: EvaluationContext): Outcome {
  try {
    const value = run(context);
    if (value === null) return NULL_OUTCOME;
    return isList(value) ? { kind: "multi", values: value } : { kind: "value", value };
  } catch (error) {
    if (error === IGNORE_FLOW) return IGNORE_OUTCOME;
    if (error instanceof ExpressionError) return { kind: "error", code: error.code, message: error.message };
    throw error;
  }
}

function createCompiler({ functions, report, around }: NodeCompilation) {
  const attributes = new Set<string>();
  const parameters = new Set<string>();
  const calls = new Set<string>();

  function compile(node: Node, isTop = false): Evaluate {
    const evaluate = compileAnyway(node, isTop);
    return around ? around(node, evaluate) : evaluate;
  }

  /** A part with a fault becomes null where somebody hears of it, so that the parts around it are looked at too. */
  function compileAnyway(node: Node, isTop: boolean): Evaluate {
    if (!report) return compilePart(node, isTop);
    try {
      return compilePart(node, isTop);
    } catch (error) {
      if (!(error instanceof CompileError)) throw error;
      report(error);
      return () => null;
    }
  }

  function compilePart(node: Node, isTop: boolean): Evaluate {
    switch (node.type) {
      case "string":
      case "number": {
        const { value } = node;
        return () => value;
      }
      case "attribute": {
        const { name } = node;
        attributes.add(name);
        // Charged only where a function works on it: alone it flows as it is, however long.
        if (isTop) return (context) => context.attribute(name);
        return (context) => metered(context.attribute(name), context.work);
      }
      case "parameter":
        return compileParameter(node.name);
      case "word":
        return compileWord(node.name, node.position);
      case "compare":
        return compileCompare(node);
      case "concatenate": {
        const parts = node.parts.map((part) => compile(part));
        return (context) => metered(joined(parts, context), context.work);
      }
      case "call":
        return compileCall(node, isTop);
    }
  }

  function compileParameter(name: string): Evaluate {
    parameters.add(name);
    return (context) => {
      const value = context.parameter(name);
      if (value === undefined) throw new ExpressionError("parameter", `The job has no parameter '${name}'.`);
      return metered(value, context.work);
    };
  }

  function compileCompare(node: CompareNode): Evaluate {
    const operand = (side: Node) => ({ evaluate: compile(side), isConstant: side.type === "string" });
    return compileComparison(node.operator, operand(node.left), operand(node.right));
  }

  function compileCall(node: CallNode, isTop: boolean): Evaluate {
    calls.add(node.name);
    const definition = functions.get(node.name);
    const compileArgs = () => node.args.map((arg) => (arg ? compile(arg) : undefined));
    // Where somebody hears of all faults, those inside the arguments of a faulty call count as well.
    const args = report ? compileArgs() : [];
    if (!definition) throw unknownFunction(node, functions);
    if (definition.topLevelOnly && !isTop) {
      const message = `${node.name} can't stand inside another function.`;
      throw new CompileError("nesting", node.position, message, `Make ${node.name} the outermost function.`);
    }
    checkArity(node, definition);
    if (!report) args.push(...compileArgs());
    const call: Call = {
      node,
      arg: (index) => args[index],
      required: (index) => args[index] ?? (() => null),
      argNode: (index) => node.args[index] ?? undefined,
      count: node.args.length,
      report: (fault) => {
        if (!report) throw fault;
        report(fault);
      },
      fail: (code, message, remedy, argument) =>
        new CompileError(code, node.args[argument ?? -1]?.position ?? node.position, message, remedy),
    };
    const evaluate = definition.compile(call);
    return (context) => metered(evaluate(context), context.work);
  }

  return { compile, attributes, parameters, calls };
}

/** Null counts as "" beside another part; nothing but nulls stays null. */
function joined(parts: readonly Evaluate[], context: EvaluationContext): Value {
  let whole: string | null = null;
  for (const part of parts) {
    const text = textOf(part(context));
    if (text !== null) whole = whole === null ? text : whole + text;
  }
  return whole;
}

function compileWord(name: string, position: number): Evaluate {
  if (WORDS.has(name)) return () => name;
  const truth = ["true", "false"].find((one) => one === name.toLowerCase());
  const isNull = name.toLowerCase() === "null";
  const remedy = truth
    ? `Write "${truth === "true" ? "True" : "False"}", between quotation marks.`
    : isNull
      ? 'Leave the argument out for no value, or ask with IsNull; "" alone, as the whole expression, sets null.'
      : `Write [${name}] for the attribute, "${name}" for the constant or ${name}() for the function.`;
  throw new CompileError("parse", position, `The bare word '${name}' means nothing.`, remedy);
}

function unknownFunction(node: CallNode, functions: ReadonlyMap<string, FunctionDefinition>): CompileError {
  const lower = node.name.toLowerCase();
  if (lower === "and" || lower === "or") {
    const remedy = "Nest one IIF in the other: the true path for AND, the false path for OR.";
    return new CompileError("unsupported", node.position, `The language has no function ${node.name}.`, remedy);
  }
  const meant = nearestName(node.name, functions.keys());
  const isSame = meant?.toLowerCase() === lower;
  const remedy = isSame
    ? `Write ${meant}: names are case-sensitive.`
    : meant
      ? `If you mean ${meant}, write ${meant}.`
      : "Check the name against the list of functions.";
  return new CompileError("unknown-function", node.position, `There is no function ${node.name}.`, remedy);
}

function checkArity(node: CallNode, definition: FunctionDefinition): void {
  const { parameters, repeating } = definition;
  const count = node.args.length;
  const signature = `Write ${signatureOf(definition)}.`;
  const fail = (message: string, index = -1) =>
    new CompileError("arity", node.args[index]?.position ?? node.position, message, signature);
  const period = repeating?.parameters.length ?? 1;
  const extra = count - parameters.length;
  if (extra > 0 && !repeating) {
    throw fail(`${node.name} takes at most ${parameters.length} arguments, not ${count}.`, parameters.length);
  }
  if (repeating && (extra < repeating.times * period || extra % period !== 0)) {
    throw fail(`${node.name} can't take ${count} arguments.`);
  }
  const expected: Parameter[] = [...parameters];
  for (let index = 0; repeating && index < extra; index += period) expected.push(...repeating.parameters);
  expected.forEach((parameter, index) => {
    if (parameter.optional || node.args[index]) return;
    throw fail(`${node.name} lacks its argument '${parameter.name}'.`, index);
  });
}

function signatureOf({ name, parameters, repeating }: FunctionDefinition): string {
  const shown = parameters.map((parameter) => (parameter.optional ? `[${parameter.name}]` : parameter.name));
  const again = repeating?.parameters.map((parameter) => parameter.name) ?? [];
  return `${name}(${[...shown, ...again, ...(repeating ? ["…"] : [])].join(", ")})`;
}
