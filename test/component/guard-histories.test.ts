/**
 * Random days of a directory under a tight guard, both lanes at once, with activities that die and answers that get lost: in
 * no 24 hours the target sees more than the bounds allow; what stays within them goes out; what was staged goes out when it
 * is approved, and then the target is the projection.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DirectoryStep } from "./directory.ts";
import { createOracle } from "./guard-oracle.ts";
import { createWorld, type World } from "./world.ts";

const GUARD = { floor: 3, count: 8, percent: 20 };
const PEOPLE = Array.from({ length: 30 }, (_, at) => `p${String(at).padStart(2, "0")}`);
const HOUR = 3_600_000;
const BY = "admin ann";

const KINDS = ["delete", "disable", "blank", "rename", "quit", "enable", "come"] as const;
type Burst = {
  readonly do: "burst";
  readonly kind: (typeof KINDS)[number];
  readonly from: number;
  readonly count: number;
};
type Event =
  | Burst
  | { readonly do: "read"; readonly kind: "full" | "delta"; readonly size: number }
  | { readonly do: "run" }
  | { readonly do: "hours"; readonly count: number }
  | { readonly do: "crash"; readonly at: number }
  | { readonly do: "fault"; readonly kind: "throttle" | "lose-answer"; readonly count: number };

let renames = 0;

function stepOf(kind: Burst["kind"], name: string, newcomer: string): DirectoryStep {
  switch (kind) {
    case "delete":
      return { do: "delete", name };
    case "disable":
    case "enable":
      return { do: "enable", name, to: kind === "enable" };
    case "blank":
      return { do: "department", name, to: null };
    case "rename":
      return { do: "upn", name, to: `${name}.${renames++}@corp.example` };
    case "quit":
      return { do: "quit", name: "sales", member: name };
    case "come":
      return { do: "create", name: newcomer };
  }
}

function stepsOf({ kind, from, count }: Burst): DirectoryStep[] {
  const nameAt = (at: number) => PEOPLE[(from + at) % PEOPLE.length] ?? "";
  return Array.from({ length: count }, (_, at) => stepOf(kind, nameAt(at), `q${from}-${at}`));
}

async function start() {
  const oracle = createOracle(GUARD);
  const hook: { look: () => void } = { look: () => undefined };
  const world = await createWorld({ guard: GUARD, chunkObjects: 2, afterActivity: () => hook.look() });
  world.take(
    ...PEOPLE.map((name): DirectoryStep => ({ do: "create", name })),
    ...PEOPLE.map((name): DirectoryStep => ({ do: "department", name, to: "Sales" })),
    { do: "group", name: "sales", description: null },
    ...PEOPLE.map((member): DirectoryStep => ({ do: "join", name: "sales", member })),
  );
  await world.send("full");
  await world.run();
  oracle.loaded(world.cloud.clock.now());
  hook.look = () => oracle.look(world.cloud);
  oracle.look(world.cloud);
  return { world, oracle };
}

async function play(world: World, events: readonly Event[]): Promise<void> {
  const { cloud } = world;
  for (const event of events) {
    switch (event.do) {
      case "burst":
        world.take(...stepsOf(event));
        break;
      case "read":
        await world.send(event.kind, event.size);
        break;
      case "run":
        await world.run();
        break;
      case "hours":
        cloud.clock.set(cloud.clock.now() + event.count * HOUR);
        await cloud.tick();
        break;
      case "crash":
        world.crashAt(event.at);
        break;
      case "fault":
        cloud.target.order({ kind: event.kind, count: event.count });
        break;
    }
  }
}

/** Approves whatever is staged, day after day, until nothing is. */
async function approveAll({ cloud, agent, settle }: World): Promise<void> {
  for (let round = 0; round < 6; round++) {
    const found = await cloud.cloud.routes.staged.list(agent.jobId, { members: false });
    const sets = found.ok ? found.value.filter((own) => !own.isApproved) : [];
    if (sets.length === 0) return;
    for (const { class: of, digest } of sets) await cloud.cloud.routes.staged.approve(agent.jobId, of, digest, BY);
    await settle();
  }
}

const burst = (most: number): fc.Arbitrary<Event> =>
  fc.record({
    do: fc.constant("burst" as const),
    kind: fc.constantFrom(...KINDS),
    from: fc.nat(PEOPLE.length - 1),
    count: fc.integer({ min: 1, max: most }),
  });
const read: fc.Arbitrary<Event> = fc.record({
  do: fc.constant("read" as const),
  kind: fc.constantFrom("full" as const, "delta" as const, "delta" as const),
  size: fc.constantFrom(3, 7, 1000),
});
const run: fc.Arbitrary<Event> = fc.constant({ do: "run" as const });
const hours: fc.Arbitrary<Event> = fc.record({
  do: fc.constant("hours" as const),
  count: fc.integer({ min: 1, max: 30 }),
});
const crash: fc.Arbitrary<Event> = fc.record({
  do: fc.constant("crash" as const),
  at: fc.integer({ min: 1, max: 12 }),
});
const fault: fc.Arbitrary<Event> = fc.record({
  do: fc.constant("fault" as const),
  kind: fc.constantFrom("throttle" as const, "lose-answer" as const),
  count: fc.integer({ min: 1, max: 4 }),
});
const histories = fc.array(
  fc.oneof(
    { arbitrary: burst(10), weight: 4 },
    { arbitrary: read, weight: 4 },
    { arbitrary: run, weight: 3 },
    { arbitrary: hours, weight: 2 },
    { arbitrary: crash, weight: 1 },
    { arbitrary: fault, weight: 1 },
  ),
  { minLength: 4, maxLength: 24 },
);

