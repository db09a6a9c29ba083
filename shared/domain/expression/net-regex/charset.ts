/**
 * Sets of UTF-16 units as sorted ranges, and the character classes of .NET as such sets.
 *
 * .NET asks for the category of one 16-bit unit at a time, by Unicode's tables; JavaScript's `\d`, `\w` and `\s` know
 * ASCII only, or a slightly other list. So classes are written out as ranges. Surrogates belong to no class but Cs.
 */

type Range = readonly [first: number, last: number];
export type CharSet = readonly Range[];

const LAST = 0xffff;
const CATEGORIES: ReadonlySet<string> = new Set(
  "L Lu Ll Lt Lm Lo M Mn Mc Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po S Sm Sc Sk So Z Zs Zl Zp C Cc Cf Cs Co Cn".split(" "),
);
const known = new Map<string, CharSet>();

function scanned(key: string, pattern: RegExp): CharSet {
  const found = known.get(key);
  if (found) return found;
  const ranges: [number, number][] = [];
  for (let unit = 0; unit <= LAST; unit++) {
    if (!pattern.test(String.fromCharCode(unit))) continue;
    const last = ranges.at(-1);
    if (last && last[1] === unit - 1) last[1] = unit;
    else ranges.push([unit, unit]);
  }
  known.set(key, ranges);
  return ranges;
}

/** The set of a general category such as `Lu`; undefined for a name that isn't one (.NET also knows block names). */
export function categorySet(name: string): CharSet | undefined {
  return CATEGORIES.has(name) ? scanned(name, new RegExp(`^\\p{${name}}$`, "u")) : undefined;
}

export const digitSet = (): CharSet => scanned("Nd", /^\p{Nd}$/u);
export const wordSet = (): CharSet => scanned("\\w", /^[\p{L}\p{Mn}\p{Nd}\p{Pc}]$/u);
/** What `\b` looks at: word characters and the two joiners. */
export const boundarySet = (): CharSet => scanned("\\b", /^[\p{L}\p{Mn}\p{Nd}\p{Pc}\u200c\u200d]$/u);
export const spaceSet = (): CharSet => scanned("\\s", /^[\t-\r\x85\p{Z}]$/u);

export function complement(set: CharSet): CharSet {
  const ranges: Range[] = [];
  let next = 0;
  for (const [first, last] of union([set])) {
    if (first > next) ranges.push([next, first - 1]);
    next = last + 1;
  }
  if (next <= LAST) ranges.push([next, LAST]);
  return ranges;
}

export function union(sets: readonly CharSet[]): CharSet {
  const sorted = sets.flat().sort((left, right) => left[0] - right[0] || left[1] - right[1]);
  const ranges: [number, number][] = [];
  for (const [first, last] of sorted) {
    const previous = ranges.at(-1);
    if (previous && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last);
    else ranges.push([first, last]);
  }
  return ranges;
}

/** The inside of a JavaScript class; every unit is written as an escape, so nothing in it can be a metacharacter. */
export function classBody(set: CharSet): string {
  const unit = (code: number) => `\\u${code.toString(16).padStart(4, "0")}`;
  return set.map(([first, last]) => (first === last ? unit(first) : `${unit(first)}-${unit(last)}`)).join("");
}
