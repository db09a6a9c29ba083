/**
 * What can be said of one call before any object is seen: do the kinds of its arguments fit, does it take the first of
 * several values, can its constants have an effect. (What constants it refuses, a function says itself when it is
 * compiled.)
 *
 * The rule for kinds: an error where a kind that an argument can have never becomes what the parameter asks for. A text
 * may hold a number, a date or a truth, so a text is never an error, unless it is a constant and its content is plain to
 * see; a text attribute in such a place is a warning. Nothing is said where nothing is known. An expression without
 * errors therefore never fails with the code `type` over objects as their class describes them; for what their texts
 * hold, it fails with `conversion` or `date`.
 */

import type { CallNode, Node } from "./ast.ts";
import type { FunctionDefinition, Parameter, ParameterType } from "./definition.ts";
import type { Complaint } from "./finding.ts";
import { printConstant } from "./print.ts";
import { type Kind, type StaticType, takesFirstOnly } from "./static-type.ts";
import { firstOf, integerOf, type Value } from "./value.ts";

const KIND_NAMES: Readonly<Record<Kind, string>> = {
  text: "a text",
  number: "a number",
  Boolean: "True or False",
  date: "a date",
  time: "a point in time",
  name: "a reference to an object",
  binary: "a binary value",
  structure: "a role assignment",
};

/** The kinds that a parameter takes; a parameter that isn't here takes any. */
const FITTING: Partial<Record<ParameterType, ReadonlySet<Kind>>> = {
  number: new Set(["text", "number"]),
  condition: new Set(["text", "number", "Boolean"]),
  date: new Set(["text", "time", "date"]),
  sid: new Set(["text", "binary"]),
  roles: new Set(["structure"]),
};

const WANTED: Partial<Record<ParameterType, string>> = {
  number: "a whole number",
  condition: "True, False or a number",
  date: "a date",
  sid: "a security identifier",
  roles: "app role assignments",
};

const TRUTH = /^\s*(true|false)\s*$/i;

/** Whether a constant text holds what a parameter asks for; functions look at their numbers and dates themselves. */
const HOLDS: Partial<Record<ParameterType, (text: string) => boolean>> = {
  condition: (text) => integerOf(text) !== undefined || TRUTH.test(text),
  sid: (text) => /^S-1-/i.test(text),
};

export interface CheckedCall {
  readonly node: CallNode;
  readonly definition: FunctionDefinition;
  /** What is known of each argument; undefined for an omitted one. */
  readonly args: readonly (StaticType | undefined)[];
}

export function checkCall(call: CheckedCall): Complaint[] {
  const complaints = call.node.args.flatMap((argNode, index) => {
    const type = call.args[index];
    const parameter = parameterAt(call.definition, index);
    return argNode && type && parameter ? checkArgument(call, { argNode, type, parameter, index }) : [];
  });
  if (complaints.some((complaint) => complaint.severity === "error")) return complaints;
  return [...complaints, ...checkPointless(call)];
}

function parameterAt({ parameters, repeating }: FunctionDefinition, index: number): Parameter | undefined {
  if (index < parameters.length || !repeating) return parameters[index];
  return repeating.parameters[(index - parameters.length) % repeating.parameters.length];
}

interface Argument {
  readonly argNode: Node;
  readonly type: StaticType;
  readonly parameter: Parameter;
  readonly index: number;
}

