/**
 * The tree that Graph keeps beside the text of an expression, from and to the tree of the parser.
 *
 * Graph's tree knows functions, attributes and constants only. Numbers and words are constants, a comparison inside IIF
 * is its parameters one (left), two (the operator) and three (right), an omitted argument isn't there at all, and a job
 * parameter is a constant `%Name%` whose `expression` is null: in the text around it its place is empty.
 *
 * Names of parameters are those that exports show where any is known, else our own functions' names of them. What has
 * no form in Graph's tree as far as anybody knows (`&`, comparisons outside IIF) is written as a function of that name.
 */

import type { CallNode, Comparison, Node } from "../expression/ast.ts";
import { FUNCTIONS, WORDS } from "../expression/functions/index.ts";
import { printExpression } from "../expression/print.ts";
import type { AttributeMappingParameter, AttributeMappingSource } from "../synchronization-schema.ts";

export const COMPARISONS: ReadonlySet<string> = new Set(["=", "<>", "<", "<=", ">", ">="]);
const TOKEN = /^%([A-Za-z_][A-Za-z0-9_.-]*)%$/;

/** As exports and Graph's own list of functions name them; the last one repeats where the function's parameters do. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  BitAnd: ["left", "right"],
  DateFromNum: ["source"],
  FormatDateTime: ["source", "dateTimeStyles", "inputFormat", "outputFormat"],
  IsPresent: ["source"],
  IsNull: ["source"],
  IsNullOrEmpty: ["source"],
  IsString: ["source"],
  Item: ["source", "index"],
  Join: ["separator", "source"],
  Left: ["source", "length"],
  RemoveDuplicates: ["source"],
  Replace: [
    "source",
    "Find",
    "RegularExpression",
    "RegularExpressionGroupName",
    "Replacement",
    "ReplacementPropertyName",
    "Template",
  ],
  Switch: ["source", "defaultValue", "switchValue"],
};
const SHORT_FORMAT_KEYS = ["source", "inputFormat", "outputFormat"];
export const IIF_KEYS = { condition: "one", operator: "two", right: "three", met: "four", otherwise: "five" } as const;

/** The name of the job parameter that a constant stands for. */
export function tokenOf(source: AttributeMappingSource | null | undefined): string | undefined {
  return source?.type === "Constant" ? TOKEN.exec(source.name ?? "")?.[1] : undefined;
}

/** The tree of an expression in Graph's shape and order of keys. */
export function treeOf(node: Node): AttributeMappingSource {
  switch (node.type) {
    case "attribute":
      return { expression: printExpression(node), name: node.name, type: "Attribute", parameters: [] };
    case "parameter":
      return { expression: null, name: `%${node.name}%`, type: "Constant", parameters: [] };
    case "string":
      return constant(node.value);
    case "number":
      return constant(node.value.toString());
    case "word":
      return constant(node.name);
    case "compare":
      // Its text alone is no expression.
      return {
        expression: null,
        name: node.operator,
        type: "Function",
        parameters: [parameter("left", node.left), parameter("right", node.right)],
      };
    case "concatenate":
      return functionOf(
        "&",
        node,
        node.parts.map((part) => parameter("source", part)),
      );
    case "call":
      return functionOf(node.name, node, node.name === "IIF" ? parametersOfIif(node) : parametersOf(node));
  }
}

function constant(value: string): AttributeMappingSource {
  return {
    expression: printExpression({ type: "string", position: 0, value }),
    name: value,
    type: "Constant",
    parameters: [],
  };
}

function functionOf(
  name: string,
  node: Node,
  parameters: readonly AttributeMappingParameter[],
): AttributeMappingSource {
  return { expression: printExpression(withoutTokens(node)), name, type: "Function", parameters };
}

const parameter = (key: string, node: Node): AttributeMappingParameter => ({ key, value: treeOf(node) });

function parametersOf({ name, args }: CallNode): AttributeMappingParameter[] {
  return args.flatMap((arg, index) => (arg ? [parameter(keyAt(name, index, args.length), arg)] : []));
}

function parametersOfIif({ args }: CallNode): AttributeMappingParameter[] {
  const [condition, then, otherwise, ...more] = args;
  const parameters: AttributeMappingParameter[] = [];
  if (condition?.type === "compare") {
    parameters.push(
      parameter(IIF_KEYS.condition, condition.left),
      { key: IIF_KEYS.operator, value: constant(condition.operator) },
      parameter(IIF_KEYS.right, condition.right),
    );
  } else if (condition) parameters.push(parameter(IIF_KEYS.condition, condition));
  if (then) parameters.push(parameter(IIF_KEYS.met, then));
  if (otherwise) parameters.push(parameter(IIF_KEYS.otherwise, otherwise));
  for (const arg of more) if (arg) parameters.push(parameter("source", arg));
  return parameters;
}

