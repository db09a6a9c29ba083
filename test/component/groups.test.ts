import { describe, expect, it } from "vitest";
import { aContact, aGroup, BUILT_IN, UNIVERSAL_DISTRIBUTION } from "../support/changes.ts";
import { aUser, type Cloud, createCloud, guidOf, START } from "../support/cloud.ts";
import { readLog } from "../support/log.ts";

const MINUTE_MS = 60_000;
const PRESENT = aUser("present");

async function start() {
  const cloud = await createCloud();
  const agent = await cloud.addDomain("corp.example");
  return { cloud, agent };
}

const groupsOf = (cloud: Cloud) => cloud.target.objects().filter((object) => object.type === "group");
const actionsOf = (cloud: Cloud, type: "user" | "group") =>
  cloud.target.received.filter((action) => action.type === type).map((action) => action.kind);

async function logOf(cloud: Cloud, jobId: string, name: string) {
  return readLog(cloud.cloud.routes, { jobId, objectGuid: guidOf(name), sinceDays: 400, top: 20 });
}

async function escrowsOf(cloud: Cloud, jobId: string) {
  const found = await cloud.cloud.routes.queries.escrows(jobId);
  if (!found.ok) throw new Error(found.failure.message);
  return found.value;
}

async function later(cloud: Cloud, minutes: number): Promise<void> {
  cloud.clock.set(cloud.clock.now() + minutes * MINUTE_MS);
  await cloud.tick();
  await cloud.driver.settled();
  await cloud.run();
}

describe("what an agent is asked for", () => {
  it("names people, groups and contacts, and the links that they have", async () => {
    const { agent } = await start();
    const order = await agent.order("full");
    expect(order.objectClasses).toEqual(["contact", "group", "inetOrgPerson", "user"]);
    expect(order.attributes).toEqual(expect.arrayContaining(["groupType", "manager", "member", "objectSid"]));
    expect(order.attributes).not.toContain("memberOf");
  });
});

describe("a security group", () => {
  it("is made once, plain and with a name of ours, and a second read writes nothing", async () => {
    const { cloud, agent } = await start();
    const changes = [aGroup("Sales Team", { description: "We sell." }), PRESENT];
    await agent.read("full", changes);
    expect(groupsOf(cloud).map((group) => group.values)).toEqual([
      {
        displayName: "Sales Team",
        description: "We sell.",
        mailNickname: "SalesTeam",
        mailEnabled: false,
        securityEnabled: true,
        uniqueName: `uplink-${agent.configurationId}-${guidOf("Sales Team")}`,
      },
    ]);
    const writes = cloud.target.writes();
    await agent.read("full", changes);
    expect(cloud.target.writes()).toBe(writes);
    expect((await agent.status()).lastCycle).toMatchObject({ outcomes: { "no-op": 2 } });
  });

  it("takes changes alone, and loses a description at the end of the read", async () => {
    const { cloud, agent } = await start();
    await agent.read("full", [aGroup("sales", { description: "We sell." }), PRESENT]);
    await agent.read("delta", [aGroup("sales", { displayName: "Sales" }, ["displayName"])]);
    expect(cloud.target.received.at(-1)).toMatchObject({
      kind: "update",
      type: "group",
      values: { displayName: "Sales" },
    });
    await agent.read("delta", [aGroup("sales", { displayName: "Sales" }, ["description"])]);
    expect(cloud.target.received.at(-1)).toMatchObject({ kind: "update", values: { description: null } });
    expect(groupsOf(cloud)[0]?.values).not.toHaveProperty("description");
  });

  it("is deleted on a tombstone, and the same group is back when it comes back", async () => {
    const { cloud, agent } = await start();
    await agent.read("full", [aGroup("sales"), PRESENT]);
    const [before] = groupsOf(cloud);
    await agent.read("delta", [{ op: "delete", objectGuid: guidOf("sales") }]);
    expect(groupsOf(cloud)).toMatchObject([{ id: before?.id, deleted: true }]);
    await agent.read("delta", [aGroup("sales", { displayName: "Sales again" })]);
    expect(groupsOf(cloud)).toMatchObject([{ id: before?.id, deleted: false, values: { displayName: "Sales again" } }]);
    expect(actionsOf(cloud, "group")).toEqual(["create", "delete", "restore", "update"]);
  });

  it("with a mail address becomes a plain one, and the log warns", async () => {
    const { cloud, agent } = await start();
    await agent.read("full", [aGroup("sales", { mail: "sales@corp.example" }), PRESENT]);
    expect(groupsOf(cloud)).toHaveLength(1);
    expect(groupsOf(cloud)[0]?.values).not.toHaveProperty("mail");
    const [entry] = await logOf(cloud, agent.jobId, "sales");
    expect(JSON.stringify(entry)).toContain("plain security groups only");
  });
});

