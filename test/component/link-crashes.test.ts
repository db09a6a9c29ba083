import { describe, expect, it } from "vitest";
import { createLinkWorld, type LinkWorld } from "./link-world.ts";

const STEP = Number(process.env["UPLINK_TEST_CRASH_STEP"] ?? 11);

/** A full read, two deltas and another full read in which everything happens that can happen to a membership. */
async function play(world: LinkWorld, crash?: { readonly phase: number; readonly at: number }): Promise<number[]> {
  const counts: number[] = [];
  const phase = async (number: number, want: "full" | "delta", size: number) => {
    const before = world.writes();
    if (crash?.phase === number) world.crashAt(crash.at);
    await world.read(want, size);
    counts.push(world.writes() - before);
  };
  for (const [name, manager] of [
    ["ann", "bob"],
    ["bob", null],
    ["cid", "ann"],
    ["dee", "zoe"],
  ] as const)
    world.hire(name, manager);
  world.found("one", ["ann", "bob", "two", "eve"]);
  world.found("two", ["cid", "one"]);
  world.found("three", ["dee"]);
  await phase(0, "full", 3);
  world.change("one", ["dee"], ["bob"]);
  world.hire("eve");
  world.change("two", ["eve"], []);
  world.fire("cid");
  world.hire("zoe");
  await phase(1, "delta", 2);
  world.rehire("cid", ["one"]);
  world.manage("bob", "cid");
  world.change("three", ["ann", "bob"], ["dee"]);
  await phase(2, "delta", 2);
  world.fire("zoe");
  world.change("one", [], ["ann"]);
  await phase(3, "full", 4);
  return counts;
}

describe("links, at least once", () => {
  it("are what the directory says", async () => {
    const world = await createLinkWorld();
    await play(world);
    await world.check();
  });

  it("every activity called twice: nothing is sent that isn't wanted", async () => {
    const world = await createLinkWorld({ twice: true });
    await play(world);
    await world.check();
  });

  it.each([0, 1, 2, 3])(
    "an activity killed at any of its writes in phase %i is repeated without harm",
    async (phase) => {
      const counts = await play(await createLinkWorld());
      const most = counts[phase] ?? 0;
      expect(most).toBeGreaterThan(20);
      // Not every write each time: UPLINK_TEST_CRASH_STEP=1 takes them all.
      for (let at = 1 + (phase % STEP); at <= most; at += STEP) {
        const world = await createLinkWorld();
        await play(world, { phase, at });
        await world.check().catch((error: unknown) => {
          throw new Error(
            `killed at write ${at} of ${most} in phase ${phase}: ${error instanceof Error ? error.message : error}`,
            { cause: error },
          );
        });
      }
    },
    STEP < 5 ? 600_000 : 30_000,
  );
});
