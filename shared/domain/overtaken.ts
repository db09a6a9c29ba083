/**
 * A full read whose change of an object comes after newer ones: deltas overtake hours of a full read (N3).
 *
 * A delta names what changed since the full read, and nothing of what the full read itself had to tell. So while a full
 * read waits, each delta that is applied notes for it which attributes were set since, and which ones the image holds that
 * nobody has brought since. With that note the late change does what it would have done in its turn: its values count
 * except for what was set since, and what it lacks is noted as missing except for what was brought since. Without the
 * note (the object was deleted meanwhile, say) a late change says nothing. The version stays that of the newest change.
 */
import { readNoOf } from "./change-version.ts";
import type { ObjectRecord, Overtaken } from "./object-record.ts";
import { type AttributeBag, valuesOf } from "./values.ts";

interface OvertakingChange {
  readonly attributes: AttributeBag;
  /** Absent: all that it carries. */
  readonly changed?: readonly string[] | undefined;
}

/**
 * What to remember after a delta for the full reads that it overtook.
 *
 * `before` and `image`: the object before the change, and its image after it. `overtakes`: numbers of the full reads that
 * are older than the change and still have something to tell; none: nothing is remembered.
 */
export function overtakenAfter(
  before: Pick<ObjectRecord, "version" | "overtaken">,
  { attributes, changed }: OvertakingChange,
  image: AttributeBag,
  overtakes: readonly number[],
): readonly Overtaken[] | undefined {
  const isUnbrought = (name: string) => Object.hasOwn(image, name) && valuesOf(attributes, name).length === 0;
  const own = changed ?? Object.keys(attributes);
  const notes = overtakes.flatMap((readNo): Overtaken[] => {
    const known = before.overtaken?.find((note) => note.readNo === readNo);
    // Something newer was applied before, and nobody noted what it set.
    if (!known && readNoOf(before.version) > readNo) return [];
    const set = [...new Set([...(known?.set ?? []), ...own])].sort();
    return [{ readNo, set, unbrought: (known?.unbrought ?? Object.keys(image)).filter(isUnbrought) }];
  });
  return notes.length > 0 ? notes : undefined;
}

interface LateChange {
  readonly attributes: AttributeBag;
  readonly tooLarge?: Readonly<Record<string, number>> | undefined;
}

/** The object with what a full read's late change says of it; undefined: nothing. */
export function withLateRead(
  known: ObjectRecord,
  { attributes, tooLarge = {} }: LateChange,
  readNo: number,
  seesAll: boolean,
): ObjectRecord | undefined {
  const note = known.overtaken?.find((own) => own.readNo === readNo);
  if (known.state !== "live" || !note) return undefined;
  const isBrought = (name: string) => valuesOf(attributes, name).length > 0;
  const told = Object.entries(attributes).filter(([name]) => isBrought(name) && !note.set.includes(name));
  const emptied = note.unbrought.filter((name) => Object.hasOwn(attributes, name) && !isBrought(name));
  const kept = Object.entries(known.image).filter(([name]) => !emptied.includes(name));
  const image = sorted([...kept.filter(([name]) => !told.some(([own]) => own === name)), ...told]);
  const isLacking = (name: string) => Object.hasOwn(image, name) && !isBrought(name) && !Object.hasOwn(tooLarge, name);
  const names = seesAll ? note.unbrought.filter(isLacking) : [];
  const large = Object.entries(tooLarge).filter(([name]) => !note.set.includes(name));
  const oversize = { ...known.oversize, ...Object.fromEntries(large) };
  const { missing: _, ...rest } = known;
  return {
    ...rest,
    image,
    ...(names.length > 0 ? { missing: { readNo, names } } : {}),
    ...(large.length > 0 ? { oversize } : {}),
  };
}

function sorted(entries: readonly (readonly [string, AttributeBag[string]])[]): AttributeBag {
  return Object.fromEntries([...entries].sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0)));
}
