/** Escapes and character classes of a .NET pattern, read into sets of UTF-16 units. */

import { type CharSet, categorySet, complement, digitSet, spaceSet, union, wordSet } from "./charset.ts";
import { type RegexNode, RegexRefusal } from "./tree.ts";

export interface Cursor {
  readonly pattern: string;
  at: number;
  readonly ignoreCase: boolean;
}

type SetNode = Extract<RegexNode, { type: "set" }>;

const CONTROL: Readonly<Record<string, number>> = { a: 7, t: 9, n: 10, v: 11, f: 12, r: 13, e: 27 };

function refusal(cursor: Cursor, what: string): RegexRefusal {
  return new RegexRefusal(`The pattern has ${what} at position ${cursor.at + 1}, which can't be carried over.`);
}

/** `\d`, `\W`, `\p{Lu}` …: the set, with the cursor behind it; undefined when no such escape stands here. */
export function readShorthand(cursor: Cursor): SetNode | undefined {
  const letter = cursor.pattern[cursor.at] ?? "";
  const lower = letter.toLowerCase();
  const isNegated = letter !== lower;
  if (lower === "d" || lower === "w" || lower === "s") {
    cursor.at++;
    const set = lower === "d" ? digitSet() : lower === "w" ? wordSet() : spaceSet();
    return { type: "set", set, isNegated, except: undefined };
  }
  if (lower !== "p") return undefined;
  const name = /^[pP]\{(\w+)\}/.exec(cursor.pattern.slice(cursor.at));
  const set = categorySet(name?.[1] ?? "");
  if (!name || !set) throw refusal(cursor, "a Unicode block or an unknown category");
  if (cursor.ignoreCase) throw refusal(cursor, "a category while case is ignored");
  cursor.at += name[0].length;
  return { type: "set", set, isNegated, except: undefined };
}

/** An escape that stands for one unit; the cursor is behind the backslash. */
export function readEscapedUnit(cursor: Cursor): number {
  const rest = cursor.pattern.slice(cursor.at);
  const letter = rest[0];
  if (letter === undefined) throw refusal(cursor, "a backslash at its end");
  const hex = /^(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4}))/.exec(rest);
  if (hex) {
    cursor.at += hex[0].length;
    return Number.parseInt(hex[1] ?? hex[2] ?? "", 16);
  }
  const control = /^c([A-Za-z@[\\\]^_])/.exec(rest);
  if (control?.[1]) {
    cursor.at += 2;
    return control[1].toUpperCase().charCodeAt(0) & 31;
  }
  if (letter === "0" && !/^0[0-7]/.test(rest)) {
    cursor.at++;
    return 0;
  }
  if (/[\p{L}\p{N}_]/u.test(letter) && CONTROL[letter] === undefined) throw refusal(cursor, `the escape \\${letter}`);
  cursor.at++;
  return CONTROL[letter] ?? letter.charCodeAt(0);
}

/** A class; the cursor is behind its opening bracket. */
export function readClass(cursor: Cursor): SetNode {
  const start = cursor.at;
  const isNegated = cursor.pattern[cursor.at] === "^";
  if (isNegated) cursor.at++;
  const sets: CharSet[] = [];
  let except: SetNode | undefined;
  for (let isFirst = true; ; isFirst = false) {
    const character = cursor.pattern[cursor.at];
    if (character === undefined) {
      cursor.at = start - 1;
      throw refusal(cursor, "a class without its end");
    }
    if (character === "]" && !isFirst) break;
    if (character === "-" && cursor.pattern[cursor.at + 1] === "[" && !isFirst) {
      cursor.at += 2;
      except = readClass(cursor);
      if (cursor.pattern[cursor.at] !== "]") throw refusal(cursor, "something after a subtraction");
      break;
    }
    sets.push(readMember(cursor));
  }
  cursor.at++;
  return { type: "set", set: union(sets), isNegated, except };
}

function readMember(cursor: Cursor): CharSet {
  if (cursor.pattern[cursor.at] === "\\") {
    cursor.at++;
    const shorthand = readShorthand(cursor);
    if (shorthand) return shorthand.isNegated ? complement(shorthand.set) : shorthand.set;
    cursor.at--;
  } else if (/^\[:\w+:\]/.test(cursor.pattern.slice(cursor.at))) {
    throw refusal(cursor, "a POSIX class");
  }
  const first = readMemberUnit(cursor);
  const next = cursor.pattern[cursor.at + 1];
  if (cursor.pattern[cursor.at] !== "-" || next === undefined || next === "]" || next === "[") return [[first, first]];
  cursor.at++;
  const isShorthand = next === "\\" && /[dDwWsSpP]/.test(cursor.pattern[cursor.at + 1] ?? "");
  if (isShorthand) throw refusal(cursor, "a range that ends in a class");
  const last = readMemberUnit(cursor);
  if (last < first) throw refusal(cursor, "a range in reverse order");
  return [[first, last]];
}

function readMemberUnit(cursor: Cursor): number {
  const character = cursor.pattern[cursor.at++] ?? "";
  if (character !== "\\") return character.charCodeAt(0);
  if (cursor.pattern[cursor.at] === "b") {
    cursor.at++;
    return 8;
  }
  return readEscapedUnit(cursor);
}
