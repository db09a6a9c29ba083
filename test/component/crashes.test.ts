import { describe, expect, it } from "vitest";
import { ACTIVITY } from "../../orchestrations/names.ts";
import { aUser, createCloud, START } from "../support/cloud.ts";
import type { DirectoryStep } from "./directory.ts";
import { Crash, createWorld, type World } from "./world.ts";

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

  it("what work without a read removed is told, whichever write of its close is its activity's last", async () => {
    const closed = await removedByExpiry(0);
    expect(closed.writes).toBeGreaterThan(2);
    expect(closed.told).toEqual([3]);
    for (let at = 1; at <= closed.writes; at++) {
      const { told } = await removedByExpiry(at);
      expect(told.length, `killed after write ${at}`).toBeGreaterThan(0);
      expect(new Set(told), `killed after write ${at}`).toEqual(new Set([3]));
    }
  });
});

/** Three accounts expire; the activity that closes the work is killed right after a write. 0: it isn't. What the log told of removals. */
async function removedByExpiry(at: number): Promise<{ readonly told: readonly number[]; readonly writes: number }> {
  let isClosing = false;
  let writes = 0;
  let isAlive = true;
  const cloud = await createCloud({
    settings: { lifecycle: { expiredAccounts: "disable" } },
    wrapRows: (rows) => ({
      ...rows,
      table(name) {
        const table = rows.table(name);
        return {
          ...table,
          async transact(partition, operations) {
            const written = await table.transact(partition, operations);
            if (isClosing && ++writes === at && isAlive) {
              isAlive = false;
              throw new Crash("The host died here.");
            }
            return written;
          },
        };
      },
    }),
    aroundActivity: async (name, _input, run) => {
      isClosing = name === ACTIVITY.commitWork;
      try {
        return await run().catch((error: unknown) => {
          if (error instanceof Crash) return run();
          throw error;
        });
      } finally {
        isClosing = false;
      }
    },
  });
  const agent = await cloud.addDomain("corp.example");
  const accountExpires = String((BigInt(START + 1_800_000) + 11_644_473_600_000n) * 10_000n);
  await agent.read(
    "full",
    ["ann", "bob", "cid"].map((name) => aUser(name, { accountExpires })),
  );
  cloud.clock.set(START + 3_600_000);
  await agent.heartbeat({ want: "none" });
  await cloud.tick();
  await cloud.driver.settled();
  await cloud.run();
  const lines = cloud.logged.filter(({ event }) => event === "removals-done");
  return { writes, told: lines.map(({ fields }) => (fields as { disables: number }).disables) };
}
