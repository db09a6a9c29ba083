import { describe, expect, it } from "vitest";
import { aGroup, aManagedUser, withMembers } from "../support/changes.ts";
import { aUser, type Cloud, createCloud, guidOf } from "../support/cloud.ts";
import { namesIn } from "../support/links.ts";
import { ALL, idOf, inShort, reconcile, start, valuesOf } from "./reconcile-support.ts";

describe("a reconcile of a target that is as it should be", () => {
  it("finds nothing and writes nothing, whatever the policy", async () => {
    const { cloud, jobId } = await start();
    const writes = cloud.target.writes();
    for (const policy of ["report", "repair", "adopt"] as const) {
      const done = await reconcile(cloud, jobId, policy);
      expect(done).toMatchObject({ state: "done", policy, by: "ann@corp.example", findings: [] });
      expect(done.counts).toMatchObject({ users: 4, groups: 1, linked: 5, members: 2, changed: 0, missing: 0 });
    }
    expect(cloud.target.writes()).toBe(writes);
  });
});

describe("values that somebody changed in the target", () => {
  const edit = (cloud: Cloud) => {
    cloud.target.edit(idOf(cloud, "ann"), { department: "Mine", city: null });
    cloud.target.edit(idOf(cloud, "bob"), {
      accountEnabled: false,
      onPremisesExtensionAttributes: { extensionAttribute3: "3" },
    });
    cloud.target.edit(idOf(cloud, "cid"), { userPrincipalName: "other@corp.example", jobTitle: "by hand" });
    cloud.target.edit(idOf(cloud, "team"), { description: "some" });
  };
  const FOUND = [
    ["changed", "city", "Bern", null],
    ["changed", "department", "Sales", "Mine"],
    ["changed", "accountEnabled", true, false],
    ["changed", "onPremisesExtensionAttributes.extensionAttribute3", "three", "3"],
    ["changed", "userPrincipalName", "cid@corp.example", "other@corp.example"],
    ["changed", "description", "all of them", "some"],
  ];

  it("are told, each with what is expected, and nothing changes", async () => {
    const { cloud, jobId } = await start();
    edit(cloud);
    const writes = cloud.target.writes();
    const done = await reconcile(cloud, jobId);
    expect(inShort(done)).toEqual(expect.arrayContaining(FOUND.map((own) => [...own, "reported"])));
    expect(done.findings).toHaveLength(FOUND.length);
    expect(done.counts).toMatchObject({ changed: 4, attributes: 6, repaired: 0 });
    expect(done.findings.find(({ property }) => property === "city")).toMatchObject({
      objectGuid: guidOf("ann"),
      targetId: idOf(cloud, "ann"),
      type: "user",
    });
    expect(cloud.target.writes()).toBe(writes);
    expect((await reconcile(cloud, jobId)).counts.attributes).toBe(6);
  });

  it("are set to what the source says by a repair, and the next one finds nothing and writes nothing", async () => {
    const { cloud, agent, jobId } = await start();
    edit(cloud);
    const done = await reconcile(cloud, jobId, "repair");
    expect(inShort(done)).toEqual(expect.arrayContaining(FOUND.map((own) => [...own, "repaired"])));
    expect(done.counts).toMatchObject({ repaired: 6, left: 0 });
    expect(valuesOf(cloud, "ann")).toMatchObject({ department: "Sales", city: "Bern" });
    expect(valuesOf(cloud, "bob")).toMatchObject({
      accountEnabled: true,
      onPremisesExtensionAttributes: { extensionAttribute3: "three" },
    });
    // What we never exported is nobody's business here.
    expect(valuesOf(cloud, "cid")).toMatchObject({ userPrincipalName: "cid@corp.example", jobTitle: "by hand" });
    const writes = cloud.target.writes();
    expect(await reconcile(cloud, jobId, "repair")).toMatchObject({ state: "done", findings: [] });
    await agent.read("full", ALL);
    expect(cloud.target.writes()).toBe(writes);
    expect(await agent.status()).toMatchObject({ escrowed: 0, staged: 0 });
  });

  it("stay after an adoption, until the source says something else", async () => {
    const { cloud, agent, jobId } = await start();
    edit(cloud);
    const writes = cloud.target.writes();
    const done = await reconcile(cloud, jobId, "adopt");
    expect(inShort(done)).toEqual(expect.arrayContaining(FOUND.map((own) => [...own, "adopted"])));
    expect((await reconcile(cloud, jobId, "adopt")).findings).toEqual([]);
    expect((await reconcile(cloud, jobId, "repair")).findings).toEqual([]);
    await agent.read("full", ALL);
    await agent.read("delta", [aManagedUser("ann", "boss", { department: "Sales", l: "Bern", title: "Head" })]);
    expect(cloud.target.writes()).toBe(writes + 1);
    expect(valuesOf(cloud, "ann")).toMatchObject({ department: "Mine", jobTitle: "Head" });
    // Another word of the source ends it, also when it takes that back.
    await agent.read("delta", [aManagedUser("ann", "boss", { department: "Mine", l: "Thun", title: "Head" })]);
    expect(valuesOf(cloud, "ann")).toMatchObject({ department: "Mine", city: "Thun" });
    await agent.read("delta", [aManagedUser("ann", "boss", { department: "Sales", l: "Bern", title: "Head" })]);
    expect(valuesOf(cloud, "ann")).toMatchObject({ department: "Sales", city: "Bern" });
    expect(valuesOf(cloud, "cid")).toMatchObject({ userPrincipalName: "other@corp.example" });
    expect(await agent.status()).toMatchObject({ escrowed: 0, staged: 0 });
  });

  it("differ by more than case and order, else they are the same", async () => {
    const { cloud, jobId } = await start();
    cloud.target.edit(idOf(cloud, "cid"), { userPrincipalName: "CID@corp.example" });
    expect((await reconcile(cloud, jobId)).findings).toEqual([]);
  });
});