describe("a nickname that was made up at creation", () => {
  it.each([
    ["of a person", (title: string) => aUser("ann", { title, displayName: title }, ["title", "displayName"])],
    ["of a group", (title: string) => aGroup("ann", { displayName: title, sAMAccountName: "部門" }, ["displayName"])],
  ])("%s stays, and no log says that the directory emptied it", async (_, change) => {
    const { cloud, agent } = await start();
    await agent.read("full", [change("one"), PRESENT]);
    cloud.clock.set(cloud.clock.now() + MINUTE_MS);
    await agent.read("delta", [change("two")]);
    const [object] = cloud.target.objects().filter((own) => own.values["displayName"] === "two");
    expect([guidOf("ann"), "ann"]).toContain(object?.values["mailNickname"]);
    const log = await logOf(cloud, agent.jobId, "ann");
    expect(log.map((entry) => entry.provisioningStatusInfo.status)).toEqual(["success", "success"]);
  });
});

describe("what is no security group of the directory's own", () => {
  it.each([
    ["a distribution group", { groupType: UNIVERSAL_DISTRIBUTION }, "makes no distribution groups"],
    ["a built-in group", { groupType: BUILT_IN }, "groupType !& '1'"],
    ["a critical group", { isCriticalSystemObject: "TRUE" }, "isCriticalSystemObject IS FALSE"],
    ["a group that came from the cloud", { adminDescription: "Group_x" }, "adminDescription NOT REGEX MATCH '^Group_'"],
  ])("%s is filtered, and the log says why", async (_, attributes, why) => {
    const { cloud, agent } = await start();
    await agent.read("full", [aGroup("other", attributes), PRESENT]);
    expect(groupsOf(cloud)).toEqual([]);
    expect((await agent.status()).lastCycle).toMatchObject({ outcomes: { filtered: 1, exported: 1 } });
    const [entry] = await logOf(cloud, agent.jobId, "other");
    expect(JSON.stringify(entry)).toContain(why);
  });

  it("a group that becomes a distribution group is removed at the end of the read", async () => {
    const { cloud, agent } = await start();
    await agent.read("full", [aGroup("sales"), PRESENT]);
    await agent.read("delta", [aGroup("sales", { groupType: "2" }, ["groupType"])]);
    expect(groupsOf(cloud)).toMatchObject([{ deleted: true }]);
    expect((await agent.status()).lastCycle).toMatchObject({ deleted: 1 });
  });
});

describe("a contact", () => {
  it("is read and filtered: the target can't hold it", async () => {
    const { cloud, agent } = await start();
    await agent.read("full", [aContact("partner"), PRESENT]);
    expect(cloud.target.objects()).toHaveLength(1);
    expect((await agent.status()).lastCycle).toMatchObject({ outcomes: { filtered: 1, exported: 1, escrowed: 0 } });
    const [entry] = await logOf(cloud, agent.jobId, "partner");
    expect(JSON.stringify(entry)).toContain("target-cannot-hold");
    expect(JSON.stringify(entry)).toContain("can't hold a Contact");
  });
});

