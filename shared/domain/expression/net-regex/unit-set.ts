/**
 * Sets of UTF-16 units, made for being asked often: a table for the first 256 units, and for the others an answer for
 * all of them or a question. A set is ranges and categories, perhaps negated, less another set.
 */

import { equivalents } from "./case-folding.ts";
import type { Category } from "./categories.ts";

export interface SetParts {
  readonly ranges: readonly (readonly [first: number, last: number])[];
  readonly categories: readonly { readonly category: Category; readonly isNegated: boolean }[];
  readonly isNegated: boolean;
  readonly except: UnitSet | undefined;
  /** Widens the ranges, not the categories. */
  readonly ignoreCase: boolean;
}

export interface UnitSet {
  /** 1 for members; read it for units below 256. */
  readonly latin: Uint8Array;
  /** For the units from 256 on. */
  readonly has: (code: number) => boolean;
  /** Whether all units from 256 on are members, or none; undefined when it takes asking. */
  readonly above: boolean | undefined;
  /** The only member, or -1. */
  readonly single: number;
}

const LATIN = 256;
const LAST = 0xffff;

export function makeSet(parts: SetParts): UnitSet {
  const has = membership(parts);
  const latin = latinTable(parts);
  const above = allAbove(parts);
  const members = above === false ? latin.reduce((sum, one) => sum + one, 0) : LATIN;
  return {
    latin,
    has: above === undefined ? has : () => above,
    above,
    single: members === 1 ? latin.indexOf(1) : -1,
  };
}

function latinTable({ ranges, categories, isNegated, except, ignoreCase }: SetParts): Uint8Array {
  const latin = new Uint8Array(LATIN);
  for (const [first, last] of ranges) latin.fill(1, first, Math.min(last + 1, LATIN));
  for (let code = 0; code < LATIN; code++) {
    const isIn = latin[code] === 1 || (ignoreCase && equivalents(code).some((equal) => isInRanges(ranges, equal)));
    const isMember = isIn || categories.some((one) => one.category.has(code) !== one.isNegated);
    latin[code] = isMember !== isNegated && !(except && contains(except, code)) ? 1 : 0;
  }
  return latin;
}

function isInRanges(ranges: SetParts["ranges"], code: number): boolean {
  return ranges.some(([first, last]) => code >= first && code <= last);
}

function membership({ ranges, categories, isNegated, except, ignoreCase }: SetParts): (code: number) => boolean {
  const inRanges = (code: number) => isInRanges(ranges, code);
  const inAny = ignoreCase ? (code: number) => equivalents(code).some(inRanges) : inRanges;
  const isMember = (code: number) => inAny(code) || categories.some((one) => one.category.has(code) !== one.isNegated);
  if (!except) return isNegated ? (code) => !isMember(code) : isMember;
  return (code) => isMember(code) !== isNegated && !contains(except, code);
}

/** Whether all units from 256 on are members, or none; undefined when it takes a look at each. */
function allAbove({ ranges, categories, isNegated, except, ignoreCase }: SetParts): boolean | undefined {
  if (categories.length > 0 || except) return undefined;
  if (ranges.some(([first, last]) => first <= LATIN && last === LAST)) return !isNegated;
  if (ignoreCase || ranges.some(([, last]) => last >= LATIN)) return undefined;
  return isNegated;
}

export function contains(set: UnitSet, code: number): boolean {
  return code < LATIN ? set.latin[code] === 1 : set.has(code);
}

export function setOfUnits(codes: readonly number[]): UnitSet {
  const latin = new Uint8Array(LATIN);
  for (const code of codes) if (code < LATIN) latin[code] = 1;
  const wide = codes.filter((code) => code >= LATIN);
  const single = codes.length === 1 ? (codes[0] ?? -1) : -1;
  return { latin, has: (code) => wide.includes(code), above: wide.length === 0 ? false : undefined, single };
}

/** True when no unit is known to be in both. */
export function areDisjoint(left: UnitSet, right: UnitSet): boolean {
  if (left.single >= 0) return !contains(right, left.single);
  if (right.single >= 0) return !contains(left, right.single);
  if (left.above !== false && right.above !== false) return false;
  return left.latin.every((one, code) => one === 0 || right.latin[code] === 0);
}

export function unionOf(sets: readonly UnitSet[]): UnitSet {
  const [only] = sets;
  if (sets.length === 1 && only) return only;
  const latin = new Uint8Array(LATIN);
  for (const set of sets) for (let code = 0; code < LATIN; code++) if (set.latin[code] === 1) latin[code] = 1;
  const wide = sets.filter((set) => set.above !== false);
  const above = wide.length === 0 ? false : wide.some((set) => set.above === true) ? true : undefined;
  return { latin, has: (code) => wide.some((set) => set.has(code)), above, single: -1 };
}
