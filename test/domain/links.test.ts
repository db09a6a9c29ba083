import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { changeVersion } from "../../shared/domain/change-version.ts";
import { afterDone, marked, type ResolvedReferee, stepOf } from "../../shared/domain/link-difference.ts";
import {
  type Edge,
  type FoldedLinks,
  foldLinks,
  isForgettable,
  isUnsettled,
  type LinkStatement,
  type ListHead,
  NO_LIST,
  namedBy,
  needsAllEdges,
  withoutMissingEdges,
} from "../../shared/domain/links.ts";

const KEEPS = { keepsVersions: true };
const MEMBERS = ["a", "b", "c", "d"];
const refs = (names: readonly string[]) => names.map((guid) => ({ guid }));

/** One look at the directory: who came and went, or the whole list, of a full read or of a delta, in one part or several. */
type Look =
  | { readonly kind: "delta"; readonly add: readonly string[]; readonly remove: readonly string[] }
  | { readonly kind: "list"; readonly names: readonly string[]; readonly isFull: boolean; readonly parts: number };

const someMembers = fc.subarray(MEMBERS);
const look: fc.Arbitrary<Look> = fc.oneof(
  fc
    .record({
      kind: fc.constant("delta" as const),
      add: someMembers,
      remove: someMembers,
    })
    .map((own) => ({ ...own, remove: own.remove.filter((name) => !own.add.includes(name)) })),
  fc.record({
    kind: fc.constant("list" as const),
    names: fc.shuffledSubarray(MEMBERS),
    isFull: fc.boolean(),
    parts: fc.integer({ min: 1, max: 3 }),
  }),
);

/** The statements of the n-th look: its read has that number, as reads are serial. */
function statementsOf(own: Look, readNo: number): LinkStatement[] {
  if (own.kind === "delta")
    return [{ kind: "delta", version: changeVersion(readNo, 1, 0), add: refs(own.add), remove: refs(own.remove) }];
  const size = Math.max(1, Math.ceil(own.names.length / own.parts));
  return Array.from({ length: own.parts }, (_, part) => ({
    kind: "list" as const,
    version: changeVersion(readNo, 1, part),
    values: refs(own.names.slice(part * size, (part + 1) * size)),
    part,
    last: part === own.parts - 1,
    isFull: own.isFull,
  }));
}

interface State {
  readonly head: ListHead;
  readonly edges: ReadonlyMap<string, Edge>;
}

/** As the use case does it: only the edges that are needed are at hand. */
function fold(state: State, statements: readonly LinkStatement[], options = KEEPS): FoldedLinks {
  const needed = needsAllEdges(state.head, statements) ? undefined : namedBy(statements);
  const known = new Map([...state.edges].filter(([guid]) => needed?.has(guid) ?? true));
  const folded = foldLinks(state.head, known, statements, options);
  const rest = [...state.edges].filter(([guid]) => !known.has(guid));
  return { ...folded, edges: new Map([...rest, ...folded.edges]) };
}

const EMPTY: State = { head: NO_LIST, edges: new Map() };
const foldEach = (batches: readonly (readonly LinkStatement[])[], options = KEEPS) =>
  batches.reduce<State>((state, statements) => fold(state, statements, options), EMPTY);

/** Who is wanted, and of whom a full read's list said nothing since. */
function meaning({ edges }: State): Record<string, number | true> {
  return Object.fromEntries(
    [...edges].flatMap(([guid, edge]) => (edge.wanted ? [[guid, edge.missing ?? true]] : [])).sort(),
  );
}

/** The same, told by the looks alone. */
function truth(looks: readonly Look[]): Record<string, number | true> {
  const present = new Map<string, number | true>();
  for (const [index, own] of looks.entries()) {
    if (own.kind === "delta") {
      for (const name of own.add) present.set(name, true);
      for (const name of own.remove) present.delete(name);
      continue;
    }
    for (const name of [...present.keys()].filter((name) => !own.names.includes(name)))
      own.isFull ? present.set(name, index + 1) : present.delete(name);
    for (const name of own.names) present.set(name, true);
  }
  return Object.fromEntries([...present].sort());
}

const looks = fc.array(look, { maxLength: 6 });

/** In another order of arrival; the parts of one list stay in theirs, for one lane carries them. */
const arrival = looks.chain((own) =>
  fc.tuple(
    fc.constant(own),
    fc.shuffledSubarray(
      own.map((_, index) => index),
      { minLength: own.length },
    ),
  ),
);

