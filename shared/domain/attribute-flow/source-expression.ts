/**
 * The expression of an attribute mapping. Graph keeps it twice, as text and as a tree, and either may stand alone in a
 * schema that a program has written.
 *
 * Text and tree have to say the same. Job parameters may stand in the tree only (an export leaves them out of the text):
 * there the tree fills the empty places. Where the two differ otherwise, nobody knows which of them an admin meant, so
 * neither wins: it is a disagreement that names both. A function of the tree without any parameter says nothing but its
 * name.
 */

import type { CallNode, CompareNode, Node } from "../expression/ast.ts";
import { CompileError } from "../expression/failure.ts";
import { parse } from "../expression/parser.ts";
import { printConstant, printExpression } from "../expression/print.ts";
import type { AttributeMappingParameter, AttributeMappingSource } from "../synchronization-schema.ts";
import { COMPARISONS, IIF_KEYS, nodeOf, placeOf, tokenOf, treeOf } from "./source-tree.ts";

export type SourceReading =
  /** The source says nothing at all. */
  | { readonly kind: "nothing" }
  /** `isOfTree`: it isn't the text as it stands, but what the tree has, or adds to it. */
  | { readonly kind: "expression"; readonly expression: string; readonly isOfTree: boolean }
  | {
      readonly kind: "disagreement";
      /** Where they part: the innermost text that its own tree doesn't say. */
      readonly text: string;
      readonly tree: string;
    };

type MaybeSource = AttributeMappingSource | null | undefined;

/** The tree of a text as Graph exports it. Throws `CompileError` for a text that can't be parsed. */
export function sourceOf(expression: string): AttributeMappingSource {
  return treeOf(parse(expression));
}

/** The text to compile, or undefined when the source says nothing at all. Where text and tree differ, the text. */
export function expressionOf(source: MaybeSource): string | undefined {
  const text = source?.expression?.trim();
  // Only job parameters make the tree say more than the text; a check has compared the two.
  if (text && source?.type !== "Constant" && !holdsToken(source?.parameters)) return text;
  const reading = readTop(source);
  if (reading.kind === "disagreement") return source?.expression ?? undefined;
  return reading.kind === "expression" ? reading.expression : undefined;
}

function holdsToken(parameters: readonly AttributeMappingParameter[] | null | undefined): boolean {
  return (parameters ?? []).some(({ value }) => tokenOf(value) !== undefined || holdsToken(value?.parameters));
}

/** The expression of a source, or where its text and its tree part. Looks at every text inside the tree too. */
export function readSource(source: MaybeSource): SourceReading {
  const inner = innerDisagreement(source?.parameters ?? []);
  return inner ?? readTop(source);
}

function readTop(source: MaybeSource): SourceReading {
  const text = source?.expression?.trim();
  if (!source || !text) {
    const node = nodeOf(source);
    if (!node) return { kind: "nothing" };
    return { kind: "expression", expression: printExpression(node), isOfTree: true };
  }
  const { name, type } = source;
  const asWritten: SourceReading = { kind: "expression", expression: text, isOfTree: false };
  if (name === null || name === undefined) return asWritten;
  const node = parsed(text);
  if (!node) {
    // A constant that somebody didn't quote.
    if (type !== "Constant" || name !== text) return asWritten;
    return { kind: "expression", expression: printConstant(name), isOfTree: true };
  }
  const merged = merge(node, source);
  if (!merged) return { kind: "disagreement", text, tree: shown(source) };
  if (merged === node) return asWritten;
  return { kind: "expression", expression: printExpression(merged), isOfTree: true };
}

function innerDisagreement(parameters: readonly AttributeMappingParameter[]): SourceReading | undefined {
  for (const { value } of parameters) {
    if (!value) continue;
    const deeper = innerDisagreement(value.parameters ?? []);
    if (deeper) return deeper;
    const text = value.expression?.trim();
    if (!text || value.name === null || value.name === undefined) continue;
    const node = parsed(text);
    const isConstant = value.type === "Constant" && value.name === text;
    if (!isConstant && !(node && merge(node, value))) return { kind: "disagreement", text, tree: shown(value) };
  }
  return undefined;
}

function parsed(text: string): Node | undefined {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof CompileError) return undefined;
    throw error;
  }
}

function shown(source: AttributeMappingSource): string {
  const node = nodeOf(source);
  return node ? printExpression(node) : "(nothing)";
}

/** The node itself when the tree says the same, one with the tree's job parameters when it adds some, else undefined. */
function merge(node: Node, source: MaybeSource): Node | undefined {
  if (!source || source.name === null || source.name === undefined) return node;
  const { name } = source;
  switch (source.type) {
    case "Attribute":
      return node.type === "attribute" && node.name === name ? node : undefined;
    case "Constant":
      return mergeConstant(node, name, tokenOf(source));
    default:
      return mergeFunction(node, name, source.parameters ?? []);
  }
}

function mergeConstant(node: Node, name: string, token: string | undefined): Node | undefined {
  switch (node.type) {
    case "string":
      if (node.value !== name) return undefined;
      return token === undefined ? node : { type: "parameter", position: node.position, name: token };
    case "number":
      return node.value === numberOf(name) ? node : undefined;
    case "word":
      return node.name === name ? node : undefined;
    case "parameter":
      return node.name === token ? node : undefined;
    default:
      return undefined;
  }
}

