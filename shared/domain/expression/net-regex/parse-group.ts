/** What stands behind an opening parenthesis: captures, assertions, options, conditions, balancing groups. */

import {
  isDigit,
  isWordUnit,
  nested,
  type Options,
  peek,
  type Reader,
  readDecimal,
  readName,
  refusal,
  refusalAt,
  take,
} from "./reader.ts";
import { choiceOf, EMPTY, type RegexNode } from "./tree.ts";

const OPTIONS: Readonly<Record<string, keyof Options>> = {
  i: "ignoreCase",
  m: "multiline",
  n: "explicitCapture",
  s: "singleLine",
  x: "ignoreSpace",
};

/**
 * The cursor is behind the parenthesis, which stood at `start`. Undefined when it only changed options.
 * `inCondition`: directly inside of `(?(…)…)`, where .NET knows no options.
 */
export function readGroup(reader: Reader, start: number, inCondition: boolean): RegexNode | undefined {
  if (peek(reader) !== "?" || peek(reader, 1) === ")") {
    if (reader.options.explicitCapture) return readBody(reader, start);
    if (reader.isCountLost) throw refusalAt(start, "an unnamed group behind a condition that looks around");
    reader.collector?.noteNumber(reader.nextNumber);
    const slot = reader.groups.slotOf(reader.nextNumber++) ?? 0;
    return { type: "capture", slot, released: -1, body: readBody(reader, start) };
  }
  reader.at++;
  if (take(reader, ":")) return readBody(reader, start);
  if (take(reader, ">")) return { type: "atomic", body: readBody(reader, start) };
  const look = /^<?[=!]/.exec(reader.pattern.slice(reader.at, reader.at + 2))?.[0];
  if (look) {
    reader.at += look.length;
    const body = readBody(reader, start);
    return { type: "look", isBehind: look.startsWith("<"), isNegative: look.endsWith("!"), body };
  }
  if (take(reader, "<")) return readNamed(reader, start, ">");
  if (take(reader, "'")) return readNamed(reader, start, "'");
  if (peek(reader) === "(") return nested(reader, start, () => readConditional(reader, start));
  return readOptions(reader, start, inCondition);
}

/** Up to the closing parenthesis. Options that change inside end there. */
function readBody(reader: Reader, start: number): RegexNode {
  const { options } = reader;
  const body = nested(reader, start, () => choiceOf(reader.readBranches(reader)));
  if (!take(reader, ")")) throw refusalAt(start, "a parenthesis without its end");
  reader.options = options;
  return body;
}

function readOptions(reader: Reader, start: number, inCondition: boolean): RegexNode | undefined {
  const outer = reader.options;
  let options = outer;
  for (let isOn = true; ; reader.at++) {
    const letter = peek(reader).toLowerCase();
    const option = OPTIONS[letter];
    if (letter === "-" || letter === "+") isOn = letter === "+";
    else if (option) options = { ...options, [option]: isOn };
    else break;
  }
  const end = peek(reader);
  if (inCondition || (end !== ":" && end !== ")")) throw refusalAt(start, "a group of an unknown kind");
  reader.at++;
  reader.options = options;
  if (end === ")") return undefined;
  const body = readBody(reader, start);
  reader.options = outer;
  return body;
}

/** `(?<name>…)`, `(?<1>…)` and the balancing `(?<name-other>…)`, `(?<-other>…)`. */
function readNamed(reader: Reader, start: number, close: string): RegexNode {
  let slot = -1;
  if (peek(reader) !== "-") slot = readSlot(reader, start);
  let released = -1;
  if (take(reader, "-")) {
    const label = readLabel(reader, start);
    released = reader.groups.slotOf(label) ?? -1;
    if (released < 0) throw refusalAt(start, `a balancing group for '${label}', which isn't there,`);
  }
  if (!take(reader, close)) throw refusalAt(start, "a group with an invalid name");
  return { type: "capture", slot, released, body: readBody(reader, start) };
}

function readLabel(reader: Reader, start: number): string | number {
  if (isDigit(peek(reader))) return readDecimal(reader);
  if (isWordUnit(peek(reader))) return readName(reader);
  throw refusalAt(start, "a group with an invalid name");
}

function readSlot(reader: Reader, start: number): number {
  const label = readLabel(reader, start);
  if (label === 0) throw refusalAt(start, "a group with the number 0");
  if (typeof label === "number") reader.collector?.noteNumber(label);
  else reader.collector?.noteName(label);
  return reader.groups.slotOf(label) ?? 0;
}

/** `(?(name)yes|no)` or `(?(pattern)yes|no)`; the cursor is at the inner parenthesis. */
function readConditional(reader: Reader, start: number): RegexNode {
  const slot = readCondition(reader, start);
  const condition = slot === undefined ? readPatternCondition(reader, start) : EMPTY;
  const { options } = reader;
  const [yes = EMPTY, no = EMPTY, ...more] = reader.readBranches(reader, slot === undefined);
  if (!take(reader, ")")) throw refusalAt(start, "a parenthesis without its end");
  reader.options = options;
  if (more.length > 0) throw refusalAt(start, "a condition with more than two branches");
  if (slot === undefined) return { type: "if-matched", condition, yes, no };
  return { type: "if-captured", slot, yes, no };
}

/** The slot of the group that the condition names, with the cursor behind it; undefined when it is a pattern. */
function readCondition(reader: Reader, start: number): number | undefined {
  const from = reader.at;
  reader.at++;
  if (isDigit(peek(reader))) {
    const value = readDecimal(reader);
    const slot = reader.groups.slotOf(value);
    if (!take(reader, ")") || slot === undefined) throw refusalAt(start, `a condition on the unknown group ${value}`);
    return slot;
  }
  const name = readName(reader);
  // In the first reading every name has a slot; that it may be a pattern doesn't change the groups.
  const slot = name === "" ? undefined : reader.groups.slotOf(name);
  if (slot !== undefined && take(reader, ")")) return slot;
  reader.at = from;
  return undefined;
}

/** A condition that is a pattern: looked for here, without taking anything. */
function readPatternCondition(reader: Reader, start: number): RegexNode {
  reader.at++;
  if (peek(reader) !== "?") return readBody(reader, start);
  if (/^\?(?:#|'|<[^!=])/.test(reader.pattern.slice(reader.at, reader.at + 3))) {
    throw refusal(reader, "a comment or a named group as a condition");
  }
  reader.isCountLost = true;
  return readGroup(reader, start, true) ?? EMPTY;
}
