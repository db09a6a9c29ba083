/**
 * Whatever somebody does to the target by hand, and whatever happens to the activities meanwhile: after a repair the target
 * is what the directory says, and another reconcile finds nothing. `UPLINK_TEST_RUNS` sets how many are drawn; a failure
 * prints its seed, and `UPLINK_TEST_SEED` draws that one again.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { MemoryObject } from "../../shared/adapters/memory/target-object.ts";
import type { DirectoryStep } from "./directory.ts";
import { inShort, reconcile } from "./reconcile-support.ts";
import { createWorld, type World, type WorldOptions } from "./world.ts";

const RUNS = Number(process.env["UPLINK_TEST_RUNS"] ?? 8);
const SEED = process.env["UPLINK_TEST_SEED"];
const STEP = Number(process.env["UPLINK_TEST_CRASH_STEP"] ?? 15);
const PEOPLE = ["ann", "bob", "cid", "dee", "eve"];
const GROUPS = ["red", "blue"];

const BEGIN: readonly DirectoryStep[] = [
  ...PEOPLE.map((name): DirectoryStep => ({ do: "create", name })),
  ...PEOPLE.slice(0, 3).map((name): DirectoryStep => ({ do: "department", name, to: "Sales" })),
  { do: "manager", name: "ann", to: "bob" },
  { do: "manager", name: "cid", to: "bob" },
  ...GROUPS.map((name): DirectoryStep => ({ do: "group", name, description: `the ${name} ones` })),
  ...["ann", "bob", "cid"].map((member): DirectoryStep => ({ do: "join", name: "red", member })),
  { do: "join", name: "blue", member: "dee" },
  { do: "join", name: "blue", member: "red" },
];

/** What somebody does by hand; objects are named by what the directory calls them. */
type Deed =
  | { readonly do: "edit"; readonly name: string; readonly property: string; readonly to: string | boolean | null }
  | { readonly do: "manager"; readonly name: string; readonly to: string | null }
  | { readonly do: "delete" | "purge"; readonly name: string }
  | { readonly do: "member"; readonly group: string; readonly name: string; readonly is: boolean }
  | { readonly do: "guest" };

let guests = 0;

function byHand({ cloud }: World, deed: Deed): void {
  const { target } = cloud;
  const find = (name: string): MemoryObject | undefined =>
    target.objects().find(({ values, deleted }) => !deleted && values["displayName"] === name);
  if (deed.do === "guest") {
    const guest = `guest${++guests}`;
    const values = { displayName: "guest", userPrincipalName: `${guest}@elsewhere.example` };
    target.seed([{ values: { ...values, onPremisesImmutableId: guest } }]);
    return;
  }
  const own = find(deed.do === "member" ? deed.group : deed.name);
  // What was never exported is nobody's business: only what we wrote is compared, and cleared.
  const property = deed.do === "edit" ? deed.property : deed.do === "manager" ? "manager" : "displayName";
  if (own?.values[property] === undefined) return;
  switch (deed.do) {
    case "edit":
      target.edit(own.id, { [deed.property]: deed.to });
      break;
    case "manager":
      target.edit(own.id, { manager: deed.to === null ? null : (find(deed.to)?.id ?? null) });
      break;
    case "delete":
      target.setDeleted(own.id, true);
      break;
    case "purge":
      target.purge(own.id);
      break;
    case "member": {
      const member = find(deed.name)?.id;
      if (member === undefined || member === own.id) return;
      // Twice would be once.
      const isThere = target.membersOf(own.id).includes(member);
      if (isThere !== deed.is) target.editMembers(own.id, deed.is ? { add: [member] } : { remove: [member] });
    }
  }
}

async function begin(options: WorldOptions = {}): Promise<World> {
  const world = await createWorld({ chunkObjects: 2, ...options });
  world.take(...BEGIN);
  await world.send("full", 3);
  await world.settle();
  return world;
}

/** What is of nobody is told and stays: a test that compares everything has it removed at last. */
function withoutGuests({ cloud }: World): void {
  for (const { id, values } of cloud.target.objects()) if (values["displayName"] === "guest") cloud.target.purge(id);
}

