import { describe, expect, it } from "vitest";
import type { DirectoryStep } from "./directory.ts";
import { createWorld, type World } from "./world.ts";

const create = (name: string): DirectoryStep => ({ do: "create", name });
const STEP = Number(process.env["UPLINK_TEST_CRASH_STEP"] ?? 4);

/** A full read, and a delta in which everything happens that can happen to a person. */
async function play(world: World, crash?: { readonly phase: number; readonly at: number }): Promise<number[]> {
  const counts: number[] = [];
  const phase = async (number: number, work: () => Promise<unknown>) => {
    await work();
    const before = world.writes();
    if (crash?.phase === number) world.crashAt(crash.at);
    await world.run();
    world.noteIds();
    counts.push(world.writes() - before);
  };
  world.take(...["ann", "bob", "cid", "dee", "eve"].map(create), { do: "department", name: "ann", to: "Sales" });
  await phase(0, () => world.send("full", 2));
  world.take(
    { do: "department", name: "ann", to: null },
    { do: "upn", name: "bob", to: "bobby@corp.example" },
    { do: "enable", name: "cid", to: false },
    { do: "delete", name: "dee" },
    create("fay"),
  );
  await phase(1, () => world.send("delta", 3));
  world.take(
    { do: "undelete", name: "dee" },
    { do: "upn", name: "eve", to: "bob@corp.example" },
    { do: "delete", name: "fay" },
  );
  await phase(2, () => world.send("delta", 2));
  world.take({ do: "delete", name: "ann" });
  await phase(3, () => world.send("full", 3));
  return counts;
}

describe("at least once", () => {
  it("every activity called twice: the target is the projection, and nothing is counted twice", async () => {
    const world = await createWorld({ twice: true });
    await play(world);
    expect(world.cloud.target.objects()).toHaveLength(6);
    await world.check();
  });

  it.each([0, 1, 2, 3])(
    "an activity killed at any of its writes in phase %i is repeated without harm",
    async (phase) => {
      const counts = await play(await createWorld());
      const most = counts[phase] ?? 0;
      expect(most).toBeGreaterThan(20);
      // Not every write each time: UPLINK_TEST_CRASH_STEP=1 takes them all.
      for (let at = 1 + (phase % STEP); at <= most; at += STEP) {
        const world = await createWorld();
        await play(world, { phase, at });
        await world.check().catch((error: unknown) => {
          throw new Error(
            `killed at write ${at} of ${most} in phase ${phase}: ${error instanceof Error ? error.message : error}`,
            { cause: error },
          );
        });
      }
    },
  );
});
