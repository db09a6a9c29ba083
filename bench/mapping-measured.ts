/** What the bench of the mapping measures; see `mapping-child.ts` for how. */

/** Microseconds of CPU an object in one round, measured in turns of a few hundred objects each. */
export interface Round {
  readonly yardstick: number;
  readonly mapping: number;
}

/** One kind of object on its way to one target. */
export interface Lane {
  readonly name: string;
  /** Mappings that are evaluated for an object, of those that the schema has. */
  readonly evaluated: number;
  readonly mappings: number;
  /** Means of an object. */
  readonly attributes: number;
  readonly bytes: number;
  readonly rounds: readonly Round[];
}

/** Microseconds of CPU an object, the median of the rounds. */
export interface Part {
  readonly name: string;
  readonly microseconds: number;
}

export interface Throughput {
  readonly lanes: readonly Lane[];
  /** Of the first lane. */
  readonly parts: readonly Part[];
}

/** Milliseconds of CPU for the four object mappings of the default schema. */
export interface Compilation {
  /** In a process that has compiled nothing before; the median of several processes. */
  readonly first: number;
  /** The median of later ones in such a process. */
  readonly later: number;
}

/** Bytes in use after a garbage collection, when so many different objects were mapped. */
export interface HeapReading {
  readonly objects: number;
  readonly bytes: number;
}

export interface MappingMeasured {
  readonly objects: number;
  readonly throughput: Throughput;
  readonly compilation: Compilation;
  readonly heap: readonly HeapReading[];
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
