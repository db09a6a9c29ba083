/**
 * The version of a change: (read, sequence, position), as a text that sorts like the triple.
 *
 * A job has one read at a time, so a later look at the directory always has the higher version, whichever lane brings
 * it and however late it is applied (N3).
 */
export function changeVersion(readNo: number, sequence: number, position: number): string {
  return `${pad(readNo, 10)}.${pad(sequence, 6)}.${pad(position, 4)}`;
}

/** Below every version of a real change. */
export const NO_VERSION = changeVersion(0, 0, 0);

/** Above every change of a read and below every one of the next: what its end says. */
export function endOfRead(readNo: number): string {
  return changeVersion(readNo, 999_999, 9_999);
}

/** The read that a version comes from. */
export function readNoOf(version: string): number {
  return Number.parseInt(version.slice(0, 10), 10);
}

function pad(value: number, width: number): string {
  if (!Number.isInteger(value) || value < 0 || String(value).length > width) {
    throw new RangeError(`${value} is no part of a change's version.`);
  }
  return String(value).padStart(width, "0");
}
