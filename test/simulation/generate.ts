/** A history from a seed: a small population, then edits, reads, faults and admins in any order. */

import type { ArmedFault } from "./faults.ts";
import { GRAPH_FAULTS } from "./graph.ts";
import { createDice, type Dice } from "./random.ts";
import { NARROW } from "./schemas.ts";
import type { Edit, History, SourceFault, Step, StrangerKind, UnitName, Way } from "./steps.ts";

const PEOPLE = ["ann", "bob", "cid", "dee", "eve", "fay", "gus", "hal"];
const GROUPS = ["sales", "staff", "board"];
const TIGHT = { floor: 1, count: 4, percent: 30 };
const WIDE = { floor: 20, count: 500, percent: 10 };

/** `most`: of steps beyond the population, for stores that take their time. */
export function generate(seed: number, most = 26): History {
  const dice = createDice(seed * 2 + 1);
  const forests = dice.chance(0.25) ? 2 : 1;
  const people = PEOPLE.slice(0, dice.between(3, 6));
  const groups = GROUPS.slice(0, dice.between(1, 2));
  const steps: Step[] = [];
  for (let forest = 0; forest < forests; forest++)
    for (const edit of population(dice, forest === 0 ? people : people.slice(0, 2), forest === 0 ? groups : []))
      steps.push({ do: "edit", forest, edit });
  if (dice.chance(0.8)) for (let forest = 0; forest < forests; forest++) steps.push(readStep(dice, forest, "full"));
  if (dice.chance(0.6)) steps.push({ do: "run", calls: 5_000 });
  const count = Math.min(dice.between(10, 26), most);
  const begun = steps.length;
  for (let step = 0; step < count; step++) steps.push(...drawSteps(dice, forests, people, groups));
  insertLater(createDice(seed * 2 + 0x5eed), steps, begun, { forests, people, groups });
  insertStrangers(createDice(seed * 2 + 0x57a6), steps, forests, people);
  return {
    seed,
    forests,
    guard: dice.chance(0.3) ? TIGHT : WIDE,
    chunkObjects: dice.pick([1, 2, 3, 200]),
    quota: dice.chance(0.2) ? 3_000 : null,
    asksFirst: dice.chance(0.12),
    steps,
  };
}

/** What came to be drawn later, by dice of its own: the rest of a seed's history stays as it was. */
function insertLater(
  dice: Dice,
  steps: Step[],
  begun: number,
  {
    forests,
    people,
    groups,
  }: { readonly forests: number; readonly people: readonly string[]; readonly groups: readonly string[] },
): void {
  const insert = (own: readonly Step[]) => void steps.splice(dice.between(begun, steps.length), 0, ...own);
  const forest = dice.below(forests);
  if (dice.chance(0.2)) insert(drawReturn(dice, forest, dice.chance(0.6) ? dice.pick(people) : dice.pick(groups)));
  if (dice.chance(0.15))
    for (let change = dice.between(1, 2); change > 0; change--)
      insert([{ do: "scope", forest, units: dice.pick(SCOPES) }, ...readAndRun(dice, forest, "full")]);
  if (dice.chance(0.1)) {
    insert([{ do: "schema", forest, variant: NARROW }, ...readAndRun(dice, forest, "delta")]);
    if (dice.chance(0.5)) insert([{ do: "schema", forest, variant: 0 }]);
  }
}

const STRANGERS: readonly StrangerKind[] = ["upn", "upn", "mail", "anchor", "other-anchor", "role", "role", "mastered"];

