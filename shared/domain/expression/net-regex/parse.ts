/**
 * Reads a .NET regular expression. What .NET would refuse is refused, and so is what has no exact counterpart in
 * JavaScript (balancing groups, conditionals, options in mid-pattern, named blocks, octal escapes above \0, \G):
 * better no mapping than a mapping that matches other people than it does in .NET.
 */

import { boundarySet, type CharSet, classBody } from "./charset.ts";
import { type Cursor, readClass, readEscapedUnit, readShorthand } from "./parse-class.ts";
import { type Capture, type RegexNode, RegexRefusal } from "./tree.ts";

export interface ParsedRegex {
  readonly root: RegexNode;
  readonly captures: readonly Capture[];
  readonly ignoreCase: boolean;
}

interface Options {
  readonly multiline: boolean;
  readonly singleLine: boolean;
}

const TERMINAL = "(?=\\n?$)";
const LINE_END = "(?=\\n|$)";
const LINE_START = "(?<=^|\\n)";

export function parseNetRegex(pattern: string): ParsedRegex {
  const lead = /^\(\?i\)/.exec(pattern)?.[0] ?? "";
  const ignoreCase = lead !== "";
  const cursor: Cursor = { pattern, at: lead.length, ignoreCase };
  const captures: Capture[] = [];
  const backs: { to: string; at: number; node: { type: "back"; to: Capture | undefined } }[] = [];
  const open = new Set<Capture>();

  const refuse = (what: string, at = cursor.at) =>
    new RegexRefusal(`The pattern has ${what} at position ${at + 1}, which can't be carried over.`);
  const peek = (length = 1) => pattern.slice(cursor.at, cursor.at + length);

  function parseChoice(scope: { options: Options }): RegexNode {
    const options = [parseSequence(scope)];
    while (peek() === "|") {
      cursor.at++;
      options.push(parseSequence(scope));
    }
    const [only] = options;
    return options.length === 1 && only ? only : { type: "choice", options };
  }

  function parseSequence(scope: { options: Options }): RegexNode {
    const items: RegexNode[] = [];
    while (cursor.at < pattern.length && peek() !== "|" && peek() !== ")") {
      const atom = parseAtom(scope);
      if (atom) items.push(parseQuantifier(atom));
    }
    return { type: "sequence", items };
  }

  function parseAtom(scope: { options: Options }): RegexNode | undefined {
    const start = cursor.at;
    const character = peek();
    cursor.at++;
    switch (character) {
      case "(":
        return parseGroup(scope, start);
      case "[":
        return readClass(cursor);
      case ".": {
        const set: CharSet = scope.options.singleLine ? [] : [[10, 10]];
        return { type: "set", set, isNegated: true, except: undefined };
      }
      case "^":
        return { type: "assertion", source: scope.options.multiline ? LINE_START : "^" };
      case "$":
        return { type: "assertion", source: scope.options.multiline ? LINE_END : TERMINAL };
      case "\\":
        return parseEscape(start);
      case "*":
      case "+":
      case "?":
        throw refuse("a quantifier after nothing", start);
      case "{":
        cursor.at = start;
        if (readBraces()) throw refuse("a quantifier after nothing", start);
        cursor.at = start + 1;
        return { type: "unit", code: 123 };
      default:
        return { type: "unit", code: character.charCodeAt(0) };
    }
  }

  function parseEscape(start: number): RegexNode {
    const letter = peek();
    const boundary = () => `[${classBody(boundarySet())}]`;
    if (letter === "b" || letter === "B") {
      cursor.at++;
      const word = boundary();
      const source =
        letter === "b"
          ? `(?:(?<=${word})(?!${word})|(?<!${word})(?=${word}))`
          : `(?:(?<=${word})(?=${word})|(?<!${word})(?!${word}))`;
      return { type: "assertion", source };
    }
    const anchor = letter === "A" ? "^" : letter === "z" ? "$" : letter === "Z" ? TERMINAL : undefined;
    if (anchor) {
      cursor.at++;
      return { type: "assertion", source: anchor };
    }
    const reference = /^(?:([1-9]\d*)|k(?:<(\w+)>|'(\w+)'))/.exec(pattern.slice(cursor.at));
    if (reference) {
      cursor.at += reference[0].length;
      const node = { type: "back" as const, to: undefined };
      backs.push({ to: reference[1] ?? reference[2] ?? reference[3] ?? "", at: start, node });
      return node as unknown as RegexNode;
    }
    const set = readShorthand(cursor);
    if (set) return set;
    return { type: "unit", code: readEscapedUnit(cursor) };
  }

  function parseGroup(scope: { options: Options }, start: number): RegexNode | undefined {
    if (peek() !== "?") return parseCapture(undefined, scope);
    const comment = /^\?#[^)]*\)/.exec(pattern.slice(cursor.at));
    if (comment) {
      cursor.at += comment[0].length;
      return undefined;
    }
    const opening = /^\?(?:<=|<!|[:=!>])/.exec(pattern.slice(cursor.at))?.[0];
    if (opening) {
      cursor.at += opening.length;
      const body = parseBody(scope.options, start);
      if (opening === "?>") return { type: "atomic", body };
      return { type: "group", opening: `(${opening}` as "(?:", body };
    }
    const name = /^\?(?:<([A-Za-z_]\w*)>|'([A-Za-z_]\w*)')/.exec(pattern.slice(cursor.at));
    if (name) {
      cursor.at += name[0].length;
      return parseCapture(name[1] ?? name[2], scope);
    }
    const flags = /^\?([ms]*)(?:-([ms]*))?([:)])/.exec(pattern.slice(cursor.at));
    if (!flags) throw refuse(describeGroup(pattern.slice(cursor.at)), start);
    cursor.at += flags[0].length;
    const options = {
      multiline: (scope.options.multiline || flags[1]?.includes("m")) === true && !flags[2]?.includes("m"),
      singleLine: (scope.options.singleLine || flags[1]?.includes("s")) === true && !flags[2]?.includes("s"),
    };
    if (flags[3] === ":") return { type: "group", opening: "(?:", body: parseBody(options, start) };
    scope.options = options;
    return undefined;
  }

  function parseCapture(name: string | undefined, scope: { options: Options }): RegexNode {
    const start = cursor.at;
    if (name !== undefined && captures.some((capture) => capture.name === name)) {
      throw refuse(`a second group named '${name}'`, start);
    }
    const capture: Capture = { type: "capture", name, number: 0, body: { type: "sequence", items: [] } };
    captures.push(capture);
    open.add(capture);
    capture.body = parseBody(scope.options, start);
    open.delete(capture);
    return capture;
  }

  function parseBody(options: Options, start: number): RegexNode {
    const body = parseChoice({ options });
    if (peek() !== ")") throw refuse("a parenthesis without its end", start);
    cursor.at++;
    return body;
  }

  function readBraces(): { least: number; most: number } | undefined {
    const match = /^\{(\d+)(,(\d*))?\}/.exec(pattern.slice(cursor.at));
    if (!match) return undefined;
    cursor.at += match[0].length;
    const least = Number(match[1]);
    const most = match[2] === undefined ? least : match[3] === "" ? Number.POSITIVE_INFINITY : Number(match[3]);
    if (most < least) throw refuse("a quantifier {n,m} with n above m");
    return { least, most };
  }

  function parseQuantifier(body: RegexNode): RegexNode {
    const start = cursor.at;
    const sign = peek();
    const simple =
      sign === "*"
        ? [0, Number.POSITIVE_INFINITY]
        : sign === "+"
          ? [1, Number.POSITIVE_INFINITY]
          : sign === "?"
            ? [0, 1]
            : undefined;
    if (simple) cursor.at++;
    const braces = simple ? undefined : readBraces();
    if (!simple && !braces) return body;
    const isLazy = peek() === "?";
    if (isLazy) cursor.at++;
    if ("*+?".includes(peek() || " ") || readBraces()) throw refuse("a quantifier after a quantifier", cursor.at);
    const least = braces?.least ?? simple?.[0] ?? 0;
    const most = braces?.most ?? simple?.[1] ?? 0;
    return { type: "repeat", body, least, most, suffix: pattern.slice(start, cursor.at) };
  }

  const root = parseChoice({ options: { multiline: false, singleLine: false } });
  if (cursor.at < pattern.length) throw refuse("a closing parenthesis without its beginning");
  let number = 0;
  for (const capture of captures) if (capture.name === undefined) capture.number = ++number;
  for (const capture of captures) if (capture.name !== undefined) capture.number = ++number;
  for (const { to, at, node } of backs) {
    node.to = captures.find((capture) => capture.name === to || String(capture.number) === to);
    if (!node.to) throw refuse(`a reference to the group '${to}', which isn't there,`, at);
  }
  return { root, captures, ignoreCase };
}

function describeGroup(rest: string): string {
  if (/^\?[imnsx-]+[:)]/.test(rest)) return "an inline option other than m, s or a leading (?i)";
  if (rest.startsWith("?(")) return "a conditional group";
  if (/^\?[<']\w*-/.test(rest)) return "a balancing group";
  return "a group of a kind that is not known";
}
