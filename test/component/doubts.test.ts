/** Calls whose effect is unknown: their answers were lost, their activities died, or two runs made them at once. */
import { describe, expect, it } from "vitest";
import { ACTIVITY } from "../../orchestrations/names.ts";
import type { TargetAction } from "../../shared/ports/target-directory.ts";
import type { DirectoryStep } from "./directory.ts";
import { createWorld, type World } from "./world.ts";

const MINUTE = 60_000;

async function worldWith(...steps: readonly DirectoryStep[]): Promise<World> {
  const world = await createWorld();
  world.take({ do: "create", name: "ann" }, { do: "create", name: "bob" });
  await bring(world, "full");
  for (const step of steps) {
    world.take(step);
    await bring(world);
  }
  world.noteIds();
  return world;
}

async function bring(world: World, kind: "full" | "delta" = "delta"): Promise<void> {
  await world.send(kind);
  await world.run();
}

async function pass(world: World, ms: number): Promise<void> {
  world.cloud.clock.set(world.cloud.clock.now() + ms);
  await world.cloud.tick();
  await world.cloud.driver.settled();
}

const enable = (to: boolean): DirectoryStep => ({ do: "enable", name: "ann", to });
const department = (to: string | null): DirectoryStep => ({ do: "department", name: "ann", to });
const upn = (to: string): DirectoryStep => ({ do: "upn", name: "ann", to: `${to}@corp.example` });
const gone: DirectoryStep = { do: "delete", name: "ann" };
const back: DirectoryStep = { do: "undelete", name: "ann" };

const reversals: readonly [string, readonly DirectoryStep[], DirectoryStep, DirectoryStep][] = [
  ["an enabling, then disabled again", [enable(false)], enable(true), enable(false)],
  ["a disabling, then enabled again", [], enable(false), enable(true)],
  ["a deletion, then undeleted", [], gone, back],
  ["a restoration, then deleted again", [gone], back, gone],
  ["a department, then set back", [department("Sales")], department("Finance"), department("Sales")],
  ["a first department, then taken away again", [], department("Sales"), department(null)],
  ["a department taken away, then set again", [department("Sales")], department(null), department("Sales")],
  ["a renaming, then named as before", [], upn("anna"), upn("ann")],
];

describe("an answer that was lost", () => {
  it.each(reversals)("to %s: the target is what the directory says", async (_, before, lost, reverted) => {
    const world = await worldWith(...before);
    world.cloud.target.order({ kind: "lose-answer" });
    world.take(lost);
    await bring(world);
    world.take(reverted);
    await bring(world);
    await world.check();
  });

  it.each(reversals)("to %s, with a full read before the retry", async (_, before, lost, reverted) => {
    const world = await worldWith(...before);
    world.cloud.target.order({ kind: "lose-answer" });
    world.take(lost);
    await bring(world);
    world.take(reverted);
    await bring(world, "full");
    await world.check();
  });

  it.each(reversals)("to %s, in an activity that died for good with its batch", async (_, before, lost, reverted) => {
    const world = await worldWith(...before);
    // The row can't be written any more after the call: the batch is given up with its mark standing.
    world.failOutcomes(Number.POSITIVE_INFINITY);
    world.take(lost);
    await bring(world);
    world.failOutcomes(0);
    world.take(reverted);
    await pass(world, 3 * MINUTE);
    await bring(world);
    await world.check();
  });

  it("of a create: what it sent and nobody wants any more is taken back", async () => {
    const world = await worldWith();
    world.cloud.target.order({ kind: "lose-answer" });
    world.take({ do: "create", name: "cid" }, { do: "department", name: "cid", to: "Sales" });
    await bring(world);
    world.take({ do: "department", name: "cid", to: null });
    await bring(world);
    await world.check();
  });

  it("of a create, for somebody who goes and comes back without what it sent", async () => {
    const world = await worldWith();
    world.cloud.target.order({ kind: "lose-answer" });
    world.take({ do: "create", name: "cid" }, { do: "department", name: "cid", to: "Sales" });
    await bring(world);
    world.take({ do: "delete", name: "cid" });
    await bring(world);
    world.take({ do: "undelete", name: "cid" }, { do: "department", name: "cid", to: null });
    await bring(world);
    await world.check();
  });

  it("is no doubt when the target refuses: nothing is sent again", async () => {
    const world = await worldWith(department("Sales"));
    const refusal = { code: "UnprocessableEntity" as const, message: "no", remedy: "Mend it.", retriable: false };
    world.cloud.target.order({ kind: "fail", failure: refusal });
    world.take(department("Finance"));
    await bring(world);
    const writes = world.cloud.target.writes();
    world.take(department("Sales"));
    await bring(world);
    expect(world.cloud.target.writes()).toBe(writes);
    await world.check();
  });
});