function checkArgument(call: CheckedCall, { argNode, type, parameter, index }: Argument): Complaint[] {
  const complaints: Complaint[] = [];
  const { position } = argNode;
  const where = `The argument '${parameter.name}' of ${call.node.name}`;
  const wanted = WANTED[parameter.type] ?? "a text";
  const misfit = [...(type.kinds ?? [])].find((kind) => FITTING[parameter.type]?.has(kind) === false);
  if (misfit) {
    const message = `${where} must be ${wanted}; this is ${KIND_NAMES[misfit]}.`;
    complaints.push({ severity: "error", code: "type", message, remedy: remedyOf(misfit, parameter.type), position });
  } else {
    const said = constantText(type.constant);
    if (said !== undefined && said !== "" && HOLDS[parameter.type]?.(said) === false) {
      const message = `${where} must be ${wanted}; ${printConstant(said)} is none.`;
      complaints.push({ severity: "error", code: "type", message, remedy: `Write ${wanted}.`, position });
    } else if (type.attribute?.type === "String" && (parameter.type === "number" || parameter.type === "condition")) {
      const message = `${where} must be ${wanted}; ${type.attribute.name} holds texts.`;
      const remedy = "Objects whose text can't be converted fail; leave it so when all of them can.";
      complaints.push({ severity: "warning", code: "conversion", message, remedy, position });
    }
  }
  if (argNode.type === "compare" && !["condition", "Boolean", "any"].includes(parameter.type)) {
    const message = `${where} is a comparison, which gives True or False, not ${wanted}.`;
    const remedy = "Compare in the condition of IIF or in CBool.";
    complaints.push({ severity: "warning", code: "unsupported", message, remedy, position });
  }
  if (type.many && takesFirstOnly(call.definition, index, parameter.type)) {
    const remedy = "Choose one with Item, or put all of them together with Join.";
    const message = `${where} can have several values, of which ${call.node.name} takes the first only.`;
    complaints.push({ severity: "warning", code: "first-value", message, remedy, position });
  }
  return complaints;
}

function constantText(constant: Value | undefined): string | undefined {
  const first = constant === undefined ? null : firstOf(constant);
  return typeof first === "string" ? first : undefined;
}

function remedyOf(kind: Kind, wanted: ParameterType): string {
  if (wanted === "date" && kind === "number") return "Make it a date with DateFromNum.";
  if (wanted === "number" && (kind === "date" || kind === "time")) return "Make it a number with NumFromDate.";
  return "Give another argument, or another function.";
}

/** Counts that make a function do nothing: name, index, the least that makes sense, what comes of less. */
const LEAST: readonly (readonly [string, number, number, string])[] = [
  ["Left", 1, 0, "gives the whole text"],
  ["Left", 1, 1, "always gives an empty text"],
  ["Mid", 2, 1, "always gives an empty text"],
  ["Word", 1, 1, "always gives an empty text"],
];

function checkPointless(call: CheckedCall): Complaint[] {
  const { node, args } = call;
  if (node.name === "Switch") return checkKeys(call);
  for (const [name, index, least, effect] of LEAST) {
    const constant = args[index]?.constant;
    const first = name === node.name && constant !== undefined ? firstOf(constant) : null;
    const count = first === null ? undefined : integerOf(first);
    if (count === undefined || count >= BigInt(least)) continue;
    const message = `With ${count}, ${name} ${effect}.`;
    const remedy = `Write ${Math.max(1, least)} or more.`;
    return [
      { severity: "warning", code: "range", message, remedy, position: node.args[index]?.position ?? node.position },
    ];
  }
  return [];
}

/** Keys that can't be reached. */
function checkKeys({ node, args }: CheckedCall): Complaint[] {
  const seen = new Set<string>();
  const isTruth = args[0]?.kinds?.size === 1 && args[0].kinds.has("Boolean") && !args[0].attribute;
  const complaints: Complaint[] = [];
  for (let index = 2; index < node.args.length; index += 2) {
    const key = constantText(args[index]?.constant);
    const position = node.args[index]?.position ?? node.position;
    if (key === undefined) continue;
    if (seen.has(key)) {
      const message = `The key ${printConstant(key)} stands twice; the first counts.`;
      complaints.push({ severity: "warning", code: "constant", message, remedy: "Remove one of the pairs.", position });
    } else if (isTruth && !["True", "False", ""].includes(key)) {
      const message = `The key ${printConstant(key)} never matches: the source gives True or False.`;
      const remedy = "Write the key as True or False.";
      complaints.push({ severity: "warning", code: "constant", message, remedy, position });
    }
    seen.add(key);
  }
  return complaints;
}
