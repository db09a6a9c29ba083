/**
 * Names by which people sign in and are written to: what an update changes of them, and how many people that may be (N6).
 *
 * They are exported at once, not at the end of a read, so their count is kept as people, each once in 24 hours: whoever
 * steps aside for a moment, or is renamed twice, is one. A name in another case is the same name, a first mail address
 * changes none, and one that is taken away is a blanked attribute. Pure; the row is kept by `application/name-guard.ts`.
 */
import { type GuardSettings, reasonToStage } from "./guard.ts";
import type { Link } from "./object-record.ts";
import type { TargetValues } from "./target-value.ts";
import { normalUpn } from "./values.ts";

const NAMES = ["userPrincipalName", "mail"] as const;
const DAY_MS = 24 * 60 * 60 * 1000;
/** More than these aren't kept one by one: the row has to hold them. Whoever is renamed again then counts twice. */
const KEPT_PEOPLE = 2_000;

/** What `values` replace of the names that stand in the target; empty: none. */
export function changedNames(exported: TargetValues, values: TargetValues): TargetValues {
  const changed = NAMES.filter((name) => {
    const before = exported[name];
    const after = values[name];
    return typeof before === "string" && typeof after === "string" && normalUpn(before) !== normalUpn(after);
  });
  return Object.fromEntries(changed.map((name) => [name, values[name] ?? null]));
}

/** The same of a linked object, for which somebody may have set others by hand. */
export function replacedNames(link: Pick<Link, "exported" | "doubt"> | undefined, values: TargetValues): TargetValues {
  return changedNames({ ...link?.exported, ...link?.doubt?.replaces }, values);
}

export function sameNames(left: TargetValues, right: TargetValues): boolean {
  return NAMES.every((name) => (left[name] ?? null) === (right[name] ?? null));
}

/** People whose names changed in the last 24 hours, by the export that booked them. */
export interface NameEntry {
  readonly by: string;
  /** When it last set out to send them: milliseconds since 1970. */
  readonly at: number;
  readonly people: readonly string[];
  /** Others, whose GUIDs are not kept. */
  readonly more?: number;
}

export interface NameBook {
  readonly entries: readonly NameEntry[];
  /** Cycles that came to the bound: whoever else they bring is staged. */
  readonly stopped: readonly { readonly cycleId: string; readonly at: number; readonly reason: string }[];
}

export const NO_NAMES: NameBook = { entries: [], stopped: [] };

export interface NamesAsked {
  readonly by: string;
  readonly cycleId: string;
  readonly people: readonly string[];
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface NamesJudged {
  /** The book with what is let pass. */
  readonly book: NameBook;
  readonly held: readonly string[];
  /** Why they are held. */
  readonly reason?: string;
  /** This is the moment at which the cycle came to the bound. */
  readonly stops?: true;
}

/** How many people would have changed names in 24 hours, those of the book and those asked for. */
export function sumOfNames(book: NameBook, asked: NamesAsked): number {
  const { sum } = windowOf(book, asked);
  return sum;
}

/** `linked`: linked users at the start of the window. Whoever is counted already passes: that brings no sum up. */
export function judgeNames(book: NameBook, asked: NamesAsked, settings: GuardSettings, linked: number): NamesJudged {
  const { live, fresh, sum } = windowOf(book, asked);
  const { by, cycleId, at } = asked;
  const stopped = book.stopped.filter((own) => own.at > at - 7 * DAY_MS);
  const before = stopped.find((own) => own.cycleId === cycleId)?.reason;
  const reason = fresh.length === 0 ? undefined : (before ?? reasonToStage(sum, linked, settings, "linked users"));
  const held = reason === undefined ? [] : fresh;
  const passing = asked.people.filter((guid) => !held.includes(guid));
  const own = live.find((entry) => entry.by === by);
  const people = [...new Set([...(own?.people ?? []), ...passing])].sort();
  const others = live.filter((entry) => entry.by !== by);
  const entries =
    people.length === 0 ? others : [...others, { by, at, people, ...(own?.more ? { more: own.more } : {}) }];
  return {
    book: {
      entries: shortened(entries),
      stopped: reason !== undefined && before === undefined ? [...stopped, { cycleId, at, reason }] : stopped,
    },
    held,
    ...(reason === undefined ? {} : { reason }),
    ...(reason !== undefined && before === undefined ? { stops: true } : {}),
  };
}

function windowOf({ entries }: NameBook, { by, people, at }: NamesAsked) {
  // What this very export booked stands, however long it took.
  const live = entries.filter((entry) => entry.by === by || entry.at > at - DAY_MS);
  const counted = new Set(live.flatMap((entry) => entry.people));
  const fresh = [...new Set(people)].filter((guid) => !counted.has(guid));
  const more = live.reduce((total, entry) => total + (entry.more ?? 0), 0);
  return { live, fresh, sum: counted.size + more + fresh.length };
}

/** The oldest entries keep their number only, in one of each hour. */
function shortened(entries: readonly NameEntry[]): readonly NameEntry[] {
  let kept = entries.reduce((total, entry) => total + entry.people.length, 0);
  if (kept <= KEPT_PEOPLE) return entries;
  const hours = new Map<number, NameEntry>();
  const rest: NameEntry[] = [];
  for (const entry of [...entries].sort((left, right) => left.at - right.at)) {
    if (kept <= KEPT_PEOPLE && entry.people.length > 0) {
      rest.push(entry);
      continue;
    }
    kept -= entry.people.length;
    const hour = Math.floor(entry.at / 3_600_000);
    const more = (hours.get(hour)?.more ?? 0) + (entry.more ?? 0) + entry.people.length;
    hours.set(hour, { by: `hour ${hour}`, at: entry.at, people: [], more });
  }
  return [...hours.values(), ...rest];
}
