/** Member lists as changes: whole lists in parts that fit, what came and went, nothing lost or twice. */
import { describe, expect, it } from "vitest";
import {
  deltaListChanges,
  type LinkValue,
  type UpsertChange,
  VALUES_PER_PART,
  wholeListChanges,
} from "../../../agent/source/member-lists.ts";
import { BATCH_MAX_BYTES, Change } from "../../../shared/contracts/change.ts";
import { guidNumber } from "../builders.ts";

const group: UpsertChange = {
  op: "upsert",
  objectGuid: guidNumber(1),
  objectClass: "group",
  dn: "CN=Crew,DC=corp,DC=example,DC=com",
  attributes: { displayName: ["Crew"] },
};
const values = (count: number, from = 100): LinkValue[] =>
  Array.from({ length: count }, (_, index) => ({ guid: guidNumber(from + index) }));
const linksOf = (changes: readonly UpsertChange[]) => changes.flatMap(({ links }) => links ?? []);

describe("a whole list", () => {
  it.each([
    [0, [0]],
    [1, [1]],
    [VALUES_PER_PART, [VALUES_PER_PART]],
    [VALUES_PER_PART + 1, [VALUES_PER_PART, 1]],
    [2 * VALUES_PER_PART + 7, [VALUES_PER_PART, VALUES_PER_PART, 7]],
  ])("of %i values is cut, numbered, and ended once", (count, sizes) => {
    const changes = [...wholeListChanges(group, "member", values(count))];
    for (const change of changes) Change.parse(change);
    const links = linksOf(changes);
    expect(links.map(({ add }) => add.length)).toEqual(sizes);
    expect(links.map(({ part }) => part)).toEqual(sizes.map((_, index) => index));
    expect(links.filter(({ last }) => last)).toEqual([links.at(-1)]);
    expect(links.flatMap(({ add }) => add)).toEqual(values(count));
    expect(changes[0]).toMatchObject({ attributes: { displayName: ["Crew"] } });
    for (const rest of changes.slice(1)) expect(rest).toMatchObject({ attributes: {}, changed: [] });
  });

  it("is taken value by value: no part is made before the one before it is given out", () => {
    let taken = 0;
    const counted = function* () {
      for (const value of values(5 * VALUES_PER_PART)) {
        taken++;
        yield value;
      }
    };
    const changes = wholeListChanges(group, "member", counted());
    changes.next();
    expect(taken).toBe(VALUES_PER_PART + 1);
  });

  it("of foreign security principals fits into a batch, part by part", () => {
    const sid = "S-1-5-21-4294967295-4294967295-4294967295-4294967295";
    const foreign = values(VALUES_PER_PART).map((value) => ({ ...value, sid }));
    for (const change of wholeListChanges(group, "member", foreign))
      expect(JSON.stringify(change).length).toBeLessThan(BATCH_MAX_BYTES / 3);
  });
});

describe("what came and went", () => {
  it.each([
    [0, 0, 1],
    [3, 2, 1],
    [VALUES_PER_PART, 1, 2],
    [VALUES_PER_PART + 1, 0, 2],
    [5, VALUES_PER_PART + 5, 3],
  ])("%i and %i values take %i changes", (came, went, count) => {
    const added = values(came);
    const removed = values(went, 1_000_000);
    const changes = [...deltaListChanges(group, "member", { added, removed })];
    for (const change of changes) Change.parse(change);
    expect(changes).toHaveLength(count);
    expect(linksOf(changes).flatMap(({ add }) => add)).toEqual(added);
    expect(linksOf(changes).flatMap(({ remove }) => remove)).toEqual(removed);
    for (const { mode, part, last, add, remove } of linksOf(changes)) {
      expect([mode, part, last]).toEqual(["delta", 0, true]);
      expect(add.length + remove.length).toBeLessThanOrEqual(VALUES_PER_PART);
    }
  });
});
