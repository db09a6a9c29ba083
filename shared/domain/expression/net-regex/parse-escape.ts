/** What a backslash means outside of classes: a place, a class of units, an earlier group, or one unit. */

import { equivalents } from "./case-folding.ts";
import { blockNamed, type Category, casedLetters, categoryNamed, digits, spaces, wordUnits } from "./categories.ts";
import { isDigit, isWordUnit, peek, type Reader, readDecimal, readName, refusal, refusalAt, take } from "./reader.ts";
import type { Place, RegexNode } from "./tree.ts";
import { makeSet, type SetParts, setOfUnits, type UnitSet } from "./unit-set.ts";

const CONTROL: Readonly<Record<string, number>> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13, e: 27 };

const PLACES: Readonly<Record<string, Place>> = {
  b: "boundary",
  B: "no-boundary",
  A: "begin",
  G: "origin",
  Z: "last",
  z: "end",
};

/** The cursor is behind the backslash, which stood at `start`. */
export function readEscape(reader: Reader, start: number): RegexNode {
  const place = PLACES[peek(reader)];
  if (place) {
    reader.at++;
    return { type: "place", place };
  }
  const letter = peek(reader);
  const parts = readShorthand(reader);
  if (parts) return { type: "set", set: shorthandSet(letter, parts, reader.options.ignoreCase) };
  return readReference(reader, start) ?? unitNode(reader, readEscapedUnit(reader));
}

const sharedSets = new Map<string, UnitSet>();

/** `\d` and its like mean the same in every pattern; `\p` is followed by a name. */
function shorthandSet(letter: string, parts: Pick<SetParts, "ranges" | "categories">, ignoreCase: boolean): UnitSet {
  const known = sharedSets.get(letter);
  if (known) return known;
  const set = makeSet({ ...parts, ignoreCase, isNegated: false, except: undefined });
  if (letter.toLowerCase() !== "p") sharedSets.set(letter, set);
  return set;
}

/** One unit, with those that equal it where case is ignored. */
export function unitNode({ options }: Reader, code: number): RegexNode {
  const equal = options.ignoreCase ? equivalents(code) : [code];
  return equal.length === 1 ? { type: "unit", code } : { type: "set", set: setOfUnits(equal) };
}

/** `\d`, `\W`, `\p{Lu}` …: the cursor ends up behind it; undefined when no such escape stands here. */
export function readShorthand(reader: Reader): Pick<SetParts, "ranges" | "categories"> | undefined {
  const letter = peek(reader);
  const lower = letter.toLowerCase();
  const isNegated = letter !== lower;
  const of = (category: Category) => ({ ranges: [], categories: [{ category, isNegated }] });
  if (lower === "d" || lower === "w" || lower === "s") {
    reader.at++;
    return of(lower === "d" ? digits() : lower === "w" ? wordUnits() : spaces());
  }
  if (lower !== "p") return undefined;
  const name = /^\{([\w-]+)\}/.exec(reader.pattern.slice(reader.at + 1, reader.at + 64));
  const block = name?.[1] ? blockNamed(name[1]) : undefined;
  const isCased = reader.options.ignoreCase && /^L[ult]$/.test(name?.[1] ?? "");
  const category = isCased ? casedLetters() : categoryNamed(name?.[1] ?? "");
  if (!name || !(block || category)) throw refusal(reader, `an unknown Unicode category or block ${name?.[0] ?? ""}`);
  reader.at += 1 + name[0].length;
  if (category) return of(category);
  return { ranges: block ? rangesOf(block, isNegated) : [], categories: [] };
}

function rangesOf([first, last]: readonly [number, number], isNegated: boolean): SetParts["ranges"] {
  const around: SetParts["ranges"] = [
    [0, first - 1],
    [last + 1, 0xffff],
  ];
  return isNegated ? around.filter(([from, to]) => from <= to) : [[first, last]];
}

/** An escape that stands for one unit; the cursor is behind the backslash. */
export function readEscapedUnit(reader: Reader): number {
  const rest = reader.pattern.slice(reader.at, reader.at + 5);
  const letter = rest[0];
  if (letter === undefined) throw refusal(reader, "a backslash at its end");
  const octal = /^[0-7]{1,3}/.exec(rest);
  if (octal) {
    reader.at += octal[0].length;
    return Number.parseInt(octal[0], 8) & 0xff;
  }
  const hex = /^(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4}))/.exec(rest);
  if (hex) {
    reader.at += hex[0].length;
    return Number.parseInt(hex[1] ?? hex[2] ?? "", 16);
  }
  const control = /^c([A-Za-z@[\\\]^_])/.exec(rest);
  if (control?.[1]) {
    reader.at += 2;
    return control[1].toUpperCase().charCodeAt(0) & 31;
  }
  if (isWordUnit(letter) && CONTROL[letter] === undefined) throw refusal(reader, `the unknown escape \\${letter}`);
  reader.at++;
  return CONTROL[letter] ?? letter.charCodeAt(0);
}

/** `\1`, `\k<name>`, `\k'name'` and the older `\<name>`; undefined when it isn't one. */
function readReference(reader: Reader, start: number): RegexNode | undefined {
  const from = reader.at;
  if (/^[1-9]$/.test(peek(reader))) {
    const value = readDecimal(reader);
    const slot = reader.groups.slotOf(value);
    if (slot !== undefined) return back(reader, slot);
    if (value <= 9) throw refusalAt(start, `a reference to the group ${value}, which isn't there,`);
    // Two digits and more that name no group are an octal code.
    reader.at = from;
    return undefined;
  }
  const isNamed = take(reader, "k");
  const close = take(reader, "<") ? ">" : take(reader, "'") ? "'" : undefined;
  const label = close === undefined ? "" : isDigit(peek(reader)) ? readDecimal(reader) : readName(reader);
  if (close !== undefined && label !== "" && take(reader, close)) {
    const slot = reader.groups.slotOf(label);
    if (slot !== undefined) return back(reader, slot);
    throw refusalAt(start, `a reference to the group '${label}', which isn't there,`);
  }
  if (isNamed) throw refusalAt(start, "a \\k without the name of a group");
  reader.at = from;
  return undefined;
}

function back({ options }: Reader, slot: number): RegexNode {
  return { type: "back", slot, ignoreCase: options.ignoreCase };
}
