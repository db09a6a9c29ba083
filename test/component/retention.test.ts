import { describe, expect, it } from "vitest";
import { DAY_PREFIX, type DayRow } from "../../shared/application/cycles/accounts.ts";
import { type CycleRow, jobTable, listRows, pack, ROW } from "../../shared/application/state/job-rows.ts";
import { changeWhatIf } from "../../shared/application/state/what-if-rows.ts";
import { aUser, type Cloud, createCloud, guidOf } from "../support/cloud.ts";
import { reconcile } from "./reconcile-support.ts";
import { mapped, start as startTrying } from "./what-if-world.ts";

const DAY = 86_400_000;

async function start() {
  const cloud = await createCloud();
  const agent = await cloud.addDomain("corp.example");
  return { cloud, agent };
}

type World = Awaited<ReturnType<typeof start>>;

/** So many days later, each with the ticks that it takes to look at everybody once. */
async function pass({ cloud }: World, days: number) {
  for (let day = 0; day < days; day += 10) {
    cloud.clock.set(cloud.clock.now() + Math.min(10, days - day) * DAY);
    for (let shard = 0; shard < 17; shard++) await cloud.tick();
    await cloud.driver.settled();
    await cloud.run();
  }
}

async function knows({ cloud, agent }: World, name: string) {
  return (await cloud.cloud.routes.links.show(agent.jobId, guidOf(name))).ok;
}

const gone = (name: string) => ({ op: "delete" as const, objectGuid: guidOf(name) });
const blobsOf = async (cloud: Cloud, prefix: string) => {
  const found: string[] = [];
  for await (const path of cloud.blobs.list(prefix)) found.push(path);
  return found;
};

