/**
 * The changes of a full read, page by page: what DirSync reported, tombstones included (they are evidence of deletion).
 *
 * A server may give the values of a group's members apart from the group and spread over entries and pages, so nobody knows that a
 * list is whole before the read has come to its end: each list stays open, and what the end of the read brings is its final part.
 * Samba gives an object in one entry with all its values, so there a list ends where it begins.
 *
 * What changes while the pages come is reported once more in a later one, or by the next delta, with three exceptions, and for these the
 * directory is asked: objects below a container that moved; memberships of one who was deleted and came back, and members of such a group;
 * the manager of an object that is reported once more.
 */
import type { Change } from "../../../shared/contracts/change.ts";
import {
  continuationOf,
  deltaListChanges,
  type LinkChange,
  memberName,
  partsOf,
  replacement,
  type UpsertChange,
  VALUES_PER_PART,
  weightOf,
  wholeListChanges,
  withLinks,
} from "../member-lists.ts";
import {
  addedValues,
  changedNames,
  deltaChange,
  dnOf,
  guidOf,
  isTombstone,
  isUndelete,
  removedValues,
  verdictOf,
  wholeChange,
} from "./changes.ts";
import { deltaChanges, inRuns, presentChanges } from "./delta-read.ts";
import type { LdapEntry } from "./entries.ts";
import type { LdapScope } from "./ldap-scope.ts";
import type { ReadDeps } from "./read-deps.ts";
import { containerDns, guidsBelow, readWhole, slicesOf, usnsOf } from "./second-read.ts";
import { createSeenLinks } from "./seen-links.ts";

export interface FullReadChanges {
  ofPage(entries: readonly LdapEntry[]): AsyncGenerator<Change[]>;
  /** After the last page: what the scope became meanwhile, and the end of the lists that are open. */
  end(): AsyncGenerator<Change[]>;
}

export interface FullReadDeps extends ReadDeps {
  readonly reportsLeaves: boolean;
  /** The server's, read before the first page. */
  readonly highestUsn: number;
}

interface OpenList {
  readonly object: UpsertChange;
  nextPart: number;
  /** It was read whole: what DirSync says of it after that is what came and went. */
  readonly isClosed?: true;
}

