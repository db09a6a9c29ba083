import { describe, expect, it } from "vitest";
import { aGroup, aManagedUser, withMembers } from "../support/changes.ts";
import { aUser, createCloud, guidOf } from "../support/cloud.ts";
import { membersIn, namesIn } from "../support/links.ts";

const crowd = (count: number, prefix: string) => Array.from({ length: count }, (_, at) => `${prefix}${at}`);

async function start() {
  const cloud = await createCloud();
  return { cloud, agent: await cloud.addDomain("corp.example") };
}

describe("members that go with a group's create", () => {
  it("are those who are there: a group of them costs one write", async () => {
    const { cloud, agent } = await start();
    const people = crowd(20, "user");
    await agent.read("full", [withMembers(people, aGroup("team")), ...people.map((name) => aUser(name))]);
    expect(namesIn(cloud, "team")).toEqual([...people].sort());
    expect(cloud.target.writes()).toBe(21);
    expect(cloud.target.receivedChanges).toEqual([]);
  });

  it("are no more than a write takes, and none who isn't there: the rest follows", async () => {
    const { cloud, agent } = await start();
    const people = crowd(25, "user");
    await agent.read("full", [
      withMembers([...people, "stranger"], aGroup("team")),
      ...people.map((name) => aUser(name)),
    ]);
    const create = cloud.target.received.find((action) => action.type === "group");
    expect(create?.kind === "create" && create.members?.length).toBeGreaterThan(15);
    expect(create?.kind === "create" && create.members?.length).toBeLessThanOrEqual(20);
    expect(membersIn(cloud, "team")).toHaveLength(25);
    expect(await agent.status()).toMatchObject({ escrowed: 0 });
    const writes = cloud.target.writes();
    await agent.read("full", [
      withMembers([...people, "stranger"], aGroup("team")),
      ...people.map((name) => aUser(name)),
    ]);
    expect(cloud.target.writes()).toBe(writes);
  });

  it("are all there once when the create's answer was lost", async () => {
    const { cloud, agent } = await start();
    const people = crowd(20, "user");
    const changes = [withMembers(people, aGroup("team")), ...people.map((name) => aUser(name))];
    cloud.target.order({ kind: "lose-answer", matches: (action) => action.type === "group" });
    await agent.read("full", changes);
    for (let round = 0; round < 4; round++) {
      cloud.clock.set(cloud.clock.now() + 3_600_000);
      await cloud.tick();
      await cloud.driver.settled();
      await cloud.run();
    }
    expect(namesIn(cloud, "team")).toEqual([...people].sort());
    expect(await agent.status()).toMatchObject({ escrowed: 0 });
    expect(cloud.target.objects().filter((object) => object.type === "group")).toHaveLength(1);
    const writes = cloud.target.writes();
    await agent.read("full", changes);
    expect(cloud.target.writes()).toBe(writes);
  });
});

describe("a manager who comes later", () => {
  it("is set when he is there, and set again when he comes back after his deletion", async () => {
    const { cloud, agent } = await start();
    const idOf = (name: string) =>
      cloud.target.objects().find((object) => object.values["displayName"] === name)?.id ?? "";
    const managerOf = (name: string) => cloud.target.object(idOf(name))?.values["manager"];
    await agent.read("full", [aManagedUser("ann", "boss"), aUser("other")]);
    expect(managerOf("ann")).toBeUndefined();
    await agent.read("delta", [aUser("boss")]);
    expect(managerOf("ann")).toBe(idOf("boss"));
    await agent.read("delta", [{ op: "delete", objectGuid: guidOf("boss") }]);
    expect(managerOf("ann")).toBeUndefined();
    await agent.read("delta", [aUser("boss")]);
    expect(managerOf("ann")).toBe(idOf("boss"));
    expect(await agent.status()).toMatchObject({ escrowed: 0, staged: 0 });
  });

  it("in a later batch of one read costs one write more, and the read ends with him", async () => {
    const { cloud, agent } = await start();
    await agent.read("full", [aManagedUser("ann", "boss"), aUser("boss")], 1);
    const ann = cloud.target.objects().find((object) => object.values["displayName"] === "ann");
    const boss = cloud.target.objects().find((object) => object.values["displayName"] === "boss");
    expect(ann?.values["manager"]).toBe(boss?.id);
    expect(cloud.target.writes()).toBe(3);
  });
});
