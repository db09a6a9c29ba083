/**
 * From text to tree, by recursive descent: call | attribute | constant | parameter, `&` between operands, and one
 * comparison inside an argument. An argument that isn't there (nothing between two commas) is null in the tree, which
 * is not the same as the constant "".
 *
 * It knows no function: whether a name exists and how many arguments it takes is the compiler's business.
 */

import { createRecent } from "../recent.ts";
import type { Comparison, Node } from "./ast.ts";
import { CompileError } from "./failure.ts";
import { type Token, tokenize } from "./lexer.ts";

/** The service's own limit for the expression of an attribute mapping. */
const MAXIMUM_LENGTH = 10_000;
/** Five stack frames a level: far more than anyone writes, far less than would exhaust the stack. */
const MAXIMUM_DEPTH = 500;

const COMPARISONS: ReadonlySet<string> = new Set(["=", "<>", "<", "<=", ">", ">="]);

interface Reader {
  peek(): Token;
  next(): Token;
}

/** The tree of a text, the same one for as long as it is among the recent ones. Throws a CompileError for the first fault. */
export const parse: (text: string) => Node = createRecent(parsed);

function parsed(text: string): Node {
  if (text.length > MAXIMUM_LENGTH) {
    const message = `The expression has ${text.length} characters; ${MAXIMUM_LENGTH} are allowed.`;
    throw new CompileError("length", MAXIMUM_LENGTH, message, "Shorten it, or split the work over two mappings.");
  }
  const tokens = tokenize(text);
  let at = 0;
  const end: Token = { kind: "end", text: "", position: text.length };
  const reader: Reader = { peek: () => tokens[at] ?? end, next: () => tokens[at++] ?? end };
  const node = parseConcatenation(reader, 0);
  const rest = reader.peek();
  if (rest.kind !== "end") throw unexpected(rest, "The expression is complete before this point.");
  return node;
}

function parseArgument(reader: Reader, depth: number): Node {
  const left = parseConcatenation(reader, depth);
  const token = reader.peek();
  if (token.kind !== "operator" || !COMPARISONS.has(token.text)) return left;
  reader.next();
  const right = parseConcatenation(reader, depth);
  return { type: "compare", position: left.position, operator: token.text as Comparison, left, right };
}

function parseConcatenation(reader: Reader, depth: number): Node {
  const first = parseOperand(reader, depth);
  const parts = [first];
  while (reader.peek().kind === "operator" && reader.peek().text === "&") {
    reader.next();
    parts.push(parseOperand(reader, depth));
  }
  return parts.length === 1 ? first : { type: "concatenate", position: first.position, parts };
}

function parseOperand(reader: Reader, depth: number): Node {
  const token = reader.next();
  const { position } = token;
  switch (token.kind) {
    case "attribute":
      return { type: "attribute", position, name: token.text };
    case "string":
      return { type: "string", position, value: token.text };
    case "number":
      return { type: "number", position, value: BigInt(token.text) };
    case "parameter":
      return { type: "parameter", position, name: token.text };
    case "name":
      if (reader.peek().kind !== "open") return { type: "word", position, name: token.text };
      return { type: "call", position, name: token.text, args: parseArguments(reader, token, depth + 1) };
    default:
      throw unexpected(token, "A function, an attribute or a constant is wanted here.");
  }
}

function parseArguments(reader: Reader, name: Token, depth: number): (Node | null)[] {
  if (depth > MAXIMUM_DEPTH) {
    const message = `Functions are nested deeper than ${MAXIMUM_DEPTH} levels.`;
    throw new CompileError("nesting", name.position, message, "Split the work over two mappings.");
  }
  const open = reader.next();
  if (reader.peek().kind === "close") {
    reader.next();
    return [];
  }
  const args: (Node | null)[] = [];
  for (;;) {
    const { kind } = reader.peek();
    args.push(kind === "comma" || kind === "close" ? null : parseArgument(reader, depth));
    const separator = reader.next();
    if (separator.kind === "close") return args;
    if (separator.kind === "end") {
      const message = `The parenthesis of ${name.text} is never closed.`;
      throw new CompileError("parse", open.position, message, "Close it with ).");
    }
    if (separator.kind !== "comma")
      throw unexpected(separator, `A comma or ) is wanted among ${name.text}'s arguments.`);
  }
}

function unexpected(token: Token, expectation: string): CompileError {
  const word = token.text.toUpperCase();
  if (token.kind === "name" && (word === "AND" || word === "OR")) {
    const remedy = "Nest one IIF in the other: the true path for AND, the false path for OR.";
    return new CompileError("unsupported", token.position, `The language has no operator ${word}.`, remedy);
  }
  if (token.kind === "open") {
    const message = "Parentheses hold the arguments of a function, and nothing else.";
    return new CompileError("parse", token.position, message, expectation);
  }
  const found = token.kind === "end" ? "the end of the expression" : `'${token.text}'`;
  const message = `Found ${found} where it can't stand.`;
  return new CompileError("parse", token.position, message, expectation);
}
