/** A row of one group's members that is damaged or lost: that group waits, and nobody else does. */
import { describe, expect, it } from "vitest";
import { type CycleRow, jobTable, listRows } from "../../shared/application/state/job-rows.ts";
import type { Change } from "../../shared/contracts/change.ts";
import { shardOf } from "../../shared/domain/shard.ts";
import type { Row } from "../../shared/ports/row-store.ts";
import { aGroup, withMembers } from "../support/changes.ts";
import { aUser, createCloud, guidOf } from "../support/cloud.ts";
import { changing, namesIn, partOf } from "../support/links.ts";
import { readLog } from "../support/log.ts";
import { reconcile } from "./reconcile-support.ts";

const HOUR = 3_600_000;
const NAMES = ["ann", "bob", "cid", "dan"] as const;
const PEOPLE = NAMES.map((name) => aUser(name));
const FAR = Array.from({ length: 600 }, (_, at) => `far${at}`);
const DAMAGE = Buffer.from([1, 2, 3]);

/** A directory of four people, the group `team` and the group `club`. */
async function start(team: readonly string[] = ["ann", "bob"], options: Parameters<typeof createCloud>[0] = {}) {
  const cloud = await createCloud(options);
  const agent = await cloud.addDomain("corp.example");
  const all = (members: readonly string[]) => [
    withMembers(members, aGroup("team")),
    withMembers(["ann"], aGroup("club")),
    ...PEOPLE,
  ];
  await agent.read("full", all(team));
  const table = cloud.rows.table("links");
  const partition = `tenant:${shardOf(guidOf("team"))}`;
  /** Header and segments, in the order of keys. */
  const rowsOf = async (kind: "h" | "s") => {
    const prefix = `${kind}:${agent.configurationId}:${guidOf("team")}:`;
    const found: Row[] = [];
    for await (const rows of table.range(partition, { from: prefix, to: `${prefix}~` })) found.push(...rows);
    return found;
  };
  const escrows = async () => {
    const found = await cloud.cloud.routes.queries.escrows(agent.jobId);
    if (!found.ok) throw new Error(found.failure.message);
    return found.value;
  };
  const cycles = async () =>
    (await listRows<CycleRow>(jobTable(cloud.rows), agent.jobId, "cycle:")).map(({ value }) => value);
  const world = { cloud, agent, all, rowsOf, escrows, cycles };
  return {
    ...world,
    /** Writes over a column, as damage would; gives back the row as it was. */
    async damage(row: Row | undefined, column: "data" | "edges") {
      if (!row) throw new Error("There is no such row.");
      const values = { ...row.values, [column]: DAMAGE };
      await table.transact(partition, [{ op: "upsert", row: row.row, values }]);
      return row;
    },
    mend: (row: Row) => table.transact(partition, [{ op: "upsert", row: row.row, values: row.values }]),
    drop: (rows: readonly Row[]) =>
      table.transact(
        partition,
        rows.map(({ row }) => ({ op: "delete" as const, row })),
      ),
    async pass(ms: number) {
      cloud.clock.set(cloud.clock.now() + ms);
      await cloud.tick();
      await cloud.driver.settled();
      await cloud.run();
    },
    /** Everybody else's changes are in effect, the read is closed whole, and nothing was set aside. */
    async nobodyElseWaits() {
      expect(cloud.logged.filter(({ event }) => event === "step-failed" || event === "batch-parked")).toEqual([]);
      expect((await agent.status()).fullReadWanted).toBeNull();
      expect(await cycles()).toMatchObject((await cycles()).map(() => ({ state: "ended", outcomes: { escrowed: 0 } })));
      expect(await escrows()).toMatchObject([{ objectGuid: guidOf("team"), code: "EntryUnreadable" }]);
    },
  };
}

type World = Awaited<ReturnType<typeof start>>;

