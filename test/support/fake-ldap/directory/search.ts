/** Ordinary searches: base, scope, filter, what the account may see, pages, and values in ranges. */

import { BerReader } from "ldapts";
import type { FakeAnswer } from "../fake-ldap.ts";
import { type FakeEntry, type FakeSearch, OID, pagedValue } from "../messages.ts";
import type { Sight } from "./access.ts";
import { guidsOf, predicateOf } from "./evaluate.ts";
import type { Limits } from "./limits.ts";
import { dnInForm, findByDn, isBelow } from "./names.ts";
import { type DirectoryObject, isDeleted, type Value } from "./replica.ts";
import { canonicalName, forwardOf, linkNumberOf } from "./schema.ts";
import { storedNames, type View, valuesOf } from "./view.ts";

const RESULT = { operationsError: 1, sizeLimitExceeded: 4, noSuchObject: 32 } as const;

export function readOrdinary(view: View, search: FakeSearch, limits: Limits, sight: Sight): FakeAnswer {
  const { replica, form } = view;
  const showDeleted = search.controls.has(OID.showDeleted);
  const base = findByDn(replica, search.base, form.root);
  if (base === undefined || !sight.sees(base) || (isDeleted(base) && !showDeleted)) {
    return {
      result: RESULT.noSuchObject,
      message: "0000208D: NameErr: DSID-0310028D, problem 2001 (NO_OBJECT), data 0",
    };
  }
  const matches = predicateOf(view, search.term, sight);
  const found = candidates(view, search, base).filter(
    (object) =>
      isInScope(view, object, base, search.scope) &&
      (showDeleted || !isDeleted(object)) &&
      sight.sees(object) &&
      matches(object),
  );
  const { shown, controls, result } = cut(search, found, limits);
  if (!search.controls.has(OID.noRangeError) && shown.some((object) => isBehind(view, object, search.attributes))) {
    return {
      result: RESULT.operationsError,
      message: "00000057: LdapErr: DSID-0C090FC7, comment: the range is behind",
    };
  }
  return {
    entries: shown.map((object) => entryOf(view, object, search.attributes, limits, sight)),
    ...(controls === undefined ? {} : { controls }),
    ...(result === undefined ? {} : { result, message: "00002023: SvcErr: size limit exceeded" }),
  };
}

function candidates(view: View, search: FakeSearch, base: DirectoryObject): DirectoryObject[] {
  if (search.scope === "base") return [base];
  const guids = guidsOf(search.term);
  if (guids === undefined) return [...view.replica.objects.values()];
  return [...guids].flatMap((guid) => view.replica.objects.get(guid) ?? []);
}

function isInScope(view: View, object: DirectoryObject, base: DirectoryObject, scope: string): boolean {
  if (scope === "one") return object.parent === base.guid;
  return object.guid === base.guid || isBelow(view.replica, object, base.guid);
}

/** The paged results' cookie is the last object's USN of creation: pages go in that order, so that what changes between them moves nothing. */
function cut(
  search: FakeSearch,
  found: DirectoryObject[],
  limits: Limits,
): { shown: DirectoryObject[]; controls?: Record<string, Buffer>; result?: number } {
  const most = search.sizeLimit > 0 ? Math.min(search.sizeLimit, limits.searchEntries) : limits.searchEntries;
  const paged = search.controls.get(OID.paged);
  if (paged === undefined) {
    return found.length > most ? { shown: found.slice(0, most), result: RESULT.sizeLimitExceeded } : { shown: found };
  }
  const reader = new BerReader(paged);
  reader.readSequence();
  const size = Math.min(reader.readInt() ?? 0, most);
  const after = Number(reader.readString() ?? "");
  const rest = found
    .filter(({ usnCreated }) => usnCreated > after)
    .sort((one, other) => one.usnCreated - other.usnCreated);
  const shown = rest.slice(0, size);
  const last = rest.length > size ? shown.at(-1) : undefined;
  return { shown, controls: { [OID.paged]: pagedValue(0, Buffer.from(last ? String(last.usnCreated) : "")) } };
}

function entryOf(
  view: View,
  object: DirectoryObject,
  asked: readonly string[],
  limits: Limits,
  sight: Sight,
): FakeEntry {
  const names = asked.length === 0 || asked.includes("*") ? [...storedNames(object), ...asked] : asked;
  const attributes: Record<string, readonly Value[]> = {};
  for (const given of new Set(names.map((name) => name.toLowerCase()))) {
    const [name = "", option] = given.split(";");
    if (name === "*" || name === "1.1" || !sight.seesAttribute(name)) continue;
    Object.assign(attributes, inRange(canonicalName(name), valuesOf(view, object, name), option, limits.valueRange));
  }
  return { dn: dnInForm(view.replica, object, view.form), attributes };
}

/** Whether a range of links is asked for that begins behind the last of them. */
function isBehind(view: View, object: DirectoryObject, asked: readonly string[]): boolean {
  return asked.some((given) => {
    const [, name = "", low] = /^([^;]+);range=(\d+)-/i.exec(given.toLowerCase()) ?? [];
    const isLink = linkNumberOf(name) !== undefined || forwardOf(name) !== undefined;
    return isLink && Number(low) >= valuesOf(view, object, name).length;
  });
}

/** More values than fit come as `name;range=0-1499`, beside an empty `name`. A range behind the last value brings nothing. */
function inRange(
  name: string,
  values: readonly Value[],
  option: string | undefined,
  most: number,
): Record<string, readonly Value[]> {
  const range = /^range=(\d+)-(\d+|\*)$/.exec(option ?? "");
  if (range === null) {
    if (values.length === 0) return {};
    if (values.length <= most) return { [name]: values };
    return { [name]: [], [`${name};range=0-${most - 1}`]: values.slice(0, most) };
  }
  const low = Number(range[1]);
  const high = Math.min(range[2] === "*" ? Number.POSITIVE_INFINITY : Number(range[2]), low + most - 1);
  const part = values.slice(low, high + 1);
  if (part.length === 0) return {};
  const isLast = low + part.length >= values.length;
  return { [`${name};range=${low}-${isLast ? "*" : low + part.length - 1}`]: part };
}
