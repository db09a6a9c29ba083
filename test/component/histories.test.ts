/**
 * Histories of a small directory, split into reads and batches, run by two lanes that take turns as they like, with
 * faults: whatever happened, the target is the projection in the end. `UPLINK_TEST_RUNS` sets how many are drawn; a
 * failure prints its seed, and `UPLINK_TEST_SEED` draws that one again.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Event, holds } from "./play.ts";

const RUNS = Number(process.env["UPLINK_TEST_RUNS"] ?? 40);
const SEED = process.env["UPLINK_TEST_SEED"];
const PEOPLE = ["ann", "bob", "cid", "dee"];

const name = fc.constantFrom(...PEOPLE);
const step: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ do: fc.constant("create" as const), name }),
  fc.record({ do: fc.constant("department" as const), name, to: fc.constantFrom("Sales", "Finance", null) }),
  fc.record({ do: fc.constant("enable" as const), name, to: fc.boolean() }),
  fc.record({ do: fc.constant("upn" as const), name, to: name.map((own) => `${own}.new@corp.example`) }),
  fc.record({ do: fc.constant("delete" as const), name }),
  fc.record({ do: fc.constant("undelete" as const), name }),
);
const read: fc.Arbitrary<Event> = fc.record({
  do: fc.constant("read" as const),
  kind: fc.constantFrom("full" as const, "delta" as const, "delta" as const),
  size: fc.integer({ min: 1, max: 4 }),
  doubled: fc.boolean(),
});
const ask: fc.Arbitrary<Event> = fc.record({
  ...{ do: fc.constant("ask" as const), name },
  meanwhile: fc.constantFrom("nothing" as const, "nothing" as const, "delta" as const, "full" as const, "run" as const),
});
const run: fc.Arbitrary<Event> = fc.constant({ do: "run" as const });
const fault: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ do: fc.constant("crash" as const), at: fc.integer({ min: 1, max: 40 }) }),
  fc.record({ do: fc.constant("touch" as const), count: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ do: fc.constant("away" as const), count: fc.integer({ min: 1, max: 6 }) }),
  fc.record({ do: fc.constant("hours" as const), count: fc.integer({ min: 1, max: 30 }) }),
  fc.record({
    do: fc.constant("fault" as const),
    kind: fc.constantFrom("throttle" as const, "lose-answer" as const, "fail" as const),
    count: fc.integer({ min: 1, max: 3 }),
  }),
);
const history = fc.array(
  fc.oneof(
    { weight: 10, arbitrary: step },
    { weight: 4, arbitrary: read },
    { weight: 3, arbitrary: run },
    { weight: 2, arbitrary: fault },
  ),
  { maxLength: 30 },
);

const asking = fc.array(
  fc.oneof(
    { weight: 10, arbitrary: step },
    { weight: 4, arbitrary: read },
    { weight: 5, arbitrary: ask },
    { weight: 3, arbitrary: run },
    { weight: 1, arbitrary: fault },
  ),
  { maxLength: 30 },
);

describe("any history", () => {
  it("ends so too where somebody is asked for on demand, between any two batches", async () => {
    await fc.assert(
      fc.asyncProperty(asking, (events) => holds(events)),
      { numRuns: RUNS, endOnFailure: false, ...(SEED === undefined ? {} : { seed: Number(SEED) }) },
    );
  }, 120_000);

  it(`ends with the target being the projection (${RUNS} drawn)`, async () => {
    await fc.assert(
      fc.asyncProperty(history, (events) => holds(events)),
      { numRuns: RUNS, endOnFailure: false, ...(SEED === undefined ? {} : { seed: Number(SEED) }) },
    );
  }, 120_000);

  const create = (who: string): Event => ({ do: "create", name: who });
  const twice = (kind: "full" | "delta"): Event => ({ do: "read", kind, size: 1, doubled: true });

  it.each<[string, readonly Event[]]>([
    [
      "an older change, overtaken by a newer one that failed, says nothing of the failure",
      [create("dee"), { do: "fault", kind: "fail", count: 2 }, twice("full"), { do: "enable", name: "dee", to: false }],
    ],
    [
      "a name claimed by a change that was overtaken is given up",
      [create("bob"), twice("full"), { do: "upn", name: "bob", to: "ann.new@corp.example" }],
    ],
    [
      "a create whose answer was lost, of somebody who is deleted before the retry, leaves nobody behind",
      [
        create("ann"),
        { do: "fault", kind: "lose-answer", count: 1 },
        twice("full"),
        { do: "run" },
        { do: "delete", name: "ann" },
      ],
    ],
    [
      "an activity that dies while an agent asks takes nothing from the agent",
      [
        { do: "crash", at: 4 },
        { do: "read", kind: "full", size: 1, doubled: false },
        { do: "read", kind: "delta", size: 1, doubled: false },
        { do: "hours", count: 1 },
      ],
    ],
    [
      "somebody absent from a full read is not taken away when a later delta saw him",
      [
        create("ann"),
        create("bob"),
        twice("full"),
        { do: "run" },
        { do: "delete", name: "ann" },
        twice("full"),
        { do: "undelete", name: "ann" },
        twice("delta"),
        { do: "run" },
      ],
    ],
  ])("found once: %s", async (_, events) => {
    await holds(events);
  });

  it("is worth drawing: reads, removals and faults do happen", () => {
    const drawn = fc.sample(history, { numRuns: 200, seed: 1 }).flat();
    for (const kind of ["read", "delete", "undelete", "crash", "fault", "away", "touch"])
      expect(
        drawn.some((event) => event.do === kind),
        kind,
      ).toBe(true);
  });
});
