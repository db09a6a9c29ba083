/** What a reconcile doesn't do: undo a change that comes meanwhile, touch what nobody may touch, hold up the lane. */
import { describe, expect, it } from "vitest";
import { aGroup, aManagedUser, withMembers } from "../support/changes.ts";
import { aUser, createCloud, guidOf } from "../support/cloud.ts";
import { namesIn } from "../support/links.ts";
import { ALL, idOf, inShort, reconcile, start, valuesOf } from "./reconcile-support.ts";

describe("an adoption of target objects of nobody", () => {
  it("links the one that has the anchor of an object which lost its own", async () => {
    const { cloud, agent, jobId } = await start();
    const anchor = valuesOf(cloud, "ann")["onPremisesImmutableId"]!;
    // Out of scope and gone for good, then back with a name that somebody has: without a link, and waiting.
    cloud.target.purge(idOf(cloud, "ann"));
    await reconcile(cloud, jobId, "adopt");
    const [holder, twin] = cloud.target.seed([
      { values: { displayName: "holder", userPrincipalName: "ann@corp.example" } },
      { values: { displayName: "twin", userPrincipalName: "twin@corp.example", onPremisesImmutableId: anchor } },
    ]);
    const seen = await reconcile(cloud, jobId);
    expect(seen.counts).toMatchObject({ missing: 1, foreign: 2 });
    // However often it is tried: nothing but the adoption brings the two together.
    const refused = { code: "InsufficientRights", message: "no", remedy: "none", retriable: false } as const;
    cloud.target.order({ kind: "fail", count: 1_000, matches: ({ kind }) => kind === "create", failure: refused });
    await reconcile(cloud, jobId, "repair");
    const before = await cloud.cloud.routes.links.show(jobId, guidOf("ann"));
    expect(before.ok && before.value.link).toBeNull();
    cloud.target.purge(holder!);
    const done = await reconcile(cloud, jobId, "adopt");
    await cloud.run();
    expect(done.state).toBe("done");
    const link = await cloud.cloud.routes.links.show(jobId, guidOf("ann"));
    expect(link.ok && link.value.link?.targetId).toBe(twin);
    expect(valuesOf(cloud, "ann")).toMatchObject({ userPrincipalName: "ann@corp.example", department: "Sales" });
    expect((await reconcile(cloud, jobId, "repair")).findings).toEqual([]);
    expect(await agent.status()).toMatchObject({ escrowed: 0 });
  });
});

