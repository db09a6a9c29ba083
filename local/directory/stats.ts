/** What the directory did, counted since the start or the last reset. */
import type { WriteKind } from "./types.ts";

export type Stats = {
  /** HTTP requests to Graph routes; a batch is one. */
  requests: number;
  batches: number;
  /** Calls to Graph routes; each one of a batch counts. */
  calls: number;
  reads: number;
  /** Writing calls that arrived, also those that were refused; what a quota would count. */
  writeCalls: number;
  /** Writes that took effect, by kind. */
  writes: Partial<Record<WriteKind, number>>;
  writesInEffect: number;
  throttled: number;
  /** Refused calls by status. */
  refused: Record<string, number>;
  /** Refused calls by rule. */
  rules: Record<string, number>;
  tokens: number;
  /** Requests that had to wait because a test ordered it. */
  held: number;
  lostAnswers: number;
};

export function emptyStats(): Stats {
  return {
    ...{ requests: 0, batches: 0, calls: 0, reads: 0, writeCalls: 0, writes: {}, writesInEffect: 0 },
    ...{ throttled: 0, refused: {}, rules: {}, tokens: 0, held: 0, lostAnswers: 0 },
  };
}

export function increase<K extends string>(counts: Partial<Record<K, number>>, key: K): void {
  counts[key] = (counts[key] ?? 0) + 1;
}
