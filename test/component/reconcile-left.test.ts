/**
 * References to whoever left the target by our own doing, in a reconcile: a deleted manager is nobody's manager there, a deleted
 * member is in no group, and the rows of those who name them still know them. Neither is drift, of whatever directory they were.
 */
import { describe, expect, it } from "vitest";
import type { Change } from "../../shared/contracts/change.ts";
import { aGroup, aManagedUser } from "../support/changes.ts";
import { aUser, createCloud, guidOf } from "../support/cloud.ts";
import { ALL, idOf, inShort, reconcile, start, valuesOf } from "./reconcile-support.ts";

const gone = (name: string): Change => ({ op: "delete", objectGuid: guidOf(name) });

describe("a manager whose object was deleted", () => {
  it("is no drift of his people, whatever the policy, and is theirs again when he is back", async () => {
    const { cloud, agent, jobId } = await start();
    const boss = idOf(cloud, "boss");
    await agent.read("delta", [gone("boss")]);
    expect(valuesOf(cloud, "ann")).not.toHaveProperty("manager");
    const writes = cloud.target.writes();
    for (const policy of ["report", "repair", "adopt", "repair"] as const)
      expect(inShort(await reconcile(cloud, jobId, policy)), policy).toEqual([]);
    expect(cloud.target.writes()).toBe(writes);
    await agent.read("delta", [aUser("boss")]);
    expect([valuesOf(cloud, "ann"), valuesOf(cloud, "bob")]).toMatchObject([{ manager: boss }, { manager: boss }]);
    expect(inShort(await reconcile(cloud, jobId, "repair"))).toEqual([]);
  });

  it("and in whose place somebody set another one by hand, is told once, left, and set again when he is back", async () => {
    const { cloud, agent, jobId } = await start();
    const boss = idOf(cloud, "boss");
    await agent.read("delta", [gone("boss")]);
    cloud.target.edit(idOf(cloud, "ann"), { manager: idOf(cloud, "cid") });
    expect(inShort(await reconcile(cloud, jobId, "repair"))).toEqual([
      ["changed", "manager", boss, idOf(cloud, "cid"), "left"],
    ]);
    expect(inShort(await reconcile(cloud, jobId, "repair"))).toEqual([]);
    await agent.read("delta", [aUser("boss")]);
    expect(valuesOf(cloud, "ann")).toMatchObject({ manager: boss });
  });

  it("by another directory of the same target is no drift of his people either", async () => {
    const cloud = await createCloud();
    const home = await cloud.addDomain("a.example");
    const other = await cloud.addDomain("b.example");
    await other.read("full", [aUser("boss"), aUser("ben")]);
    await home.read("full", [aManagedUser("ann", "boss"), aUser("cid")]);
    expect(valuesOf(cloud, "ann")).toMatchObject({ manager: idOf(cloud, "boss") });
    await other.read("delta", [gone("boss")]);
    for (const policy of ["repair", "repair"] as const)
      expect(inShort(await reconcile(cloud, home.jobId, policy))).toEqual([]);
  });
});

describe("a member whose object was deleted", () => {
  it("is no drift of its groups", async () => {
    const { cloud, agent, jobId } = await start();
    await agent.read("delta", [gone("ann")]);
    for (const policy of ["report", "repair", "repair"] as const)
      expect(inShort(await reconcile(cloud, jobId, policy)), policy).toEqual([]);
    await agent.read("full", ALL);
    expect(inShort(await reconcile(cloud, jobId, "repair"))).toEqual([]);
  });

  it("by another directory of the same target is no drift of its groups either", async () => {
    const cloud = await createCloud();
    const home = await cloud.addDomain("a.example");
    const other = await cloud.addDomain("b.example");
    await other.read("full", [aUser("bob"), aUser("ben")]);
    const members = [{ guid: guidOf("ann") }, { guid: guidOf("bob") }];
    const links = [
      { attribute: "member" as const, mode: "replace" as const, add: members, remove: [], part: 0, last: true },
    ];
    await home.read("full", [aUser("ann"), { ...aGroup("all"), links }]);
    expect(cloud.target.membersOf(idOf(cloud, "all"))).toHaveLength(2);
    await other.read("delta", [gone("bob")]);
    for (const policy of ["report", "repair", "repair"] as const)
      expect(inShort(await reconcile(cloud, home.jobId, policy)), policy).toEqual([]);
    await other.read("delta", [aUser("bob")]);
    expect(cloud.target.membersOf(idOf(cloud, "all"))).toHaveLength(2);
    expect(inShort(await reconcile(cloud, home.jobId, "repair"))).toEqual([]);
  });
});
