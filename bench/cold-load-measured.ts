/** What the bench of loading measures (`cold-load.ts`), and what is said of it. */

export interface ColdLoad {
  /** Processes, one after another. */
  readonly rounds: number;
  /** Milliseconds until every function is registered. */
  readonly medianMs: number;
  readonly slowestMs: number;
  /** Of the process for that, the median: what a busy machine changes least. */
  readonly cpuMs: number;
  readonly functions: number;
  /** The process's memory after it. */
  readonly rssMegabytes: number;
  readonly bundleMegabytes: number;
}

export interface ColdLoadResult extends ColdLoad {
  /** Command, date, machine and its load. */
  readonly conditions: Readonly<Record<string, string>>;
}

/** For a terminal and for the README. */
export function coldLoadSummary({ conditions, ...measured }: ColdLoadResult): string {
  const { command, date, node, cpus, load } = conditions;
  const { functions, bundleMegabytes, medianMs, rounds, slowestMs, cpuMs, rssMegabytes } = measured;
  return [
    `\`${command}\` on ${date}, Node ${node}, ${cpus}; load average ${load}.`,
    `${functions} functions from a bundle of ${bundleMegabytes.toFixed(1)} MB are there after ${medianMs.toFixed(0)} ms (median of ${rounds}, slowest ${slowestMs.toFixed(0)}), ${cpuMs.toFixed(0)} ms of CPU, with ${rssMegabytes.toFixed(0)} MB of memory.`,
  ].join("\n");
}
