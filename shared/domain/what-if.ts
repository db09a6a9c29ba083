/**
 * What a run would do, object by object, and the account of that: counts by action and class, what would change of each
 * attribute with some examples, what would be removed, what fails, and how many writes it takes.
 *
 * A tally is bounded whatever it counts: examples are few, and every list has as many entries as the schema and the codes
 * give names. Tallies of parts add up. Pure; objects come in the order of their GUIDs, so the same ones give the same tally.
 */
import {
  addRemovals,
  type GuardedType,
  NO_REMOVALS,
  type RemovalCounts,
  type TypedCounts,
  typeOfClass,
} from "./guard.ts";
import type { RemovalClass } from "./plan.ts";
import { isNested, type TargetScalar, type TargetValues } from "./target-value.ts";

export type TriedAction =
  | "create"
  | "adopt"
  | "restore"
  | "update"
  | "disable"
  | "delete"
  | "none"
  | "filtered"
  | "failed";

/** Nested properties as `property.key`. */
export interface TriedChange {
  readonly attribute: string;
  readonly before: TargetScalar;
  readonly after: TargetScalar;
}

/** Of a group: edges to add and to take out, and those to add once their other end is in the target, with their writes. */
export interface TriedMembers {
  readonly adds: number;
  readonly removes: number;
  readonly pending: number;
  readonly pendingWrites: number;
}

export interface TriedObject {
  readonly objectGuid: string;
  readonly objectClass: string;
  readonly action: TriedAction;
  readonly isLinked: boolean;
  readonly changes: readonly TriedChange[];
  /** Classes of removal that it takes, which the guard judges. */
  readonly removes: readonly RemovalClass[];
  /** Whether it replaces a name by which somebody signs in or is written to. */
  readonly isRenamed: boolean;
  /** Writes before the guard is asked; what it lets pass is one more. */
  readonly writes: number;
  readonly failure?: { readonly code: string; readonly message: string; readonly isInTurn?: boolean };
  readonly filteredBy?: string;
  readonly isUndecided?: boolean;
  readonly waitingReferences: number;
  readonly members?: TriedMembers;
}

export interface AttributeTally {
  readonly objectClass: string;
  readonly attribute: string;
  readonly changed: number;
  readonly cleared: number;
  readonly set: number;
  readonly samples: readonly (Omit<TriedChange, "attribute"> & { readonly objectGuid: string })[];
}

export interface FailureTally {
  readonly code: string;
  readonly count: number;
  readonly inTurn: number;
  readonly samples: readonly { readonly objectGuid: string; readonly message: string }[];
}

type Counts = Readonly<Record<string, number>>;

export interface WhatIfTally {
  readonly objects: number;
  readonly linked: number;
  readonly counts: Counts;
  readonly classes: Readonly<Record<string, Counts>>;
  readonly samples: Readonly<Record<string, readonly string[]>>;
  readonly attributes: Readonly<Record<string, AttributeTally>>;
  readonly failures: Readonly<Record<string, FailureTally>>;
  readonly filteredBy: Counts;
  readonly undecided: number;
  readonly waitingReferences: number;
  readonly removes: TypedCounts;
  readonly renamed: number;
  /** Without removals; and of these one for each object, under the first of its classes. */
  readonly writes: number;
  readonly removalWrites: TypedCounts;
  readonly memberships: TriedMembers & { readonly groups: number };
}

/** Objects of an action, and of a failure, that are named. */
const NAMED = 10;
const EXAMPLES = 5;
/** Longer values are cut in examples: they are there to be looked at. */
const SHOWN_LENGTH = 200;

const NO_TYPED: TypedCounts = { user: NO_REMOVALS, group: NO_REMOVALS };

export const NO_TALLY: WhatIfTally = {
  objects: 0,
  linked: 0,
  counts: {},
  classes: {},
  samples: {},
  attributes: {},
  failures: {},
  filteredBy: {},
  undecided: 0,
  waitingReferences: 0,
  removes: NO_TYPED,
  renamed: 0,
  writes: 0,
  removalWrites: NO_TYPED,
  memberships: { groups: 0, adds: 0, removes: 0, pending: 0, pendingWrites: 0 },
};

/** The tally with these objects added. */
export function tallied(before: WhatIfTally, objects: readonly TriedObject[]): WhatIfTally {
  const own = objects.reduce<WhatIfTally>((sum, object) => addTallies(sum, tallyOf(object)), NO_TALLY);
  return addTallies(before, own);
}

/** `left` comes first in the order of objects: its examples go before those of `right`. */
export function addTallies(left: WhatIfTally, right: WhatIfTally): WhatIfTally {
  return {
    objects: left.objects + right.objects,
    linked: left.linked + right.linked,
    counts: addCounts(left.counts, right.counts),
    classes: joined(left.classes, right.classes, addCounts),
    samples: joined(left.samples, right.samples, (one, other) => [...one, ...other].slice(0, NAMED)),
    attributes: joined(left.attributes, right.attributes, addAttributes),
    failures: joined(left.failures, right.failures, (one, other) => ({
      code: one.code,
      count: one.count + other.count,
      inTurn: one.inTurn + other.inTurn,
      samples: [...one.samples, ...other.samples].slice(0, NAMED),
    })),
    filteredBy: addCounts(left.filteredBy, right.filteredBy),
    undecided: left.undecided + right.undecided,
    waitingReferences: left.waitingReferences + right.waitingReferences,
    removes: addTyped(left.removes, right.removes),
    renamed: left.renamed + right.renamed,
    writes: left.writes + right.writes,
    removalWrites: addTyped(left.removalWrites, right.removalWrites),
    memberships: {
      groups: left.memberships.groups + right.memberships.groups,
      adds: left.memberships.adds + right.memberships.adds,
      removes: left.memberships.removes + right.memberships.removes,
      pending: left.memberships.pending + right.memberships.pending,
      pendingWrites: left.memberships.pendingWrites + right.memberships.pendingWrites,
    },
  };
}

