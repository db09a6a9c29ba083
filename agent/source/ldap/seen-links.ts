/**
 * What a full read has seen of links to one object (manager and the like), whose values a server may give apart from the object: before
 * it, after it, and not again when the object is reported once more because it was changed meanwhile. A whole object without its manager
 * would say that it has none, so what was seen is kept until the read ends: some 100 bytes for each object with a manager.
 */
import { isMember, type LinkValue, replacement, type UpsertChange } from "../member-lists.ts";
import { addedValues, guidOf, type ReadShape, removedValues, toLinkValues } from "./changes.ts";
import type { LdapEntry } from "./entries.ts";

export interface SeenLinks {
  /** The order's names of such links. */
  readonly names: readonly string[];
  note(entry: LdapEntry): void;
  /** Of which links something was seen, if only that a value went. */
  namesOf(objectGuid: string): string[];
  /** The object with what was seen, where `counts` says that this decides over what the change says itself. */
  complete(change: UpsertChange, counts: (own: readonly LinkValue[]) => boolean): UpsertChange;
  forget(objectGuid: string): void;
}

export function createSeenLinks(shape: ReadShape): SeenLinks {
  const names = shape.attributes.filter((name) => !isMember(name) && shape.syntax.of(name) === "link");
  const valuesByName = new Map(names.map((name) => [name, new Map<string, readonly LinkValue[]>()]));
  /** One list for all who have the same manager and nothing else. */
  const alone = new Map<string, readonly LinkValue[]>();
  const shared = (values: readonly LinkValue[]) => {
    const [value] = values;
    if (value === undefined || values.length > 1) return values;
    const known = alone.get(value.guid) ?? values;
    alone.set(value.guid, known);
    return known;
  };
  return {
    names,
    note(entry) {
      let guid: string | undefined;
      for (const [name, valuesByGuid] of valuesByName) {
        const key = name.toLowerCase();
        const isWhole = entry.valuesByName.has(key);
        const hasGone = entry.valuesByName.has(`${key};range=0-0`);
        if (!isWhole && !hasGone && !entry.valuesByName.has(`${key};range=1-1`)) continue;
        guid ??= guidOf(entry);
        if (guid === undefined) return;
        const before = isWhole ? [] : (valuesByGuid.get(guid) ?? []);
        const now = isWhole ? toLinkValues(entry.valuesByName.get(key) ?? []) : addedValues(entry, name);
        if (before.length === 0) {
          valuesByGuid.set(guid, shared([...now]));
          continue;
        }
        const values = new Map(before.map((value) => [value.guid, value]));
        for (const value of removedValues(entry, name)) values.delete(value.guid);
        for (const value of now) values.set(value.guid, value);
        valuesByGuid.set(guid, shared([...values.values()]));
      }
    },
    namesOf: (objectGuid) => names.filter((name) => valuesByName.get(name)?.has(objectGuid)),
    complete(change, counts) {
      const links = [...(change.links ?? [])];
      for (const [name, valuesByGuid] of valuesByName) {
        const seen = valuesByGuid.get(change.objectGuid) ?? [];
        const at = links.findIndex(({ attribute }) => attribute === name);
        if (seen.length === 0 || !counts(links[at]?.add ?? [])) continue;
        links.splice(at < 0 ? links.length : at, at < 0 ? 0 : 1, replacement(name, [...seen]));
      }
      return links.length === 0 ? change : { ...change, links };
    },
    forget(objectGuid) {
      for (const valuesByGuid of valuesByName.values()) valuesByGuid.delete(objectGuid);
    },
  };
}