describe("whether a group is there already", () => {
  it("is not told by its name, nickname or mail: a new one is made", async () => {
    const { cloud, agent } = await start();
    const values = { displayName: "sales", mailNickname: "sales", mail: "sales@corp.example" };
    const [theirs] = cloud.target.seed([{ type: "group", values }]);
    await agent.read("full", [aGroup("sales", { mail: "sales@corp.example" }), PRESENT]);
    expect(groupsOf(cloud)).toHaveLength(2);
    expect(cloud.target.object(theirs ?? "")?.values).toEqual(values);
  });

  it("is told by its unique name after a lost answer: no twin, and nothing is sent twice", async () => {
    const { cloud, agent } = await start();
    cloud.target.order({ kind: "lose-answer", matches: (action) => action.type === "group" });
    await agent.read("full", [aGroup("sales"), PRESENT]);
    expect(await escrowsOf(cloud, agent.jobId)).toMatchObject([{ objectGuid: guidOf("sales"), code: "Timeout" }]);
    await later(cloud, 10);
    expect(await escrowsOf(cloud, agent.jobId)).toEqual([]);
    expect(groupsOf(cloud)).toHaveLength(1);
    // What it is was given at creation, and is never sent again.
    expect(cloud.target.received.at(-1)).toMatchObject({ kind: "update", type: "group" });
    expect(cloud.target.received.at(-1)).not.toHaveProperty("values.uniqueName");
    const writes = cloud.target.writes();
    await agent.read("full", [aGroup("sales"), PRESENT]);
    expect(cloud.target.writes()).toBe(writes);
  });

  it("is told by its unique name when it is to go before its create's answer came", async () => {
    const { cloud, agent } = await start();
    cloud.target.order({ kind: "lose-answer", matches: (action) => action.type === "group" });
    await agent.read("full", [aGroup("sales"), PRESENT]);
    await agent.read("delta", [{ op: "delete", objectGuid: guidOf("sales") }]);
    await later(cloud, 10);
    expect(groupsOf(cloud)).toMatchObject([{ deleted: true }]);
    expect(actionsOf(cloud, "group")).toEqual(["create", "delete"]);
  });

  it("is told among the deleted: it is restored, not made again", async () => {
    const { cloud, agent } = await start();
    const uniqueName = `uplink-${agent.configurationId}-${guidOf("sales")}`;
    const values = { displayName: "old", mailNickname: "sales", mailEnabled: false, securityEnabled: true, uniqueName };
    const [id] = cloud.target.seed([{ type: "group", deleted: true, values }]);
    await agent.read("full", [aGroup("sales"), PRESENT]);
    expect(groupsOf(cloud)).toMatchObject([{ id, deleted: false, values: { displayName: "sales" } }]);
  });
});

describe("an object whose class changed", () => {
  it("between user and group is refused, both told, and goes on when it is removed", async () => {
    const { cloud, agent } = await start();
    await agent.read("full", [aUser("odd"), PRESENT]);
    const group = { ...aGroup("odd"), objectGuid: guidOf("odd") };
    await agent.read("full", [group, PRESENT]);
    expect(groupsOf(cloud)).toEqual([]);
    const [escrow] = await escrowsOf(cloud, agent.jobId);
    expect(escrow).toMatchObject({ objectGuid: guidOf("odd"), code: "ObjectTypeMismatch" });
    expect(escrow?.message).toMatch(/is a group now.* is a user/);
    expect(cloud.target.objects().filter((object) => !object.deleted)).toHaveLength(2);
    await agent.read("delta", [{ op: "delete", objectGuid: guidOf("odd") }]);
    expect(cloud.target.objects().filter((object) => !object.deleted)).toHaveLength(1);
    // Once the old one can't be restored any more.
    cloud.clock.set(START + 31 * 24 * 60 * MINUTE_MS);
    await agent.read("full", [group, PRESENT]);
    expect(groupsOf(cloud)).toMatchObject([{ deleted: false }]);
    expect(await escrowsOf(cloud, agent.jobId)).toEqual([]);
  });

  it("to a class that the target can't hold is refused as well", async () => {
    const { cloud, agent } = await start();
    await agent.read("full", [aUser("odd"), PRESENT]);
    await agent.read("full", [{ ...aContact("odd"), objectGuid: guidOf("odd") }, PRESENT]);
    expect(await escrowsOf(cloud, agent.jobId)).toMatchObject([{ code: "ObjectTypeMismatch" }]);
    expect(cloud.target.objects().filter((object) => !object.deleted)).toHaveLength(2);
  });
});