const numRuns = Number(process.env["UPLINK_TEST_RUNS"] ?? 5);
// As many as are asked for have their time.
const TIME_MS = Math.max(180_000, numRuns * 20_000);
// The first failure is told, with its seed: making it small takes longer than a test may. The same ones each time, unless told another seed.
const parameters = { numRuns, endOnFailure: true, seed: Number(process.env["UPLINK_TEST_SEED"] ?? 1) };

describe("a verdict", () => {
  const MOST = 14;

  /** A delta with a bit of everything: deletes, renames and members beyond the bounds, disables and a newcomer within. */
  async function judged(crashAt: number | undefined) {
    const { world, oracle } = await start();
    const before = world.writes();
    for (const [kind, from, count] of [
      ["delete", 0, 9],
      ["disable", 9, 3],
      ["rename", 12, MOST],
      ["quit", 12, 9],
      ["come", 0, 1],
    ] as const)
      world.take(...stepsOf({ do: "burst", kind, from, count }));
    await world.send("delta", 7);
    if (crashAt !== undefined) world.crashAt(crashAt);
    await world.run();
    const found = await world.cloud.cloud.routes.staged.list(world.agent.jobId, { members: true });
    const sets = new Map((found.ok ? found.value : []).map((own) => [own.class, own]));
    return { world, oracle, sets, writes: world.writes() - before };
  }

  it("is the same whenever its activities die, and the rest of the cycle goes on", async () => {
    const { writes } = await judged(undefined);
    expect(writes).toBeGreaterThan(40);
    for (let at = 1; at <= writes; at += Math.max(1, Math.floor(writes / 10))) {
      const { world, oracle, sets } = await judged(at);
      const about = `killed at write ${at} of ${writes}`;
      expect(oracle.verdict(), about).toEqual([]);
      expect(sets.get("deletes"), about).toMatchObject({ count: 9, reason: "9 in 24 hours reach the bound of 8" });
      expect(sets.get("memberships"), about).toMatchObject({ count: 1, memberships: 9 });
      const { people } = world.directory;
      const objects = world.cloud.target.objects().filter((own) => !own.deleted && own.type === "user");
      const named = (name: string) => objects.find((own) => own.values["displayName"] === name)?.values ?? {};
      const renamed = people().filter((own) => own.upn !== `${own.name}@corp.example`);
      const there = renamed.filter((own) => named(own.name)["userPrincipalName"] === own.upn);
      expect(sets.get("names")?.count, about).toBe(MOST - there.length);
      expect(there.length, about).toBeGreaterThan(0);
      expect(there.length, about).toBeLessThanOrEqual(GUARD.count);
      expect(objects, about).toHaveLength(PEOPLE.length + 1);
      expect(
        PEOPLE.slice(9, 12).map((name) => named(name)["accountEnabled"]),
        about,
      ).toEqual([false, false, false]);
      expect(await world.agent.status(), about).toMatchObject({ escrowed: 0, waiting: { batches: 0, readsEnding: 0 } });
    }
  }, 180_000);
});

describe("whatever happens", () => {
  it(
    "the target never sees more in 24 hours than the bounds allow, and all of it once it is approved",
    async () => {
      await fc.assert(
        fc.asyncProperty(histories, async (events) => {
          const { world, oracle } = await start();
          await play(world, events);
          await world.send("delta");
          await world.settle();
          expect(oracle.verdict()).toEqual([]);
          oracle.stopWatching();
          await approveAll(world);
          if (world.directory.hasUntold()) {
            await world.send("full");
            await world.settle();
            await approveAll(world);
          }
          await world.check();
        }),
        parameters,
      );
    },
    TIME_MS,
  );

  it("of a full read that a delta overtook is done all the same (a history kept)", async () => {
    const { world } = await start();
    await play(world, [
      { do: "hours", count: 26 },
      { do: "burst", kind: "blank", from: 26, count: 1 },
      { do: "burst", kind: "rename", from: 26, count: 1 },
      { do: "read", kind: "full", size: 3 },
      { do: "burst", kind: "disable", from: 24, count: 3 },
    ]);
    await world.send("delta");
    await world.settle();
    await world.check();
  });

  const days = fc.array(
    fc.record({ kind: fc.constantFrom(...KINDS), from: fc.nat(PEOPLE.length - 1), crash: fc.nat(12) }),
    { minLength: 1, maxLength: 6 },
  );

  it(
    "what stays within the bounds goes out, day by day",
    async () => {
      await fc.assert(
        fc.asyncProperty(days, async (history) => {
          const { world, oracle } = await start();
          for (const [day, { kind, from, crash: at }] of history.entries()) {
            world.take(...stepsOf({ do: "burst", kind, from, count: GUARD.floor }));
            if (at > 0) world.crashAt(at);
            await world.send(day % 3 === 2 ? "full" : "delta", 2);
            await world.run();
            expect((await world.agent.status()).staged, `day ${day}: ${kind}`).toBe(0);
            world.cloud.clock.set(world.cloud.clock.now() + 25 * HOUR);
            await world.cloud.tick();
          }
          expect(oracle.verdict()).toEqual([]);
          await world.check();
        }),
        parameters,
      );
    },
    TIME_MS,
  );
});
