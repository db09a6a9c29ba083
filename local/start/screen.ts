/** What the person at `npm start` sees: lines, and on a terminal a bar that is drawn over. */

export interface Screen {
  line(text?: string): void;
  /** How far things are; without a terminal a line when `step` changes. */
  progress(state: { readonly step: string; readonly done: number; readonly total: number }): void;
  /** Takes the bar away. */
  clear(): void;
}

const WIDTH = 28;

export function createScreen(out: { write(text: string): unknown; readonly isTTY?: boolean }): Screen {
  let isDrawn = false;
  let lastStep = "";
  const clear = () => {
    if (isDrawn) out.write("\r\u001b[2K");
    isDrawn = false;
  };
  return {
    clear,
    line(text = "") {
      clear();
      out.write(`${text}\n`);
    },
    progress({ step, done, total }) {
      if (out.isTTY !== true) {
        if (step !== lastStep) out.write(`${step}\n`);
        lastStep = step;
        return;
      }
      const filled = total === 0 ? 0 : Math.min(WIDTH, Math.round((done / total) * WIDTH));
      const bar = `${"█".repeat(filled)}${"·".repeat(WIDTH - filled)}`;
      out.write(`\r\u001b[2K[${bar}] ${done} of ${total === 0 ? "?" : total} objects · ${step}`);
      isDrawn = true;
    },
  };
}
