/** One line on a person's terminal that is drawn over while something takes long; elsewhere nothing is drawn. */
import { barOf } from "../agent/progress.ts";
import type { Terminal } from "./terminal.ts";

export interface ProgressLine {
  /** Without a total the bar says only that something moves. */
  show(what: string, done: number, total?: number): void;
  /** Takes the line away, so that what comes next begins on a clean one. */
  clear(): void;
}

/** How far a bar without a total moves at a time, in what `barOf` counts. */
const STEP = 500;

export function createProgressLine({ err }: Pick<Terminal, "err">): ProgressLine {
  if (!err.isTTY) return { show: () => undefined, clear: () => undefined };
  let moves = 0;
  let isDrawn = false;
  return {
    show(what, done, total) {
      const bar = total === undefined ? barOf(moves++ * STEP, undefined) : barOf(done, total);
      err.write(`\r\u001b[2K${bar} ${what}`);
      isDrawn = true;
    },
    clear() {
      if (isDrawn) err.write("\r\u001b[2K");
      isDrawn = false;
    },
  };
}