/** Who is in the tenant before the first read or comes to it later, mostly as somebody of the directory. Dice of its own, as above. */
function insertStrangers(dice: Dice, steps: Step[], forests: number, people: readonly string[]): void {
  if (!dice.chance(0.35)) return;
  const forest = dice.below(forests);
  const insert = (at: number, ...own: readonly Step[]) => void steps.splice(at, 0, ...own);
  for (let count = dice.between(1, 3); count > 0; count--) {
    const name = dice.pick(people);
    const kind = dice.pick(STRANGERS);
    const stranger = (own: StrangerKind): Step => ({ do: "stranger", forest, name, kind: own });
    const at = dice.chance(0.8) ? 0 : dice.below(steps.length);
    insert(at, stranger(kind));
    if (kind !== "mail") continue;
    // Alone, or one of two that could be meant.
    if (dice.chance(0.4)) insert(at, stranger("upn"));
    const made = steps.findIndex(
      (own) => own.do === "edit" && own.forest === forest && own.edit.kind === "person" && own.edit.name === name,
    );
    insert(made + 1, { do: "edit", forest, edit: { kind: "mail", name, has: true } });
  }
  insert(0, { do: "stranger", forest, name: dice.pick(people), kind: "nobody" });
}

/** The first one is what a job begins with. */
const SCOPES: readonly (readonly UnitName[])[] = [
  ["People", "Staff"],
  ["People"],
  ["People", "Staff", "Outside"],
  ["Outside", "People"],
];

function readAndRun(dice: Dice, forest: number, want: "full" | "delta"): Step[] {
  return dice.chance(0.7) ? [readStep(dice, forest, want), { do: "run", calls: 3_000 }] : [];
}

/** Somebody goes, by a deletion or out of the scope, and comes back, sooner or later. */
function drawReturn(dice: Dice, forest: number, name: string): Step[] {
  const isDeleted = dice.chance(0.6);
  const edit = (own: Edit): Step => ({ do: "edit", forest, edit: own });
  const read = (): Step[] => [readStep(dice, forest, "delta"), { do: "run", calls: 5_000 }];
  return [
    edit({ kind: "move", name, unit: "People" }),
    ...read(),
    edit(isDeleted ? { kind: "delete", name } : { kind: "move", name, unit: "Outside" }),
    ...read(),
    ...(dice.chance(0.5) ? [{ do: "hours", count: dice.pick([3, 30]) } as const] : []),
    edit(isDeleted ? { kind: "undelete", name } : { kind: "move", name, unit: "Staff" }),
    ...read(),
  ];
}

function population(dice: Dice, people: readonly string[], groups: readonly string[]): Edit[] {
  const edits: Edit[] = people.map((name) => ({ kind: "person", name, unit: dice.chance(0.6) ? "People" : "Staff" }));
  edits.push(...groups.map((name): Edit => ({ kind: "group", name })));
  for (const name of groups)
    for (const member of people) if (dice.chance(0.5)) edits.push({ kind: "join", name, member });
  for (const name of people) if (dice.chance(0.4)) edits.push({ kind: "manager", name, to: dice.pick(people) });
  for (const name of people) if (dice.chance(0.5)) edits.push({ kind: "department", name, to: "Sales" });
  return edits;
}

function drawSteps(dice: Dice, forests: number, people: readonly string[], groups: readonly string[]): Step[] {
  const forest = dice.below(forests);
  const at = dice.next();
  if (at < 0.36) return [{ do: "edit", forest, edit: drawEdit(dice, people, groups) }];
  if (at < 0.54) return [readStep(dice, forest, dice.chance(0.3) ? "full" : "delta")];
  if (at < 0.66) return [{ do: "run", calls: dice.pick([20, 100, 400, 3_000]) }];
  // Near what they are to hit: a fault that waits for the end of the history is healed, and nothing happened.
  if (at < 0.8)
    return [drawFault(dice), readStep(dice, forest, dice.chance(0.3) ? "full" : "delta"), { do: "run", calls: 1_500 }];
  if (at < 0.83) return drawLate(dice, forest, people, groups);
  if (at < 0.84) return drawReversal(dice, forest, people);
  if (at < 0.9) return drawSource(dice, forest);
  if (at < 0.91) return [{ do: dice.pick(["exclude", "exclude", "include"]), forest, name: dice.pick(people) }];
  if (at < 0.92) return [{ do: "schema", forest, variant: dice.below(3) }];
  if (at < 0.93)
    return [
      { do: "what-if", forest },
      { do: "run", calls: 1_000 },
    ];
  if (at < 0.945) return [{ do: "hours", count: dice.pick([1, 3, 12, 30]) }];
  if (at < 0.955) return [{ do: "graph", kind: dice.pick(["lag", "quota", "calm", "calm"]) }];
  if (at < 0.965) return [{ do: "crash" }];
  if (at < 0.975) return [{ do: "blob-gone", forest }];
  return [
    {
      do: "admin",
      forest,
      what: dice.pick([
        "pause",
        "resume",
        "resume",
        "approve",
        "approve",
        "drop",
        "retry",
        "restart",
        "hold",
        "release",
        "reconcile",
      ]),
    },
  ];
}

