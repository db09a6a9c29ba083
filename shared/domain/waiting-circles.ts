/**
 * Who has to step aside when objects wait for each other's values.
 *
 * Two people who swap names wait for each other for ever: each name is free only once the other has given it up. One of
 * a circle is enough to open it: that one takes a parked name for a moment, and the rest follow from its end. A chain is
 * no circle: its last one can go by itself. Pure; who waits and for whom comes in.
 */

export interface Waiting {
  readonly id: string;
  /** Whom it waits for: only those count that wait themselves and would give up the value. */
  readonly holders: readonly string[];
}

/** One of each circle, the smallest id in code unit order; the order of the input decides nothing. */
export function whoStepsAside(waiting: readonly Waiting[]): string[] {
  const holdersOf = new Map(waiting.map(({ id, holders }) => [id, [...holders].sort()]));
  const stepping: string[] = [];
  const done = new Set<string>();
  for (const start of [...holdersOf.keys()].sort()) {
    if (done.has(start)) continue;
    const circle = circleThrough(start, holdersOf, done);
    if (circle.length === 0) continue;
    stepping.push(start);
    for (const id of circle) done.add(id);
  }
  return stepping;
}

/** The objects of a shortest circle through `start`, which is the smallest of it; none: empty. */
function circleThrough(
  start: string,
  holdersOf: ReadonlyMap<string, readonly string[]>,
  done: ReadonlySet<string>,
): string[] {
  const cameFrom = new Map<string, string>();
  const open = [start];
  for (let at = 0; at < open.length; at++) {
    const id = open[at] ?? start;
    for (const holder of holdersOf.get(id) ?? []) {
      if (holder === start) return pathTo(id, start, cameFrom);
      // A smaller one has had its turn: circles through it are opened there.
      if (holder < start || done.has(holder) || cameFrom.has(holder) || !holdersOf.has(holder)) continue;
      cameFrom.set(holder, id);
      open.push(holder);
    }
  }
  return [];
}

function pathTo(end: string, start: string, cameFrom: ReadonlyMap<string, string>): string[] {
  const path = [end];
  for (let id = end; id !== start; ) {
    id = cameFrom.get(id) ?? start;
    path.push(id);
  }
  return path;
}