/** Shrunk counter-examples of the past. */
const FOUND: [Look[], number[]][] = [
  // A list in parts that begins and ends in one batch is compared with everybody, too.
  [
    [
      { kind: "delta", add: ["b"], remove: [] },
      { kind: "list", names: [], isFull: false, parts: 2 },
    ],
    [0, 1],
  ],
  // A list older than the last one has to leave its version at the edges that it repeats.
  [
    [
      { kind: "list", names: ["c"], isFull: false, parts: 1 },
      { kind: "list", names: [], isFull: false, parts: 1 },
      { kind: "delta", add: [], remove: [] },
      { kind: "list", names: ["c"], isFull: true, parts: 1 },
      { kind: "list", names: [], isFull: true, parts: 1 },
    ],
    [0, 4, 3, 1, 2],
  ],
];
/** A full read's list that lacks an edge has to leave it the version of the list that it takes the place of. */
const FORGOTTEN_LIST: [Look[], number[]] = [
  [
    { kind: "delta", add: ["c"], remove: [] },
    { kind: "delta", add: [], remove: [] },
    { kind: "list", names: ["c"], isFull: true, parts: 1 },
    { kind: "list", names: [], isFull: true, parts: 1 },
  ],
  [0, 2, 1, 3],
];
const RUNS = 1_000;

describe("folding what a directory says of links", () => {
  it("ends with what the looks say, one after the other (law)", () => {
    fc.assert(
      fc.property(looks, fc.boolean(), (own, keepsVersions) => {
        const batches = own.map((one, index) => statementsOf(one, index + 1));
        expect(meaning(foldEach(batches, { keepsVersions }))).toEqual(truth(own));
      }),
      { numRuns: RUNS },
    );
  });

  it("ends the same in whatever order the looks arrive (law)", () => {
    fc.assert(
      fc.property(arrival, ([own, order]) => {
        const batches = order.map((index) => statementsOf(own[index] as Look, index + 1));
        expect(meaning(foldEach(batches))).toEqual(truth(own));
      }),
      { numRuns: RUNS, examples: FOUND.map((own): [[Look[], number[]]] => [own]) },
    );
  });

  it("changes nothing when the same is said twice, and looks at what isn't settled again (law)", () => {
    fc.assert(
      fc.property(arrival, fc.nat(5), ([own, order], at) => {
        const batches = order.map((index) => statementsOf(own[index] as Look, index + 1));
        const state = foldEach(batches);
        const again = batches[at % Math.max(1, batches.length)] ?? [];
        const folded = fold(state, again);
        expect(folded.changed).toEqual(new Set());
        expect(meaning(folded)).toEqual(meaning(state));
        for (const own of again.filter((one) => one.kind === "delta"))
          for (const { guid } of own.add) {
            const edge = folded.edges.get(guid);
            if (edge && isUnsettled(edge)) expect(folded.touched.has(guid)).toBe(true);
          }
      }),
      { numRuns: RUNS, examples: [[FORGOTTEN_LIST, 1]] },
    );
  });

  it("of deltas is the same as the list that they lead to (law)", () => {
    fc.assert(
      fc.property(
        fc.array(
          look.filter((own) => own.kind === "delta"),
          { maxLength: 6 },
        ),
        (own) => {
          const names = Object.keys(truth(own));
          const whole = statementsOf({ kind: "list", names, isFull: false, parts: 1 }, own.length + 1);
          const state = foldEach(own.map((one, index) => statementsOf(one, index + 1)));
          expect(meaning(fold(state, whole))).toEqual(meaning(state));
          expect(meaning(foldEach([whole]))).toEqual(meaning(state));
        },
      ),
    );
  });

  it("concludes nothing from a list that lacks a part, or whose parts come out of order", () => {
    const before = foldEach([statementsOf({ kind: "delta", add: ["a", "z"], remove: [] }, 1)]);
    const parts = statementsOf({ kind: "list", names: ["a", "b", "c"], isFull: false, parts: 3 }, 2);
    const [first, second, third] = parts as [LinkStatement, LinkStatement, LinkStatement];
    for (const given of [[first, third], [second, third], [third], [first, second]]) {
      const folded = given.reduce<State>((state, own) => fold(state, [own]), before);
      expect(meaning(folded)["z"]).toBe(true);
    }
    expect(meaning(parts.reduce<State>((state, own) => fold(state, [own]), before))).toEqual({
      a: true,
      b: true,
      c: true,
    });
    // The first list never ended: the second one's parts are its own.
    const next = statementsOf({ kind: "list", names: ["b", "c"], isFull: false, parts: 2 }, 3);
    expect(meaning([first, ...next].reduce<State>((state, own) => fold(state, [own]), before))).toEqual({
      b: true,
      c: true,
    });
    const mixed = [first, { ...next[1], part: 1 } as LinkStatement];
    expect(meaning(mixed.reduce<State>((state, own) => fold(state, [own]), before))["z"]).toBe(true);
  });

  it("forgets who was never sent, unless older statements may come", () => {
    const gone = [{ kind: "delta" as const, version: changeVersion(2, 1, 0), add: [], remove: refs(["a"]) }];
    const before = foldEach([statementsOf({ kind: "delta", add: ["a"], remove: [] }, 1)]);
    expect(fold(before, gone, { keepsVersions: false }).edges.size).toBe(0);
    expect(fold(before, gone).edges.get("a")).toMatchObject({ wanted: false, version: changeVersion(2, 1, 0) });
    const late = fold(fold(EMPTY, gone), statementsOf({ kind: "delta", add: ["a"], remove: [] }, 1));
    expect(meaning(late)).toEqual({});
  });

  it("takes away what a full read's list lacked only when that read is concluded", () => {
    const added: Edge = { version: changeVersion(1, 1, 0), wanted: true, state: "added", target: "A" };
    const state: State = {
      head: NO_LIST,
      edges: new Map([
        ["a", added],
        ["b", added],
      ]),
    };
    const read = fold(state, statementsOf({ kind: "list", names: ["b"], isFull: true, parts: 1 }, 5));
    expect(read.edges.get("a")).toEqual({ ...added, missing: 5 });
    expect(read.edges.get("b")).toEqual(added);
    expect(withoutMissingEdges(read.edges, read.head, 4)).toEqual(read.edges);
    const concluded = withoutMissingEdges(read.edges, read.head, 5);
    expect(concluded.get("a")).toEqual({ ...added, wanted: false, version: changeVersion(5, 1, 0) });
    // Whoever sees it later is right.
    const seen = fold(read, statementsOf({ kind: "delta", add: ["a"], remove: [] }, 6));
    expect(withoutMissingEdges(seen.edges, seen.head, 5).get("a")).toMatchObject({ wanted: true, state: "added" });
  });
});

