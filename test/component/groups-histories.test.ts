/**
 * Histories of people, groups, managers and members, with reads in batches, two lanes and faults: whatever happened, the
 * target is the projection in the end. `UPLINK_TEST_RUNS` sets how many are drawn; a failure prints its seed, and
 * `UPLINK_TEST_SEED` draws that one again.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Event, holds } from "./play.ts";

const RUNS = Number(process.env["UPLINK_TEST_RUNS"] ?? 25);
const SEED = process.env["UPLINK_TEST_SEED"];
/** Many are drawn on purpose: then as many as there is time for. */
const LIMIT_MS = 100_000;
const PEOPLE = ["ann", "bob", "cid"];
const GROUPS = ["sales", "staff"];

const person = fc.constantFrom(...PEOPLE);
const group = fc.constantFrom(...GROUPS);
const member = fc.constantFrom(...PEOPLE, ...GROUPS);
const step: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ do: fc.constant("create" as const), name: person }),
  fc.record({ do: fc.constant("manager" as const), name: person, to: fc.option(person) }),
  fc.record({ do: fc.constant("delete" as const), name: person }),
  fc.record({ do: fc.constant("undelete" as const), name: person }),
  fc.record({ do: fc.constant("group" as const), name: group, description: fc.constantFrom("a", "b", null) }),
  fc.record({ do: fc.constant("join" as const), name: group, member }),
  fc.record({ do: fc.constant("join" as const), name: group, member }),
  fc.record({ do: fc.constant("quit" as const), name: group, member }),
  fc.record({ do: fc.constantFrom("delete-group" as const, "undelete-group" as const), name: group }),
);
const read: fc.Arbitrary<Event> = fc.record({
  do: fc.constant("read" as const),
  kind: fc.constantFrom("full" as const, "delta" as const, "delta" as const),
  size: fc.integer({ min: 1, max: 4 }),
  doubled: fc.boolean(),
});
const fault: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ do: fc.constant("crash" as const), at: fc.integer({ min: 1, max: 60 }) }),
  fc.record({ do: fc.constant("touch" as const), count: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ do: fc.constant("away" as const), count: fc.integer({ min: 1, max: 6 }) }),
  fc.record({ do: fc.constant("hours" as const), count: fc.integer({ min: 1, max: 30 }) }),
  fc.record({
    do: fc.constant("fault" as const),
    kind: fc.constantFrom("throttle" as const, "lose-answer" as const, "fail" as const),
    count: fc.integer({ min: 1, max: 3 }),
  }),
);
const events = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: step },
    { weight: 4, arbitrary: read },
    { weight: 3, arbitrary: fc.constant<Event>({ do: "run" }) },
    { weight: 2, arbitrary: fault },
  ),
  { maxLength: 30 },
);
/** Somebody is there from the start: an empty directory has nothing to link. */
const START: readonly Event[] = [
  { do: "create", name: "ann" },
  { do: "create", name: "bob" },
  { do: "group", name: "sales", description: "a" },
  { do: "join", name: "sales", member: "ann" },
  { do: "manager", name: "ann", to: "bob" },
];
const history = events.map((own) => [...START, ...own]);

describe("any history with groups and managers", () => {
  it(`ends with the target being the projection (${RUNS} drawn)`, async () => {
    await fc.assert(
      fc.asyncProperty(history, (own) => holds(own)),
      {
        numRuns: RUNS,
        interruptAfterTimeLimit: LIMIT_MS,
        endOnFailure: false,
        ...(SEED === undefined ? {} : { seed: Number(SEED) }),
      },
    );
  }, 120_000);

  const full = { do: "read", kind: "full", size: 1, doubled: false } as const;

  it.each<[string, readonly Event[]]>([
    [
      "a member whom a delta takes out stays out, whatever lists of two older reads are still on their way",
      [...START, full, full, { do: "quit", name: "sales", member: "ann" }],
    ],
    [
      "somebody whose deletion was planned again while the other lane made him, and whose activity was repeated, is counted once",
      [
        ...START,
        { do: "create", name: "cid" },
        { ...full, size: 4 },
        { do: "delete", name: "bob" },
        { do: "delete", name: "ann" },
      ],
    ],
  ])("found once: %s", async (_, own) => {
    await holds(own);
  });

  it("is worth drawing: links, removals and faults do happen", () => {
    const drawn = fc.sample(history, { numRuns: 200, seed: 1 }).flat();
    for (const kind of ["join", "quit", "manager", "delete-group", "undelete-group", "delete", "undelete", "crash"])
      expect(
        drawn.some((event) => event.do === kind),
        kind,
      ).toBe(true);
  });
});
