/** What the bench of the quota measures; see `quota.ts` for how. */

import type { Fewest } from "./population.ts";

/** An initial load of one job into an empty target. */
export interface LoadMeasured {
  readonly people: number;
  readonly groups: number;
  readonly memberships: number;
  /** Virtual, from the read's last batch to the closed cycle. */
  readonly minutes: number;
  /** For the fewest writes in order: the first window's at once, then as the window allows. */
  readonly leastMinutes: number;
  readonly writes: number;
  readonly fewest: Fewest;
  readonly refused: number;
  /** Of this process. */
  readonly peakMegabytes: number;
  readonly cpuSeconds: number;
}

/** Two jobs of one tenant that load at the same time. */
export interface ShareMeasured {
  readonly name: string;
  /** Virtual minutes over which it was measured. */
  readonly minutes: number;
  /** Of the budget that is there for us. */
  readonly used: number;
  /** Of the calls that write, ours and refused. */
  readonly refused: number;
  /** The smaller part of the two jobs; 0.5 is fair. */
  readonly smallerPart: number;
  /** Of somebody else who wants half of the budget: what they got of that. */
  readonly otherGot?: number;
}

/** A delta in the live lane. */
export interface DeltaMeasured {
  readonly name: string;
  readonly changes: number;
  /** Virtual, from the accepted batch to the last write. */
  readonly seconds: number;
  /** What the window's pace alone would take. */
  readonly leastSeconds: number;
  /** The initial load of the same job still ran when the delta was done. */
  readonly hasOvertaken?: boolean;
}

export interface QuotaMeasured {
  /** Absent: not asked for; as the others, where they are empty. */
  readonly load?: LoadMeasured;
  readonly shares: readonly ShareMeasured[];
  readonly deltas: readonly DeltaMeasured[];
}

/** The file that the bench writes. */
export interface QuotaResult {
  readonly command: string;
  readonly date: string;
  readonly node: string;
  readonly figures: QuotaMeasured & {
    readonly conditions: Readonly<Record<string, string>>;
    readonly missed: readonly string[];
  };
}