/** A target, as far as one group's members go, and who has which object in it. */
describe("what is sent for an edge", () => {
  const referee: fc.Arbitrary<ResolvedReferee | undefined> = fc.option(
    fc.record({ targetId: fc.constantFrom("A", "B", "C"), isDeleted: fc.boolean(), deletedAt: fc.constantFrom(0, 1) }),
    { nil: undefined },
  );
  const edge: fc.Arbitrary<Edge> = fc
    .record({
      wanted: fc.boolean(),
      state: fc.constantFrom("none" as const, "adding" as const, "added" as const, "removing" as const),
      target: fc.constantFrom("A", "B", "Z"),
    })
    .map(({ wanted, state, target }) => ({
      version: changeVersion(1, 1, 0),
      wanted,
      state,
      ...(state === "none" ? {} : { target }),
    }));

  it("leaves nothing to send once it is carried out, and the target as it is wanted (law)", () => {
    fc.assert(
      fc.property(edge, referee, fc.constantFrom(0, 40 * 86_400_000), (start, who, now) => {
        let current: Edge = start;
        const members = new Set<string>();
        // In doubt: it may be there or not.
        if (start.target !== undefined) members.add(start.target);
        for (let step = stepOf(current, who, now), rounds = 0; "target" in step; step = stepOf(current, who, now)) {
          expect(++rounds).toBeLessThan(3);
          // Nothing names an object that is unknown or gone.
          if (step.kind === "add") expect(who).toMatchObject({ targetId: step.target, isDeleted: false });
          if (step.kind === "add") members.add(step.target);
          else members.delete(step.target);
          current = afterDone(marked(current, step), step.kind);
        }
        if (who && !who.isDeleted) {
          expect(members.has(who.targetId)).toBe(current.wanted);
          expect([...members].filter((id) => id !== who.targetId)).toEqual([]);
        }
        if (!current.wanted && !who) expect(isForgettable(current, NO_LIST, false)).toBe(true);
      }),
    );
  });

  it("is nothing while its object is deleted by us, whoever wants what", () => {
    const deleted: ResolvedReferee = { targetId: "A", isDeleted: true, deletedAt: 1_000 };
    const added: Edge = { version: "", wanted: true, state: "added", target: "A" };
    expect(stepOf(added, deleted, 2_000)).toEqual({ kind: "suspended" });
    expect(stepOf({ ...added, wanted: false }, deleted, 2_000)).toEqual({ kind: "suspended" });
    expect(stepOf({ version: "", wanted: true, state: "none" }, deleted, 2_000)).toEqual({ kind: "suspended" });
    const muchLater = 1_000 + 31 * 86_400_000;
    expect(stepOf({ ...added, wanted: false }, deleted, muchLater)).toEqual({ kind: "forget" });
    expect(stepOf(added, deleted, muchLater)).toEqual({ kind: "pending" });
  });
});
