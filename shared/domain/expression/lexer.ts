/**
 * From text to tokens.
 *
 * White space means nothing between tokens. `\"` and `\\` are the only escapes in a constant. An attribute name stands
 * in brackets and may hold balanced brackets itself (SCIM paths do); blanks around it don't belong to it. `%Name%` is a job parameter. `&H1F` is a number
 * where an operand may start, and `&` an operator where one has just ended.
 */

import { CompileError } from "./failure.ts";

type TokenKind =
  | "name"
  | "attribute"
  | "string"
  | "number"
  | "parameter"
  | "operator"
  | "open"
  | "close"
  | "comma"
  | "end";

export interface Token {
  readonly kind: TokenKind;
  /** A name, an attribute's or parameter's name, an unescaped constant, an operator; digits for a number. */
  readonly text: string;
  readonly position: number;
}

const ENDS_OPERAND: ReadonlySet<TokenKind> = new Set(["attribute", "string", "number", "parameter", "close", "name"]);
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const DECIMAL = /-?\d+/y;
const HEXADECIMAL = /&[Hh]([0-9A-Fa-f]+)/y;
const PARAMETER = /%([A-Za-z_][A-Za-z0-9_.-]*)%/y;
const COMPARISON = /<>|<=|>=|[<>=]/y;
const SPACE = /[\s\u00a0\ufeff]+/y;

export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  const push = (kind: TokenKind, value: string, length: number) => {
    tokens.push({ kind, text: value, position: at });
    at += length;
  };
  while (at < text.length) {
    const character = text[at] ?? "";
    const space = take(SPACE);
    if (space) {
      at += space[0].length;
      continue;
    }
    const punctuation = character === "(" ? "open" : character === ")" ? "close" : character === "," ? "comma" : null;
    if (punctuation) {
      push(punctuation, character, 1);
      continue;
    }
    if (character === '"') {
      const constant = readString(text, at);
      push("string", constant.value, constant.length);
      continue;
    }
    if (character === "[") {
      const name = readAttribute(text, at);
      push("attribute", name.slice(1, -1).trim(), name.length);
      continue;
    }
    const foreign = foreignOperator(text, at);
    if (foreign) throw foreign;
    const afterOperand = ENDS_OPERAND.has(tokens.at(-1)?.kind ?? "end");
    const hexadecimal = afterOperand ? null : take(HEXADECIMAL);
    if (hexadecimal) {
      push("number", BigInt(`0x${hexadecimal[1]}`).toString(), hexadecimal[0].length);
      continue;
    }
    if (character === "&") {
      push("operator", "&", 1);
      continue;
    }
    const comparison = take(COMPARISON);
    if (comparison) {
      push("operator", comparison[0], comparison[0].length);
      continue;
    }
    const decimal = take(DECIMAL);
    if (decimal) {
      push("number", decimal[0], decimal[0].length);
      continue;
    }
    const name = take(NAME);
    if (name) {
      push("name", name[0], name[0].length);
      continue;
    }
    const parameter = take(PARAMETER);
    if (parameter) {
      push("parameter", parameter[1] ?? "", parameter[0].length);
      continue;
    }
    throw unexpectedCharacter(character, at);
  }
  tokens.push({ kind: "end", text: "", position: text.length });
  return tokens;
}

/** Operators of other languages, and what to write here. The first are those of Connect's engine. */
const FOREIGN: readonly (readonly [RegExp, "unsupported" | "parse", string])[] = [
  [/&&|\|\|/y, "unsupported", "Nest one IIF in the other: the true path for AND, the false path for OR."],
  [/==/y, "parse", "Write = to compare."],
  [/!=/y, "parse", "Write <> to compare."],
  [/!/y, "parse", "Use the function Not."],
];

function foreignOperator(text: string, position: number): CompileError | undefined {
  for (const [pattern, code, remedy] of FOREIGN) {
    pattern.lastIndex = position;
    const found = pattern.exec(text)?.[0];
    if (found) return new CompileError(code, position, `The language has no operator '${found}'.`, remedy);
  }
  return undefined;
}

function unexpectedCharacter(character: string, position: number): CompileError {
  if (character === "'") {
    const remedy = "Write constants between double quotes.";
    return new CompileError("parse", position, "An apostrophe can't begin a constant.", remedy);
  }
  if ("\u201c\u201d\u201e\u00ab\u00bb\u2018\u2019".includes(character)) {
    const remedy = 'Write constants between plain double quotes ("), not those that word processors make of them.';
    return new CompileError("parse", position, "A typographic quotation mark can't begin a constant.", remedy);
  }
  if ("+-*/|".includes(character)) {
    const remedy = "Use functions instead: Join or & for text, DateAdd for dates, nested IIF for conditions.";
    return new CompileError("unsupported", position, `The language has no operator '${character}'.`, remedy);
  }
  const remedy = "Quote texts with double quotes and put attribute names in brackets.";
  return new CompileError("parse", position, `The character '${character}' has no meaning here.`, remedy);
}

function readString(text: string, start: number): { value: string; length: number } {
  let value = "";
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at] ?? "";
    if (character === '"') return { value, length: at + 1 - start };
    const next = text[at + 1];
    if (character === "\\" && (next === '"' || next === "\\")) {
      value += next;
      at++;
    } else {
      value += character;
    }
  }
  const remedy = 'Close it with ". A quotation mark inside a constant is written \\" and a backslash \\\\.';
  throw new CompileError("parse", start, "The constant that begins here has no end.", remedy);
}

function readAttribute(text: string, start: number): string {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    if (text[at] === "[") depth++;
    if (text[at] === "]") depth--;
    if (depth === 0) {
      const name = text.slice(start, at + 1);
      if (name.slice(1, -1).trim() !== "") return name;
      const remedy = "Put the attribute's name between the brackets.";
      throw new CompileError("parse", start, "The brackets name no attribute.", remedy);
    }
  }
  const remedy = "Close it with ].";
  throw new CompileError("parse", start, "The attribute name that begins here has no end.", remedy);
}
