/** What the parts of the parser share: the place in the pattern, the options in force there, and the groups. */

import { boundaryUnits } from "./categories.ts";
import type { GroupCollector, Groups } from "./groups.ts";
import { type RegexNode, RegexRefusal, UNBOUNDED } from "./tree.ts";

export interface Options {
  readonly ignoreCase: boolean;
  readonly multiline: boolean;
  readonly explicitCapture: boolean;
  readonly singleLine: boolean;
  readonly ignoreSpace: boolean;
}

export interface Reader {
  readonly pattern: string;
  readonly groups: Groups;
  /** Only in the first reading. */
  readonly collector: GroupCollector | undefined;
  /** The number of the next unnamed group. */
  nextNumber: number;
  at: number;
  options: Options;
  /** A condition was a look-around. From there on .NET loses count of unnamed groups. */
  isCountLost: boolean;
  /** How many groups or classes are open. */
  depth: number;
  /** Reads what stands between bars, up to a closing parenthesis or the end. */
  readonly readBranches: (reader: Reader, inCondition?: boolean) => readonly RegexNode[];
}

/** Deeper patterns are refused: nobody writes them, and reading them takes stack. */
const MAXIMUM_DEPTH = 200;

export function refusalAt(at: number, what: string): RegexRefusal {
  return new RegexRefusal(`The pattern has ${what} at position ${at + 1}.`);
}

export function refusal(reader: Reader, what: string): RegexRefusal {
  return refusalAt(reader.at, what);
}

export function peek(reader: Reader, ahead = 0): string {
  return reader.pattern[reader.at + ahead] ?? "";
}

/** Takes `text` when it stands here. */
export function take(reader: Reader, text: string): boolean {
  if (!reader.pattern.startsWith(text, reader.at)) return false;
  reader.at += text.length;
  return true;
}

/** Runs `read` one level deeper. */
export function nested<T>(reader: Reader, start: number, read: () => T): T {
  if (reader.depth >= MAXIMUM_DEPTH) throw refusalAt(start, `more than ${MAXIMUM_DEPTH} nested groups`);
  reader.depth++;
  const result = read();
  reader.depth--;
  return result;
}

export const isDigit = (character: string): boolean => character >= "0" && character <= "9" && character.length === 1;

export function isWordUnit(character: string): boolean {
  // ASCII first: the platform takes milliseconds to learn all of Unicode's letters.
  return /^\w$/.test(character) || (character > "\x7f" && boundaryUnits().has(character.charCodeAt(0)));
}

/** Decimal digits, as many as there are: a number up to what .NET can hold. */
export function readDecimal(reader: Reader): number {
  const start = reader.at;
  while (isDigit(peek(reader))) reader.at++;
  const value = Number(reader.pattern.slice(start, reader.at));
  if (value > UNBOUNDED) throw refusalAt(start, "a number that is too large");
  return value;
}

/** Word units, as many as there are. */
export function readName(reader: Reader): string {
  const start = reader.at;
  while (isWordUnit(peek(reader))) reader.at++;
  return reader.pattern.slice(start, reader.at);
}