function drawEdit(dice: Dice, people: readonly string[], groups: readonly string[]): Edit {
  const name = dice.pick(PEOPLE.slice(0, people.length + 1));
  const group = dice.pick(GROUPS.slice(0, groups.length + 1));
  const anybody = dice.chance(0.75) ? dice.pick(people) : group;
  const unit: UnitName = dice.pick(["People", "Staff", "Outside"]);
  switch (dice.below(16)) {
    case 0:
      return { kind: "person", name, unit };
    case 1:
      return { kind: "group", name: group };
    case 2:
    case 3:
      return { kind: "delete", name: anybody };
    case 4:
    case 5:
      return { kind: "undelete", name: anybody };
    case 6:
      return { kind: "recreate", name };
    case 7:
      return { kind: "department", name, to: dice.pick(["Sales", "Finance", null]) };
    case 8:
      return { kind: "enable", name, to: dice.chance(0.4) };
    case 9:
      return {
        kind: "upn",
        name,
        to: dice.chance(0.5) ? `${dice.pick(people)}.new` : dice.pick(people),
        evenIfTaken: dice.chance(0.3),
      };
    case 10:
      return { kind: "manager", name, to: dice.chance(0.3) ? null : dice.pick(people) };
    case 11:
      return { kind: "move", name: anybody, unit };
    case 12:
      return { kind: "describe", name: group, to: dice.pick(["a", "b", null]) };
    case 13:
    case 14: {
      const kind = dice.chance(0.6) ? "join" : "quit";
      return { kind, name: group, member: dice.chance(0.75) ? dice.pick(people) : dice.pick(groups) };
    }
    default:
      return { kind: "rename-unit", unit: dice.pick(["People", "Staff"]), to: dice.pick(["old", "new"]) };
  }
}

function readStep(dice: Dice, forest: number, want: "full" | "delta"): Step {
  const way: Way = dice.chance(0.3)
    ? { [dice.pick(["repeat", "reorder", "truncate", "lost", "torn"])]: dice.between(1, 3) }
    : {};
  const meanwhile: Edit[] = dice.chance(0.15)
    ? [
        { kind: "department", name: dice.pick(PEOPLE.slice(0, 3)), to: dice.pick(["Law", null]) },
        { kind: "move", name: dice.pick(PEOPLE.slice(0, 3)), unit: dice.pick(["People", "Staff"]) },
      ]
    : [];
  return { do: "read", forest, want, size: dice.pick([1, 2, 3, 50]), way, meanwhile };
}

const STORE_FAULTS: readonly Pick<ArmedFault, "on" | "kind">[] = [
  { on: "rows", kind: "unreachable" },
  { on: "rows", kind: "changed" },
  { on: "rows", kind: "answer-lost" },
  { on: "rows", kind: "repeated" },
  { on: "blobs", kind: "unreachable" },
  { on: "blobs", kind: "answer-lost" },
];
const RUN_FAULTS: readonly Pick<ArmedFault, "on" | "kind">[] = [
  { on: "activity", kind: "killed-before" },
  { on: "activity", kind: "killed-after" },
  { on: "activity", kind: "called-twice" },
  { on: "activity", kind: "completion-lost" },
  { on: "bell", kind: "unreachable" },
  { on: "bell", kind: "dead-lettered" },
  { on: "bell", kind: "twice" },
];
const TARGET_FAULTS: readonly Pick<ArmedFault, "on" | "kind">[] = (["graph", "item"] as const).flatMap((on) =>
  GRAPH_FAULTS[on].map((kind) => ({ on, kind })),
);

