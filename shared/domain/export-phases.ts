/**
 * In which order the objects of a batch go out, so that what an object refers to is there when it is created.
 *
 * Managers go before those whom they manage, groups after everybody. A phase is exported when the one before is done.
 * This only saves writes: a reference that comes too early is made up for at the end of the read. So a phase that
 * hardly anybody of the next one refers to goes with that one. Cycles begin anywhere. Pure, and independent of the order of
 * the input.
 */

export interface PhaseObject {
  readonly objectGuid: string;
  /** Groups: after everything else. */
  readonly isLast: boolean;
  /** The one other object that it refers to (its manager). */
  readonly refersTo?: string | undefined;
}

/** Deeper than most organisations are in one batch. */
const LEVELS = 8;
/** A phase of its own costs some tenths of a second, an update of its own a place in the target's quota of 20 writes a second. */
const WORTH_WAITING = 5;

/** The objectGUIDs of each phase, sorted; no phase is empty. */
export function exportPhases(objects: readonly PhaseObject[]): string[][] {
  const early = new Map(objects.filter((own) => !own.isLast).map((own) => [own.objectGuid, own.refersTo]));
  const levels = levelsOf(early);
  const phases = Array.from({ length: LEVELS + 1 }, (): string[] => []);
  for (const { objectGuid, isLast } of objects) {
    const level = isLast ? LEVELS : Math.min(levels.get(objectGuid) ?? 0, LEVELS - 1);
    phases[level]?.push(objectGuid);
  }
  const merged: string[][] = [];
  for (const [at, own] of phases.entries()) {
    if (own.length === 0) continue;
    const before = merged.at(-1);
    if (before && at < LEVELS && refersInto(own, early, new Set(before)) < WORTH_WAITING) before.push(...own);
    else merged.push([...own]);
  }
  return merged.map((own) => [...new Set(own)].sort());
}

/** How many of the objects refer to one of `others`. */
function refersInto(
  own: readonly string[],
  refersTo: ReadonlyMap<string, string | undefined>,
  others: ReadonlySet<string>,
): number {
  return own.filter((objectGuid) => others.has(refersTo.get(objectGuid) ?? "")).length;
}

/** 0 for who refers to nobody here, or is in a cycle; else one more than whom it refers to. */
function levelsOf(refersTo: ReadonlyMap<string, string | undefined>): Map<string, number> {
  const levels = new Map<string, number>();
  for (const start of refersTo.keys()) {
    const path: string[] = [];
    const onPath = new Set<string>();
    let at: string | undefined = start;
    while (at !== undefined && refersTo.has(at) && !levels.has(at) && !onPath.has(at)) {
      path.push(at);
      onPath.add(at);
      at = refersTo.get(at);
    }
    if (at !== undefined && onPath.has(at)) for (const own of path.splice(path.indexOf(at))) levels.set(own, 0);
    for (const own of path.reverse()) levels.set(own, 1 + (levels.get(refersTo.get(own) ?? "") ?? -1));
  }
  return levels;
}
