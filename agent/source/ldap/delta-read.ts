/**
 * The changes of one page of a delta.
 *
 * DirSync says what changed and nothing more: not what class a changed object has, not the object itself after an
 * undelete, not the objects below a renamed OU, not who came into the scope. So everything reported is read again, whole; the objects
 * below a moved container follow it, and those whom a group of the scope took in or let go are looked at too. Who comes into the scope
 * is sent whole, with every name as changed; who leaves it by its GUID alone; who was outside and still is, not at all.
 */
import type { Change } from "../../../shared/contracts/change.ts";
import {
  deltaListChanges,
  memberName,
  type UpsertChange,
  VALUES_PER_PART,
  weightOf,
  withLinks,
} from "../member-lists.ts";
import { nestingChanged } from "../scope-errors.ts";
import {
  addedValues,
  allNames,
  changedNames,
  deltaChange,
  dnOf,
  guidOf,
  isNew,
  isRename,
  isTombstone,
  isUndelete,
  removedValues,
  verdictOf,
} from "./changes.ts";
import { type LdapEntry, textsOf } from "./entries.ts";
import { readMemberList, readMemberOf } from "./group-members.ts";
import type { ReadDeps } from "./read-deps.ts";
import { isGroupClass } from "./scope-places.ts";
import { addFromDirSync, guidsBelow, readWhole, slicesOf, type Usns, usnsOf } from "./second-read.ts";

/** One that DirSync reported. */
interface Reported {
  readonly guid: string;
  readonly entry: LdapEntry;
  readonly whole: LdapEntry | undefined;
}

/** In runs of bounded size. Fails as `LdapConnection.search`, and with `FullReadNeeded`. */
export async function* deltaChanges(deps: ReadDeps, entries: readonly LdapEntry[]): AsyncGenerator<Change[]> {
  const touched = new Set(entries.flatMap((entry) => deps.scope.noteMembers(entry)));
  const movedContainers: { readonly guid: string; readonly dn: string }[] = [];
  for (const slice of slicesOf(entries)) {
    const reported = slice.flatMap((entry) => {
      const guid = guidOf(entry);
      return guid === undefined ? [] : [{ guid, entry }];
    });
    const wholeByGuid = await readWhole(
      deps,
      reported.map(({ guid }) => guid),
    );
    const lacking = reported.filter(
      ({ guid, entry }) => !isTombstone(entry) && (!wholeByGuid.has(guid) || mayLackSome(deps, entry)),
    );
    await addFromDirSync(
      deps,
      lacking.map(({ guid }) => guid),
      wholeByGuid,
    );
    const all: Reported[] = reported.map((one) => ({ ...one, whole: wholeByGuid.get(one.guid) }));
    yield* inRuns(all, (one) => changesOf(deps, one, touched));
    const containers = all.flatMap(({ guid, entry, whole }) =>
      whole !== undefined && isLiveContainer(deps, whole) ? [{ guid, entry, dn: dnOf(whole) }] : [],
    );
    // One that was made since the watermark is reported as new, renamed or not; what is below it may have been sent before.
    const fresh = containers.filter(({ entry }) => isNew(entry));
    const usns = await usnsOf(
      deps,
      fresh.map(({ guid }) => guid),
    );
    for (const { guid, entry, dn } of containers)
      if (isRename(entry) || (isNew(entry) && hasChanged(usns.get(guid)))) movedContainers.push({ guid, dn });
  }
  for (const { guid, dn } of movedContainers) yield* changesBelow(deps, guid, dn);
  yield* changesOfTouched(deps, [...touched]);
}

/**
 * An object that came back, or may have come into the scope, counts with all its attributes: what the account may not read of it must
 * not look cleared. A server that hides it from DirSync as well has nothing to add.
 */
function mayLackSome(deps: ReadDeps, entry: LdapEntry): boolean {
  return isUndelete(entry) || (deps.scope.hasUnits && isRename(entry) && !deps.isSamba);
}

function hasChanged(usns: Usns | undefined): boolean {
  return usns !== undefined && usns.changed > usns.created;
}

function isLiveContainer(deps: ReadDeps, whole: LdapEntry): boolean {
  return !isTombstone(whole) && verdictOf(whole, deps.shape)?.kind === "container";
}

async function* changesOf(deps: ReadDeps, { guid, entry, whole }: Reported, touched: ReadonlySet<string>) {
  const { scope, shape } = deps;
  if (isTombstone(entry) || (whole !== undefined && isTombstone(whole))) {
    if (isGroup(whole ?? entry)) scope.noteDeletedGroup(guid);
    // A tombstone keeps its class: those of computers and the like are none of ours. One that can't be read is sent.
    const isOurs = whole === undefined || verdictOf(whole, shape) !== undefined;
    if (isOurs) yield { op: "delete", objectGuid: guid } satisfies Change;
    return;
  }
  if (whole === undefined) {
    deps.log.warn("object-unreadable", { objectGuid: guid });
    return;
  }
  const isBack = isUndelete(entry);
  const memberOf = isBack ? await readMemberOf(deps.connection, guid) : undefined;
  const groups = memberOf?.add.map((group) => group.guid) ?? [];
  if (isBack && scope.noteGroupsOf(guid, groups) && isGroup(whole)) throw nestingChanged(guid);
  // What deletion stripped is gone, and what changed outside the scope was in no delta: all is as it is read now.
  const isWhole = isBack || (isRename(entry) && scope.isInsideUnit(dnOf(whole)));
  const change = isWhole
    ? deltaChange(whole, { changed: allNames(shape) }, shape)
    : deltaChange(whole, { changed: changedNames(entry, shape), entry }, shape);
  if (change?.op !== "upsert") {
    if (change?.op === "container" && scope.isNearUnits(change.dn)) yield change;
    return;
  }
  const reason = scope.reasonOut(guid, change.dn);
  if (reason !== undefined) {
    const mayHaveLeft = isBack || (scope.hasUnits && isRename(entry));
    if (mayHaveLeft && !touched.has(guid)) yield { op: "leave", objectGuid: guid, reason } satisfies Change;
    return;
  }
  const object = memberOf === undefined ? change : withLinks(change, [memberOf]);
  yield* withMembers(deps, object, { entry, whole, isWhole: isWhole || isNew(entry) });
}

