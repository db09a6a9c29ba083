/**
 * Reads a .NET regular expression as .NET's own parser does, with no options but those written in it. It is read
 * twice: what `\10` or `(?(name)…)` mean depends on groups that may come later.
 */

import { collectGroups, type GroupCollector, type Groups } from "./groups.ts";
import { readClass } from "./parse-class.ts";
import { readEscape, unitNode } from "./parse-escape.ts";
import { readGroup } from "./parse-group.ts";
import { type Options, peek, type Reader, readDecimal, refusal, refusalAt, take } from "./reader.ts";
import { choiceOf, EMPTY, type RegexNode, RegexRefusal, UNBOUNDED } from "./tree.ts";
import { makeSet, type UnitSet } from "./unit-set.ts";

export interface ParsedRegex {
  readonly root: RegexNode;
  readonly groups: Groups;
}

type Repeat = Extract<RegexNode, { type: "repeat" }>;

/** As long as an expression may be. */
const MAXIMUM_LENGTH = 10_000;

const NO_OPTIONS: Options = {
  ignoreCase: false,
  multiline: false,
  explicitCapture: false,
  singleLine: false,
  ignoreSpace: false,
};

/** Throws `RegexRefusal`, with the construct and its position, for a pattern that .NET refuses or that isn't known. */
export function parseNetRegex(pattern: string): ParsedRegex {
  if (pattern.length > MAXIMUM_LENGTH) {
    throw new RegexRefusal(`The pattern has ${pattern.length} characters; ${MAXIMUM_LENGTH} is the most.`);
  }
  const collector = collectGroups();
  readPattern(pattern, collector, collector);
  const groups = collector.settled();
  return { root: readPattern(pattern, groups, undefined), groups };
}

function readPattern(pattern: string, groups: Groups, collector: GroupCollector | undefined): RegexNode {
  const reader: Reader = {
    pattern,
    groups,
    collector,
    nextNumber: 1,
    isCountLost: false,
    at: 0,
    options: NO_OPTIONS,
    depth: 0,
    readBranches,
  };
  const root = choiceOf(readBranches(reader));
  if (reader.at < pattern.length) throw refusal(reader, "a closing parenthesis without its beginning");
  return root;
}

function readBranches(reader: Reader, inCondition = false): readonly RegexNode[] {
  const branches = [readSequence(reader, inCondition)];
  while (take(reader, "|")) branches.push(readSequence(reader, inCondition));
  return branches;
}

function readSequence(reader: Reader, inCondition: boolean): RegexNode {
  const items: RegexNode[] = [];
  for (;;) {
    skipBlank(reader);
    const character = peek(reader);
    if (character === "" || character === "|" || character === ")") break;
    const atom = readAtom(reader, inCondition);
    if (!atom) continue;
    skipBlank(reader);
    items.push(readQuantifier(reader, atom));
  }
  const [only] = items;
  return items.length === 1 && only ? only : items.length === 0 ? EMPTY : { type: "sequence", items };
}

const SPACE = /[\t\n\f\r ]/;

/** Comments `(?#…)`, and with the option x also white space and `# …` up to the end of the line. */
function skipBlank(reader: Reader): void {
  const { pattern } = reader;
  for (;;) {
    if (reader.options.ignoreSpace && SPACE.test(peek(reader))) reader.at++;
    else if (reader.options.ignoreSpace && peek(reader) === "#") {
      const end = pattern.indexOf("\n", reader.at);
      reader.at = end < 0 ? pattern.length : end;
    } else if (pattern.startsWith("(?#", reader.at)) {
      const end = pattern.indexOf(")", reader.at);
      if (end < 0) throw refusal(reader, "a comment without its end");
      reader.at = end + 1;
    } else return;
  }
}

let dot: UnitSet | undefined;
let anything: UnitSet | undefined;

function dotSet(isAnything: boolean): UnitSet {
  const of = (ranges: readonly (readonly [number, number])[]) =>
    makeSet({ ranges, categories: [], isNegated: true, except: undefined, ignoreCase: false });
  if (isAnything) {
    anything ??= of([]);
    return anything;
  }
  dot ??= of([[10, 10]]);
  return dot;
}

function readAtom(reader: Reader, inCondition: boolean): RegexNode | undefined {
  const start = reader.at;
  const { options } = reader;
  const character = peek(reader);
  if (quantifierAt(reader)) throw refusal(reader, "a quantifier after nothing");
  reader.at++;
  switch (character) {
    case "(":
      return readGroup(reader, start, inCondition);
    case "[":
      return { type: "set", set: readClass(reader) };
    case ".":
      return { type: "set", set: dotSet(options.singleLine) };
    case "^":
      return { type: "place", place: options.multiline ? "line-begin" : "begin" };
    case "$":
      return { type: "place", place: options.multiline ? "line-end" : "last" };
    case "\\":
      return readEscape(reader, start);
    default:
      return unitNode(reader, character.charCodeAt(0));
  }
}

/** The quantifier here, without its `?`; undefined when none stands here. `{` begins one only in `{n}`, `{n,}`, `{n,m}`. */
function quantifierAt({ pattern, at }: Reader): string | undefined {
  const character = pattern[at];
  if (character === "*" || character === "+" || character === "?") return character;
  return character === "{" ? /^\{\d+(?:,\d*)?\}/.exec(pattern.slice(at))?.[0] : undefined;
}

function readQuantifier(reader: Reader, body: RegexNode): RegexNode {
  const start = reader.at;
  const quantifier = quantifierAt(reader);
  if (quantifier === undefined) return body;
  const [least, most] = readCounts(reader, quantifier);
  skipBlank(reader);
  const isLazy = take(reader, "?");
  if (most < least) throw refusalAt(start, "a quantifier {n,m} with n above m");
  skipBlank(reader);
  if (quantifierAt(reader)) throw refusal(reader, "a quantifier after a quantifier");
  if (most === 0) return EMPTY;
  return least === 1 && most === 1 ? body : multiplied({ type: "repeat", body, least, most, isLazy });
}

/**
 * .NET makes one repetition of two that stand in each other without a capture between, unless the inner one is too
 * uneven. That shows in the order in which lengths are tried.
 */
function multiplied(outer: Repeat): Repeat {
  const { body: inner, isLazy } = outer;
  if (inner.type !== "repeat" || inner.isLazy !== isLazy) return outer;
  if ((outer.least === 0 && inner.least > 1) || inner.most < 2 * inner.least) return outer;
  const least = Math.min(UNBOUNDED, outer.least * inner.least);
  return { type: "repeat", body: inner.body, least, most: Math.min(UNBOUNDED, outer.most * inner.most), isLazy };
}

function readCounts(reader: Reader, quantifier: string): readonly [least: number, most: number] {
  reader.at++;
  if (quantifier === "*") return [0, UNBOUNDED];
  if (quantifier === "+") return [1, UNBOUNDED];
  if (quantifier === "?") return [0, 1];
  const least = readDecimal(reader);
  const most = take(reader, ",") ? (peek(reader) === "}" ? UNBOUNDED : readDecimal(reader)) : least;
  reader.at++;
  return [least, most];
}
