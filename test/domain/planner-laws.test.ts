/**
 * The laws of the planner, over people and groups with managers and members. A failure prints its seed: `UPLINK_TEST_SEED`
 * draws it again, `UPLINK_TEST_RUNS` sets how many are drawn.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  createModel,
  deltaRead,
  fullRead,
  type Model,
  projection,
  type Shown,
  type Source,
  type SourceEntry,
} from "./planner-model.ts";

const SEED = process.env["UPLINK_TEST_SEED"];
const RUNS = { numRuns: Number(process.env["UPLINK_TEST_RUNS"] ?? 60), ...(SEED ? { seed: Number(SEED) } : {}) };

const guidOf = (kind: number, n: number) => `${String(n).repeat(8)}-0000-4000-8000-00000000000${kind}`;
const USERS = [0, 1, 2, 3, 4].map((n) => guidOf(1, n));
const GROUPS = [0, 1, 2].map((n) => guidOf(2, n));
const CONTACT = guidOf(3, 0);
const STRANGER = guidOf(4, 9);
const ANYBODY = [...USERS, ...GROUPS, CONTACT, STRANGER];

const text = fc.constantFrom("a", "b", null);
const anybody = fc.constantFrom(...ANYBODY);
const user: fc.Arbitrary<SourceEntry> = fc.record({
  kind: fc.constant("user" as const),
  inScope: fc.boolean(),
  enabled: fc.boolean(),
  title: text,
  manager: fc.option(anybody, { nil: null }),
});
const group: fc.Arbitrary<SourceEntry> = fc.record({
  kind: fc.constant("group" as const),
  inScope: fc.boolean(),
  description: text,
  members: fc.uniqueArray(anybody, { maxLength: 5 }),
});
const source: fc.Arbitrary<Source> = fc
  .record(
    {
      ...Object.fromEntries(USERS.map((guid) => [guid, fc.option(user)])),
      ...Object.fromEntries(GROUPS.map((guid) => [guid, fc.option(group)])),
      [CONTACT]: fc.option(fc.constant({ kind: "contact" as const })),
    },
    { noNullPrototype: true },
  )
  .map(
    (entries) =>
      new Map(Object.entries(entries).filter((own): own is [string, SourceEntry] => own[1] !== null)) as Source,
  );

/** How the directory is read after it became what it is. */
type Read = "full" | "values" | "lists";
const read = fc.constantFrom<Read>("full", "values", "values", "lists");
/** Mostly a few objects that changed; sometimes another directory altogether. */
const edit = fc.oneof(
  fc.tuple(fc.constantFrom(...USERS), fc.option(user)),
  fc.tuple(fc.constantFrom(...GROUPS), fc.option(group)),
);
const event = fc.record({
  read,
  next: fc.oneof(
    { weight: 1, arbitrary: source },
    { weight: 4, arbitrary: fc.array(edit, { minLength: 1, maxLength: 2 }) },
  ),
});
const history = fc.tuple(source, fc.array(event, { maxLength: 5 })).map(([first, events]) => {
  const all: { source: Source; read: Read }[] = [{ source: first, read: "full" }];
  for (const { read: how, next } of events) {
    const before = all.at(-1)?.source ?? first;
    all.push({ source: Array.isArray(next) ? edited(before, next) : (next as Source), read: how });
  }
  return all as History;
});

function edited(before: Source, edits: readonly (readonly [string, SourceEntry | null])[]): Source {
  const after = new Map(before);
  for (const [guid, entry] of edits) {
    if (entry) after.set(guid, entry);
    else after.delete(guid);
  }
  return after;
}

type History = readonly { readonly source: Source; readonly read: Read }[];

/** Reads it all, one after the other. `order` may turn the changes of a read round. */
function live(model: Model, events: History, order: <T>(items: readonly T[]) => readonly T[] = (items) => items): void {
  let before: Source = new Map();
  for (const [at, { source: now, read }] of events.entries()) {
    const readNo = at + 1;
    const isFull = read === "full" || at === 0;
    const changes = isFull ? fullRead(now, readNo) : deltaRead(before, now, readNo, read === "lists");
    model.fold(order(changes), isFull);
    model.run();
    if (isFull) model.end(readNo, new Set(now.keys()));
    model.run();
    before = now;
  }
}

/** A manager who is wanted and has no place in the target: what was there before him stays. */
function withoutPending(shown: ReadonlyMap<string, Shown>, now: Source): Map<string, Shown> {
  const wanted = projection(now);
  return new Map(
    [...shown].map(([guid, own]) => {
      const entry = now.get(guid);
      const isPending =
        entry?.kind === "user" && entry.manager !== null && entry.manager !== guid && !wanted.get(guid)?.manager;
      return [guid, isPending ? { ...own, manager: null } : own];
    }),
  );
}

function check(events: History): void {
  const model = createModel();
  live(model, events);
  const now = events.at(-1)?.source ?? new Map();
  expect(withoutPending(model.shown(), now)).toEqual(projection(now));
}

