/**
 * The changes of a full read, page by page: what DirSync reported, tombstones included (they are evidence of deletion).
 *
 * A server may give the values of a group's members apart from the group and spread over entries and pages, so nobody knows that a
 * list is whole before the read has come to its end: each list stays open, and what the end of the read brings is its final part.
 * Samba gives an object in one entry with all its values, so there a list ends where it begins.
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
import { addedValues, changedNames, deltaChange, guidOf, isTombstone, removedValues, wholeChange } from "./changes.ts";
import { type DeltaDeps, wholeEntries } from "./delta-read.ts";
import type { LdapEntry } from "./entries.ts";
import { readWhole, slicesOf } from "./second-read.ts";

export interface FullReadChanges {
  ofPage(entries: readonly LdapEntry[]): AsyncGenerator<Change[]>;
  /** After the last page: ends the lists that are open. */
  end(): Generator<Change[]>;
}

interface OpenList {
  readonly object: UpsertChange;
  nextPart: number;
}

export function createFullReadChanges(deps: DeltaDeps & { readonly isSamba: boolean }): FullReadChanges {
  const { shape } = deps;
  const attribute = memberName(shape.attributes);
  const needsSecondRead = shape.attributes.some((name) => shape.syntax.isLocal(name));
  const listsByGuid = new Map<string, OpenList>();

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
    for (const slice of slicesOf(entries)) {
      const others = slice.filter((entry) => openListOf(entry) === undefined);
      const wholeByGuid = await readWhole(
        deps.connection,
        deps.root,
        others.flatMap((entry) => guidOf(entry) ?? []),
        shape,
      );
      for (const entry of slice) {
        const list = openListOf(entry);
        const whole = wholeByGuid.get(guidOf(entry) ?? "");
        if (list !== undefined && attribute !== undefined) yield* openListChanges(list.object, entry, attribute);
        else if (whole === undefined) deps.log.warn("object-unreadable", { objectGuid: guidOf(entry) ?? "" });
        else {
          const change = deltaChange(whole, { changed: changedNames(entry, shape), entry }, shape);
          if (change?.op === "upsert" && !isTombstone(whole)) yield* objectChanges(change, entry);
        }
      }
    }
  }

  /** Of an entry that says nothing of its object but members. */
  function openListOf(entry: LdapEntry): OpenList | undefined {
    const others = changedNames(entry, shape).filter((name) => name.toLowerCase() !== "objectguid");
    return others.length === 0 ? listsByGuid.get(guidOf(entry) ?? "") : undefined;
  }

  async function* ofPage(entries: readonly LdapEntry[]): AsyncGenerator<Change[]> {
    const live = entries.filter((entry) => !isTombstone(entry));
    const tombstones = entries.filter(isTombstone);
    const whole = needsSecondRead ? await wholeEntries(deps, live) : live;
    let changes: Change[] = [];
    for (const entry of whole) {
      const change = wholeChange(entry, shape);
      if (change?.op !== "upsert") {
        if (change !== undefined) changes.push(change);
        continue;
      }
      for (const one of objectChanges(change, entry)) {
        changes.push(one);
        if (weightOf(one) < VALUES_PER_PART) continue;
        yield changes;
        changes = [];
      }
    }
    yield changes;
    for await (const one of pieceChanges(whole.filter((entry) => !entry.valuesByName.has("objectclass")))) yield [one];
    yield tombstones.flatMap((entry): Change[] => {
      const guid = guidOf(entry);
      if (guid === undefined || wholeChange(entry, shape) === undefined) return [];
      listsByGuid.delete(guid);
      return [{ op: "delete", objectGuid: guid }];
    });
  }

  return {
    ofPage,
    *end() {
      if (attribute === undefined) return;
      for (const { object, nextPart } of listsByGuid.values())
        yield [withLinks(object, [replacement(attribute, [], nextPart)])];
      listsByGuid.clear();
    },
  };
}
