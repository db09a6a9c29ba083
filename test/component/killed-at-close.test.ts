/**
 * The host dies at any write of the activity that closes a cycle or work, before it is there or right after, and its run with it:
 * another run goes on with what is stored. What was to follow from it has to be done all the same.
 */
import { describe, expect, it } from "vitest";
import { ACTIVITY } from "../../orchestrations/names.ts";
import { listRows, type RecentRow, ROW, readRow, type WorkRow } from "../../shared/application/state/job-rows.ts";
import type { RowStore } from "../../shared/ports/row-store.ts";
import type { TargetAction } from "../../shared/ports/target-directory.ts";
import { aGroup, aManagedUser, withMembers } from "../support/changes.ts";
import { aUser, type Cloud, type CloudOptions, createCloud, START } from "../support/cloud.ts";
import { namesIn } from "../support/links.ts";

const MINUTE = 60_000;

/** The write that is the last one, counted from 1; 0: none is. And whether it is there. */
interface Moment {
  readonly fatal: number;
  readonly isWritten: boolean;
}

/** A cloud side whose `activity` dies once it is armed, and the run with it. */
async function mortal(activity: string, { fatal, isWritten }: Moment, options: CloudOptions = {}) {
  let isArmed = false;
  let isIn = false;
  let isDead = false;
  let writes = 0;
  const write = async <T>(run: () => Promise<T>): Promise<T> => {
    if (!isIn || !isArmed || isDead) return run();
    writes += 1;
    if (writes !== fatal) return run();
    isDead = true;
    if (isWritten) await run();
    throw new Error("The host died here.");
  };
  const cloud = await createCloud({
    ...options,
    wrapRows: (rows): RowStore => ({
      ...rows,
      table: (name) => {
        const table = rows.table(name);
        return { ...table, transact: (partition, operations) => write(() => table.transact(partition, operations)) };
      },
    }),
    wrapBlobs: (blobs) => ({
      ...blobs,
      put: (path, bytes, more) => write(() => blobs.put(path, bytes, more)),
      delete: (path) => write(() => blobs.delete(path)),
    }),
    aroundActivity: async (name, _input, run) => {
      const wasAlive = !isDead;
      isIn = name === activity;
      try {
        return await run();
      } catch (error) {
        // Nobody repeats it, and nobody notes it: as the dead host's run ends, it writes nothing more.
        if (wasAlive && isDead) return { kind: "fenced" };
        throw error;
      } finally {
        isIn = false;
      }
    },
  });
  return {
    cloud,
    writes: () => writes,
    arm: () => {
      isArmed = true;
    },
    /** The tick finds the run that moves no more, and another one goes on. */
    async goOn() {
      for (let round = 0; round < 3; round++) {
        cloud.clock.set(cloud.clock.now() + 15 * MINUTE);
        await cloud.tick();
        await cloud.driver.settled();
        await cloud.run();
      }
    },
  };
}

type Mortal = Awaited<ReturnType<typeof mortal>>;

async function everywhere(play: (moment: Moment) => Promise<Mortal>, look: (own: Mortal, at: string) => Promise<void>) {
  const whole = await play({ fatal: 0, isWritten: true });
  await look(whole, "nobody killed it");
  expect(whole.writes()).toBeGreaterThan(2);
  for (let fatal = 1; fatal <= whole.writes(); fatal++) {
    for (const isWritten of [false, true]) {
      const own = await play({ fatal, isWritten });
      await look(own, `killed ${isWritten ? "after" : "before"} write ${fatal} of ${whole.writes()}`);
    }
  }
}

const nothingOpen = async ({ cloud }: Mortal, jobId: string, at: string) => {
  const jobs = cloud.rows.table("jobs");
  expect(await listRows(jobs, jobId, "read:"), at).toEqual([]);
  expect(await listRows<WorkRow>(jobs, jobId, "work:"), at).toEqual([]);
  expect(
    cloud.logged.filter(({ event }) => event === "step-failed"),
    at,
  ).toEqual([]);
};

const creates = (name: string) => (action: TargetAction) =>
  action.kind === "create" && action.values["displayName"] === name;

const idOf = (cloud: Cloud, name: string) =>
  cloud.target.objects().find((own) => own.values["displayName"] === name)?.id;