describe("a target that shows its newest writes late", () => {
  it("somebody whose create's answer was lost and who is deleted before it shows leaves nobody behind", async () => {
    const world = await worldWith();
    const { target } = world.cloud;
    target.order({ kind: "lose-answer" });
    world.take({ do: "create", name: "cid" });
    target.setLagging(true);
    await bring(world);
    world.take({ do: "delete", name: "cid" });
    await bring(world);
    expect(await world.agent.status()).toMatchObject({ escrowed: 1 });
    await pass(world, 3 * MINUTE);
    expect(await world.agent.status()).toMatchObject({ escrowed: 1 });
    target.setLagging(false);
    await world.check();
    expect(target.objects().filter((object) => !object.deleted)).toHaveLength(2);
  });

  it("is believed some minutes later: who was never created is let go", async () => {
    const world = await worldWith();
    world.cloud.target.order({ kind: "fail" });
    world.take({ do: "create", name: "cid" });
    await bring(world);
    world.take({ do: "delete", name: "cid" });
    await bring(world);
    expect(await world.agent.status()).toMatchObject({ escrowed: 1 });
    await pass(world, 6 * MINUTE);
    expect(await world.agent.status()).toMatchObject({ escrowed: 0 });
    await world.check();
  });

  it.each<[string, readonly DirectoryStep[], DirectoryStep, DirectoryStep]>([
    ["deletion", [], gone, back],
    ["restoration", [gone], back, gone],
  ])("a %s that doesn't show yet is waited for", async (_, before, lost, reverted) => {
    const world = await worldWith(...before);
    const { target } = world.cloud;
    target.setLagging(true);
    target.order({ kind: "lose-answer" });
    world.take(lost);
    await bring(world);
    world.take(reverted);
    await bring(world);
    expect(await world.agent.status()).toMatchObject({ escrowed: 1 });
    target.setLagging(false);
    await world.check();
  });
});

describe("a create that is tried again", () => {
  const createsOf = (actions: readonly TargetAction[]) => actions.filter((action) => action.kind === "create");

  it("is looked up by anchor first, after a lost answer", async () => {
    const world = await worldWith();
    const { target } = world.cloud;
    target.order({ kind: "lose-answer", count: 2 });
    world.take({ do: "create", name: "cid" }, { do: "create", name: "dee" });
    await bring(world);
    await pass(world, 3 * MINUTE);
    expect(createsOf(target.received)).toHaveLength(4);
    await world.check();
  });

  it("is looked up by anchor first, all of a chunk at once, when its activity was killed after the call", async () => {
    const world = await worldWith();
    const { target } = world.cloud;
    const finds = world.countFinds();
    world.failOutcomes(1);
    world.take({ do: "create", name: "cid" }, { do: "create", name: "dee" });
    await bring(world);
    expect(createsOf(target.received)).toHaveLength(4);
    expect(finds()).toBe(1);
    await world.check();
  });
});

describe("one chunk exported twice at the same time", () => {
  it("has one outcome an object: the first", async () => {
    const world = await createWorld({ atOnce: [ACTIVITY.exportChunk] });
    const people = ["ann", "bob", "cid", "dee"];
    world.take(...people.map((name): DirectoryStep => ({ do: "create", name })));
    await bring(world, "full");
    expect(await world.agent.status()).toMatchObject({ escrowed: 0, lastCycle: { outcomes: { exported: 4 } } });
    world.take(department("Sales"), { do: "delete", name: "bob" }, { do: "enable", name: "cid", to: false });
    await bring(world);
    expect(await world.agent.status()).toMatchObject({ escrowed: 0, lastCycle: { outcomes: { escrowed: 0 } } });
    world.take({ do: "undelete", name: "bob" }, upn("anna"));
    await bring(world);
    expect(await world.agent.status()).toMatchObject({ escrowed: 0, lastCycle: { outcomes: { escrowed: 0 } } });
    await world.check();
  });
});