describe("the planner, over people, groups and what they refer to", () => {
  it("brings the target to what the directory says, and names nobody who isn't there (law)", () => {
    fc.assert(fc.property(history, check), RUNS);
  });

  it("has nothing left to do afterwards, also when everything is said twice (law)", () => {
    fc.assert(
      fc.property(history, (events) => {
        const model = createModel();
        live(model, events);
        const writes = model.writes();
        model.run();
        expect(model.writes()).toBe(writes);
        const shown = model.shown();
        const now = events.at(-1)?.source ?? new Map();
        for (const _ of [1, 2]) {
          model.fold(fullRead(now, events.length + 1), true);
          model.run();
        }
        model.end(events.length + 1, new Set(now.keys()));
        model.run();
        expect(model.writes()).toBe(writes);
        expect(model.shown()).toEqual(shown);
      }),
      RUNS,
    );
  });

  it("ends the same when each change is told twice as when it is told once (law)", () => {
    fc.assert(
      fc.property(history, (events) => {
        const once = createModel();
        const twice = createModel();
        live(once, events);
        live(twice, events, (items) => [...items, ...items]);
        expect(twice.shown()).toEqual(once.shown());
        expect(twice.writes()).toBe(once.writes());
      }),
      RUNS,
    );
  });

  it("ends the same in whatever order the objects of a read come (law)", () => {
    fc.assert(
      fc.property(history, (events) => {
        const there = createModel();
        const back = createModel();
        live(there, events);
        live(back, events, (items) => [...items].reverse());
        expect(back.shown()).toEqual(there.shown());
        expect(back.writes()).toBe(there.writes());
      }),
      RUNS,
    );
  });

  it("ends the same by deltas as by one full read of what is there at last (law)", () => {
    fc.assert(
      fc.property(history, (events) => {
        const now = events.at(-1)?.source ?? new Map();
        const [folded, fresh] = [createModel(), createModel()];
        live(
          folded,
          events.map((own) => ({ ...own, read: own.read === "full" ? "values" : own.read })),
        );
        live(fresh, [{ source: now, read: "full" }]);
        expect(withoutPending(folded.shown(), now)).toEqual(withoutPending(fresh.shown(), now));
      }),
      RUNS,
    );
  });

  it("touches nothing that is out of scope, unknown, or somebody else's (law)", () => {
    fc.assert(
      fc.property(history, (events) => {
        const model = createModel();
        const theirs = ["their user", "their group"].map((id) => ({
          id,
          type: id === "their user" ? ("user" as const) : ("group" as const),
          values: { displayName: "n00000000", mailNickname: "n00000000", onPremisesImmutableId: id },
          members: new Set(["their user"]),
        }));
        for (const object of theirs) model.seed(object);
        live(model, events);
        for (const object of theirs) expect(model.target().get(object.id)).toEqual({ ...object, deleted: false });
        const everInScope = new Set(events.flatMap((own) => [...projection(own.source).keys()]));
        for (const [guid, { link }] of model.records()) if (link) expect(everInScope).toContain(guid);
      }),
      RUNS,
    );
  });
});

/** Shrunk from what the laws found in planners that were wrong, each in its own way. */
describe("counter-examples that were met", () => {
  const person = (more: Partial<Extract<SourceEntry, { kind: "user" }>> = {}): SourceEntry => ({
    kind: "user",
    inScope: true,
    enabled: true,
    title: null,
    manager: null,
    ...more,
  });
  const team = (members: readonly string[] = [], inScope = true): SourceEntry => ({
    kind: "group",
    inScope,
    description: null,
    members,
  });
  const [ANN, BOSS] = USERS as [string, string];
  const [TEAM, SUBTEAM] = GROUPS as [string, string];
  const of = (entries: Readonly<Record<string, SourceEntry>>): Source => new Map(Object.entries(entries));
  const both = of({ [BOSS]: person(), [ANN]: person({ manager: BOSS }) });

  it.each<[string, readonly Source[]]>([
    ["a manager who is a group", [of({ [TEAM]: team(), [ANN]: person({ manager: TEAM }) })]],
    [
      "a manager who was deleted before his people came",
      [of({ [BOSS]: person() }), of({ [ANN]: person({ manager: BOSS }) })],
    ],
    ["a manager whom the directory takes away", [both, of({ [BOSS]: person(), [ANN]: person() })]],
    [
      "a manager who leaves the scope and comes back: the target has dropped him",
      [both, of({ [BOSS]: person({ inScope: false }), [ANN]: person({ manager: BOSS }) }), both],
    ],
    ["a manager who is deleted and comes back", [both, of({ [ANN]: person({ manager: BOSS }) }), both]],
    ["two who manage each other", [of({ [BOSS]: person({ manager: ANN }), [ANN]: person({ manager: BOSS }) })]],
    ["one who manages himself", [of({ [ANN]: person({ manager: ANN }) })]],
    [
      "a member who was deleted before the group came",
      [of({ [ANN]: person() }), of({ [TEAM]: team([ANN]) }), of({ [ANN]: person(), [TEAM]: team([ANN]) })],
    ],
    [
      "a member who was taken out while the group was out of scope",
      [
        of({ [ANN]: person(), [TEAM]: team([ANN]) }),
        of({ [ANN]: person(), [TEAM]: team([ANN], false) }),
        of({ [ANN]: person(), [TEAM]: team([], false) }),
        of({ [ANN]: person(), [TEAM]: team() }),
      ],
    ],
    [
      "a member who was taken out while he was deleted",
      [
        of({ [ANN]: person(), [TEAM]: team([ANN]) }),
        of({ [TEAM]: team([ANN]) }),
        of({ [TEAM]: team() }),
        of({ [ANN]: person(), [TEAM]: team() }),
      ],
    ],
    ["groups in a circle", [of({ [TEAM]: team([SUBTEAM]), [SUBTEAM]: team([TEAM]) })]],
  ])("%s", (_, sources) => {
    for (const how of ["full", "values", "lists"] as const) check(sources.map((own) => ({ source: own, read: how })));
  });
});
