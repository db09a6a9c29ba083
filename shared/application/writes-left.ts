/**
 * How many writes are left of a chunk that was not done at once, as this process remembers it: a chunk that comes again
 * books those and not all that it was planned with. What is forgotten is estimated anew, so nothing depends on it.
 */

export interface WritesLeft {
  get(chunk: string): number | undefined;
  note(chunk: string, writes: number): void;
  forget(chunk: string): void;
}

/** More than are on their way at once. */
const MOST = 1_000;

export function createWritesLeft(): WritesLeft {
  const left = new Map<string, number>();
  return {
    get: (chunk) => left.get(chunk),
    note(chunk, writes) {
      left.delete(chunk);
      left.set(chunk, writes);
      const oldest = left.keys().next();
      if (left.size > MOST && !oldest.done) left.delete(oldest.value);
    },
    forget: (chunk) => void left.delete(chunk),
  };
}