/** Texts of Graph leave job parameters out: `Join("@", [sAMAccountName], )`. */
function withoutTokens(node: Node): Node {
  if (node.type !== "call") return node;
  return { ...node, args: node.args.map((arg) => (arg && arg.type !== "parameter" ? withoutTokens(arg) : null)) };
}

function keyAt(name: string, index: number, count: number): string {
  const keys = keysOf(name, count);
  const definition = FUNCTIONS.get(name);
  const repeating = definition?.repeating?.parameters.length ?? 0;
  const own = keys[index];
  if (own !== undefined) return own;
  const last = keys.at(-1);
  if (KEYS[name] && last !== undefined) return last;
  const fixed = definition?.parameters.length ?? 0;
  return definition?.repeating?.parameters[(index - fixed) % repeating]?.name ?? last ?? "source";
}

function keysOf(name: string, count: number): readonly string[] {
  if (name === "FormatDateTime" && count <= 3) return SHORT_FORMAT_KEYS;
  return KEYS[name] ?? FUNCTIONS.get(name)?.parameters.map((one) => one.name) ?? [];
}

/** The parser's tree of one of Graph's; every position is 0. Undefined for a source that says nothing. */
export function nodeOf(source: AttributeMappingSource | null | undefined): Node | undefined {
  const { name, type } = source ?? {};
  if (source === null || source === undefined || name === null || name === undefined) return undefined;
  if (type === "Attribute") return { type: "attribute", position: 0, name };
  if (type === "Constant") {
    const token = tokenOf(source);
    return token === undefined
      ? { type: "string", position: 0, value: name }
      : { type: "parameter", position: 0, name: token };
  }
  const parameters = source.parameters ?? [];
  if (name === "&" || COMPARISONS.has(name)) return nodeOfOperator(name, parameters);
  if (name === "IIF") return nodeOfIif(parameters);
  return { type: "call", position: 0, name, args: argumentsOf(name, parameters) };
}

function nodeOfOperator(name: string, parameters: readonly AttributeMappingParameter[]): Node | undefined {
  const parts = parameters.flatMap(({ value }) => nodeOf(value) ?? []);
  const [left, right] = parts;
  if (!left || !right || parts.length !== parameters.length) return undefined;
  if (name === "&") return { type: "concatenate", position: 0, parts };
  if (parts.length > 2) return undefined;
  return { type: "compare", position: 0, operator: name as Comparison, left, right };
}

/** Each parameter at the place that its key names; one with an unknown key stands behind the one before it. */
function argumentsOf(name: string, parameters: readonly AttributeMappingParameter[]): (Node | null)[] {
  const definition = FUNCTIONS.get(name);
  const isLong = parameters.some(({ key }) => key === "dateTimeStyles");
  const most = name === "FormatDateTime" && !isLong ? 3 : Number.POSITIVE_INFINITY;
  const args: (Node | null)[] = [];
  for (const { key, value } of parameters) {
    const place = placeOf(name, key ?? "", args.length, most);
    while (args.length < place) args.push(null);
    args.push(asArgument(nodeOf(value) ?? null, definition?.parameters[place]?.type));
  }
  return args;
}

/** From `from` on, the place with this key; `from` itself when there is none. */
export function placeOf(name: string, key: string, from: number, count: number): number {
  const fixed = keysOf(name, count).length;
  for (let place = from; place < fixed; place++) {
    if (keyAt(name, place, count).toLowerCase() === key.toLowerCase()) return place;
  }
  return from;
}

function asArgument(node: Node | null, type: string | undefined): Node | null {
  if (node?.type !== "string" || type !== "word" || !WORDS.has(node.value)) return node;
  return { type: "word", position: 0, name: node.value };
}

function nodeOfIif(parameters: readonly AttributeMappingParameter[]): Node {
  const values = new Map(parameters.map(({ key, value }) => [key ?? "", nodeOf(value)]));
  const known: readonly string[] = Object.values(IIF_KEYS);
  const left = values.get(IIF_KEYS.condition);
  const operator = values.get(IIF_KEYS.operator);
  const right = values.get(IIF_KEYS.right);
  const isByPlace = parameters.some(({ key }) => !known.includes(key ?? ""));
  if (isByPlace) {
    const args = parameters.map(({ value }) => nodeOf(value) ?? null);
    return { type: "call", position: 0, name: "IIF", args };
  }
  const isCompared = operator?.type === "string" && COMPARISONS.has(operator.value) && left && right;
  const condition: Node | null = isCompared
    ? { type: "compare", position: 0, operator: operator.value as Comparison, left, right }
    : (left ?? null);
  const args = [condition, values.get(IIF_KEYS.met) ?? null, values.get(IIF_KEYS.otherwise) ?? null];
  return { type: "call", position: 0, name: "IIF", args };
}
