/** Draws that a seed repeats: the plan of a run is the same again, though the machine's timing never is. */

export type Random = {
  /** At least 0, below 1. */
  next(): number;
  between(low: number, high: number): number;
  /** A whole number from 0, below `bound`. */
  below(bound: number): number;
  pick<T>(list: readonly T[]): T;
};

/** A 32-bit generator (mulberry32): small, and good enough to choose moments. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (bound: number): number => Math.floor(next() * bound);
  return {
    next,
    between: (low, high) => low + next() * (high - low),
    below,
    pick(list) {
      const chosen = list[below(list.length)];
      if (chosen === undefined) throw new Error("There is nothing to draw from.");
      return chosen;
    },
  };
}
