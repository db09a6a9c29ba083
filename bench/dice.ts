/** Chance that repeats itself: the same seed and number give the same throws (mulberry32). */

export interface Dice {
  /** From 0 to `limit` - 1. */
  readonly below: (limit: number) => number;
  readonly chance: (probability: number) => boolean;
  /** What `make` gives, or undefined. */
  readonly some: <T>(probability: number, make: () => T) => T | undefined;
  readonly pick: <T>(from: readonly T[]) => T;
  readonly digits: (count: number) => string;
  readonly hex: (count: number) => string;
  /** Of so many random bytes. */
  readonly base64: (bytes: number) => string;
}

export function createDice(seed: number, index: number): Dice {
  let state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b)) | 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const below = (limit: number) => next() % limit;
  const chance = (probability: number) => next() < probability * 2 ** 32;
  const hexOfNext = () => next().toString(16).padStart(8, "0");
  return {
    below,
    chance,
    some: (probability, make) => (chance(probability) ? make() : undefined),
    pick: (from) => {
      const picked = from[below(from.length)];
      if (picked === undefined) throw new RangeError("There is nothing to pick from.");
      return picked;
    },
    digits: (count) => pieces(count, 9, () => String(below(1e9)).padStart(9, "0")),
    hex: (count) => pieces(count, 8, hexOfNext),
    base64: (bytes) => Buffer.from(pieces(2 * bytes, 8, hexOfNext), "hex").toString("base64"),
  };
}

function pieces(length: number, each: number, make: () => string): string {
  return Array.from({ length: Math.ceil(length / each) }, make)
    .join("")
    .slice(0, length);
}