describe("a manager", () => {
  it("that was changed by hand is told and set again", async () => {
    const { cloud, jobId } = await start();
    const boss = idOf(cloud, "boss");
    cloud.target.edit(idOf(cloud, "ann"), { manager: idOf(cloud, "cid") });
    cloud.target.edit(idOf(cloud, "bob"), { manager: null });
    const done = await reconcile(cloud, jobId, "repair");
    expect(inShort(done)).toEqual(
      expect.arrayContaining([
        ["changed", "manager", boss, idOf(cloud, "cid"), "repaired"],
        ["changed", "manager", boss, null, "repaired"],
      ]),
    );
    expect(valuesOf(cloud, "ann")).toMatchObject({ manager: boss });
    expect(valuesOf(cloud, "bob")).toMatchObject({ manager: boss });
    expect((await reconcile(cloud, jobId, "repair")).findings).toEqual([]);
  });

  it("that was adopted stays, until the source names another one", async () => {
    const { cloud, agent, jobId } = await start();
    cloud.target.edit(idOf(cloud, "ann"), { manager: idOf(cloud, "cid") });
    await reconcile(cloud, jobId, "adopt");
    await agent.read("full", ALL);
    expect(valuesOf(cloud, "ann")).toMatchObject({ manager: idOf(cloud, "cid") });
    expect((await reconcile(cloud, jobId, "repair")).findings).toEqual([]);
    await agent.read("delta", [aManagedUser("ann", "bob", { department: "Sales", l: "Bern" })]);
    expect(valuesOf(cloud, "ann")).toMatchObject({ manager: idOf(cloud, "bob") });
  });
});

