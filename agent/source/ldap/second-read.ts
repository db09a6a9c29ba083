/**
 * Reading objects again, whole, on the connection that reported them: at most 100 a search, by objectGUID. Whole but for `member`, which
 * may be long and is read in ranges, where it is needed at all.
 *
 * String filters on objectGUID match nothing in ldapts, so the values go as bytes. Deleted objects are shown: one that
 * was deleted between DirSync and this search comes as the tombstone it is now, and a tombstone tells its class.
 */
import { EqualityFilter, type Filter, OrFilter } from "ldapts";
import { guidToBytes } from "../../../shared/domain/values.ts";
import { isMember } from "../member-lists.ts";
import { CONTAINER_CLASSES } from "../object-classes.ts";
import { guidOf } from "./changes.ts";
import type { LdapConnection } from "./connection.ts";
import { extendedDnControl, showDeletedControl } from "./controls.ts";
import { type LdapEntry, textOf } from "./entries.ts";
import { serverPages } from "./full-read.ts";
import type { ReadDeps } from "./read-deps.ts";
import { valueRanges } from "./value-ranges.ts";

const OBJECTS_PER_SEARCH = 100;

/** Runs that one search can take. */
export function slicesOf<T>(items: readonly T[]): T[][] {
  const slices: T[][] = [];
  for (let at = 0; at < items.length; at += OBJECTS_PER_SEARCH) slices.push(items.slice(at, at + OBJECTS_PER_SEARCH));
  return slices;
}

export function guidFilter(guids: readonly string[]): Filter {
  return new OrFilter({
    filters: guids.map(
      (guid) => new EqualityFilter({ attribute: "objectGUID", value: Buffer.from(guidToBytes(guid)) }),
    ),
  });
}

/** The objects that the account may read, by GUID. `guids` holds at most `OBJECTS_PER_SEARCH`. */
export async function readWhole(
  { connection, root, shape }: Pick<ReadDeps, "connection" | "root" | "shape">,
  guids: readonly string[],
): Promise<Map<string, LdapEntry>> {
  const entriesByGuid = new Map<string, LdapEntry>();
  if (guids.length === 0) return entriesByGuid;
  const entries = await connection.search({
    base: root,
    scope: "sub",
    filter: guidFilter(guids),
    attributes: [
      ...new Set([
        ...["objectClass", "objectGUID", "isDeleted", "parentGUID"],
        ...shape.attributes.filter((name) => !isMember(name)),
      ]),
    ],
    controls: [showDeletedControl(), extendedDnControl()],
  });
  for (const entry of entries) {
    const guid = guidOf(entry);
    if (guid !== undefined) entriesByGuid.set(guid, await withAllValues(connection, guid, entry));
  }
  return entriesByGuid;
}

/** Windows gives at most 1,500 values of an attribute at once, as `name;range=0-1499`: the rest is asked for here. */
async function withAllValues(connection: LdapConnection, guid: string, entry: LdapEntry): Promise<LdapEntry> {
  const partial = [...entry.valuesByName].filter(([name]) => /;range=\d+-\d+$/.test(name));
  if (partial.length === 0) return entry;
  const valuesByName = new Map(entry.valuesByName);
  for (const [ranged, first] of partial) {
    const name = ranged.slice(0, ranged.indexOf(";"));
    let all: readonly Buffer[] = first;
    for await (const { values, beginsAnew } of valueRanges(connection, guid, name))
      all = beginsAnew ? values : [...all, ...values];
    valuesByName.delete(ranged);
    valuesByName.set(name, all);
  }
  return { dn: entry.dn, valuesByName };
}

/**
 * On Windows the replication right shows objects and attributes that the account may not read. DirSync itself gives them
 * whole: from an empty cookie, by objectGUID. What was read before counts.
 */
export async function addFromDirSync(
  { connection, root, shape }: Pick<ReadDeps, "connection" | "root" | "shape">,
  guids: readonly string[],
  wholeByGuid: Map<string, LdapEntry>,
): Promise<void> {
  if (guids.length === 0) return;
  const request = { root, filter: guidFilter(guids), attributes: shape.attributes };
  for await (const page of serverPages(connection, request, Buffer.alloc(0))) {
    for (const entry of page.entries) {
      const guid = guidOf(entry);
      if (guid !== undefined) wholeByGuid.set(guid, mergedEntry(entry, wholeByGuid.get(guid)));
    }
  }
}

/** DirSync may give a list in pieces, which add up. */
function mergedEntry(entry: LdapEntry, before: LdapEntry | undefined): LdapEntry {
  const valuesByName = new Map([...entry.valuesByName, ...(before?.valuesByName ?? [])]);
  for (const [name, values] of entry.valuesByName) {
    const known = before?.valuesByName.get(name);
    if (name.endsWith(";range=1-1") && known !== undefined) valuesByName.set(name, [...known, ...values]);
  }
  return { dn: entry.dn, valuesByName };
}

/** GUIDs of the objects below a container, at any depth, without itself. */
export async function guidsBelow(connection: LdapConnection, containerGuid: string, filter: string): Promise<string[]> {
  const entries = await connection.search({
    base: `<GUID=${containerGuid}>`,
    scope: "sub",
    filter,
    attributes: ["objectGUID"],
    pageSize: 500,
  });
  return entries.flatMap((entry) => {
    const guid = guidOf(entry);
    return guid === undefined || guid === containerGuid ? [] : [guid];
  });
}

export interface Usns {
  readonly created: number;
  readonly changed: number;
}

/** When objects were made here and last changed, where the account may see it. */
export async function usnsOf(
  { connection, root }: Pick<ReadDeps, "connection" | "root">,
  guids: readonly string[],
): Promise<Map<string, Usns>> {
  const usns = new Map<string, Usns>();
  for (const slice of slicesOf(guids)) {
    const entries = await connection.search({
      base: root,
      scope: "sub",
      filter: guidFilter(slice),
      attributes: ["objectGUID", "uSNCreated", "uSNChanged"],
      controls: [showDeletedControl(), extendedDnControl()],
    });
    for (const entry of entries) {
      const [created, changed] = [Number(textOf(entry, "uSNCreated")), Number(textOf(entry, "uSNChanged"))];
      if (Number.isFinite(created + changed)) usns.set(guidOf(entry) ?? "", { created, changed });
    }
  }
  return usns;
}

/** Where every organizational unit is, by objectGUID. */
export async function containerDns({
  connection,
  root,
}: Pick<ReadDeps, "connection" | "root">): Promise<Map<string, string>> {
  const entries = await connection.search({
    base: root,
    scope: "sub",
    filter: `(|${CONTAINER_CLASSES.map((name) => `(objectClass=${name})`).join("")})`,
    attributes: ["objectGUID"],
    pageSize: 500,
  });
  return new Map(
    entries.flatMap((entry) => {
      const guid = guidOf(entry);
      return guid === undefined ? [] : [[guid, entry.dn]];
    }),
  );
}
