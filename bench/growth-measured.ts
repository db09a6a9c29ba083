/** What the bench of growth measures; see `growth.ts` for how. */
import type { StoreUse } from "./counted-stores.ts";

export interface Operations extends StoreUse {
  /** HTTP exchanges, of which a `$batch` is one. */
  readonly graphCalls: number;
  readonly graphBytes: number;
}

export type RunName = "first load" | "delta" | "same full read again";

/** One run over one population; all numbers are whole. */
export interface GrowthMeasured {
  readonly run: RunName;
  /** In the directory. */
  readonly population: number;
  /** That the run received: what its costs are divided by. */
  readonly objects: number;
  readonly operations: Operations;
  /** Of this process, the stand-in and the memory stores among it. */
  readonly cpuSeconds: number;
}

/** What the engine keeps when all is done, beside what lies in the stores and the target. */
export interface KeptMeasured {
  readonly population: number;
  readonly megabytes: number;
}

/** The same first load with its state in Azurite. */
export interface AzuriteMeasured {
  readonly population: number;
  readonly ownSeconds: number;
  readonly azuriteSeconds: number;
}

export interface AllGrowth {
  readonly runs: readonly GrowthMeasured[];
  readonly kept: readonly KeptMeasured[];
  readonly azurite: readonly AzuriteMeasured[];
}

/** The file that the bench writes. */
export interface GrowthResult extends AllGrowth {
  /** Command, date and machine. */
  readonly conditions: Readonly<Record<string, string>>;
  readonly missed: readonly string[];
}