describe("retention", () => {
  it("drops the rows of who is gone for 60 days, their values with them, and nobody else's", async () => {
    const world = await start();
    const { cloud, agent } = world;
    await agent.read("full", [aUser("ann"), aUser("bob"), aUser("out", { isCriticalSystemObject: "TRUE" })]);
    await agent.read("delta", [gone("bob"), gone("nobody")]);
    expect(await knows(world, "nobody")).toBe(true);
    await pass(world, 59);
    expect([await knows(world, "bob"), await knows(world, "nobody")]).toEqual([true, true]);
    await agent.read("delta", [aUser("ann", { title: "Clerk" })]);
    await pass(world, 10);
    expect([await knows(world, "bob"), await knows(world, "nobody")]).toEqual([false, false]);
    expect([await knows(world, "ann"), await knows(world, "out")]).toEqual([true, true]);
    expect(cloud.logged.filter((line) => line.event === "objects-dropped").length).toBeGreaterThan(0);
    // Somebody else may have the name; the same object is a new one.
    await agent.read("delta", [aUser("new", { userPrincipalName: "bob@corp.example" })]);
    expect(await agent.status()).toMatchObject({ escrowed: 0 });
    await agent.read("delta", [aUser("bob", { userPrincipalName: "bob2@corp.example" })]);
    expect(await knows(world, "bob")).toBe(true);
    expect(await agent.status()).toMatchObject({ escrowed: 0 });
  });

  it("keeps who came back, whatever time has passed", async () => {
    const world = await start();
    const { agent } = world;
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    await agent.read("delta", [gone("bob")]);
    await pass(world, 20);
    await agent.read("delta", [aUser("bob")]);
    await pass(world, 80);
    expect(await knows(world, "bob")).toBe(true);
  });

  it("drops no file of a read that isn't closed, and nobody who waits for its end", async () => {
    const world = await start();
    const { cloud, agent } = world;
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    const order = await agent.order("delta");
    await agent.send(agent.batch(order, 1, [gone("bob")]));
    await cloud.run();
    const files = async () => [...(await blobsOf(cloud, "plans/")), ...(await blobsOf(cloud, "batches/"))];
    const before = (await files()).filter((path) => path.includes(`-${order.readNo}-1`));
    expect(before.length).toBeGreaterThan(0);
    await pass(world, 90);
    expect(await files()).toEqual(expect.arrayContaining(before));
    expect(await knows(world, "bob")).toBe(true);
  });

  it("drops accounts of cycles after 90 days, and of days with the log", async () => {
    const world = await start();
    const { cloud, agent } = world;
    const rows = async () => {
      const list = <T>(prefix: string) => listRows<T>(jobTable(cloud.rows), agent.jobId, prefix);
      return [(await list<CycleRow>("cycle:")).length, (await list<DayRow>(DAY_PREFIX)).length];
    };
    await agent.read("full", [aUser("ann")]);
    await pass(world, 80);
    await agent.read("delta", [aUser("bob")]);
    expect(await rows()).toEqual([2, 2]);
    await pass(world, 20);
    expect(await rows()).toEqual([1, 2]);
    expect((await agent.status()).lastCycle).toMatchObject({ received: 1 });
    await pass(world, 400);
    expect(await rows()).toEqual([0, 0]);
  });

  it("drops all accounts of cycles that are old in a day's round, however many", async () => {
    const world = await start();
    const { cloud, agent } = world;
    const jobs = jobTable(cloud.rows);
    const cycles = () => listRows<CycleRow>(jobs, agent.jobId, "cycle:");
    await agent.read("full", [aUser("ann")]);
    const [first] = await cycles();
    if (!first) throw new Error("It has no cycle.");
    for (let at = 1; at < 2_500; at += 100) {
      const some = Array.from({ length: 100 }, (_, n) => ({ ...first.value, readNo: at + n }));
      await jobs.transact(
        agent.jobId,
        some.map((cycle) => ({ op: "upsert", row: ROW.cycle(cycle.readNo), values: pack(cycle) })),
      );
    }
    expect(await cycles()).toHaveLength(2_500);
    cloud.clock.set(cloud.clock.now() + 91 * DAY);
    for (let shard = 0; shard < 17; shard++) await cloud.tick();
    expect(await cycles()).toEqual([]);
  });

  it("drops results of what-ifs and reconciles with the log, but none that an approval needs", async () => {
    const { cloud, agent, jobId, tryOut, approve, whatIfs } = await startTrying();
    await agent.read("full", [aUser("ann", { title: "boss", department: "Sales" })]);
    await tryOut({ kind: "present" });
    const approved = await tryOut({ kind: "schema", schema: mapped({ Title: 'Join("-", [title], "new")' }) });
    expect(await approve(approved.digest)).toMatchObject({ ok: true });
    await agent.read("full", [aUser("ann", { title: "boss", department: "Sales" })]);
    const interrupted = await tryOut({ kind: "schemaVersion", version: 1 });
    await changeWhatIf(jobTable(cloud.rows), jobId, interrupted.id, (row) => ({
      ...row,
      approved: { by: "ann", at: cloud.clock.now(), applied: null },
    }));
    await tryOut({ kind: "present" });
    const newest = await tryOut({ kind: "present" });
    for (const { id } of cloud.target.objects()) cloud.target.edit(id, { department: "Mine" });
    await reconcile(cloud, jobId);
    const kept = async () => {
      const found = await whatIfs.list(jobId);
      const list = await cloud.cloud.routes.reconciles.list(jobId);
      if (!found.ok || !list.ok) throw new Error("There is no such job.");
      const of = async (folder: string) =>
        new Set((await blobsOf(cloud, folder)).map((path) => path.slice(folder.length).split("/")[0]));
      return {
        whatIfs: found.value.map(({ id }) => id),
        files: await of(`what-ifs/${jobId}/`),
        reconciles: list.value.length,
        reconcileFiles: (await of(`reconcile/${jobId}/`)).size,
      };
    };
    const later = async (days: number) => {
      cloud.clock.set(cloud.clock.now() + days * DAY);
      for (let shard = 0; shard < 17; shard++) await cloud.tick();
    };
    await later(360);
    expect(await kept()).toMatchObject({ whatIfs: { length: 5 }, reconciles: 1, reconcileFiles: 1 });
    await later(60);
    const whole = [newest.id, interrupted.id, approved.id];
    expect(await kept()).toEqual({ whatIfs: whole, files: new Set(whole), reconciles: 0, reconcileFiles: 0 });
    // It is the newest no longer.
    const next = await tryOut({ kind: "present" });
    await later(420);
    expect((await kept()).whatIfs).toEqual([next.id, interrupted.id, approved.id]);
  });
});