async function isWhole({ cloud, agent, all, escrows, pass }: World, members: readonly string[]) {
  await agent.read("full", all(members));
  await pass(24 * HOUR);
  await pass(24 * HOUR);
  const there = members.filter((name) => !name.startsWith("far"));
  expect(namesIn(cloud, "team")).toEqual([...there].sort());
  expect(await escrows()).toEqual([]);
  const writes = cloud.target.writes();
  await agent.read("full", all(members));
  expect(cloud.target.writes()).toBe(writes);
}

describe("a damaged row of one group's members", () => {
  it.each(["data", "edges"] as const)("holds up that group alone, is told, and stays as it is (%s)", async (column) => {
    const world = await start();
    const { cloud, agent, rowsOf } = world;
    const before = await world.damage((await rowsOf("h"))[0], column);
    await agent.read("delta", [
      changing("team", { add: ["cid"], remove: ["ann"] }),
      changing("club", { add: ["bob"] }),
      aUser("eve"),
    ]);
    expect(namesIn(cloud, "team")).toEqual(["ann", "bob"]);
    expect(namesIn(cloud, "club")).toEqual(["ann", "bob"]);
    expect(cloud.target.objects().map(({ values }) => values["displayName"])).toContain("eve");
    await world.nobodyElseWaits();
    expect((await rowsOf("h"))[0]?.values[column]).toEqual(new Uint8Array(DAMAGE));
    expect(cloud.logged.filter(({ event }) => event === "links-unreadable")).toMatchObject([
      { level: "error", fields: { jobId: agent.jobId, groups: 1, first: guidOf("team"), row: before.row } },
    ]);
    const [told] = await world.escrows();
    expect(told?.message).toContain(before.row);
    const log = await readLog(cloud.cloud.routes, { jobId: agent.jobId, objectGuid: guidOf("team"), top: 9 });
    expect(
      log.map(({ provisioningStatusInfo: { status, errorInformation } }) => [status, errorInformation?.errorCode]),
    ).toContainEqual(["failure", "EntryUnreadable"]);
    expect((await world.cycles()).at(-1)?.detail.links).toMatchObject({ added: 1, removed: 0, failed: 1 });
    // A full read meets it again, and ends all the same; a try by time doesn't lose it.
    await agent.read("full", world.all(["bob", "cid"]));
    await world.pass(24 * HOUR);
    await world.nobodyElseWaits();
    await world.mend(before);
    await isWhole(world, ["bob", "cid"]);
  });

  it("may be deleted: the next full read's list takes its place", async () => {
    const world = await start();
    const before = await world.damage((await world.rowsOf("h"))[0], "edges");
    await world.agent.read("delta", [changing("team", { add: ["cid"] })]);
    await world.nobodyElseWaits();
    await world.drop([before]);
    await isWhole(world, ["ann", "bob", "cid"]);
  });

  it("holds up nobody whose group is made at that moment, nor somebody who appears in it", async () => {
    const world = await start(["ann", "bob", "eve"]);
    const { cloud, agent } = world;
    const team = cloud.target.objects().find(({ values }) => values["displayName"] === "team");
    const before = await world.damage((await world.rowsOf("h"))[0], "edges");
    await agent.read("delta", [aUser("eve")]);
    expect(namesIn(cloud, "team")).toEqual(["ann", "bob"]);
    await world.nobodyElseWaits();
    // Deleted and back: it is created, or restored, without members.
    await agent.read("delta", [{ op: "delete", objectGuid: guidOf("team") }]);
    await agent.read("delta", [aGroup("team"), aUser("fay")]);
    expect(cloud.target.object(team?.id ?? "")?.deleted).toBe(false);
    await world.nobodyElseWaits();
    await world.mend(before);
    await isWhole(world, ["ann", "bob", "eve"].slice(0, 2));
  });

  it("is no list without members to a reconcile, which would take them out", async () => {
    const world = await start();
    const { cloud, agent, rowsOf } = world;
    const before = await world.damage((await rowsOf("h"))[0], "edges");
    const done = await reconcile(cloud, agent.jobId, "repair");
    expect(done).toMatchObject({ state: "done", findings: [] });
    expect(namesIn(cloud, "team")).toEqual(["ann", "bob"]);
    await world.mend(before);
    await isWhole(world, ["ann", "bob"]);
  });
});