/** Every fault that a step can arm, as it is counted when it hits. */
export const FAULT_KINDS: readonly string[] = [...STORE_FAULTS, ...RUN_FAULTS, ...TARGET_FAULTS].map(
  ({ on, kind }) => `${on} ${kind}`,
);

/** Faults of what was made a moment ago, with somebody made a moment ago. */
const LATE_FAULTS = ["already-member", "400-reference", "404-after-create", "stale"] as const;

function drawLate(dice: Dice, forest: number, people: readonly string[], groups: readonly string[]): Step[] {
  const edit = (own: Edit): Step => ({ do: "edit", forest, edit: own });
  const [first, second] = [dice.pick(people), dice.pick(people)];
  const group = dice.pick(groups);
  const kind = dice.pick(LATE_FAULTS);
  return [
    edit({ kind: "recreate", name: first }),
    edit({ kind: "person", name: second, unit: "People" }),
    edit({ kind: "manager", name: first, to: second }),
    edit({ kind: "manager", name: second, to: first }),
    edit({ kind: "quit", name: group, member: first }),
    edit({ kind: "join", name: group, member: first }),
    edit({ kind: "join", name: group, member: second }),
    { do: "fault", on: "item", kind, after: 0, count: dice.between(1, 2) },
    readStep(dice, forest, dice.chance(0.3) ? "full" : "delta"),
    { do: "run", calls: 2_000 },
  ];
}

/** A change whose effect nobody hears of, and that is taken back before anybody tries again. */
function drawReversal(dice: Dice, forest: number, people: readonly string[]): Step[] {
  const name = dice.pick(people);
  const [before, after] = dice.chance(0.5) ? ["Sales", "Finance"] : ["Finance", "Law"];
  const read: Step = { do: "read", forest, want: "delta", size: 50, way: {}, meanwhile: [] };
  const turn = (to: string | undefined): Step => ({
    do: "edit",
    forest,
    edit: { kind: "department", name, to: to ?? null },
  });
  return [
    turn(before),
    read,
    { do: "run", calls: 5_000 },
    turn(after),
    { do: "fault", on: "item", kind: "answer-lost", after: 0, count: 1 },
    { do: "fault", on: "item", kind: "503", after: 0, count: 30 },
    read,
    { do: "run", calls: 5_000 },
    turn(before),
    read,
    { do: "run", calls: 5_000 },
  ];
}

function drawFault(dice: Dice): Step {
  const pool = dice.pick([STORE_FAULTS, RUN_FAULTS, TARGET_FAULTS, TARGET_FAULTS]);
  const { on, kind } = dice.pick(pool);
  const span =
    on === "rows" || on === "activity" ? 60 : on === "blobs" ? 12 : on === "graph" ? 3 : on === "item" ? 2 : 1;
  return { do: "fault", on, kind, after: dice.below(span), count: dice.chance(0.8) ? 1 : dice.between(2, 4) };
}

export const SOURCE_FAULTS: readonly SourceFault[] = [
  "short-pages",
  "time-limit",
  "busy",
  "cut",
  "cookie-refused",
  "hide-unit",
  "show-units",
  "show-units",
  "other-dc",
  "replicate",
  "replicate",
  "backup",
  "backup",
  "restored",
  "rolled-back",
  "skew",
];

function drawSource(dice: Dice, forest: number): Step[] {
  return [{ do: "source", forest, kind: dice.pick(SOURCE_FAULTS), after: dice.below(12) }];
}
