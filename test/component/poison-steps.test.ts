/**
 * A defect that is met for one object in any step of an agent's batch but its mapping: at the batch's last attempt that object waits,
 * and everybody else goes on. Faults are planted below the engine, in what it calls, for one object alone.
 */
import { describe, expect, it } from "vitest";
import { type CycleRow, jobTable, listRows } from "../../shared/application/state/job-rows.ts";
import { type RowStore, type RowTable, StorageError } from "../../shared/ports/row-store.ts";
import { aGroup, withMembers } from "../support/changes.ts";
import { aUser, type Cloud, createCloud, guidOf } from "../support/cloud.ts";
import { changing, namesIn } from "../support/links.ts";
import { readLog } from "../support/log.ts";

const MINUTE = 60_000;
const NAMES = ["ann", "bob", "cid", "dan", "eve"] as const;
const people = (department: string) => NAMES.map((name) => aUser(name, { department }));
const departments = (cloud: Cloud) =>
  Object.fromEntries(cloud.target.objects().map(({ values }) => [values["displayName"], values["department"]]));
const all = (department: string, but: Record<string, string> = {}) => ({
  ...Object.fromEntries(NAMES.map((name) => [name, department])),
  ...but,
});

interface Fault {
  thrown?: Error | undefined;
}

/** Calls of one table that speak of one object fail. */
function failing(of: string, method: "transact" | "getMany", name: string, fault: Fault) {
  return (rows: RowStore): RowStore => ({
    ...rows,
    table(own) {
      const table = rows.table(own);
      if (!own.startsWith(of)) return table;
      const call = table[method] as (...args: unknown[]) => Promise<unknown>;
      const failingCall = async (...args: unknown[]) => {
        if (fault.thrown && JSON.stringify(args).includes(guidOf(name))) throw fault.thrown;
        return call(...args);
      };
      return { ...table, [method]: failingCall } as RowTable;
    },
  });
}

async function start(wrapRows?: (rows: RowStore) => RowStore) {
  const cloud = await createCloud(wrapRows ? { wrapRows } : {});
  const agent = await cloud.addDomain("corp.example");
  await agent.read("full", people("Sales"));
  expect(departments(cloud)).toEqual(all("Sales"));
  const events = (event: string) => cloud.logged.filter((line) => line.event === event);
  const escrows = async () => {
    const found = await cloud.cloud.routes.queries.escrows(agent.jobId);
    return found.ok ? found.value.map(({ objectGuid, code }) => [objectGuid, code]) : [];
  };
  const lastCycle = async () =>
    (await listRows<CycleRow>(jobTable(cloud.rows), agent.jobId, "cycle:")).at(-1)?.value.outcomes;
  const pass = async (minutes: number) => {
    cloud.clock.set(cloud.clock.now() + minutes * MINUTE);
    await cloud.tick();
    await cloud.driver.settled();
    await cloud.run();
  };
  /** It stood alone, and its batch was not set aside. */
  const expectAlone = (name: string) => {
    expect(events("step-failed")).toHaveLength(2);
    expect(events("batch-parked")).toEqual([]);
    const isolated = events("object-isolated").map(({ fields }) => (fields as { objectGuid: string }).objectGuid);
    expect([...new Set(isolated)]).toEqual([guidOf(name)]);
  };
  return { cloud, agent, events, escrows, lastCycle, pass, expectAlone };
}

const failApply = (cloud: Cloud, name: string, fault: Fault) => {
  const { apply } = cloud.target;
  cloud.target.apply = async (actions, options) => {
    if (fault.thrown && actions.some(({ key }) => key === guidOf(name))) throw fault.thrown;
    return apply(actions, options);
  };
};