/** What would be sent, beside what was exported before: nested properties by key. */
export function changesOf(exported: TargetValues, sent: TargetValues): TriedChange[] {
  return Object.entries(sent).flatMap(([name, value]): TriedChange[] => {
    const had = exported[name] ?? null;
    if (!isNested(value)) return [{ attribute: name, before: isNested(had) ? null : had, after: value }];
    return Object.entries(value).map(([key, after]) => ({
      attribute: `${name}.${key}`,
      before: isNested(had) ? (had[key] ?? null) : null,
      after,
    }));
  });
}

/**
 * Writes, without what the guard stages. Of members whose objects are not in the target yet as many come as objects without
 * link are created.
 */
export function writesOfTally(
  tally: WhatIfTally,
  allowed: Readonly<Record<GuardedType, readonly RemovalClass[]>>,
): number {
  const created = (tally.counts["create"] ?? 0) + (tally.counts["adopt"] ?? 0);
  const unlinked = tally.objects - tally.linked;
  const share = unlinked === 0 ? 0 : created / unlinked;
  const of = (type: GuardedType) => allowed[type].reduce((sum, name) => sum + tally.removalWrites[type][name], 0);
  const removals = of("user") + of("group");
  return tally.writes + removals + Math.round(tally.memberships.pendingWrites * share);
}

/** Minutes that writes take at the least; null without a quota. `quota`: writes in 150 seconds. */
export function minutesOf(writes: number, quota: number | undefined): number | null {
  if (quota === undefined) return null;
  return Math.ceil((writes / quota) * 2.5);
}

function tallyOf(object: TriedObject): WhatIfTally {
  const { objectGuid, objectClass, action, failure, filteredBy, members, removes } = object;
  const [first] = removes;
  const isNew = action === "create" || action === "adopt";
  return {
    objects: 1,
    linked: object.isLinked ? 1 : 0,
    counts: { [action]: 1 },
    classes: { [objectClass]: { [action]: 1 } },
    samples: action === "none" ? {} : { [action]: [objectGuid] },
    attributes: Object.fromEntries(
      object.changes.map(({ attribute, before, after }): [string, AttributeTally] => [
        `${objectClass} ${attribute}`,
        {
          objectClass,
          attribute,
          changed: isNew || isEmpty(after) ? 0 : 1,
          cleared: !isNew && isEmpty(after) ? 1 : 0,
          set: isNew ? 1 : 0,
          samples: [{ objectGuid, before: shown(before), after: shown(after) }],
        },
      ]),
    ),
    failures: failure
      ? {
          [failure.code]: {
            code: failure.code,
            count: 1,
            inTurn: failure.isInTurn ? 1 : 0,
            samples: [{ objectGuid, message: failure.message }],
          },
        }
      : {},
    filteredBy: action === "filtered" ? { [filteredBy ?? "scope"]: 1 } : {},
    undecided: object.isUndecided ? 1 : 0,
    waitingReferences: object.waitingReferences,
    removes: typed(objectClass, removes),
    renamed: object.isRenamed ? 1 : 0,
    writes: object.writes,
    removalWrites: typed(objectClass, first === undefined ? [] : [first]),
    memberships: members ? { groups: 1, ...members } : NO_TALLY.memberships,
  };
}

function typed(objectClass: string, classes: readonly RemovalClass[]): TypedCounts {
  if (classes.length === 0) return NO_TYPED;
  const counts: RemovalCounts = { ...NO_REMOVALS, ...Object.fromEntries(classes.map((name) => [name, 1])) };
  return { ...NO_TYPED, [typeOfClass(objectClass)]: counts };
}

function addTyped(left: TypedCounts, right: TypedCounts): TypedCounts {
  return { user: addRemovals(left.user, right.user), group: addRemovals(left.group, right.group) };
}

function isEmpty(value: TargetScalar): boolean {
  return value === null || (Array.isArray(value) && value.length === 0);
}

function shown(value: TargetScalar): TargetScalar {
  if (typeof value === "string" && value.length > SHOWN_LENGTH) return `${value.slice(0, SHOWN_LENGTH)} …`;
  if (Array.isArray(value) && value.length > EXAMPLES) return [...value.slice(0, EXAMPLES), "…"];
  return value;
}

/** Examples of what changes say more than those of new objects. */
function addAttributes(left: AttributeTally, right: AttributeTally): AttributeTally {
  const isFresh = (tally: AttributeTally) => tally.changed + tally.cleared === 0;
  const samples =
    isFresh(left) && !isFresh(right) ? [...right.samples, ...left.samples] : [...left.samples, ...right.samples];
  return {
    objectClass: left.objectClass,
    attribute: left.attribute,
    changed: left.changed + right.changed,
    cleared: left.cleared + right.cleared,
    set: left.set + right.set,
    samples: samples.slice(0, EXAMPLES),
  };
}

function addCounts(left: Counts, right: Counts): Counts {
  return joined(left, right, (one, other) => one + other);
}

function joined<T>(
  left: Readonly<Record<string, T>>,
  right: Readonly<Record<string, T>>,
  add: (one: T, other: T) => T,
): Readonly<Record<string, T>> {
  const sum = new Map(Object.entries(left));
  for (const [name, value] of Object.entries(right)) {
    const before = sum.get(name);
    sum.set(name, before === undefined ? value : add(before, value));
  }
  return Object.fromEntries(sum);
}
