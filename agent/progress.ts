/**
 * What a person at a terminal sees of a read: one line that is drawn over. Elsewhere nothing is drawn; the log's plain lines
 * say the same at the start and the end.
 */
export interface Progress {
  start(kind: "full" | "delta", total: number | undefined): void;
  /** Objects and batches that the service has. */
  sent(objects: number, batches: number): void;
  stop(): void;
}

export const silentProgress: Progress = { start: () => undefined, sent: () => undefined, stop: () => undefined };

const WIDTH = 24;
const REDRAW_MILLISECONDS = 80;

export function createTerminalProgress(out: { write(text: string): unknown }, now: () => number): Progress {
  let kind = "";
  let total: number | undefined;
  let began = 0;
  let drawn = 0;
  let isDrawn = false;

  function draw(objects: number, batches: number): void {
    const seconds = Math.max((now() - began) / 1000, 0.001);
    const speed = Math.round(objects / seconds);
    const rest = `${objects.toLocaleString("en")}${total === undefined ? "" : ` of ${total.toLocaleString("en")}`} objects, ${batches} batches, ${speed.toLocaleString("en")}/s`;
    out.write(`\r\u001b[2K${kind} read ${barOf(objects, total)} ${rest}`);
    isDrawn = true;
    drawn = now();
  }

  return {
    start: (readKind, readTotal) => {
      kind = readKind;
      total = readTotal;
      began = now();
      drawn = 0;
    },
    sent: (objects, batches) => {
      if (now() - drawn >= REDRAW_MILLISECONDS) draw(objects, batches);
    },
    stop: () => {
      if (isDrawn) out.write("\r\u001b[2K");
      isDrawn = false;
    },
  };
}

/** Without a total the bar says only that something moves. */
export function barOf(objects: number, total: number | undefined): string {
  if (total === undefined || total === 0) {
    const at = Math.floor(objects / 500) % WIDTH;
    return `[${"·".repeat(at)}█${"·".repeat(WIDTH - at - 1)}]`;
  }
  const filled = Math.min(WIDTH, Math.round((objects / total) * WIDTH));
  return `[${"█".repeat(filled)}${"·".repeat(WIDTH - filled)}]`;
}
