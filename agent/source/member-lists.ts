/**
 * Member lists as changes: whole lists in numbered parts, and what was added and removed.
 *
 * Only `member` travels so; any other linked attribute is one replacement. A part holds at most `VALUES_PER_PART` values, so that a
 * change always fits into a batch and a list of any length is held once, by whoever gives its values. A change that only goes on with
 * a list says nothing else of its object: no attributes, and `changed: []`.
 */
import type { Change } from "../../shared/contracts/change.ts";

export type UpsertChange = Extract<Change, { op: "upsert" }>;
export type LinkChange = NonNullable<UpsertChange["links"]>[number];
export type LinkValue = LinkChange["add"][number];

/** Some 50 bytes each, with a SID some 110: about half a MiB to one. */
export const VALUES_PER_PART = 10_000;

export function isMember(attribute: string): boolean {
  return attribute.toLowerCase() === "member";
}

/** The order's name for `member`; undefined when it isn't asked for. */
export function memberName(attributes: readonly string[]): string | undefined {
  return attributes.find(isMember);
}

/** Says nothing of its object but these links. */
export function continuationOf(object: UpsertChange, links: LinkChange[]): UpsertChange {
  const { objectGuid, objectClass, dn, parentGuid } = object;
  return {
    op: "upsert",
    objectGuid,
    objectClass,
    dn,
    ...(parentGuid === undefined ? {} : { parentGuid }),
    attributes: {},
    changed: [],
    links,
  };
}

export function withLinks(object: UpsertChange, links: readonly LinkChange[]): UpsertChange {
  return links.length === 0 ? object : { ...object, links: [...(object.links ?? []), ...links] };
}

export function replacement(attribute: string, add: LinkValue[], part = 0, last = true): LinkChange {
  return { attribute, mode: "replace", add, remove: [], part, last };
}

/** Runs of at most `VALUES_PER_PART`; none for no values. */
export function* partsOf(values: Iterable<LinkValue>): Generator<LinkValue[]> {
  let part: LinkValue[] = [];
  for (const value of values) {
    if (part.length === VALUES_PER_PART) {
      yield part;
      part = [];
    }
    part.push(value);
  }
  if (part.length > 0) yield part;
}

export interface ListWriter {
  /** The changes that these values fill. */
  add(values: Iterable<LinkValue>): Generator<UpsertChange>;
  /** The change with the final part. */
  end(): UpsertChange;
}

/** Writes a whole list, its first part with the object itself. */
export function listWriter(object: UpsertChange, attribute: string): ListWriter {
  let number = 0;
  let pending: LinkValue[] = [];
  const flush = (last: boolean): UpsertChange => {
    const link = replacement(attribute, pending, number, last);
    pending = [];
    return number++ === 0 ? withLinks(object, [link]) : continuationOf(object, [link]);
  };
  return {
    *add(values) {
      for (const value of values) {
        if (pending.length === VALUES_PER_PART) yield flush(false);
        pending.push(value);
      }
    },
    end: () => flush(true),
  };
}

/** The object with its whole list, over as many changes as it takes. A list without values is there and empty. */
export function* wholeListChanges(
  object: UpsertChange,
  attribute: string,
  values: Iterable<LinkValue>,
): Generator<UpsertChange> {
  const writer = listWriter(object, attribute);
  yield* writer.add(values);
  yield writer.end();
}

/** The object with what was added to its list and removed from it. Without either, the object alone. */
export function* deltaListChanges(
  object: UpsertChange,
  attribute: string,
  values: { readonly added: Iterable<LinkValue>; readonly removed: Iterable<LinkValue> },
): Generator<UpsertChange> {
  let isFirst = true;
  const changeOf = (add: LinkValue[], remove: LinkValue[]) => {
    const link: LinkChange = { attribute, mode: "delta", add, remove, part: 0, last: true };
    const change = isFirst ? withLinks(object, [link]) : continuationOf(object, [link]);
    isFirst = false;
    return change;
  };
  let added: LinkValue[] = [];
  for (const part of partsOf(values.added)) {
    if (added.length > 0) yield changeOf(added, []);
    added = part;
  }
  for (const removed of partsOf(values.removed)) {
    if (added.length + removed.length > VALUES_PER_PART) {
      yield changeOf(added, []);
      added = [];
    }
    yield changeOf(added, removed);
    added = [];
  }
  if (added.length > 0) yield changeOf(added, []);
  if (isFirst) yield object;
}

/** How much of a page a change takes, in values of links. */
export function weightOf(change: Change): number {
  if (change.op !== "upsert" || change.links === undefined) return 0;
  return change.links.reduce((sum, { add, remove }) => sum + add.length + remove.length, 0);
}