async function mends(world: World, meanwhile?: () => Promise<unknown>): Promise<void> {
  const { cloud, agent } = world;
  const first = await reconcile(cloud, agent.jobId, "repair", meanwhile);
  expect(first.state).toBe("done");
  await world.settle();
  // Who was in movement, or came back with what he had when he went, is looked at again.
  await reconcile(cloud, agent.jobId, "repair");
  await world.settle();
  withoutGuests(world);
  const writes = cloud.target.writes();
  const again = await reconcile(cloud, agent.jobId, "repair");
  expect(inShort(again), "another reconcile found something").toEqual([]);
  expect(cloud.target.writes(), "another reconcile wrote").toBe(writes);
  await world.check();
}

const name = fc.constantFrom(...PEOPLE);
const group = fc.constantFrom(...GROUPS);
const deed: fc.Arbitrary<Deed> = fc.oneof(
  fc.record({
    do: fc.constant("edit" as const),
    name,
    property: fc.constantFrom("department", "jobTitle"),
    to: fc.constantFrom("Mine", "Other", null),
  }),
  fc.record({ do: fc.constant("edit" as const), name, property: fc.constant("accountEnabled"), to: fc.boolean() }),
  fc.record({
    do: fc.constant("edit" as const),
    name,
    property: fc.constant("userPrincipalName"),
    to: name.map((own) => `${own}.by.hand@corp.example`),
  }),
  fc.record({
    do: fc.constant("edit" as const),
    name: group,
    property: fc.constant("description"),
    to: fc.constantFrom("x", null),
  }),
  fc.record({ do: fc.constant("manager" as const), name, to: fc.option(name) }),
  fc.record({ do: fc.constantFrom("delete" as const, "purge" as const), name: fc.oneof(name, group) }),
  fc.record({ do: fc.constant("member" as const), group, name: fc.oneof(name, group), is: fc.boolean() }),
  fc.constant({ do: "guest" as const }),
);
/** Nothing is emptied: an update that meets a deleted object loses what it knew of it, and a restored one keeps that value. */
const change: fc.Arbitrary<DirectoryStep> = fc.oneof(
  fc.record({ do: fc.constant("department" as const), name, to: fc.constantFrom("Sales", "Finance") }),
  fc.record({ do: fc.constant("enable" as const), name, to: fc.boolean() }),
  fc.record({ do: fc.constant("manager" as const), name, to: name }),
  fc.record({ do: fc.constantFrom("join" as const, "quit" as const), name: group, member: name }),
);

describe("drift of any kind", () => {
  it(`is gone after a repair, and another one finds nothing (${RUNS} drawn)`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(deed, { minLength: 1, maxLength: 8 }),
        fc.array(change, { maxLength: 4 }),
        async (deeds, changes) => {
          const world = await begin();
          for (const own of deeds) byHand(world, own);
          await mends(world, async () => {
            world.take(...changes);
            await world.send("delta");
            await world.run();
          });
        },
      ),
      { numRuns: RUNS, endOnFailure: false, ...(SEED === undefined ? {} : { seed: Number(SEED) }) },
    );
  }, 180_000);

  const EVERYTHING: readonly Deed[] = [
    { do: "edit", name: "ann", property: "department", to: "Mine" },
    { do: "edit", name: "bob", property: "userPrincipalName", to: "hand@corp.example" },
    { do: "manager", name: "cid", to: null },
    { do: "purge", name: "dee" },
    { do: "delete", name: "eve" },
    { do: "member", group: "red", name: "bob", is: false },
    { do: "member", group: "red", name: "eve", is: true },
    { do: "edit", name: "blue", property: "description", to: null },
  ];

  it("is gone when every activity is called twice", async () => {
    const world = await begin({ twice: true });
    for (const own of EVERYTHING) byHand(world, own);
    await mends(world);
  });

  it("is gone when an activity dies at any of its writes", async () => {
    const counted = await begin();
    for (const own of EVERYTHING) byHand(counted, own);
    const before = counted.writes();
    await reconcile(counted.cloud, counted.agent.jobId, "repair");
    const most = counted.writes() - before;
    expect(most).toBeGreaterThan(40);
    for (let at = 1; at <= most; at += STEP) {
      const world = await begin();
      for (const own of EVERYTHING) byHand(world, own);
      world.crashAt(at);
      await mends(world).catch((error: unknown) => {
        throw new Error(`killed at write ${at} of ${most}: ${error instanceof Error ? error.message : error}`, {
          cause: error,
        });
      });
    }
  }, 180_000);
});
