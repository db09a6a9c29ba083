/**
 * Folding changes into the image of an object.
 *
 * An attribute in `changed` takes the new value (listed and empty: cleared); one not in `changed` only fills a hole, so
 * that a lagging DC, or an ACL that hides an attribute from the second read, blanks nothing. A full read (no `changed`)
 * overwrites with every value it carries; what it lacks is noted, where the account sees all (`seesAll`), and blanked by
 * `withoutMissing` once the read has ended and is complete; whoever brings the attribute meanwhile clears the note. An
 * object that comes back (deleted, left or absent before) is taken as it is read. An older change is not applied (N3);
 * one of a full read still tells what the newer ones didn't (`overtaken.ts`).
 */
import { NO_VERSION, readNoOf } from "./change-version.ts";
import type { MissingNames, ObjectRecord, ObjectState } from "./object-record.ts";
import { overtakenAfter, withLateRead } from "./overtaken.ts";
import { type AttributeBag, type AttributeValue, valuesOf } from "./values.ts";

/** A change as the engine sees it; the wire form is `contracts/change.ts`. */
export type SourceChange =
  | {
      readonly op: "upsert";
      readonly objectGuid: string;
      readonly objectClass: string;
      readonly dn: string;
      readonly parentGuid?: string | undefined;
      readonly attributes: AttributeBag;
      readonly changed?: readonly string[] | undefined;
      /** Told, but too large to be sent: `oversize.ts`. */
      readonly tooLarge?: Readonly<Record<string, number>> | undefined;
    }
  | {
      readonly op: "container";
      readonly objectGuid: string;
      readonly objectClass: string;
      readonly dn: string;
      readonly parentGuid?: string | undefined;
    }
  | { readonly op: "leave"; readonly objectGuid: string; readonly reason: string }
  | { readonly op: "delete"; readonly objectGuid: string };

/** A linked attribute as an agent sends it; see `contracts/change.ts`. */
export interface SourceLink {
  readonly attribute: string;
  readonly add: readonly { readonly guid: string }[];
}

/** Lists of any length: they have rows of their own, and no place in an image. */
const LISTS: readonly string[] = ["member", "memberof"];

/**
 * A change as the image takes it: a link to one object (manager) is a plain attribute whose values are the GUIDs of what
 * it names, so that holes, `changed` and what a full read lacks mean the same for it. Lists are left out.
 */
export function withFoldedLinks(
  change:
    | SourceChange
    | (Extract<SourceChange, { op: "upsert" }> & { readonly links?: readonly SourceLink[] | undefined }),
): SourceChange {
  if (!("links" in change) || change.links === undefined) return change;
  const { links, ...rest } = change;
  const single = links.filter(({ attribute, add }) => {
    // In a full read an empty one says no more than a missing one: only the read's end may blank (N4).
    return !LISTS.includes(attribute.toLowerCase()) && (add.length > 0 || change.changed !== undefined);
  });
  const folded = single.map(({ attribute, add }) => [attribute, add.map(({ guid }) => guid)] as const);
  return { ...rest, attributes: { ...rest.attributes, ...Object.fromEntries(folded) } };
}

export interface Folded {
  readonly record: ObjectRecord;
  /** `superseded`: a newer change was applied before, and this one adds nothing; `unchanged`: the record says the same already. */
  readonly effect: "changed" | "unchanged" | "superseded";
}

/** `overtakes`: numbers of the full reads that are older than the change and still have something to tell. */
export function foldChange(
  known: ObjectRecord | undefined,
  change: SourceChange,
  version: string,
  context: {
    readonly configurationId: string;
    readonly seesAll: boolean;
    readonly overtakes?: readonly number[] | undefined;
  },
): Folded {
  const before = known ?? emptyRecord(context.configurationId, change.objectGuid);
  if (known && version < known.version) {
    const isWhole = change.op === "upsert" && change.changed === undefined;
    const late = isWhole ? withLateRead(known, change, readNoOf(version), context.seesAll) : undefined;
    return late && !sameRecord(known, late)
      ? { record: late, effect: "changed" }
      : { record: known, effect: "superseded" };
  }
  const after = apply(before, change, version, context.seesAll, context.overtakes ?? []);
  const same = known !== undefined && sameRecord(known, after);
  return { record: after, effect: same ? "unchanged" : "changed" };
}