function numberOf(text: string): bigint | undefined {
  if (/^-?\d+$/.test(text)) return BigInt(text);
  const hexadecimal = /^&H([0-9a-f]+)$/i.exec(text)?.[1];
  return hexadecimal === undefined ? undefined : BigInt(`0x${hexadecimal}`);
}

function mergeFunction(node: Node, name: string, parameters: readonly AttributeMappingParameter[]): Node | undefined {
  if (node.type === "compare") {
    if (name !== node.operator || parameters.length !== 2) return undefined;
    return mergeSides(node, parameters[0]?.value, parameters[1]?.value);
  }
  if (node.type === "concatenate") return name === "&" ? mergeParts(node, parameters) : undefined;
  if (node.type !== "call" || node.name !== name) return undefined;
  if (parameters.length === 0) return node;
  const args = name === "IIF" && parameters.every(isOfIif) ? mergeIif(node, parameters) : align(node, parameters);
  if (!args) return undefined;
  const isSame = args.length === node.args.length && args.every((arg, index) => arg === node.args[index]);
  return isSame ? node : { ...node, args };
}

function mergeSides(node: CompareNode, one: MaybeSource, other: MaybeSource): Node | undefined {
  const left = merge(node.left, one);
  const right = merge(node.right, other);
  if (!left || !right) return undefined;
  return left === node.left && right === node.right ? node : { ...node, left, right };
}

function mergeParts(
  node: Extract<Node, { type: "concatenate" }>,
  parameters: readonly AttributeMappingParameter[],
): Node | undefined {
  if (parameters.length !== node.parts.length) return undefined;
  const parts = node.parts.flatMap((part, index) => merge(part, parameters[index]?.value) ?? []);
  if (parts.length !== node.parts.length) return undefined;
  return parts.every((part, index) => part === node.parts[index]) ? node : { ...node, parts };
}

function isOfIif({ key }: AttributeMappingParameter): boolean {
  return Object.values<string>(IIF_KEYS).includes(key ?? "");
}

function mergeIif(
  { args }: CallNode,
  parameters: readonly AttributeMappingParameter[],
): readonly (Node | null)[] | undefined {
  const by = new Map(parameters.map(({ key, value }) => [key, value]));
  const [condition, then, otherwise, ...more] = args;
  if (more.length > 0) return undefined;
  const operator = by.get(IIF_KEYS.operator)?.name ?? "";
  const isCompared = condition?.type === "compare" && COMPARISONS.has(operator);
  if (isCompared && operator !== condition.operator) return undefined;
  const first = isCompared
    ? mergeSides(condition, by.get(IIF_KEYS.condition), by.get(IIF_KEYS.right))
    : by.has(IIF_KEYS.operator) || by.has(IIF_KEYS.right)
      ? undefined
      : mergePlace(condition, by.get(IIF_KEYS.condition));
  const second = mergePlace(then, by.get(IIF_KEYS.met));
  const third = mergePlace(otherwise, by.get(IIF_KEYS.otherwise));
  if (first === undefined || second === undefined || third === undefined) return undefined;
  return [first, second, third];
}

/** Null stays null where both say nothing; a job parameter fills an empty place. */
function mergePlace(arg: Node | null | undefined, source: MaybeSource): Node | null | undefined {
  if (!source) return arg ? undefined : null;
  if (arg) return merge(arg, source);
  const token = tokenOf(source);
  return token === undefined ? undefined : { type: "parameter", position: 0, name: token };
}

/**
 * The tree lacks omitted arguments, so its parameters are matched in order: each with the next argument that is there,
 * a job parameter with an empty place, with the one of its key if there is a choice.
 */
function align(
  { name, args }: CallNode,
  parameters: readonly AttributeMappingParameter[],
): readonly (Node | null)[] | undefined {
  const failed = new Set<number>();
  const from = (at: number, next: number): readonly (Node | null)[] | undefined => {
    const mark = at * (parameters.length + 1) + next;
    if (failed.has(mark)) return undefined;
    const found = step(at, next);
    if (!found) failed.add(mark);
    return found;
  };
  const step = (at: number, next: number): readonly (Node | null)[] | undefined => {
    const own = parameters[next];
    const arg = args[at];
    if (arg) {
      const merged = own && merge(arg, own.value);
      return merged && followed(merged, from(at + 1, next + 1));
    }
    if (at >= args.length && !own) return [];
    const token = tokenOf(own?.value);
    const filled = (): readonly (Node | null)[] | undefined =>
      token === undefined
        ? undefined
        : followed({ type: "parameter", position: 0, name: token }, from(at + 1, next + 1));
    const skipped = () => (at < args.length ? followed(null, from(at + 1, next)) : undefined);
    const isItsPlace = placeOf(name, own?.key ?? "", at, args.length) === at;
    return isItsPlace ? (filled() ?? skipped()) : (skipped() ?? filled());
  };
  return from(0, 0);
}

function followed(
  first: Node | null,
  rest: readonly (Node | null)[] | undefined,
): readonly (Node | null)[] | undefined {
  return rest && [first, ...rest];
}
