import { describe, expect, it } from "vitest";
import type { JobSettings } from "../../shared/contracts/configuration.ts";
import { aGroup, aManagedUser, withMembers } from "../support/changes.ts";
import { aUser, type Cloud, createCloud, guidOf } from "../support/cloud.ts";
import { changing, membersIn, namesIn } from "../support/links.ts";

async function start(settings: Partial<JobSettings> = {}) {
  const cloud = await createCloud({ settings });
  const agent = await cloud.addDomain("corp.example");
  return { cloud, agent };
}

const users = (count: number, from = 0) => Array.from({ length: count }, (_, at) => `u${from + at}`);

async function later(cloud: Cloud, minutes: number): Promise<void> {
  cloud.clock.set(cloud.clock.now() + minutes * 60_000);
  await cloud.tick();
  await cloud.driver.settled();
  await cloud.run();
}

describe("members", () => {
  it("of a first load are in the group, twenty with its create, and a second read writes nothing", async () => {
    const { cloud, agent } = await start();
    const names = users(50);
    const changes = [withMembers(names, aGroup("sales")), ...names.map((name) => aUser(name))];
    await agent.read("full", changes);
    expect(namesIn(cloud, "sales")).toEqual([...names].sort());
    // 50 users, one group with 20 members, two writes of 15 and 15 or 20 and 10.
    expect(cloud.target.writes()).toBe(50 + 1 + 2);
    expect((await agent.status()).lastCycle).toMatchObject({ writes: 53, links: { added: 30, removed: 0, failed: 0 } });
    await agent.read("full", changes);
    expect(cloud.target.writes()).toBe(53);
  });

  it("come and go by deltas, one write each", async () => {
    const { cloud, agent } = await start();
    const names = users(5);
    await agent.read("full", [withMembers(names, aGroup("sales")), ...[...names, "new"].map((name) => aUser(name))]);
    const writes = cloud.target.writes();
    await agent.read("delta", [changing("sales", { add: ["new"] })]);
    expect(cloud.target.writes()).toBe(writes + 1);
    await agent.read("delta", [changing("sales", { remove: ["u1"] })]);
    expect(cloud.target.writes()).toBe(writes + 2);
    expect(namesIn(cloud, "sales")).toEqual(["new", "u0", "u2", "u3", "u4"]);
    expect((await agent.status()).lastCycle).toMatchObject({ links: { added: 0, removed: 1 } });
  });

  it("that come later, in whatever order, are added when they appear", async () => {
    const { cloud, agent } = await start();
    await agent.read("full", [withMembers(["a", "b", "inner"], aGroup("outer")), aUser("a")]);
    expect(namesIn(cloud, "outer")).toEqual(["a"]);
    await agent.read("delta", [aUser("b"), withMembers(["outer"], aGroup("inner"))]);
    expect(namesIn(cloud, "outer")).toEqual(["a", "b", "inner"]);
    expect(membersIn(cloud, "inner")).toHaveLength(1);
  });
});

describe("managers", () => {
  it("that come in a later batch or read are set when they appear, and only where they are missing", async () => {
    const { cloud, agent } = await start();
    await agent.read(
      "full",
      [aManagedUser("a", "boss"), aManagedUser("b", "a"), aManagedUser("c", "late"), aUser("boss")],
      1,
    );
    const managerOf = (name: string) =>
      cloud.target.objects().find((own) => own.values["displayName"] === name)?.values["manager"];
    const idOf = (name: string) => cloud.target.objects().find((own) => own.values["displayName"] === name)?.id;
    expect(managerOf("a")).toBe(idOf("boss"));
    expect(managerOf("b")).toBe(idOf("a"));
    expect(managerOf("c")).toBeUndefined();
    expect(cloud.target.writes()).toBe(4 + 1);
    await agent.read("delta", [aUser("late")]);
    expect(managerOf("c")).toBe(idOf("late"));
    expect(guidOf("x")).not.toBe("");
    await later(cloud, 1);
  });
});
