/**
 * How many writes are left of a chunk that was not done at once, and how many it made so far, as this process remembers it: a
 * chunk that comes again books those and not all that it was planned with, and its outcome tells the sum. What is forgotten
 * is estimated anew and not counted, so nothing but that figure depends on it.
 */

export interface WritesLeft {
  get(chunk: string): number | undefined;
  /** Undefined: to be estimated anew. */
  note(chunk: string, writes: number | undefined): void;
  /** What its calls wrote before. */
  made(chunk: string): number;
  /** This call wrote so much, and another follows. */
  add(chunk: string, writes: number): void;
  forget(chunk: string): void;
}

interface Known {
  readonly left: number | undefined;
  readonly made: number;
}

/** More than are on their way at once. */
const MOST = 1_000;

export function createWritesLeft(): WritesLeft {
  const known = new Map<string, Known>();
  const put = (chunk: string, own: Known) => {
    known.delete(chunk);
    known.set(chunk, own);
    const oldest = known.keys().next();
    if (known.size > MOST && !oldest.done) known.delete(oldest.value);
  };
  const made = (chunk: string) => known.get(chunk)?.made ?? 0;
  return {
    get: (chunk) => known.get(chunk)?.left,
    made,
    note: (chunk, left) => put(chunk, { left, made: made(chunk) }),
    add: (chunk, writes) => put(chunk, { left: known.get(chunk)?.left, made: made(chunk) + writes }),
    forget: (chunk) => void known.delete(chunk),
  };
}
