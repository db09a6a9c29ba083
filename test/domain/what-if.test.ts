import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { REMOVAL_CLASSES } from "../../shared/domain/plan.ts";
import {
  addTallies,
  changesOf,
  minutesOf,
  NO_TALLY,
  type TriedObject,
  tallied,
  type WhatIfTally,
  writesOfTally,
} from "../../shared/domain/what-if.ts";

const tried: fc.Arbitrary<TriedObject> = fc.record({
  objectGuid: fc.uuid(),
  objectClass: fc.constantFrom("user", "group"),
  action: fc.constantFrom("create", "update", "disable", "delete", "none", "filtered", "failed"),
  isLinked: fc.boolean(),
  changes: fc.array(
    fc.record({
      attribute: fc.constantFrom("jobTitle", "department"),
      before: fc.constantFrom(null, "a"),
      after: fc.constantFrom(null, "b"),
    }),
    { maxLength: 2 },
  ),
  removes: fc.subarray([...REMOVAL_CLASSES]),
  isRenamed: fc.boolean(),
  writes: fc.nat(3),
  failure: fc.option(fc.record({ code: fc.constantFrom("A", "B"), message: fc.string() }), {
    nil: undefined,
  }) as fc.Arbitrary<never>,
  waitingReferences: fc.nat(1),
});
const objects = fc.array(tried, { maxLength: 40 });

/** What doesn't depend on which examples come first. */
function figures({ samples: _, attributes, failures, ...rest }: WhatIfTally) {
  const without = <T extends { readonly samples: unknown }>(of: Readonly<Record<string, T>>) =>
    Object.fromEntries(Object.entries(of).map(([name, { samples: __, ...own }]) => [name, own]));
  return { ...rest, attributes: without(attributes), failures: without(failures) };
}

describe("the tally of a what-if", () => {
  it("is the same in whatever parts the objects are tallied (law)", () => {
    fc.assert(
      fc.property(objects, fc.nat(40), (all, at) => {
        const parts = addTallies(tallied(NO_TALLY, all.slice(0, at)), tallied(NO_TALLY, all.slice(at)));
        expect(figures(parts)).toEqual(figures(tallied(NO_TALLY, all)));
        expect(tallied(tallied(NO_TALLY, all.slice(0, at)), all.slice(at))).toEqual(parts);
      }),
    );
  });

  it("counts each object once, by its action, and under its class (law)", () => {
    fc.assert(
      fc.property(objects, (all) => {
        const { counts, classes, objects: total } = tallied(NO_TALLY, all);
        const sum = (of: Readonly<Record<string, number>>) => Object.values(of).reduce((one, other) => one + other, 0);
        expect(total).toBe(all.length);
        expect(sum(counts)).toBe(all.length);
        expect(Object.values(classes).reduce((one, own) => one + sum(own), 0)).toBe(all.length);
      }),
    );
  });

  it("stays as small however many there are", () => {
    const object = (at: number): TriedObject => ({
      objectGuid: String(at).padStart(8, "0"),
      objectClass: "user",
      action: "update",
      isLinked: true,
      changes: [{ attribute: "jobTitle", before: "x".repeat(5_000), after: "y".repeat(5_000) }],
      removes: [],
      isRenamed: false,
      writes: 1,
      failure: { code: "A", message: "why" },
      waitingReferences: 0,
    });
    const of = (count: number) =>
      tallied(
        NO_TALLY,
        Array.from({ length: count }, (_, at) => object(at)),
      );
    const large = of(5_000);
    expect(JSON.stringify(large).length).toBeLessThan(JSON.stringify(of(50)).length + 50);
    expect(large.samples["update"]).toHaveLength(10);
    expect(large.attributes["user jobTitle"]?.samples).toHaveLength(5);
    expect(String(large.attributes["user jobTitle"]?.samples[0]?.before).length).toBeLessThan(250);
  });

  it("takes examples of what changes before those of who is new", () => {
    const one = (objectGuid: string, action: "create" | "update"): TriedObject => ({
      objectGuid,
      objectClass: "user",
      action,
      isLinked: action === "update",
      changes: [{ attribute: "jobTitle", before: null, after: "b" }],
      removes: [],
      isRenamed: false,
      writes: 1,
      waitingReferences: 0,
    });
    const { attributes } = tallied(NO_TALLY, [one("1", "create"), one("2", "create"), one("3", "update")]);
    expect(attributes["user jobTitle"]).toMatchObject({ changed: 1, set: 2 });
    expect(attributes["user jobTitle"]?.samples.map(({ objectGuid }) => objectGuid)).toEqual(["3", "1", "2"]);
  });
});

it("tells nested properties by key, with what was there before", () => {
  expect(
    changesOf(
      { jobTitle: "a", onPremisesExtensionAttributes: { extensionAttribute1: "x", extensionAttribute2: "y" } },
      {
        jobTitle: null,
        onPremisesExtensionAttributes: { extensionAttribute1: "z", extensionAttribute3: "new" },
        businessPhones: ["1"],
      },
    ),
  ).toEqual([
    { attribute: "jobTitle", before: "a", after: null },
    { attribute: "onPremisesExtensionAttributes.extensionAttribute1", before: "x", after: "z" },
    { attribute: "onPremisesExtensionAttributes.extensionAttribute3", before: null, after: "new" },
    { attribute: "businessPhones", before: null, after: ["1"] },
  ]);
});

it("counts writes of what the guard lets pass, for users and groups apart, and of members as many as come", () => {
  const user = { deletes: 30, disables: 2, blanks: 0 };
  const group = { deletes: 1, disables: 0, blanks: 0 };
  const memberships = { groups: 1, adds: 0, removes: 0, pending: 100, pendingWrites: 5 };
  const tally: WhatIfTally = {
    ...NO_TALLY,
    objects: 10,
    counts: { create: 4 },
    writes: 4,
    removalWrites: { user, group },
    memberships,
  };
  // Of ten without link four come: of five writes for members two.
  expect(writesOfTally(tally, { user: [], group: [] })).toBe(6);
  expect(writesOfTally(tally, { user: ["disables"], group: ["deletes"] })).toBe(9);
  expect(minutesOf(3_000, 3_000)).toBe(3);
  expect(minutesOf(150_000, 3_000)).toBe(125);
  expect(minutesOf(10, undefined)).toBeNull();
});