describe("objects that somebody removed from the target", () => {
  it("come back the same while they can be restored, with all that the source says of them", async () => {
    const { cloud, agent, jobId } = await start();
    const [ann, team] = [idOf(cloud, "ann"), idOf(cloud, "team")];
    cloud.target.edit(ann, { department: "Mine" });
    cloud.target.setDeleted(ann, true);
    cloud.target.setDeleted(team, true);
    const told = await reconcile(cloud, jobId);
    expect(told.findings.map(({ kind, objectGuid, done }) => [kind, objectGuid, done]).sort()).toEqual(
      [
        ["missing", guidOf("ann"), "reported"],
        ["missing", guidOf("team"), "reported"],
      ].sort(),
    );
    expect(told.findings[0]?.note).toMatch(/can be restored/);
    const done = await reconcile(cloud, jobId, "repair");
    expect(done.counts).toMatchObject({ missing: 2, repaired: 2 });
    expect(idOf(cloud, "ann")).toBe(ann);
    expect(idOf(cloud, "team")).toBe(team);
    expect(valuesOf(cloud, "ann")).toMatchObject({ department: "Sales", manager: idOf(cloud, "boss") });
    expect(namesIn(cloud, "team")).toEqual(["ann", "bob"]);
    const writes = cloud.target.writes();
    expect((await reconcile(cloud, jobId, "repair")).findings).toEqual([]);
    await agent.read("full", ALL);
    expect(cloud.target.writes()).toBe(writes);
    expect(await agent.status()).toMatchObject({ escrowed: 0, staged: 0 });
  });

  it("are made anew when they are gone for good, with their memberships", async () => {
    const { cloud, agent, jobId } = await start();
    const [ann, team] = [idOf(cloud, "ann"), idOf(cloud, "team")];
    cloud.target.purge(ann);
    cloud.target.purge(team);
    const done = await reconcile(cloud, jobId, "repair");
    expect(done.findings.map(({ kind, note }) => [kind, note])).toEqual([
      ["missing", expect.stringMatching(/not in the target at all/)],
      ["missing", expect.stringMatching(/not in the target at all/)],
    ]);
    expect(idOf(cloud, "ann")).not.toBe(ann);
    expect(namesIn(cloud, "team")).toEqual(["ann", "bob"]);
    const writes = cloud.target.writes();
    expect((await reconcile(cloud, jobId, "repair")).findings).toEqual([]);
    await agent.read("full", ALL);
    expect(cloud.target.writes()).toBe(writes);
    expect(await agent.status()).toMatchObject({ escrowed: 0, staged: 0 });
  });

  it("aren't given up by an adoption", async () => {
    const { cloud, jobId } = await start();
    cloud.target.purge(idOf(cloud, "ann"));
    const writes = cloud.target.writes();
    const done = await reconcile(cloud, jobId, "adopt");
    expect(done.findings).toMatchObject([{ kind: "missing", done: "left" }]);
    expect(cloud.target.writes()).toBe(writes);
  });

  it("are asked for by their ids before they are called missing: a page that lacks somebody proves nothing", async () => {
    const { cloud, jobId } = await start();
    const page = cloud.target.page.bind(cloud.target);
    const hidden = idOf(cloud, "ann");
    cloud.target.page = async (...asked) => {
      const found = await page(...asked);
      return { ...found, items: found.items.filter(({ id }) => id !== hidden) };
    };
    const done = await reconcile(cloud, jobId, "repair");
    expect(done).toMatchObject({ state: "done", findings: [], counts: { missing: 0, unsettled: 1 } });
  });
});

