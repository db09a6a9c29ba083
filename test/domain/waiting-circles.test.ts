import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Waiting, whoStepsAside } from "../../shared/domain/waiting-circles.ts";

const ids = ["a", "b", "c", "d", "e", "f"];
const graphs = fc
  .array(fc.tuple(fc.constantFrom(...ids), fc.uniqueArray(fc.constantFrom(...ids), { maxLength: 3 })), { maxLength: 6 })
  .map((entries): Waiting[] =>
    [...new Map(entries)].map(([id, holders]) => ({ id, holders: holders.filter((holder) => holder !== id) })),
  );

/** Lets everybody go whose holders have gone or stepped aside, until nobody can. */
function stuckAfter(waiting: readonly Waiting[], aside: readonly string[]): string[] {
  const known = new Set(waiting.map(({ id }) => id));
  const free = new Set(aside);
  for (let before = -1; before !== free.size; ) {
    before = free.size;
    for (const { id, holders } of waiting)
      if (holders.every((holder) => free.has(holder) || !known.has(holder))) free.add(id);
  }
  return waiting.map(({ id }) => id).filter((id) => !free.has(id));
}

describe("objects that wait for each other's values", () => {
  it.each([
    [
      "two who swap",
      [
        { id: "b", holders: ["a"] },
        { id: "a", holders: ["b"] },
      ],
      ["a"],
    ],
    [
      "three in a ring",
      [
        { id: "c", holders: ["a"] },
        { id: "a", holders: ["b"] },
        { id: "b", holders: ["c"] },
      ],
      ["a"],
    ],
    [
      "a chain",
      [
        { id: "a", holders: ["b"] },
        { id: "b", holders: ["c"] },
      ],
      [],
    ],
    [
      "one who waits for a ring",
      [
        { id: "a", holders: ["b"] },
        { id: "b", holders: ["c"] },
        { id: "c", holders: ["b"] },
      ],
      ["b"],
    ],
    ["one who waits for a stranger", [{ id: "a", holders: ["x"] }], []],
  ])("%s", (_, waiting, aside) => {
    expect(whoStepsAside(waiting)).toEqual(aside);
  });

  it("nobody steps aside who isn't in a circle, and pass after pass everybody goes (law)", () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        let left = graph;
        for (let pass = 0; left.length > 0 && pass <= graph.length; pass++) {
          const aside = whoStepsAside(left);
          for (const id of aside) expect(stuckAfter(left, []), `${id} would have gone by itself`).toContain(id);
          const stuck = stuckAfter(left, aside);
          left = left.filter(({ id }) => stuck.includes(id));
        }
        expect(left).toEqual([]);
      }),
    );
  });

  it("the order of the input decides nothing (law)", () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        expect(whoStepsAside([...graph].reverse())).toEqual(whoStepsAside(graph));
      }),
    );
  });
});
