/**
 * The guard (N6): per job and class, what would bring the sum of removals over the current read and the last 24 hours
 * to a count, or above a percentage of the objects of that type that were linked as the 24 hours began, is staged with the
 * rest of its class.
 *
 * A class of at most `floor` removals passes always: a company of twelve must be able to lose two. Floor and count are of
 * the class as a whole; the percentage is of users and of groups, each by themselves, and stages those alone. What a named
 * admin approved doesn't count. The verdict of a full read falls before its first removal, over the whole class.
 */
import { REMOVAL_CLASSES, type RemovalClass } from "./plan.ts";

export interface GuardSettings {
  /** A class of this many or fewer in the window passes. */
  readonly floor: number;
  /** Reaching this many stages the class: 500 lets 499 pass. */
  readonly count: number;
  /** More than this share (in percent) of the linked objects stages the class. */
  readonly percent: number;
}

export const DEFAULT_GUARD: GuardSettings = { floor: 20, count: 500, percent: 10 };

export type RemovalCounts = Readonly<Record<RemovalClass, number>>;
export const NO_REMOVALS: RemovalCounts = { deletes: 0, disables: 0, blanks: 0 };

export interface GuardVerdict {
  /** Wanted, and within the bounds. */
  readonly allowed: readonly RemovalClass[];
  /** Per staged class: how many, and why, in words. */
  readonly staged: readonly { readonly class: RemovalClass; readonly count: number; readonly reason: string }[];
}

/** What an object is in the target, as far as the guard tells them apart. */
export type GuardedType = "user" | "group";
const GUARDED_TYPES: readonly GuardedType[] = ["user", "group"];
const NAME_OF: Readonly<Record<GuardedType, string>> = { user: "linked users", group: "linked groups" };

export function typeOfClass(objectClass: string): GuardedType {
  return objectClass === "group" ? "group" : "user";
}

export type TypedCounts = Readonly<Record<GuardedType, RemovalCounts>>;

export interface TypedVerdict {
  /** Wanted, and within the bounds. */
  readonly allowed: Readonly<Record<GuardedType, readonly RemovalClass[]>>;
  readonly staged: GuardVerdict["staged"];
}

/** As `judgeRemovals`, with users and groups told apart where percentages are concerned. */
export function judgeByType(input: {
  readonly settings: GuardSettings;
  readonly wanted: TypedCounts;
  readonly recent: TypedCounts;
  readonly linked: Readonly<Record<GuardedType, number>>;
}): TypedVerdict {
  const { settings, wanted, recent, linked } = input;
  const allowed: Record<GuardedType, RemovalClass[]> = { user: [], group: [] };
  const staged: { class: RemovalClass; count: number; reason: string }[] = [];
  for (const removalClass of REMOVAL_CLASSES) {
    const sumOf = (type: GuardedType) => wanted[type][removalClass] + recent[type][removalClass];
    const total = sumOf("user") + sumOf("group");
    for (const type of GUARDED_TYPES) {
      const count = wanted[type][removalClass];
      if (count === 0) continue;
      const reason =
        total <= settings.floor
          ? undefined
          : total >= settings.count
            ? reasonByCount(total, settings)
            : reasonByShare(sumOf(type), linked[type], settings, NAME_OF[type]);
      if (reason === undefined) allowed[type].push(removalClass);
      else staged.push({ class: removalClass, count, reason });
    }
  }
  return { allowed, staged };
}

export function judgeRemovals(input: {
  readonly settings: GuardSettings;
  /** What this read would remove. */
  readonly wanted: RemovalCounts;
  /** What was removed in the last 24 hours, without what was approved. */
  readonly recent: RemovalCounts;
  /** Linked objects at the start of the window. */
  readonly linked: number;
}): GuardVerdict {
  const allowed: RemovalClass[] = [];
  const staged: { class: RemovalClass; count: number; reason: string }[] = [];
  for (const removalClass of REMOVAL_CLASSES) {
    const wanted = input.wanted[removalClass];
    // What nobody asked for is not allowed either: the verdict covers what was counted, and nothing else.
    if (wanted === 0) continue;
    const sum = wanted + input.recent[removalClass];
    const reason = reasonToStage(sum, input.linked, input.settings);
    if (reason === undefined) allowed.push(removalClass);
    else staged.push({ class: removalClass, count: wanted, reason });
  }
  return { allowed, staged };
}

/** Why so many removals in 24 hours are too many; `of` names what `linked` counts. */
export function reasonToStage(
  sum: number,
  linked: number,
  settings: GuardSettings,
  of = "linked objects",
): string | undefined {
  if (sum <= settings.floor) return undefined;
  if (sum >= settings.count) return reasonByCount(sum, settings);
  return reasonByShare(sum, linked, settings, of);
}

function reasonByShare(sum: number, linked: number, { percent }: GuardSettings, of: string): string | undefined {
  return sum * 100 > linked * percent ? `${sum} of ${linked} ${of} in 24 hours are more than ${percent} %` : undefined;
}

function reasonByCount(sum: number, { count }: GuardSettings): string {
  return `${sum} in 24 hours reach the bound of ${count}`;
}

export function addRemovals(left: RemovalCounts, right: RemovalCounts): RemovalCounts {
  return {
    deletes: left.deletes + right.deletes,
    disables: left.disables + right.disables,
    blanks: left.blanks + right.blanks,
  };
}