describe("members", () => {
  it("that somebody took out are put back, and the next one finds nothing", async () => {
    const { cloud, agent, jobId } = await start();
    const [ann, team] = [idOf(cloud, "ann"), idOf(cloud, "team")];
    cloud.target.editMembers(team, { remove: [ann] });
    expect((await reconcile(cloud, jobId)).findings).toMatchObject([
      {
        kind: "missingMember",
        objectGuid: guidOf("team"),
        targetId: team,
        memberGuid: guidOf("ann"),
        expected: ann,
        done: "reported",
      },
    ]);
    expect(namesIn(cloud, "team")).toEqual(["bob"]);
    const done = await reconcile(cloud, jobId, "repair");
    expect(done.counts).toMatchObject({ missingMembers: 1, repaired: 1 });
    expect(namesIn(cloud, "team")).toEqual(["ann", "bob"]);
    const writes = cloud.target.writes();
    expect((await reconcile(cloud, jobId, "repair")).findings).toEqual([]);
    await agent.read("full", ALL);
    expect(cloud.target.writes()).toBe(writes);
  });

  it("that were adopted as gone stay so, until the source puts them in again", async () => {
    const { cloud, agent, jobId } = await start();
    cloud.target.editMembers(idOf(cloud, "team"), { remove: [idOf(cloud, "ann")] });
    expect((await reconcile(cloud, jobId, "adopt")).counts).toMatchObject({ missingMembers: 1, adopted: 1 });
    expect((await reconcile(cloud, jobId, "repair")).findings).toEqual([]);
    await agent.read("full", ALL);
    expect(namesIn(cloud, "team")).toEqual(["bob"]);
    await agent.read("delta", [withMembers(["bob"], aGroup("team", { description: "all of them" }))]);
    await agent.read("delta", [withMembers(["ann", "bob"], aGroup("team", { description: "all of them" }))]);
    expect(namesIn(cloud, "team")).toEqual(["ann", "bob"]);
  });

  it("that somebody put in are told; those of ours are taken out by a repair, others stay", async () => {
    const { cloud, agent, jobId } = await start();
    const [guest] = cloud.target.seed([{ values: { displayName: "guest", userPrincipalName: "g@elsewhere.example" } }]);
    const team = idOf(cloud, "team");
    cloud.target.editMembers(team, { add: [idOf(cloud, "cid"), guest!] });
    const told = await reconcile(cloud, jobId);
    expect(told.findings.filter(({ kind }) => kind === "foreignMember")).toHaveLength(2);
    const done = await reconcile(cloud, jobId, "repair");
    const found = done.findings.filter(({ kind }) => kind === "foreignMember");
    expect(found.map(({ actual, memberGuid, done }) => [actual, memberGuid, done])).toEqual(
      expect.arrayContaining([
        [idOf(cloud, "cid"), guidOf("cid"), "repaired"],
        [guest, null, "left"],
      ]),
    );
    expect(namesIn(cloud, "team")).toEqual(["ann", "bob", "guest"]);
    const again = await reconcile(cloud, jobId, "repair");
    expect(again.counts).toMatchObject({ foreignMembers: 1, repaired: 0, changed: 0, missing: 0, missingMembers: 0 });
    expect(await agent.status()).toMatchObject({ escrowed: 0, staged: 0 });
  });

  it("of a group that is larger than a page are compared in parts", async () => {
    const cloud = await createCloud({ target: { pageSize: 7 } });
    const agent = await cloud.addDomain("corp.example");
    const names = Array.from({ length: 60 }, (_, at) => `user${at}`);
    await agent.read("full", [...names.map((name) => aUser(name)), withMembers(names.slice(0, 50), aGroup("team"))]);
    const team = idOf(cloud, "team");
    const out = names.slice(3, 20);
    cloud.target.editMembers(team, {
      remove: out.map((name) => idOf(cloud, name)),
      add: [idOf(cloud, "user55")],
    });
    expect((await reconcile(cloud, agent.jobId)).counts).toMatchObject({ missingMembers: 17, foreignMembers: 1 });
    const done = await reconcile(cloud, agent.jobId, "repair");
    expect(done.counts).toMatchObject({ missingMembers: 17, foreignMembers: 1, repaired: 18 });
    expect(namesIn(cloud, "team")).toEqual(names.slice(0, 50).sort());
    expect((await reconcile(cloud, agent.jobId, "repair")).findings).toEqual([]);
  });
});

describe("target objects of nobody", () => {
  it("are counted and never touched; one with the anchor of an object without link gets it by an adoption", async () => {
    const { cloud, agent, jobId } = await start();
    cloud.target.seed([{ values: { displayName: "guest", userPrincipalName: "g@elsewhere.example" } }]);
    cloud.target.seed([{ values: { displayName: "synced", userPrincipalName: "s@corp.example" }, synchronized: true }]);
    const ann = idOf(cloud, "ann");
    const anchor = valuesOf(cloud, "ann")["onPremisesImmutableId"]!;
    cloud.target.purge(ann);
    const unlinked = await cloud.cloud.routes.links.unlink(jobId, guidOf("ann"), "test");
    expect(unlinked.ok).toBe(true);
    const [twin] = cloud.target.seed([
      { values: { displayName: "ann", userPrincipalName: "ann2@corp.example", onPremisesImmutableId: anchor } },
    ]);
    const writes = cloud.target.writes();
    const done = await reconcile(cloud, jobId, "repair");
    // Unlinked by hand it is left alone, and its twin is nobody's.
    expect(done.counts).toMatchObject({ foreign: 2, mastered: 1, missing: 0 });
    expect(done.findings.every(({ done }) => done === "reported")).toBe(true);
    expect(cloud.target.writes()).toBe(writes);
    expect(cloud.target.object(twin!)).toBeDefined();
    expect(await agent.status()).toMatchObject({ escrowed: 0 });
  });
});