describe("a host that dies while it closes a cycle", () => {
  it("leaves no older set listed that a complete full read judged anew, and no removal of its read", async () => {
    let jobId = "";
    const people = Array.from({ length: 60 }, (_, at) => aUser(`user${at}`));
    const play = async (moment: Moment) => {
      const own = await mortal(ACTIVITY.commitCycle, moment);
      const { cloud } = own;
      const agent = await cloud.addDomain("corp.example");
      jobId = agent.jobId;
      await agent.read("full", people);
      cloud.clock.set(cloud.clock.now() + MINUTE);
      await agent.read("full", people.slice(30));
      expect(await setsOf(cloud, jobId)).toHaveLength(1);
      cloud.clock.set(cloud.clock.now() + MINUTE);
      own.arm();
      await agent.read("full", people.slice(1));
      await own.goOn();
      return own;
    };
    await everywhere(play, async (own, at) => {
      expect(await setsOf(own.cloud, jobId), at).toEqual([]);
      await nothingOpen(own, jobId, at);
      for await (const rows of own.cloud.rows.table("removals").scan()) expect(rows, at).toEqual([]);
    });
  });
});

async function setsOf(cloud: Cloud, jobId: string) {
  const found = await cloud.cloud.routes.staged.list(jobId, { members: false });
  if (!found.ok) throw new Error(found.failure.message);
  return found.value;
}

describe("a host that dies while it closes work", () => {
  it("leaves none of its removals booked as under way", async () => {
    let jobId = "";
    const play = async (moment: Moment) => {
      const own = await mortal(ACTIVITY.commitWork, moment, {
        settings: { lifecycle: { expiredAccounts: "disable" } },
      });
      const { cloud } = own;
      const agent = await cloud.addDomain("corp.example");
      jobId = agent.jobId;
      const accountExpires = String((BigInt(START + 30 * MINUTE) + 11_644_473_600_000n) * 10_000n);
      await agent.read(
        "full",
        ["ann", "bob", "cid"].map((name) => aUser(name, { accountExpires })),
      );
      cloud.clock.set(START + 60 * MINUTE);
      await agent.heartbeat({ want: "none" });
      own.arm();
      await cloud.tick();
      await cloud.driver.settled();
      await cloud.run();
      await own.goOn();
      return own;
    };
    await everywhere(play, async (own, at) => {
      const recent = await readRow<RecentRow>(own.cloud.rows.table("jobs"), jobId, ROW.recent);
      expect(recent?.value.entries, at).toMatchObject([{ removed: { disables: 3 } }]);
      expect(
        recent?.value.entries.filter((entry) => entry.isOpen),
        at,
      ).toEqual([]);
      expect(
        own.cloud.target.objects().filter((one) => one.values["accountEnabled"] === false),
        at,
      ).toHaveLength(3);
      const told = own.cloud.logged.filter(({ event }) => event === "removals-done");
      expect(new Set(told.map(({ fields }) => (fields as { disables: number }).disables)), at).toEqual(new Set([3]));
      await nothingOpen(own, jobId, at);
    });
  });
});

describe("a host that dies while it closes", () => {
  it.each([
    ["a cycle", ACTIVITY.commitCycle],
    ["work", ACTIVITY.commitWork],
  ])("%s leaves nobody unbound who appeared while references were bound", async (_, activity) => {
    let jobId = "";
    const play = async (moment: Moment) => {
      const own = await mortal(activity, moment);
      const { cloud } = own;
      const abroad = await cloud.addDomain("other.example");
      const agent = await cloud.addDomain("corp.example");
      jobId = agent.jobId;
      cloud.target.order({ kind: "fail", matches: creates("ann") });
      await agent.read("full", [withMembers(["ann"], aGroup("sales")), aManagedUser("ann", "boss")]);
      expect(idOf(cloud, "ann")).toBeUndefined();
      if (activity === ACTIVITY.commitCycle) {
        await agent.sendRead("delta", [[aUser("zoe")]], 1);
        cloud.bells.splice(0);
      }
      own.arm();
      // Her manager comes to another forest: she is mapped again to be bound to him, and created by that.
      await abroad.read("full", [aUser("boss")]);
      await own.goOn();
      return own;
    };
    await everywhere(play, async (own, at) => {
      expect(namesIn(own.cloud, "sales"), at).toEqual(["ann"]);
      await nothingOpen(own, jobId, at);
      for await (const rows of own.cloud.rows.table("dirtylinks").scan()) expect(rows, at).toEqual([]);
    });
  });
});
