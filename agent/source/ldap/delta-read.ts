/**
 * The changes of one page of a delta.
 *
 * DirSync says what changed and nothing more: not what class a changed object has, not the object itself after an
 * undelete, not the objects below a renamed OU. So everything reported is read again, whole, and the objects below a moved
 * container follow it.
 */
import type { Change } from "../../../shared/contracts/change.ts";
import type { Log } from "../../../shared/ports/log.ts";
import {
  changedNames,
  deltaChange,
  guidOf,
  isRename,
  isTombstone,
  isUndelete,
  type ReadShape,
  wholeChange,
} from "./changes.ts";
import type { LdapConnection } from "./connection.ts";
import { readDirSyncPage } from "./dirsync.ts";
import type { LdapEntry } from "./entries.ts";
import { guidFilter, guidsBelow, OBJECTS_PER_SEARCH, readWhole } from "./second-read.ts";

export interface DeltaDeps {
  readonly connection: LdapConnection;
  readonly log: Log;
  readonly root: string;
  readonly filter: string;
  readonly shape: ReadShape;
}

/** In groups of at most `OBJECTS_PER_SEARCH`. Fails as `LdapConnection.search`. */
export async function* deltaChanges(deps: DeltaDeps, entries: readonly LdapEntry[]): AsyncGenerator<Change[]> {
  const movedContainers: string[] = [];
  for (const slice of slicesOf(entries)) {
    const reported = slice.flatMap((entry) => {
      const guid = guidOf(entry);
      return guid === undefined ? [] : [{ guid, entry }];
    });
    const wholeByGuid = await readWhole(
      deps.connection,
      deps.root,
      reported.map((one) => one.guid),
      deps.shape,
    );
    await addUnreadable(deps, reported, wholeByGuid);
    const changes: Change[] = [];
    for (const { guid, entry } of reported) {
      const change = changeOf(deps, guid, entry, wholeByGuid.get(guid));
      if (change === undefined) continue;
      changes.push(change);
      if (change.op === "container" && isRename(entry)) movedContainers.push(guid);
    }
    yield changes;
  }
  if (movedContainers.length > 0) yield* changesBelow(deps, movedContainers);
}

function changeOf(deps: DeltaDeps, guid: string, entry: LdapEntry, whole: LdapEntry | undefined): Change | undefined {
  if (isTombstone(entry) || (whole !== undefined && isTombstone(whole))) {
    // A tombstone keeps its class: those of computers and the like are none of ours. One that can't be read is sent.
    const isOurs = whole === undefined || wholeChange(whole, deps.shape) !== undefined;
    return isOurs ? { op: "delete", objectGuid: guid } : undefined;
  }
  if (whole === undefined) {
    deps.log.warn("object-unreadable", { objectGuid: guid });
    return undefined;
  }
  // What deletion stripped is gone: every attribute is as it is read now, and a missing one is cleared.
  if (isUndelete(entry)) return deltaChange(whole, { changed: deps.shape.attributes }, deps.shape);
  return deltaChange(whole, { changed: changedNames(entry, deps.shape), entry }, deps.shape);
}

/**
 * On Windows the replication right shows objects and attributes that the account may not read. DirSync itself gives them
 * whole: from an empty cookie, by objectGUID. An object that came back is to be had in full, so it is asked for as well.
 */
async function addUnreadable(
  deps: DeltaDeps,
  reported: readonly { guid: string; entry: LdapEntry }[],
  wholeByGuid: Map<string, LdapEntry>,
): Promise<void> {
  const missing = reported
    .filter((one) => !isTombstone(one.entry) && (!wholeByGuid.has(one.guid) || isUndelete(one.entry)))
    .map((one) => one.guid);
  if (missing.length === 0) return;
  const page = await readDirSyncPage(deps.connection, {
    root: deps.root,
    filter: guidFilter(missing),
    attributes: deps.shape.attributes,
    cookie: Buffer.alloc(0),
  });
  for (const entry of page.entries) {
    const guid = guidOf(entry);
    if (guid === undefined) continue;
    const read = wholeByGuid.get(guid)?.valuesByName ?? [];
    wholeByGuid.set(guid, { dn: entry.dn, valuesByName: new Map([...entry.valuesByName, ...read]) });
  }
}

/** Their distinguished names changed, and nothing else that DirSync would tell. */
async function* changesBelow(deps: DeltaDeps, containers: readonly string[]): AsyncGenerator<Change[]> {
  const guids = new Set<string>();
  for (const container of containers) {
    for (const guid of await guidsBelow(deps.connection, container, deps.filter)) guids.add(guid);
  }
  const changed = deps.shape.attributes.filter((name) => name.toLowerCase() === "distinguishedname");
  for (const slice of slicesOf([...guids])) {
    const wholeByGuid = await readWhole(deps.connection, deps.root, slice, deps.shape);
    yield [...wholeByGuid.values()].flatMap((whole) => {
      const change = isTombstone(whole) ? undefined : deltaChange(whole, { changed }, deps.shape);
      return change === undefined ? [] : [change];
    });
  }
}

/** The same as `changesBelow`'s second read for a full read whose order holds attributes that DirSync can't bring. */
export async function wholeEntries(deps: DeltaDeps, entries: readonly LdapEntry[]): Promise<LdapEntry[]> {
  const result: LdapEntry[] = [];
  for (const slice of slicesOf(entries)) {
    const guids = slice.flatMap((entry) => guidOf(entry) ?? []);
    const wholeByGuid = await readWhole(deps.connection, deps.root, guids, deps.shape);
    for (const entry of slice) {
      const whole = wholeByGuid.get(guidOf(entry) ?? "");
      // What DirSync reported stands; the second read adds what DirSync never carries.
      if (whole === undefined) result.push(entry);
      else result.push({ dn: entry.dn, valuesByName: new Map([...whole.valuesByName, ...entry.valuesByName]) });
    }
  }
  return result;
}

function slicesOf<T>(items: readonly T[]): T[][] {
  const slices: T[][] = [];
  for (let at = 0; at < items.length; at += OBJECTS_PER_SEARCH) slices.push(items.slice(at, at + OBJECTS_PER_SEARCH));
  return slices;
}
