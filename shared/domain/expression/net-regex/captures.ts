/** What groups captured: every slot has a list of cells, the newest first, so that a balancing group can go back. */

export interface Captures {
  /** By slot: the cell of the last capture, or -1. */
  readonly tops: Int32Array;
  /** Three numbers each: start, end, the slot's cell before it or -1. */
  cells: Int32Array;
  cellCount: number;
}

export function grown(array: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}

/** Going left, a capture ends before it begins. */
export function addCell(captures: Captures, slot: number, mark: number, pos: number): void {
  const cell = captures.cellCount++;
  if (3 * cell + 3 > captures.cells.length) captures.cells = grown(captures.cells);
  captures.cells[3 * cell] = Math.min(mark, pos);
  captures.cells[3 * cell + 1] = Math.max(mark, pos);
  captures.cells[3 * cell + 2] = captures.tops[slot] as number;
  captures.tops[slot] = cell;
}

/** Captures what lies between the capture that was given back and the match of the balancing group. */
export function addBetween(captures: Captures, slot: number, cell: number, mark: number, pos: number): void {
  const first = captures.cells[3 * cell] as number;
  const last = captures.cells[3 * cell + 1] as number;
  const start = Math.min(mark, pos);
  const end = Math.max(mark, pos);
  if (start >= last) addCell(captures, slot, last, start);
  else if (end <= first) addCell(captures, slot, first, end);
  else addCell(captures, slot, Math.max(start, first), Math.min(end, last));
}

export function forgetCaptures(captures: Captures): void {
  captures.tops.fill(-1);
  captures.cellCount = 0;
}

/** What a slot captured last; undefined when it took no part. */
export function lastCapture({ tops, cells }: Captures, slot: number): { start: number; end: number } | undefined {
  const cell = tops[slot] ?? -1;
  return cell < 0 ? undefined : { start: cells[3 * cell] ?? 0, end: cells[3 * cell + 1] ?? 0 };
}