describe("a change that comes while a reconcile is under way", () => {
  it("is not undone, and what it mended is no finding", async () => {
    const { cloud, agent, jobId } = await start();
    cloud.target.edit(idOf(cloud, "ann"), { department: "Mine", city: "Thun" });
    const done = await reconcile(cloud, jobId, "repair", () =>
      agent.read("delta", [aManagedUser("ann", "boss", { department: "Finance", l: "Bern" })]),
    );
    expect(inShort(done)).toEqual([["changed", "city", "Bern", "Thun", "repaired"]]);
    expect(valuesOf(cloud, "ann")).toMatchObject({ department: "Finance", city: "Bern" });
    expect((await reconcile(cloud, jobId, "repair")).findings).toEqual([]);
  });

  it("by hand again has to stand for a while before it is a finding", async () => {
    const { cloud, jobId } = await start();
    cloud.target.edit(idOf(cloud, "ann"), { department: "Mine" });
    const done = await reconcile(cloud, jobId, "adopt", () =>
      cloud.target.edit(idOf(cloud, "ann"), { department: "Other" }),
    );
    expect(done).toMatchObject({ findings: [], counts: { unsettled: 1 } });
    expect(inShort(await reconcile(cloud, jobId))).toEqual([["changed", "department", "Sales", "Other", "reported"]]);
  });

  it("keeps its row: what was decided by an older one is left, and found again", async () => {
    const { cloud, agent, jobId } = await start();
    cloud.target.edit(idOf(cloud, "ann"), { department: "Mine" });
    const states = cloud.target.states.bind(cloud.target);
    const objects = cloud.rows.table("objects");
    let touched = 0;
    // Somebody writes the row between the reading of it and the writing of what was decided.
    cloud.target.states = async (...asked) => {
      for await (const rows of objects.scan())
        for (const row of rows)
          if (row.row.endsWith(guidOf("ann"))) {
            touched++;
            await objects.transact(row.partition, [{ op: "replace", row: row.row, values: row.values }]);
          }
      return states(...asked);
    };
    const writes = cloud.target.writes();
    const done = await reconcile(cloud, jobId, "repair");
    expect(touched).toBe(1);
    expect(inShort(done)).toEqual([["changed", "department", "Sales", "Mine", "left"]]);
    expect(done.findings[0]?.note).toMatch(/changed meanwhile/);
    expect(cloud.target.writes()).toBe(writes);
    cloud.target.states = states;
    expect((await reconcile(cloud, jobId, "repair")).counts).toMatchObject({ repaired: 1 });
    expect(valuesOf(cloud, "ann")).toMatchObject({ department: "Sales" });
    expect(await agent.status()).toMatchObject({ escrowed: 0 });
  });

  it("waits for none of it: batches are worked while the second look is waited for", async () => {
    const { cloud, agent, jobId } = await start();
    cloud.target.edit(idOf(cloud, "ann"), { department: "Mine" });
    const asked = await cloud.cloud.routes.reconciles.ask(jobId, "repair", "test");
    await cloud.run();
    const shown = async () => (asked.ok ? cloud.cloud.routes.reconciles.show(jobId, asked.value.id) : undefined);
    expect(await shown()).toMatchObject({ value: { state: "confirming" } });
    await agent.read("full", [...ALL, aUser("dee")]);
    expect(idOf(cloud, "dee")).toBeDefined();
    expect(valuesOf(cloud, "ann")).toMatchObject({ department: "Mine" });
    expect(await shown()).toMatchObject({ value: { state: "confirming" } });
  });
});

describe("what nobody may touch", () => {
  it("is what the exclusion list names: it is left out, and so are its memberships", async () => {
    const { cloud, jobId } = await start();
    for (const name of ["ann", "bob"]) cloud.target.edit(idOf(cloud, name), { department: "Mine" });
    cloud.target.editMembers(idOf(cloud, "team"), { remove: [idOf(cloud, "ann")] });
    await cloud.cloud.routes.exclusions.add(guidOf("ann"), "break-glass", "test");
    const done = await reconcile(cloud, jobId, "repair");
    expect(done.findings.map(({ objectGuid, property }) => [objectGuid, property])).toEqual([
      [guidOf("bob"), "department"],
    ]);
    expect(valuesOf(cloud, "ann")).toMatchObject({ department: "Mine" });
    expect(namesIn(cloud, "team")).toEqual(["bob"]);
  });

  it("is what a role holder's directory guards; the rest of him is repaired", async () => {
    const { cloud, agent, jobId } = await start();
    const bob = idOf(cloud, "bob");
    cloud.target.edit(bob, { department: "Mine", accountEnabled: false });
    cloud.target.setPrivileged(bob, true);
    const done = await reconcile(cloud, jobId, "repair");
    expect(inShort(done)).toEqual(
      expect.arrayContaining([
        ["changed", "accountEnabled", true, false, "left"],
        ["changed", "department", "Sales", "Mine", "repaired"],
      ]),
    );
    expect(valuesOf(cloud, "bob")).toMatchObject({ department: "Sales", accountEnabled: false });
    expect(await agent.status()).toMatchObject({ escrowed: 0 });
  });

  it("waits while the job is paused", async () => {
    const { cloud, jobId } = await start();
    cloud.target.edit(idOf(cloud, "ann"), { department: "Mine" });
    const calls = () => cloud.driver.calls.filter(({ name }) => name === "ReconcileStep").length;
    await cloud.cloud.routes.configurations.setPaused(jobId, true);
    expect(await reconcile(cloud, jobId, "repair")).toMatchObject({ state: "waiting", findings: [] });
    expect(calls()).toBe(0);
  });
});

