/**
 * From the directory's entries to changes: pure, no connection.
 *
 * A full read sends what DirSync reported. A delta sends the object as it was read again, whole, and lists in `changed`
 * what DirSync reported. A value that DirSync reported and the second read doesn't show (an ACL hides it) is taken from
 * DirSync: listed in `changed` and missing it would say "cleared". Linked attributes travel as `links`, by GUID.
 */
import type { Change } from "../../../shared/contracts/change.ts";
import { guidFromBytes, isGuid } from "../../../shared/domain/values.ts";
import type { SyntaxTable } from "../attribute-syntax.ts";
import { type AttributeValue, encodeValue } from "../encode-value.ts";
import { type ClassVerdict, classOf } from "../object-classes.ts";
import { bytesOf, type LdapEntry, textOf, textsOf } from "./entries.ts";

/** What a read is to bring, and how to understand it. */
export interface ReadShape {
  readonly attributes: readonly string[];
  readonly objectClasses: readonly string[];
  readonly syntax: SyntaxTable;
}

type UpsertChange = Extract<Change, { op: "upsert" }>;
type Links = NonNullable<UpsertChange["links"]>;
type LinkValue = Links[number]["add"][number];

export interface ExtendedDn {
  readonly dn: string;
  readonly guid?: string;
  readonly sid?: string;
}

/** `<GUID=…>;<SID=…>;CN=…` in its parts; a plain DN is its own DN. */
export function parseExtendedDn(text: string): ExtendedDn {
  let rest = text;
  let guid: string | undefined;
  let sid: string | undefined;
  for (;;) {
    const match = /^<(GUID|SID)=([^>]*)>(?:;|$)/i.exec(rest);
    if (match?.[1] === undefined || match[2] === undefined) break;
    if (match[1].toUpperCase() === "GUID") guid = match[2].toLowerCase();
    else sid = match[2];
    rest = rest.slice(match[0].length);
  }
  return {
    dn: rest,
    ...(guid !== undefined && isGuid(guid) ? { guid } : {}),
    ...(sid === undefined ? {} : { sid }),
  };
}

export function guidOf(entry: LdapEntry): string | undefined {
  const bytes = bytesOf(entry, "objectGUID");
  return bytes?.length === 16 ? guidFromBytes(bytes) : parseExtendedDn(entry.dn).guid;
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

export function verdictOf(entry: LdapEntry, shape: ReadShape): ClassVerdict | undefined {
  return classOf(textsOf(entry, "objectClass"), shape.objectClasses);
}

/** The ordered attributes that DirSync reported, by the order's names; a rename also changes the distinguished name. */
export function changedNames(entry: LdapEntry, shape: ReadShape): string[] {
  const reported = new Set([...entry.valuesByName.keys()].map(withoutOptions));
  if (reported.has("name") || reported.has("parentguid")) {
    reported.add("distinguishedname");
    reported.add("cn");
  }
  return shape.attributes.filter((name) => reported.has(name.toLowerCase()));
}

/** An object or container of a full read, or one that is to be sent whole and without `changed`. */
export function wholeChange(entry: LdapEntry, shape: ReadShape): Change | undefined {
  const verdict = verdictOf(entry, shape);
  const place = placeOf(entry);
  if (verdict === undefined || place === undefined) return undefined;
  if (verdict.kind === "container") return { op: "container", objectClass: verdict.objectClass, ...place };
  const links = linksOf(entry, shape, shape.attributes, false);
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
  const links = linksOf(whole, shape, reported.changed, true);
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
    dn: parseExtendedDn(entry.dn).dn,
    ...(parent?.length === 16 ? { parentGuid: guidFromBytes(parent) } : {}),
  };
}

function bagOf(entry: LdapEntry, shape: ReadShape): Record<string, AttributeValue[]> {
  const bag: Record<string, AttributeValue[]> = {};
  for (const name of shape.attributes) {
    const syntax = shape.syntax.of(name);
    if (name.toLowerCase() === "distinguishedname") {
      bag[name] = [parseExtendedDn(entry.dn).dn];
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

/**
 * Whole lists of linked attributes, as replacements. `evenEmpty`: a name without values says that the list is empty now
 * (it was reported as changed); without it, that nothing is known.
 */
function linksOf(entry: LdapEntry, shape: ReadShape, names: readonly string[], evenEmpty: boolean): Links {
  const links: Links = [];
  for (const attribute of names) {
    if (shape.syntax.of(attribute) !== "link") continue;
    const add = linkValues(entry, attribute.toLowerCase());
    if (add.length > 0 || evenEmpty) {
      links.push({ attribute, mode: "replace", add, remove: [], part: 0, last: true });
    }
  }
  return links;
}

/** With INCREMENTAL_VALUES, `;range=1-1` are the values added (from an empty cookie: all), `;range=0-0` those removed. */
function linkValues(entry: LdapEntry, name: string): LinkValue[] {
  const valuesByGuid = new Map<string, LinkValue>();
  for (const [key, buffers] of entry.valuesByName) {
    if (withoutOptions(key) !== name || key.endsWith(";range=0-0")) continue;
    for (const buffer of buffers) {
      const { guid, sid, dn } = parseExtendedDn(buffer.toString("utf8"));
      if (guid !== undefined) valuesByGuid.set(guid, { guid, ...(sid === undefined ? {} : { sid }), dn });
    }
  }
  return [...valuesByGuid.values()];
}

function withoutOptions(name: string): string {
  const at = name.indexOf(";");
  return at < 0 ? name : name.slice(0, at);
}