describe("one object holds up nobody else", () => {
  it("when sending it meets a defect: its change is in its row, and goes out once the cause is gone", async () => {
    const world = await start();
    const { cloud, agent } = world;
    const fault: Fault = { thrown: new TypeError("poison") };
    failApply(cloud, "bob", fault);
    await agent.read("delta", [...people("Finance"), aUser("new", { department: "Finance" })]);
    expect(departments(cloud)).toEqual({ ...all("Finance", { bob: "Sales" }), new: "Finance" });
    expect(await world.escrows()).toEqual([[guidOf("bob"), "InternalError"]]);
    world.expectAlone("bob");
    expect(await world.lastCycle()).toMatchObject({ exported: 5, escrowed: 1 });
    expect(await agent.status()).toMatchObject({ fullReadWanted: null, escrowed: 1 });
    const told = await readLog(cloud.cloud.routes, {
      ...{ jobId: agent.jobId, objectGuid: guidOf("bob"), sinceDays: 400, top: 20 },
    });
    expect(told.map((entry) => entry.provisioningStatusInfo.errorInformation?.errorCode)).toContain("InternalError");
    delete fault.thrown;
    await world.pass(10);
    expect(await world.escrows()).toEqual([]);
    expect(departments(cloud)).toEqual({ ...all("Finance"), new: "Finance" });
  });

  it("when a create that may have taken effect meets it: it is looked up, and nobody is made twice", async () => {
    const world = await start();
    const { cloud, agent } = world;
    const fault: Fault = { thrown: new TypeError("poison") };
    const { apply } = cloud.target;
    cloud.target.apply = async (actions, options) => {
      const answers = await apply(actions, options);
      if (fault.thrown && actions.some(({ key }) => key === guidOf("new"))) throw fault.thrown;
      return answers;
    };
    await agent.read("delta", [...people("Finance"), aUser("new", { department: "Finance" })]);
    expect(departments(cloud)).toEqual({ ...all("Finance"), new: "Finance" });
    world.expectAlone("new");
    expect(await world.escrows()).toEqual([[guidOf("new"), "InternalError"]]);
    delete fault.thrown;
    for (let hour = 0; hour < 3; hour++) await world.pass(60);
    expect(await world.escrows()).toEqual([]);
    await agent.read("delta", [aUser("new", { department: "Legal" })]);
    expect(cloud.target.objects()).toHaveLength(NAMES.length + 1);
    expect(departments(cloud)).toMatchObject({ new: "Legal" });
  });

  it("when its row can't be written: a full read is asked for, and brings what its change said", async () => {
    const fault: Fault = {};
    const world = await start(failing("objects", "transact", "bob", fault));
    const { cloud, agent } = world;
    fault.thrown = new TypeError("poison");
    await agent.read("delta", people("Finance"));
    expect(departments(cloud)).toEqual(all("Finance", { bob: "Sales" }));
    expect(await world.escrows()).toEqual([[guidOf("bob"), "InternalError"]]);
    world.expectAlone("bob");
    expect(await world.lastCycle()).toMatchObject({ exported: 4, escrowed: 1 });
    expect((await agent.status()).fullReadWanted).toBe("parked-object");
    // The full read meets the same, and asks for no other.
    await agent.read("full", people("Finance"));
    expect(departments(cloud)).toEqual(all("Finance", { bob: "Sales" }));
    expect((await agent.status()).fullReadWanted).toBeNull();
    delete fault.thrown;
    await agent.read("full", people("Finance"));
    expect(departments(cloud)).toEqual(all("Finance"));
    await world.pass(60);
    expect(await world.escrows()).toEqual([]);
  });

  it("when what became of it can't be told: the others are told, and all of it stands", async () => {
    const fault: Fault = {};
    const world = await start(failing("log", "transact", "bob", fault));
    const { cloud, agent } = world;
    fault.thrown = new TypeError("poison");
    await agent.read("delta", people("Finance"));
    expect(departments(cloud)).toEqual(all("Finance"));
    world.expectAlone("bob");
    expect((await agent.status()).fullReadWanted).toBe("parked-object");
    delete fault.thrown;
    for (const name of NAMES) {
      const found = await readLog(cloud.cloud.routes, {
        ...{ jobId: agent.jobId, objectGuid: guidOf(name), sinceDays: 400, top: 20 },
      });
      expect(found.length, name).toBe(name === "bob" ? 1 : 2);
    }
  });

  it("when folding its links meets it: members of the others go on, and its own come with a full read", async () => {
    const fault: Fault = {};
    const world = await start(failing("links", "transact", "two", fault));
    const { cloud, agent } = world;
    const groups = ["one", "two", "three"];
    const whole = (members: readonly string[]) => [
      ...people("Sales"),
      ...groups.map((group) => withMembers(members, aGroup(group))),
    ];
    await agent.read("full", whole(["ann"]));
    fault.thrown = new TypeError("poison");
    const changes = groups.map((group) => changing(group, { add: ["bob"] }));
    await agent.read("delta", [...changes, aUser("cid", { department: "Finance" }, ["department"])]);
    expect(groups.map((group) => namesIn(cloud, group))).toEqual([["ann", "bob"], ["ann"], ["ann", "bob"]]);
    expect(departments(cloud)).toMatchObject({ cid: "Finance" });
    world.expectAlone("two");
    expect((await agent.status()).fullReadWanted).toBe("parked-object");
    delete fault.thrown;
    await agent.read("full", whole(["bob"]));
    expect(groups.map((group) => namesIn(cloud, group))).toEqual([["bob"], ["bob"], ["bob"]]);
    expect((await agent.status()).fullReadWanted).toBeNull();
  });

  it("when what the split of its batch needs of it can't be read", async () => {
    const fault: Fault = {};
    const world = await start(failing("staged", "getMany", "bob", fault));
    const { cloud, agent } = world;
    // Something is staged, so that the split asks.
    await agent.read("full", people("Sales").slice(0, 2));
    const crowd = Array.from({ length: 60 }, (_, at) => aUser(`user${at}`, { department: "Sales" }));
    await agent.read("full", [...people("Sales"), ...crowd]);
    await agent.read("full", people("Sales"));
    expect(await agent.status()).toMatchObject({ staged: 60 });
    fault.thrown = new TypeError("poison");
    await agent.read("delta", people("Finance"));
    expect(departments(cloud)).toMatchObject(all("Finance"));
    expect(world.events("step-failed")).toHaveLength(2);
    expect(world.events("batch-parked")).toEqual([]);
  });

  it.each(["objects", "links"])(
    "but where storage can't be reached nobody is taken for the fault (%s)",
    async (table) => {
      const fault: Fault = {};
      const world = await start(failing(table, "transact", table === "links" ? "two" : "bob", fault));
      const { agent } = world;
      fault.thrown = new StorageError("storage-unreachable", "No answer.");
      await agent.read("delta", [...people("Finance"), withMembers(["ann"], aGroup("two"))]);
      expect(world.events("object-isolated")).toEqual([]);
      expect(world.events("batch-parked")).toHaveLength(1);
      expect((await agent.status()).fullReadWanted).toBe("parked-batch");
    },
  );
});
