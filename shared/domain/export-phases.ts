/**
 * In which order the objects of a batch go out, so that what an object refers to is there when it is created.
 *
 * Managers go before those whom they manage, groups after everybody. A phase is exported when the one before is done.
 * This only saves writes: a reference that comes too early is made up for at the end of the read. So levels are few, and
 * a phase of a few objects is not worth waiting for: it goes with the next one. Cycles begin anywhere. Pure, and independent
 * of the order of the input.
 */

export interface PhaseObject {
  readonly objectGuid: string;
  /** Groups: after everything else. */
  readonly isLast: boolean;
  /** The one other object that it refers to (its manager). */
  readonly refersTo?: string | undefined;
}

const LEVELS = 4;
const FEWEST = 20;

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
  let carried: string[] = [];
  for (const [at, own] of phases.entries()) {
    carried.push(...own);
    if (carried.length === 0 || (carried.length < FEWEST && phases.slice(at + 1).some((rest) => rest.length > 0)))
      continue;
    merged.push([...new Set(carried)].sort());
    carried = [];
  }
  return merged;
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
