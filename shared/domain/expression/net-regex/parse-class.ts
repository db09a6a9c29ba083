/** Character classes: members, ranges, negation, and what `-[…]` at the end takes away again. */

import { readEscapedUnit, readShorthand } from "./parse-escape.ts";
import { nested, peek, type Reader, refusal, refusalAt, take } from "./reader.ts";
import { makeSet, type SetParts, type UnitSet } from "./unit-set.ts";

type Ranges = (readonly [first: number, last: number])[];

/** The cursor is behind the opening bracket. */
export function readClass(reader: Reader): UnitSet {
  const start = reader.at - 1;
  const isNegated = take(reader, "^");
  const ranges: Ranges = [];
  const categories: SetParts["categories"][number][] = [];
  let except: UnitSet | undefined;
  // A bracket that closes stands for itself at the first place.
  for (let isFirst = true; isFirst || peek(reader) !== "]"; isFirst = false) {
    if (peek(reader) === "") throw refusalAt(start, "a class without its end");
    if (!isFirst && take(reader, "-[")) {
      except = readSubtraction(reader);
      continue;
    }
    const shorthand = readClassShorthand(reader);
    if (shorthand) categories.push(...shorthand.categories);
    if (shorthand) ranges.push(...shorthand.ranges);
    else ranges.push(readRange(reader));
  }
  reader.at++;
  return makeSet({ ranges, categories, isNegated, except, ignoreCase: reader.options.ignoreCase });
}

function readSubtraction(reader: Reader): UnitSet {
  const set = nested(reader, reader.at - 1, () => readClass(reader));
  if (peek(reader) !== "]") throw refusal(reader, "something after a subtraction in a class");
  return set;
}

function readClassShorthand(reader: Reader): ReturnType<typeof readShorthand> {
  if (peek(reader) !== "\\") return undefined;
  reader.at++;
  const shorthand = readShorthand(reader);
  if (!shorthand) reader.at--;
  return shorthand;
}

/** A unit, or two with a dash between. A dash before the end or a subtraction is no such dash; `\-` begins no range. */
function readRange(reader: Reader): readonly [first: number, last: number] {
  const start = reader.at;
  const isEscapedDash = reader.pattern.startsWith("\\-", start);
  const first = readMember(reader);
  const next = peek(reader, 1);
  if (isEscapedDash || peek(reader) !== "-" || next === "" || next === "]" || next === "[") return [first, first];
  reader.at++;
  if (/^\\[dDwWsSpP]/.test(reader.pattern.slice(reader.at, reader.at + 2))) {
    throw refusal(reader, "a range that ends in a class");
  }
  const last = readMember(reader);
  if (last < first) throw refusalAt(start, "a range in reverse order");
  return [first, last];
}

function readMember(reader: Reader): number {
  // .NET's versions differ in what they make of these.
  if (/^\[:\w+:\]/.test(reader.pattern.slice(reader.at, reader.at + 16))) throw refusal(reader, "a POSIX class");
  const code = reader.pattern.charCodeAt(reader.at++);
  return code === 0x5c ? readEscapedUnit(reader) : code;
}
