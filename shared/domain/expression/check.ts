/**
 * Every fault of an expression in one run, each with its place in the text.
 *
 * A text that can't be parsed has one finding. Any other is compiled to its end, with every faulty part taken as null,
 * and each part is judged by what is known of it before any object is seen (`static-type.ts`, `check-call.ts`); a part
 * that is constant throughout is evaluated once. What the data of an object may bring is no finding.
 */

import { nearestName } from "../nearest-name.ts";
import type { ObjectDefinition } from "../object-definition.ts";
import type { CallNode, Node } from "./ast.ts";
import { checkCall } from "./check-call.ts";
import { compileNode, type Program } from "./compile.ts";
import type { Evaluate, FunctionDefinition } from "./definition.ts";
import { CompileError } from "./failure.ts";
import { type Complaint, type Finding, findingOf } from "./finding.ts";
import { fold } from "./fold.ts";
import { FUNCTIONS } from "./functions/index.ts";
import { parse } from "./parser.ts";
import { type StaticType, typeOf, typeOfAttribute, typeOfCall, typeOfConstant, UNKNOWN } from "./static-type.ts";
import { createWork } from "./work.ts";

export type { Finding } from "./finding.ts";

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
  /** What is known of the result before any object is seen, when the text can be parsed. */
  readonly result?: StaticType;
}

export function checkExpression(text: string, options: CheckOptions = {}): CheckResult {
  let node: Node;
  try {
    node = parse(text);
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    return { findings: [findingOf(text, faultOf(error))] };
  }
  const checker = createChecker(options);
  const program = compileNode(text, node, checker);
  const findings = checker.complaints.map((complaint) => findingOf(text, complaint));
  findings.sort((left, right) => left.position - right.position);
  const result = checker.typeOfNode(node);
  const isFaulty = findings.some(isError);
  return isFaulty ? { findings, node, result } : { findings, node, result, program };
}

const isError = ({ severity }: Complaint): boolean => severity === "error";

function faultOf({ code, message, remedy, position }: CompileError): Complaint {
  return { severity: "error", code, message, remedy, position };
}

function createChecker(options: CheckOptions) {
  const functions = options.functions ?? FUNCTIONS;
  const complaints: Complaint[] = [];
  const types = new Map<Node, StaticType>();
  // One meter for the whole text: many constant parts may not take long together either.
  const work = createWork();
  let hasFault = false;

  /** Called for every fault of a part, right before `around` is called for the same part. */
  function report(fault: CompileError): void {
    hasFault = true;
    // A word that means nothing isn't one of the few that an argument can be either: the first fault of a place counts.
    if (!complaints.some((known) => isError(known) && known.position === fault.position)) {
      complaints.push(faultOf(fault));
    }
  }

  /** Parts come before what they are part of. */
  function around(node: Node, evaluate: Evaluate): Evaluate {
    const isSound = !hasFault;
    hasFault = false;
    if (node.type === "call") types.set(node, judgeCall(node, isSound ? evaluate : undefined));
    else types.set(node, isSound ? judge(node) : UNKNOWN);
    return evaluate;
  }

  const typeOfNode = (node: Node): StaticType => types.get(node) ?? UNKNOWN;

  function judge(node: Exclude<Node, CallNode>): StaticType {
    switch (node.type) {
      case "string":
      case "number":
        return typeOfConstant(node.value);
      case "word":
        return typeOfConstant(node.name);
      case "attribute":
        return judgeAttribute(node, options.source, complaints);
      case "parameter":
        if (options.parameters?.has(node.name) === false) complaints.push(unknownParameter(node));
        return typeOf("text");
      case "compare":
        for (const side of [node.left, node.right]) complaints.push(...firstOnly(side, typeOfNode(side)));
        return typeOf("Boolean");
      case "concatenate":
        for (const part of node.parts) complaints.push(...firstOnly(part, typeOfNode(part)));
        return typeOf("text");
    }
  }

  /** `evaluate` is undefined for a call in which a fault was found already. */
  function judgeCall(node: CallNode, evaluate: Evaluate | undefined): StaticType {
    const definition = functions.get(node.name);
    if (!definition) return UNKNOWN;
    const args = node.args.map((arg) => (arg ? typeOfNode(arg) : undefined));
    const known = new Set(evaluate ? [] : complaints.filter(isError).map(({ position }) => position));
    const found = checkCall({ node, definition, args }).filter(({ position }) => !known.has(position));
    complaints.push(...found);
    const isConstant = args.every((arg) => arg === undefined || arg.constant !== undefined);
    if (evaluate && isConstant && !found.some(isError)) {
      const folded = fold(node, evaluate, work);
      if (folded.kind === "failure") complaints.push(folded.complaint);
      if (folded.kind === "constant") return typeOfConstant(folded.value);
    }
    return typeOfCall(definition, args);
  }

  return { functions, report, around, complaints, typeOfNode };
}

function judgeAttribute(
  node: Extract<Node, { type: "attribute" }>,
  source: ObjectDefinition | undefined,
  complaints: Complaint[],
): StaticType {
  if (!source) return UNKNOWN;
  const { name, position } = node;
  const found = source.attributes.get(name.toLowerCase());
  if (!found) {
    const names = Array.from(source.attributes.values(), (attribute) => attribute.name);
    const nearest = nearestName(name, names);
    const remedy = nearest
      ? `If you mean ${nearest}, write [${nearest}].`
      : `If the directory was extended by it, add it to the attributes of ${source.name} in the schema's directories.`;
    const message = `The class ${source.name} is not known to have an attribute '${name}'.`;
    complaints.push({ severity: "warning", code: "unknown-attribute", message, remedy, position });
    return UNKNOWN;
  }
  if (found.name !== name && !found.otherSpellings?.includes(name)) {
    const message = `The attribute '${name}' differs in case from the directory's '${found.name}'.`;
    const remedy = `Write [${found.name}].`;
    complaints.push({ severity: "warning", code: "attribute-case", message, remedy, position });
  }
  return typeOfAttribute(found);
}

function unknownParameter({ name, position }: Extract<Node, { type: "parameter" }>): Complaint {
  const message = `The job has no parameter '${name}'.`;
  return {
    severity: "error",
    code: "unknown-parameter",
    message,
    remedy: `Add ${name} to the job's settings.`,
    position,
  };
}

/** An operand can be one value only. */
function firstOnly({ position }: Node, type: StaticType): Complaint[] {
  if (!type.many) return [];
  const message = "This can have several values, of which only the first counts here.";
  const remedy = "Choose one with Item, or put all of them together with Join.";
  return [{ severity: "warning", code: "first-value", message, remedy, position }];
}
