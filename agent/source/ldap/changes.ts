/**
 * From the directory's entries to changes: pure, no connection.
 *
 * A full read sends what DirSync reported. A delta sends the object as it was read again, whole, and lists in `changed`
 * what DirSync reported. A value that DirSync reported and the second read doesn't show (an ACL hides it) is taken from
 * DirSync: listed in `changed` and missing it would say "cleared". Linked attributes travel as `links`, by GUID; `member`,
 * which comes in pieces, is added elsewhere.
 */
import type { Change } from "../../../shared/contracts/change.ts";
import { guidFromBytes } from "../../../shared/domain/values.ts";
import type { SyntaxTable } from "../attribute-syntax.ts";
import { type AttributeValue, encodeValue } from "../encode-value.ts";
import { isMember, type LinkChange, type LinkValue, replacement } from "../member-lists.ts";
import { type ClassVerdict, classOf } from "../object-classes.ts";
import { bytesOf, type LdapEntry, textOf, textsOf } from "./entries.ts";
import { linkValueOf, parseExtendedDn } from "./extended-dn.ts";

/** What a read is to bring, and how to understand it. */
export interface ReadShape {
  readonly attributes: readonly string[];
  readonly objectClasses: readonly string[];
  readonly syntax: SyntaxTable;
}

export function guidOf(entry: LdapEntry): string | undefined {
  const bytes = bytesOf(entry, "objectGUID");
  return bytes?.length === 16 ? guidFromBytes(bytes) : parseExtendedDn(entry.dn).guid;
}

/** Without its extended parts. */
export function dnOf(entry: LdapEntry): string {
  return parseExtendedDn(entry.dn).dn;
}

export function isTombstone(entry: LdapEntry): boolean {
  return textOf(entry, "isDeleted")?.toUpperCase() === "TRUE";
}

/** DirSync says "came back" by an `isDeleted` without values, and gives none of the object's attributes. */
export function isUndelete(entry: LdapEntry): boolean {
  return entry.valuesByName.has("isdeleted") && !isTombstone(entry);
}

/** Renamed or moved, as opposed to new (a new object is reported with its objectClass). */
export function isRename(entry: LdapEntry): boolean {
  return (
    !entry.valuesByName.has("objectclass") && (entry.valuesByName.has("name") || entry.valuesByName.has("parentguid"))
  );
}

/** Reported with its class, which never changes: DirSync has not told of it before. */
export function isNew(entry: LdapEntry): boolean {
  return entry.valuesByName.has("objectclass");
}

export function verdictOf(entry: LdapEntry, shape: ReadShape): ClassVerdict | undefined {
  return classOf(textsOf(entry, "objectClass"), shape.objectClasses);
}

/**
 * The ordered attributes that DirSync reported, by the order's names; a rename also changes the distinguished name. `member`
 * is none of them: its values say themselves what changed.
 */
export function changedNames(entry: LdapEntry, shape: ReadShape): string[] {
  const reported = new Set([...entry.valuesByName.keys()].map(withoutOptions));
  if (reported.has("name") || reported.has("parentguid")) {
    reported.add("distinguishedname");
    reported.add("cn");
  }
  return shape.attributes.filter((name) => !isMember(name) && reported.has(name.toLowerCase()));
}

/** Every ordered attribute but `member`. */
export function allNames(shape: ReadShape): string[] {
  return shape.attributes.filter((name) => !isMember(name));
}

/** An object or container of a full read, or one that is to be sent whole and without `changed`. */
export function wholeChange(entry: LdapEntry, shape: ReadShape): Change | undefined {
  const verdict = verdictOf(entry, shape);
  const place = placeOf(entry);
  if (verdict === undefined || place === undefined) return undefined;
  if (verdict.kind === "container") return { op: "container", objectClass: verdict.objectClass, ...place };
  const links = linksOf(shape, (name) => {
    const values = linkValues(entry, name);
    return values.length > 0 ? values : undefined;
  });
  return {
    op: "upsert",
    objectClass: verdict.objectClass,
    ...place,
    attributes: bagOf(entry, shape),
    ...(links.length > 0 ? { links } : {}),
  };
}