/** Fails as `LdapConnection.search`. */
export async function createFullReadChanges(deps: FullReadDeps): Promise<FullReadChanges> {
  const { shape, scope } = deps;
  const attribute = memberName(shape.attributes);
  const needsSecondRead = shape.attributes.some((name) => shape.syntax.isLocal(name));
  const listsByGuid = new Map<string, OpenList>();
  /** In a scope only: who was sent, and may leave it before the read ends. */
  const sent = scope.hasUnits || scope.hasGroups ? new Set<string>() : undefined;
  // Samba's watermark is from before the first object was read: the next delta tells of containers that moved since.
  const dnsAtStart = deps.isSamba ? undefined : await containerDns(deps);
  const seenLinks = deps.isSamba ? undefined : createSeenLinks(shape);
  /** Of whom links came apart from the object, which may have come before. */
  const withPieces = new Set<string>();

  function* objectChanges(change: UpsertChange, entry: LdapEntry): Generator<UpsertChange> {
    if (attribute === undefined || change.objectClass.toLowerCase() !== "group") {
      yield change;
    } else if (deps.isSamba) {
      yield* wholeListChanges(change, attribute, addedValues(entry, attribute));
    } else {
      yield* openListChanges(change, entry, attribute);
    }
  }

  /** `change` is the group itself, or an open list's bare object: which group it is, and no more. */
  function* openListChanges(change: UpsertChange, entry: LdapEntry, name: string): Generator<UpsertChange> {
    const known = listsByGuid.get(change.objectGuid);
    const list: OpenList = known ?? { object: continuationOf(change, []), nextPart: 0 };
    listsByGuid.set(change.objectGuid, list);
    if (list.isClosed) {
      const hasSome = [...entry.valuesByName.keys()].some((own) => own.startsWith(`${name.toLowerCase()};range=`));
      const values = { added: addedValues(entry, name), removed: removedValues(entry, name) };
      if (change !== list.object || hasSome) yield* deltaListChanges(change, name, values);
      return;
    }
    let first: UpsertChange | undefined = change;
    const changeOf = (links: readonly LinkChange[]) => {
      const one = withLinks(first ?? list.object, links);
      first = undefined;
      return one;
    };
    for (const part of partsOf(addedValues(entry, name)))
      yield changeOf([replacement(name, part, list.nextPart++, false)]);
    // Removed while this read went on: the list's earlier parts may name them, and the next delta starts after that.
    if (known !== undefined) {
      const gone = { added: [], removed: removedValues(entry, name) };
      for (const { links = [] } of deltaListChanges(list.object, name, gone))
        if (links.length > 0) yield changeOf(links);
    }
    if (first !== undefined && first !== list.object) yield first;
  }

  /** Entries without a class: what their objects' first entries had no room for. */
  async function* pieceChanges(entries: readonly LdapEntry[]): AsyncGenerator<UpsertChange> {
    for (const slice of slicesOf(entries.filter((entry) => !isLinkPiece(entry)))) {
      const others = slice.filter((entry) => openListOf(entry) === undefined);
      const wholeByGuid = await readWhole(
        deps,
        others.flatMap((entry) => guidOf(entry) ?? []),
      );
      for (const entry of slice) {
        const list = openListOf(entry);
        const whole = wholeByGuid.get(guidOf(entry) ?? "");
        if (list !== undefined && attribute !== undefined) yield* openListChanges(list.object, entry, attribute);
        else if (whole === undefined) deps.log.warn("object-unreadable", { objectGuid: guidOf(entry) ?? "" });
        else {
          const change = deltaChange(whole, { changed: changedNames(entry, shape), entry }, shape);
          if (change?.op !== "upsert" || isTombstone(whole)) continue;
          sent?.add(change.objectGuid);
          yield* objectChanges(change, entry);
        }
      }
    }
  }

  /** Whether an entry says nothing of its object but links like manager: they go with the object, or when the read ends. */
  function isLinkPiece(entry: LdapEntry): boolean {
    if (seenLinks === undefined) return false;
    const others = changedNames(entry, shape).filter((name) => !seenLinks.names.includes(name));
    const isPiece = others.length === 0 && ![...entry.valuesByName.keys()].some((name) => /^member(;|$)/.test(name));
    if (isPiece) withPieces.add(guidOf(entry) ?? "");
    return isPiece;
  }

  /** Links of objects that came before them. */
  async function* lateLinks(): AsyncGenerator<Change[]> {
    for (const slice of slicesOf([...withPieces])) {
      const wholeByGuid = await readWhole(deps, slice);
      const changes: Change[] = [];
      for (const guid of slice) {
        const whole = wholeByGuid.get(guid);
        const changed = seenLinks?.namesOf(guid) ?? [];
        if (whole === undefined) deps.log.warn("object-unreadable", { objectGuid: guid });
        const change = whole === undefined || isTombstone(whole) ? undefined : deltaChange(whole, { changed }, shape);
        if (change?.op !== "upsert" || scope.reasonOut(guid, change.dn) !== undefined) continue;
        sent?.add(guid);
        // What the account may not read itself is as it was seen.
        changes.push(seenLinks?.complete(change, (own) => own.length === 0) ?? change);
      }
      yield changes;
    }
  }

  /**
   * Of objects that once came back from deletion, those that may have done so since the read began. Some memberships went without a sign
   * then, or came back so, and lists that were sent are wrong; they are read as a delta does.
   */
  async function backSinceStart(entries: readonly LdapEntry[]): Promise<ReadonlySet<LdapEntry>> {
    const back = deps.isSamba ? [] : entries.filter(isUndelete);
    const usns = await usnsOf(
      deps,
      back.flatMap((entry) => guidOf(entry) ?? []),
    );
    return new Set(back.filter((entry) => (usns.get(guidOf(entry) ?? "")?.changed ?? Infinity) > deps.highestUsn));
  }

  async function* backChanges(entries: readonly LdapEntry[]): AsyncGenerator<Change[]> {
    for await (const changes of deltaChanges({ ...deps, scope: withoutNotes(scope) }, entries)) {
      for (const change of changes) {
        withPieces.delete(change.objectGuid);
        if (change.op === "upsert") {
          sent?.add(change.objectGuid);
          if (change.objectClass.toLowerCase() === "group" && attribute !== undefined)
            listsByGuid.set(change.objectGuid, { object: continuationOf(change, []), nextPart: 0, isClosed: true });
        } else if (change.op !== "container") {
          sent?.delete(change.objectGuid);
          listsByGuid.delete(change.objectGuid);
        }
      }
      yield changes;
    }
  }

  /** Of an entry that says nothing of its object but members. */
  function openListOf(entry: LdapEntry): OpenList | undefined {
    const others = changedNames(entry, shape).filter((name) => name.toLowerCase() !== "objectguid");
    return others.length === 0 ? listsByGuid.get(guidOf(entry) ?? "") : undefined;
  }

  function isInScope(entry: LdapEntry): boolean {
    return scope.reasonOut(guidOf(entry) ?? "", dnOf(entry)) === undefined;
  }

  /** Of entries outside the scope: containers have a place near it at most. */
  function* outside(entries: readonly LdapEntry[]): Generator<Change> {
    for (const entry of entries) {
      const objectGuid = guidOf(entry);
      const kind = verdictOf(entry, shape)?.kind;
      if (objectGuid === undefined || kind === undefined) continue;
      const container = kind === "container" && scope.isNearUnits(dnOf(entry)) ? wholeChange(entry, shape) : undefined;
      if (container !== undefined) yield container;
      if (kind === "object") yield* leave(objectGuid, scope.reasonOut(objectGuid, dnOf(entry)) ?? "");
    }
  }

  function* leave(objectGuid: string, reason: string): Generator<Change> {
    const wasSent = sent?.delete(objectGuid) ?? false;
    listsByGuid.delete(objectGuid);
    if (wasSent || deps.reportsLeaves) yield { op: "leave", objectGuid, reason };
  }

  async function* ofPage(entries: readonly LdapEntry[]): AsyncGenerator<Change[]> {
    const alive = entries.filter((entry) => !isTombstone(entry));
    const back = await backSinceStart(alive);
    const live = back.size === 0 ? alive : alive.filter((entry) => !back.has(entry));
    for (const entry of alive) seenLinks?.note(entry);
    const tombstones = entries.filter(isTombstone);
    const inScope = sent === undefined ? live : live.filter(isInScope);
    const whole = needsSecondRead ? await wholeEntries(deps, inScope) : inScope;
    if (needsSecondRead) for (const entry of whole) seenLinks?.note(entry);
    let changes: Change[] = [];
    for (const entry of whole) {
      const own = wholeChange(entry, shape);
      if (own === undefined) continue;
      if (own.op !== "upsert") {
        changes.push(own);
        continue;
      }
      const change = seenLinks?.complete(own, () => true) ?? own;
      withPieces.delete(change.objectGuid);
      sent?.add(change.objectGuid);
      for (const one of objectChanges(change, entry)) {
        changes.push(one);
        if (weightOf(one) < VALUES_PER_PART) continue;
        yield changes;
        changes = [];
      }
    }
    yield changes;
    if (sent !== undefined) yield [...outside(live.filter((entry) => !isInScope(entry)))];
    for await (const one of pieceChanges(whole.filter((entry) => !entry.valuesByName.has("objectclass")))) yield [one];
    if (back.size > 0) yield* backChanges([...back]);
    yield tombstones.flatMap((entry): Change[] => {
      const guid = guidOf(entry);
      if (guid === undefined || wholeChange(entry, shape) === undefined) return [];
      seenLinks?.forget(guid);
      withPieces.delete(guid);
      listsByGuid.delete(guid);
      sent?.delete(guid);
      return [{ op: "delete", objectGuid: guid }];
    });
  }

  /** Who came into the scope or left it while the read went on, by what the directory says at its end. */
  async function* settled(guids: readonly string[]): AsyncGenerator<Change[]> {
    const place = shape.attributes.filter((name) => name.toLowerCase() === "distinguishedname");
    for (const slice of slicesOf(guids)) {
      const wholeByGuid = await readWhole(deps, slice);
      yield* inRuns([...wholeByGuid], async function* ([guid, whole]) {
        if (isTombstone(whole) || verdictOf(whole, shape) === undefined) return;
        const reason = scope.reasonOut(guid, dnOf(whole));
        if (reason !== undefined) yield* leave(guid, reason);
        else yield* presentChanges(deps, guid, whole, (sent?.has(guid) ?? true) ? place : undefined);
      });
    }
  }

  async function movedBelow(): Promise<string[]> {
    if (dnsAtStart === undefined) return [];
    const below: string[] = [];
    for (const [guid, dn] of await containerDns(deps)) {
      const before = dnsAtStart.get(guid);
      if (before !== undefined && before !== dn) below.push(...(await guidsBelow(deps.connection, guid, deps.filter)));
    }
    return below;
  }

  return {
    ofPage,
    async *end() {
      yield* lateLinks();
      yield* settled([...new Set([...(await scope.walkAgain()), ...(await movedBelow())])]);
      if (attribute === undefined) return;
      for (const { object, nextPart, isClosed } of listsByGuid.values())
        if (!isClosed) yield [withLinks(object, [replacement(attribute, [], nextPart)])];
      listsByGuid.clear();
    },
  };
}

/** Decides as it does; who is in its groups is walked again when a full read ends, so nothing is taken over here. */
function withoutNotes(scope: LdapScope): LdapScope {
  return {
    ...scope,
    noteMembers: () => [],
    noteGroupsOf: () => false,
    noteDeletedGroup: () => undefined,
  };
}

/** For an order with attributes that DirSync can't bring. */
async function wholeEntries(deps: ReadDeps, entries: readonly LdapEntry[]): Promise<LdapEntry[]> {
  const result: LdapEntry[] = [];
  for (const slice of slicesOf(entries)) {
    const wholeByGuid = await readWhole(
      deps,
      slice.flatMap((entry) => guidOf(entry) ?? []),
    );
    for (const entry of slice) {
      const whole = wholeByGuid.get(guidOf(entry) ?? "");
      // What DirSync reported stands; the second read adds what DirSync never carries.
      if (whole === undefined) result.push(entry);
      else result.push({ dn: entry.dn, valuesByName: new Map([...whole.valuesByName, ...entry.valuesByName]) });
    }
  }
  return result;
}