describe("a reconcile", () => {
  it("takes what goes by a repair through the guard", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example", { guard: { floor: 2, count: 500, percent: 10 } });
    const names = Array.from({ length: 12 }, (_, at) => `user${at}`);
    await agent.read("full", [...names.map((name) => aUser(name)), withMembers(["user0"], aGroup("team"))]);
    cloud.target.editMembers(idOf(cloud, "team"), { add: names.slice(1).map((name) => idOf(cloud, name)) });
    const done = await reconcile(cloud, agent.jobId, "repair");
    expect(done.counts).toMatchObject({ foreignMembers: 11 });
    expect(namesIn(cloud, "team")).toHaveLength(12);
    expect(await agent.status()).toMatchObject({ staged: 1 });
  });

  it("counts names that it sets back like any that change, stages what is too many, and lets them go when that is approved", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example", { guard: { floor: 2, count: 500, percent: 10 } });
    const { jobId } = agent;
    const names = Array.from({ length: 12 }, (_, at) => `user${at}`);
    await agent.read(
      "full",
      names.map((name) => aUser(name)),
    );
    const edit = (some: readonly string[]) => {
      for (const name of some)
        cloud.target.edit(idOf(cloud, name), { userPrincipalName: `${name}.hand@corp.example`, department: "Mine" });
    };
    const byHand = () => names.filter((name) => String(valuesOf(cloud, name)["userPrincipalName"]).includes(".hand@"));
    edit(names.slice(0, 2));
    await reconcile(cloud, jobId, "repair");
    expect(byHand()).toEqual([]);
    expect(await agent.status()).toMatchObject({ staged: 0 });
    edit(names.slice(5, 8));
    await reconcile(cloud, jobId, "repair");
    expect(byHand()).toEqual(names.slice(5, 8));
    const list = async () => {
      const found = await cloud.cloud.routes.staged.list(jobId, { members: true });
      return found.ok ? found.value : [];
    };
    const [set] = await list();
    expect(set).toMatchObject({ class: "names", count: 3, members: names.slice(5, 8).map(guidOf).sort() });
    // Looked at again, nothing of it is sent, nor is it found a second time.
    expect((await reconcile(cloud, jobId, "repair")).findings).toEqual([]);
    expect(byHand()).toEqual(names.slice(5, 8));
    await cloud.cloud.routes.staged.approve(jobId, "names", set?.digest ?? "", "admin ann");
    await cloud.run();
    expect(byHand()).toEqual([]);
    expect(await list()).toEqual([]);
    expect((await reconcile(cloud, jobId)).findings).toEqual([]);
  });

  it("ends as failed when the target has forgotten where a page begins, and can be asked for again", async () => {
    const { cloud, jobId } = await start();
    const page = cloud.target.page.bind(cloud.target);
    cloud.target.page = (type, properties, from) => page(type, properties, from === undefined ? from : "forgotten");
    const done = await reconcile(cloud, jobId);
    expect(done).toMatchObject({ state: "failed", message: expect.stringContaining("forgotten") });
    cloud.target.page = page;
    expect(await reconcile(cloud, jobId)).toMatchObject({ state: "done" });
  });

  it("ends as failed when a step fails again and again, and the lane goes on", async () => {
    const { cloud, agent, jobId } = await start();
    const { memberPages } = cloud.target;
    cloud.target.memberPages = () => Promise.reject(new Error("broken"));
    const done = await reconcile(cloud, jobId);
    expect(done).toMatchObject({ state: "failed", message: expect.stringContaining("broken") });
    cloud.target.memberPages = memberPages;
    await agent.read("full", [...ALL, aUser("dee")]);
    expect(idOf(cloud, "dee")).toBeDefined();
  });

  it("keeps what the last ten found", async () => {
    const { cloud, jobId } = await start();
    cloud.target.edit(idOf(cloud, "ann"), { department: "Mine" });
    for (let round = 0; round < 12; round++) await reconcile(cloud, jobId);
    const listed = await cloud.cloud.routes.reconciles.list(jobId);
    expect(listed.ok && listed.value).toHaveLength(11);
    const files: string[] = [];
    for await (const path of cloud.blobs.list("reconcile/")) files.push(path);
    expect(files).toHaveLength(11);
    expect(files.every((path) => path.includes("/findings-"))).toBe(true);
  });
});