/**
 * The change with what it says of the object's members: what came and went, as reported, or the whole list of a group that is new,
 * came back or came into the scope, of which the service knows nothing, or nothing that counts.
 */
async function* withMembers(
  deps: ReadDeps,
  change: UpsertChange,
  of: { readonly entry: LdapEntry | undefined; readonly whole: LdapEntry; readonly isWhole: boolean },
): AsyncGenerator<UpsertChange> {
  const attribute = memberName(deps.shape.attributes);
  const { entry, whole } = of;
  if (attribute === undefined) yield change;
  else if (of.isWhole && isGroup(whole)) {
    yield* readMemberList(deps.connection, change, attribute, () => {
      const isFromDirSync = whole.valuesByName.has(`${attribute.toLowerCase()};range=1-1`);
      return isFromDirSync || entry === undefined ? addedValues(whole, attribute) : addedValues(entry, attribute);
    });
  } else if (entry === undefined) yield change;
  else {
    const values = { added: addedValues(entry, attribute), removed: removedValues(entry, attribute) };
    yield* deltaListChanges(change, attribute, values);
  }
}

/** Of the objects below a moved container the names changed, and perhaps their place in the scope; DirSync tells nothing of them. */
async function* changesBelow(deps: ReadDeps, container: string, dn: string): AsyncGenerator<Change[]> {
  const guids = await guidsBelow(deps.connection, container, deps.filter);
  const mayComeIn = deps.scope.isInsideUnit(dn);
  const changed = deps.shape.attributes.filter((name) => name.toLowerCase() === "distinguishedname");
  for (const slice of slicesOf(guids)) {
    const wholeByGuid = await readWhole(deps, slice);
    if (mayComeIn && !deps.isSamba) await addFromDirSync(deps, slice, wholeByGuid);
    yield* inRuns([...wholeByGuid], ([guid, whole]) =>
      presentChanges(deps, guid, whole, mayComeIn ? undefined : changed),
    );
  }
}

/** Those whom a group of the scope took in or let go. A group among them changes the scope for its own members. */
async function* changesOfTouched(deps: ReadDeps, guids: readonly string[]): AsyncGenerator<Change[]> {
  for (const slice of slicesOf(guids)) {
    const wholeByGuid = await readWhole(deps, slice);
    const lacking = slice.filter((guid) => !deps.isSamba || !wholeByGuid.has(guid));
    await addFromDirSync(deps, lacking, wholeByGuid);
    yield* inRuns(slice, async function* (guid) {
      const whole = wholeByGuid.get(guid);
      if (whole !== undefined && isGroup(whole) && !isTombstone(whole)) throw nestingChanged(guid);
      if (whole !== undefined) yield* presentChanges(deps, guid, whole, undefined);
      else if (!deps.scope.hasMember(guid))
        yield { op: "leave", objectGuid: guid, reason: "in none of the scope's groups" } satisfies Change;
    });
  }
}

/** `changed`: the names that count as changed; undefined: all of them, for an object that may have come into the scope. */
export async function* presentChanges(
  deps: ReadDeps,
  guid: string,
  whole: LdapEntry,
  changed: readonly string[] | undefined,
): AsyncGenerator<Change> {
  const change = isTombstone(whole)
    ? undefined
    : deltaChange(whole, { changed: changed ?? allNames(deps.shape) }, deps.shape);
  if (change?.op === "container" && deps.scope.isNearUnits(change.dn)) yield change;
  if (change?.op !== "upsert") return;
  const reason = deps.scope.reasonOut(guid, change.dn);
  if (reason !== undefined) yield { op: "leave", objectGuid: guid, reason };
  else yield* withMembers(deps, change, { entry: undefined, whole, isWhole: changed === undefined });
}

function isGroup(entry: LdapEntry): boolean {
  return textsOf(entry, "objectClass").some(isGroupClass);
}

/** The changes of these, in runs that one page can take. */
export async function* inRuns<T>(
  items: readonly T[],
  changesOfItem: (item: T) => AsyncGenerator<Change>,
): AsyncGenerator<Change[]> {
  let run: Change[] = [];
  for (const item of items) {
    for await (const change of changesOfItem(item)) {
      run.push(change);
      if (weightOf(change) < VALUES_PER_PART) continue;
      yield run;
      run = [];
    }
  }
  yield run;
}