function apply(
  { overtaken, ...before }: ObjectRecord,
  change: SourceChange,
  version: string,
  seesAll: boolean,
  overtakes: readonly number[],
): ObjectRecord {
  if (change.op === "delete") return { ...before, version, state: "deleted" };
  if (change.op === "leave") return { ...before, version, state: "left", scope: change.reason };
  const { parentGuid: _, missing: __, ...rest } = before;
  const isWhole = change.op === "upsert" && change.changed === undefined;
  const isBack = before.state !== "live";
  const image =
    change.op === "container"
      ? {}
      : foldAttributes(before.image, change.attributes, change.changed, {
          // What changed while the object was out of sight is in no delta: what was read now counts, whole.
          takesAll: isWhole || isBack,
          // A full read may prove incomplete, even then: it has to end first.
          dropsRest: isBack && !isWhole && seesAll,
        });
  const missing = change.op === "container" ? undefined : missingAfter(before, change, image, version, seesAll);
  const known = { version: before.version, ...(overtaken ? { overtaken } : {}) };
  // What came back is as this change says, whatever older ones say.
  const noted = change.op === "container" || isBack ? undefined : overtakenAfter(known, change, image, overtakes);
  return {
    ...rest,
    ...(missing ? { missing } : {}),
    ...(noted ? { overtaken: noted } : {}),
    version,
    state: "live" satisfies ObjectState,
    objectClass: change.objectClass,
    dn: change.dn,
    ...(change.parentGuid === undefined ? {} : { parentGuid: change.parentGuid }),
    image,
  };
}

/** The image without what the full read that noted it did not bring. */
export function withoutMissing({ missing, ...record }: ObjectRecord): ObjectRecord {
  if (!missing) return record;
  const kept = Object.entries(record.image).filter(([name]) => !missing.names.includes(name));
  return { ...record, image: Object.fromEntries(kept) };
}

function missingAfter(
  before: ObjectRecord,
  change: Extract<SourceChange, { op: "upsert" }>,
  image: AttributeBag,
  version: string,
  seesAll: boolean,
): MissingNames | undefined {
  const { attributes, tooLarge = {} } = change;
  const isLacking = (name: string) =>
    Object.hasOwn(image, name) && valuesOf(attributes, name).length === 0 && !Object.hasOwn(tooLarge, name);
  const isWhole = change.changed === undefined;
  if (isWhole && !seesAll) return undefined;
  const names = (isWhole ? Object.keys(image) : (before.missing?.names ?? [])).filter(isLacking);
  const readNo = isWhole ? readNoOf(version) : (before.missing?.readNo ?? 0);
  return names.length > 0 ? { readNo, names } : undefined;
}

function foldAttributes(
  image: AttributeBag,
  attributes: AttributeBag,
  changed: readonly string[] | undefined,
  { takesAll, dropsRest }: { readonly takesAll: boolean; readonly dropsRest: boolean },
): AttributeBag {
  const result: Record<string, readonly AttributeValue[]> = dropsRest ? {} : { ...image };
  for (const [name, values] of Object.entries(attributes)) {
    const isHole = !Object.hasOwn(result, name);
    if (values.length > 0 && (takesAll || changed?.includes(name) || isHole)) result[name] = values;
    else if (values.length === 0 && takesAll) delete result[name];
  }
  for (const name of changed ?? []) if (valuesOf(attributes, name).length === 0) delete result[name];
  return Object.fromEntries(
    Object.entries(result).sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0)),
  );
}

function emptyRecord(configurationId: string, objectGuid: string): ObjectRecord {
  return {
    configurationId,
    objectGuid,
    objectClass: "",
    dn: "",
    image: {},
    state: "live",
    version: NO_VERSION,
    scope: "",
  };
}

function sameRecord(left: ObjectRecord, right: ObjectRecord): boolean {
  return (
    left.state === right.state &&
    left.dn === right.dn &&
    left.objectClass === right.objectClass &&
    left.parentGuid === right.parentGuid &&
    JSON.stringify(left.missing) === JSON.stringify(right.missing) &&
    JSON.stringify(left.oversize) === JSON.stringify(right.oversize) &&
    sameBag(left.image, right.image)
  );
}

export function sameBag(left: AttributeBag, right: AttributeBag): boolean {
  const names = Object.keys(left);
  if (names.length !== Object.keys(right).length) return false;
  return names.every((name) => {
    const own = left[name] ?? [];
    const other = right[name];
    return (
      other !== undefined &&
      own.length === other.length &&
      own.every((value, index) => sameAttributeValue(value, other[index]))
    );
  });
}

function sameAttributeValue(left: AttributeValue, right: AttributeValue | undefined): boolean {
  if (typeof left === "string" || typeof right === "string" || right === undefined) return left === right;
  return left.base64 === right.base64;
}