/** An object of a delta: `whole` is the second read, `reported` what DirSync said. */
export function deltaChange(
  whole: LdapEntry,
  reported: { readonly changed: readonly string[]; readonly entry?: LdapEntry },
  shape: ReadShape,
): Change | undefined {
  const verdict = verdictOf(whole, shape);
  const place = placeOf(whole);
  if (verdict === undefined || place === undefined) return undefined;
  if (verdict.kind === "container") return { op: "container", objectClass: verdict.objectClass, ...place };
  const attributes = bagOf(whole, shape);
  if (reported.entry) {
    const seenByDirSync = bagOf(reported.entry, shape);
    for (const name of reported.changed) {
      const values = seenByDirSync[name];
      if (attributes[name] === undefined && values !== undefined) attributes[name] = values;
    }
  }
  const links = linksOf(shape, (name) => {
    const own = linkValues(whole, name);
    if (own.length > 0) return own;
    if (!reported.changed.includes(name)) return undefined;
    return reported.entry ? linkValues(reported.entry, name) : [];
  });
  return {
    op: "upsert",
    objectClass: verdict.objectClass,
    ...place,
    attributes,
    changed: [...reported.changed],
    ...(links.length > 0 ? { links } : {}),
  };
}

function placeOf(entry: LdapEntry): { objectGuid: string; dn: string; parentGuid?: string } | undefined {
  const objectGuid = guidOf(entry);
  if (objectGuid === undefined) return undefined;
  const parent = bytesOf(entry, "parentGUID");
  return {
    objectGuid,
    dn: dnOf(entry),
    ...(parent?.length === 16 ? { parentGuid: guidFromBytes(parent) } : {}),
  };
}

function bagOf(entry: LdapEntry, shape: ReadShape): Record<string, AttributeValue[]> {
  const bag: Record<string, AttributeValue[]> = {};
  for (const name of shape.attributes) {
    const syntax = shape.syntax.of(name);
    if (name.toLowerCase() === "distinguishedname") {
      bag[name] = [dnOf(entry)];
      continue;
    }
    const values = entry.valuesByName.get(name.toLowerCase()) ?? namingValue(entry, name);
    if (values === undefined || values.length === 0 || syntax === "link") continue;
    bag[name] = values.map((value) =>
      syntax === "dn" ? parseExtendedDn(value.toString("utf8")).dn : encodeValue(value, syntax === "binary"),
    );
  }
  return bag;
}

/** DirSync doesn't carry the naming attribute, whose value is always that of `name`. */
function namingValue(entry: LdapEntry, name: string): readonly Buffer[] | undefined {
  return name.toLowerCase() === "cn" ? entry.valuesByName.get("name") : undefined;
}

/** Lists of linked attributes as replacements; undefined: nothing is known of this one. */
function linksOf(shape: ReadShape, valuesOf: (name: string) => LinkValue[] | undefined): LinkChange[] {
  return shape.attributes.flatMap((name) => {
    if (isMember(name) || shape.syntax.of(name) !== "link") return [];
    const values = valuesOf(name);
    return values === undefined ? [] : [replacement(name, values)];
  });
}

/** What an attribute holds now: as a search gave it, or what DirSync says was added (from an empty cookie: all of it). */
function linkValues(entry: LdapEntry, attribute: string): LinkValue[] {
  const name = attribute.toLowerCase();
  const values = entry.valuesByName.get(name) ?? entry.valuesByName.get(`${name};range=1-1`) ?? [];
  return [...toLinkValues(values)];
}

/** With INCREMENTAL_VALUES, DirSync tells values added (from an empty cookie: all) and removed apart. */
export function addedValues(entry: LdapEntry, attribute: string): Iterable<LinkValue> {
  const name = attribute.toLowerCase();
  return toLinkValues(entry.valuesByName.get(`${name};range=1-1`) ?? entry.valuesByName.get(name) ?? []);
}

export function removedValues(entry: LdapEntry, attribute: string): Iterable<LinkValue> {
  return toLinkValues(entry.valuesByName.get(`${attribute.toLowerCase()};range=0-0`) ?? []);
}

/** Values without a GUID are left out. One at a time: a list may be long. */
export function* toLinkValues(values: Iterable<Buffer>): Generator<LinkValue> {
  for (const value of values) {
    const link = linkValueOf(value.toString("utf8"));
    if (link !== undefined) yield link;
  }
}

function withoutOptions(name: string): string {
  const at = name.indexOf(";");
  return at < 0 ? name : name.slice(0, at);
}
