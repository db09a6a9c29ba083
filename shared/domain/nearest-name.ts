/**
 * The name that somebody may have meant: the one that needs the fewest single changes (a letter added, left out,
 * replaced, or two neighbours swapped) to become what was written, case apart.
 *
 * Undefined when even the nearest is too far away to be a slip: more than a third of the written name, or three.
 */

const MOST_CHANGES = 3;

export function nearestName(written: string, names: Iterable<string>): string | undefined {
  const wanted = written.toLowerCase();
  let most = Math.min(MOST_CHANGES, Math.floor(wanted.length / 3));
  let nearest: string | undefined;
  for (const name of names) {
    if (Math.abs(name.length - wanted.length) > most) continue;
    const distance = changesBetween(wanted, name.toLowerCase());
    if (distance > most || (nearest !== undefined && distance === most)) continue;
    nearest = name;
    most = distance;
    if (distance === 0) return name;
  }
  return nearest;
}

/** Single changes from one text to the other, by optimal string alignment. */
function changesBetween(left: string, right: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const isSame = left[row - 1] === right[column - 1];
      let least = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + (isSame ? 0 : 1),
      );
      const isSwapped =
        row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      if (isSwapped) least = Math.min(least, (beforePrevious[column - 2] ?? 0) + 1);
      current.push(least);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[right.length] ?? 0;
}