describe("a damaged row that says where to look", () => {
  it("has the whole group looked at, and holds up no end of a read", async () => {
    const { cloud, agent } = await start();
    const table = cloud.rows.table("dirtylinks");
    const rows = ["", ":missing"].map((kind) => `${guidOf("team")}:member:${kind}`);
    await table.transact(
      agent.jobId,
      rows.map((row) => ({ op: "upsert" as const, row, values: { data: DAMAGE } })),
    );
    await agent.read("delta", [changing("club", { add: ["bob"] })]);
    expect(namesIn(cloud, "club")).toEqual(["ann", "bob"]);
    expect(namesIn(cloud, "team")).toEqual(["ann", "bob"]);
    expect(cloud.logged.filter(({ event }) => event === "step-failed")).toEqual([]);
    const left: Row[] = [];
    for await (const found of table.range(agent.jobId)) left.push(...found);
    expect(left).toEqual([]);
  });
});

describe("a damaged segment of a large group's members", () => {
  const segmentAt = async ({ rowsOf }: World, at: number) => {
    const found = await rowsOf("s");
    expect(found).toHaveLength(16);
    return found[at];
  };

  it.each(["damaged", "lost"] as const)("holds up that group alone, where it is needed (%s)", async (how) => {
    const members = ["ann", "bob", ...FAR];
    const world = await start(members);
    const { cloud, agent } = world;
    for (const at of [0, 7, 15]) {
      const row = await segmentAt(world, at);
      const before = how === "damaged" ? await world.damage(row, "edges") : row;
      if (!before) throw new Error("There is no such segment.");
      if (how === "lost") await world.drop([before]);
      await agent.read("full", [...world.all(members), aUser(`new${at}`)]);
      expect(cloud.target.objects().map(({ values }) => values["displayName"])).toContain(`new${at}`);
      expect(namesIn(cloud, "team")).toEqual(["ann", "bob"]);
      await world.nobodyElseWaits();
      await world.mend(before);
    }
    await isWhole(world, members);
  });

  it("holds up that group alone when somebody is to be removed whom another segment may want", async () => {
    const members = ["ann", "bob", ...FAR];
    const world = await start(members);
    const { cloud, agent } = world;
    const ofAnn = (await world.rowsOf("s")).map(({ row }) => row);
    // Each but the one that she is in: only who asks all of them meets it.
    for (const at of [3, 11]) {
      const before = await world.damage(await segmentAt(world, at), "edges");
      await agent.read("delta", [changing("team", { remove: ["ann"] }), aUser(`late${at}`)]);
      expect(namesIn(cloud, "team")).toEqual(["ann", "bob"]);
      await world.nobodyElseWaits();
      await world.mend(before);
      await agent.read("delta", [changing("team", { add: ["ann"] })]);
      await world.pass(24 * HOUR);
      expect(await world.escrows()).toEqual([]);
    }
    expect(ofAnn).toHaveLength(16);
    await isWhole(world, members.slice(1));
  });

  it("holds up nobody when the group grows out of its layout", async () => {
    const grown = Array.from({ length: 7_500 }, (_, at) => `far${at + 600}`);
    const world = await start(["ann", "bob", ...FAR]);
    const before = await world.damage(await segmentAt(world, 5), "edges");
    const add = grown.filter((_, at) => at < 7_450);
    const part: Change = changing("team", { add });
    await world.agent.read("delta", [part, aUser("eve")]);
    expect(world.cloud.target.objects().map(({ values }) => values["displayName"])).toContain("eve");
    await world.nobodyElseWaits();
    await world.mend(before);
    await world.agent.read("full", [partOf("team", ["ann"], 0, true), ...world.all([]).slice(1)]);
    await isWhole(world, ["ann"]);
  });
});
