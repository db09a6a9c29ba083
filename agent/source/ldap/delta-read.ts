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
  deltaListChanges,
  isMember,
  memberName,
  type UpsertChange,
  VALUES_PER_PART,
  weightOf,
  withLinks,
} from "../member-lists.ts";
import {
  addedValues,
  changedNames,
  deltaChange,
  guidOf,
  isRename,
  isTombstone,
  isUndelete,
  type ReadShape,
  removedValues,
  wholeChange,
} from "./changes.ts";
import type { LdapConnection } from "./connection.ts";
import type { LdapEntry } from "./entries.ts";
import { serverPages } from "./full-read.ts";
import { readMemberList, readMemberOf } from "./group-members.ts";
import { guidFilter, guidsBelow, readWhole, slicesOf } from "./second-read.ts";

export interface DeltaDeps {
  readonly connection: LdapConnection;
  readonly log: Log;
  readonly root: string;
  readonly filter: string;
  readonly shape: ReadShape;
}

/** In groups of bounded size. Fails as `LdapConnection.search`. */
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
    let changes: Change[] = [];
    for (const { guid, entry } of reported) {
      const whole = wholeByGuid.get(guid);
      const change = changeOf(deps, guid, entry, whole);
      if (change === undefined) continue;
      if (change.op === "container" && isRename(entry)) movedContainers.push(guid);
      if (change.op !== "upsert" || whole === undefined) {
        changes.push(change);
        continue;
      }
      const memberOf = isUndelete(entry) ? await readMemberOf(deps.connection, guid) : undefined;
      const object = memberOf === undefined ? change : withLinks(change, [memberOf]);
      for await (const one of withMembers(deps, object, entry, whole)) {
        changes.push(one);
        if (weightOf(one) < VALUES_PER_PART) continue;
        yield changes;
        changes = [];
      }
    }
    yield changes;
  }
  if (movedContainers.length > 0) yield* changesBelow(deps, movedContainers);
}

/**
 * The change with what it says of the object's members: what came and went, as reported, or the whole list of a group that is new or
 * came back, of which the service knows nothing or nothing that counts.
 */
async function* withMembers(
  deps: DeltaDeps,
  change: UpsertChange,
  entry: LdapEntry,
  whole: LdapEntry,
): AsyncGenerator<UpsertChange> {
  const attribute = memberName(deps.shape.attributes);
  if (attribute === undefined) {
    yield change;
    return;
  }
  const isGroup = change.objectClass.toLowerCase() === "group";
  if (isGroup && (isNew(entry) || isUndelete(entry))) {
    yield* readMemberList(deps.connection, change, attribute, function* () {
      yield* addedValues(whole, attribute);
      if (!whole.valuesByName.has(`${attribute.toLowerCase()};range=1-1`)) yield* addedValues(entry, attribute);
    });
    return;
  }
  yield* deltaListChanges(change, attribute, {
    added: addedValues(entry, attribute),
    removed: removedValues(entry, attribute),
  });
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
  if (isUndelete(entry)) return deltaChange(whole, { changed: allNames(deps.shape) }, deps.shape);
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
  const request = { root: deps.root, filter: guidFilter(missing), attributes: deps.shape.attributes };
  for await (const page of serverPages(deps.connection, request, Buffer.alloc(0))) {
    for (const entry of page.entries) {
      const guid = guidOf(entry);
      if (guid !== undefined) wholeByGuid.set(guid, mergedEntry(entry, wholeByGuid.get(guid)));
    }
  }
}

/** What was read before counts, and adds up where DirSync gives a list in pieces. */
function mergedEntry(entry: LdapEntry, before: LdapEntry | undefined): LdapEntry {
  const valuesByName = new Map([...entry.valuesByName, ...(before?.valuesByName ?? [])]);
  for (const [name, values] of entry.valuesByName) {
    const known = before?.valuesByName.get(name);
    if (name.endsWith(";range=1-1") && known !== undefined) valuesByName.set(name, [...known, ...values]);
  }
  return { dn: entry.dn, valuesByName };
}

/** Reported with its class, which never changes: DirSync has not told of it before. */
function isNew(entry: LdapEntry): boolean {
  return entry.valuesByName.has("objectclass");
}

function allNames(shape: ReadShape): string[] {
  return shape.attributes.filter((name) => !isMember(name));
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
