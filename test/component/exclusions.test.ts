/** What is on the exclusion list, through the whole cloud side: nobody touches it, and off the list it is caught up with. */
import { describe, expect, it } from "vitest";
import { ACTIVITY } from "../../orchestrations/names.ts";
import type { Change } from "../../shared/contracts/change.ts";
import type { JobSettings } from "../../shared/contracts/configuration.ts";
import { aGroup, aManagedUser, withMembers } from "../support/changes.ts";
import { aUser, type Cloud, type CloudOptions, createCloud, guidOf } from "../support/cloud.ts";
import { changing, membersIn, namesIn } from "../support/links.ts";
import { readLog } from "../support/log.ts";

const BY = "an admin";
const gone = (name: string): Change => ({ op: "delete", objectGuid: guidOf(name) });

async function start(settings: Partial<JobSettings> = {}, options: CloudOptions = {}) {
  const cloud = await createCloud({ ...options, settings });
  const agent = await cloud.addDomain("corp.example");
  const { exclusions, links, queries } = cloud.cloud.routes;
  const byName = (name: string) => cloud.target.objects().find((own) => own.values["displayName"] === name);
  const idOf = (name: string) => byName(name)?.id ?? "";
  const exclude = async (guid: string) => {
    const added = await exclusions.add(guid, "break-glass", BY);
    await cloud.run();
    return added;
  };
  const include = async (guid: string) => {
    const removed = await exclusions.remove(guid, BY);
    await cloud.run();
    return removed;
  };
  const cycle = async () => (await agent.status()).lastCycle;
  const escrowed = async (jobId = agent.jobId) => {
    const listed = await queries.escrows(jobId);
    return listed.ok ? listed.value.map(({ objectGuid, code, message }) => ({ objectGuid, code, message })) : [];
  };
  const logOf = async (name: string) =>
    readLog({ queries }, { jobId: agent.jobId, objectGuid: guidOf(name), sinceDays: 400, top: 20 });
  return { cloud, agent, exclusions, links, byName, idOf, exclude, include, cycle, escrowed, logOf };
}

describe("a source object on the exclusion list", () => {
  it("is filtered whatever the directory says of it, and caught up with when it is taken off", async () => {
    const { cloud, agent, byName, idOf, exclude, include, cycle, logOf, links } = await start();
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    const before = byName("ann");
    await exclude(guidOf("ann"));
    const writes = cloud.target.writes();
    await agent.read("delta", [aUser("ann", { department: "x" }, ["department"])]);
    expect(await cycle()).toMatchObject({ outcomes: { filtered: 1, exported: 0 }, filteredBy: { excluded: 1 } });
    await agent.read("delta", [aUser("ann", { userAccountControl: "514" }, ["userAccountControl"])]);
    await agent.read("full", [aUser("ann", { department: "y" }), aUser("bob")]);
    expect(cloud.target.writes()).toBe(writes);
    expect(byName("ann")).toEqual(before);
    expect(await links.show(agent.jobId, guidOf("ann"))).toMatchObject({
      value: { link: { targetId: before?.id }, lastOutcome: { outcome: "filtered" } },
    });
    const status = { status: "skipped", errorInformation: { errorCode: "excluded" } };
    expect((await logOf("ann")).map((row) => row.provisioningStatusInfo)).toContainEqual(
      expect.objectContaining({ ...status, errorInformation: expect.objectContaining(status.errorInformation) }),
    );
    await include(guidOf("ann"));
    expect(byName("ann")).toMatchObject({ id: before?.id, values: { department: "y", accountEnabled: true } });
    expect(idOf("bob")).not.toBe("");
  });

  it.each<[string, "delta" | "full", readonly Change[]]>([
    ["deleted", "delta", [gone("ann")]],
    ["let go by the agent", "delta", [{ op: "leave", objectGuid: guidOf("ann"), reason: "moved" }]],
    ["absent from a full read", "full", [aUser("bob")]],
    ["out of scope", "delta", [aUser("ann", { isCriticalSystemObject: "TRUE" })]],
  ])("that is %s keeps its target object, until it is taken off", async (_, want, changes) => {
    const { agent, byName, exclude, include, cycle } = await start();
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    const before = byName("ann");
    await exclude(guidOf("ann"));
    await agent.read(want, changes);
    expect(byName("ann")).toEqual(before);
    expect(await cycle()).toMatchObject({ staged: [], outcomes: { staged: 0, escrowed: 0 } });
    expect((await agent.status()).staged).toBe(0);
    await include(guidOf("ann"));
    expect(byName("ann")).toMatchObject({ id: before?.id, deleted: true });
  });

  it("that was deleted before is not restored, and gets its old target object when it is taken off", async () => {
    const { agent, byName, idOf, exclude, include } = await start();
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    const id = idOf("ann");
    await agent.read("delta", [gone("ann")]);
    await exclude(guidOf("ann"));
    await agent.read("delta", [aUser("ann")]);
    expect(byName("ann")).toMatchObject({ id, deleted: true });
    await include(guidOf("ann"));
    expect(byName("ann")).toMatchObject({ id, deleted: false });
  });

  it("that is new is not made, and made once when it is taken off", async () => {
    const { cloud, agent, byName, exclude, include, logOf } = await start();
    await exclude(guidOf("ann"));
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    expect(byName("ann")).toBeUndefined();
    expect(await logOf("ann")).toHaveLength(1);
    await include(guidOf("ann"));
    expect(cloud.target.objects().filter((own) => own.values["displayName"] === "ann")).toHaveLength(1);
  });

  it.each<[string, boolean, "full" | "delta"]>([
    ["when it is absent", false, "full"],
    ["when it is deleted", false, "delta"],
    ["although it came on it after its deletion was counted", true, "delta"],
  ])("is counted by no guard %s", async (_, isLate, want) => {
    let isDue = false;
    const names = ["ann", "bob", "cid", "dee", "eve"];
    const guard = { floor: 1, count: 3, percent: 90 };
    const { agent, byName, exclude, cycle, exclusions } = await start(
      { guard },
      {
        aroundActivity: async (name, _input, run) => {
          if (!isDue || name !== ACTIVITY.decideRemovals) return run();
          isDue = false;
          for (const own of names.slice(0, 3)) await exclusions.add(guidOf(own), "late", BY);
          return run();
        },
      },
    );
    await agent.read(
      "full",
      [...names, "keeper"].map((name) => aUser(name)),
    );
    isDue = isLate;
    if (!isLate) for (const name of names.slice(0, 3)) await exclude(guidOf(name));
    await agent.read(want, want === "full" ? [aUser("keeper")] : names.map(gone));
    expect(await cycle()).toMatchObject({ staged: [] });
    if (want === "delta") expect(await cycle()).toMatchObject({ received: 5, outcomes: { exported: 2, staged: 0 } });
    expect(names.map((name) => byName(name)?.deleted)).toEqual([false, false, false, true, true]);
  });

  it("loses nothing that a full read didn't bring of it, and the guard counts none of that", async () => {
    const { cloud, agent, byName, exclude, include } = await start({ guard: { floor: 0, count: 3, percent: 100 } });
    const full = (attributes: Record<string, string>) => ["ann", "bob", "cid"].map((name) => aUser(name, attributes));
    const seen = { department: "x" };
    await agent.read("full", full(seen));
    for (const name of ["ann", "bob"]) await exclude(guidOf(name));
    await seeingAll(cloud, agent, full({}));
    const departments = () => ["ann", "bob", "cid"].map((name) => byName(name)?.values["department"] ?? null);
    expect(departments()).toEqual(["x", "x", null]);
    await include(guidOf("ann"));
    await seeingAll(cloud, agent, full({}));
    expect(departments()).toEqual([null, "x", null]);
  });

  it("no longer waits in escrow", async () => {
    const { cloud, agent, exclude, escrowed } = await start();
    cloud.target.seed([{ values: { userPrincipalName: "ann@corp.example", displayName: "admin" }, privileged: true }]);
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    expect(await escrowed()).toMatchObject([{ objectGuid: guidOf("ann"), code: "ExistingAdminRoleConflict" }]);
    await exclude(guidOf("ann"));
    expect(await escrowed()).toEqual([]);
  });

  it.each([
    ["is planned", ACTIVITY.exportChunk],
    ["the guard has judged", ACTIVITY.mapChunk],
    ["is counted for the guard", ACTIVITY.decideRemovals],
  ])("is left alone although it came on it when its deletion %s", async (_, activity) => {
    let isDue = false;
    const late: (() => Promise<unknown>)[] = [];
    const { agent, byName, cycle, exclusions } = await start(
      {},
      {
        aroundActivity: async (name, input, run) => {
          const isEnd = JSON.stringify(input).includes("-end") || name === ACTIVITY.decideRemovals;
          if (isDue && name === activity && isEnd) for (const own of late.splice(0)) await own();
          return run();
        },
      },
    );
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    late.push(() => exclusions.add(guidOf("ann"), "late", BY));
    isDue = true;
    await agent.read("delta", [gone("ann"), gone("bob")]);
    expect(late).toEqual([]);
    expect([byName("ann")?.deleted, byName("bob")?.deleted]).toEqual([false, true]);
    expect((await agent.status()).waiting).toMatchObject({ batches: 0, work: 0 });
    expect(await cycle()).toMatchObject({ received: 2 });
  });
});

describe("a target object on the exclusion list", () => {
  it("is not written by whoever is linked to it", async () => {
    const { cloud, agent, byName, idOf, exclude, include, cycle } = await start();
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    const before = byName("ann");
    await exclude(idOf("ann"));
    const writes = cloud.target.writes();
    await agent.read("delta", [aUser("ann", { department: "x" }, ["department"])]);
    expect(await cycle()).toMatchObject({ filteredBy: { excluded: 1 } });
    await agent.read("full", [aUser("bob")]);
    expect(cloud.target.writes()).toBe(writes);
    expect(byName("ann")).toEqual(before);
    await include(idOf("ann"));
    expect(byName("ann")?.deleted).toBe(true);
  });

  it.each([
    ["by its name", { userPrincipalName: "ann@corp.example" }],
    ["by its anchor", { onPremisesImmutableId: anchorOf("ann"), userPrincipalName: "other@corp.example" }],
  ])("is not matched %s; who would have it waits, and has it as soon as it is taken off", async (_, values) => {
    const { cloud, agent, exclude, include, escrowed } = await start();
    const [id = ""] = cloud.target.seed([{ values: { displayName: "glass", accountEnabled: true, ...values } }]);
    const before = cloud.target.object(id);
    await exclude(id);
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    expect(await escrowed()).toMatchObject([{ objectGuid: guidOf("ann"), code: "TargetExcluded" }]);
    expect(cloud.target.object(id)).toEqual(before);
    expect(cloud.target.objects()).toHaveLength(2);
    await include(id);
    expect(await escrowed()).toEqual([]);
    expect(cloud.target.object(id)?.values).toMatchObject({ displayName: "ann" });
  });

  it("is not matched by a create that meets it, having come to the target after the index was filled", async () => {
    const { cloud, agent, exclude, escrowed } = await start();
    await agent.read("full", [aUser("bob")]);
    const values = { displayName: "glass", accountEnabled: true, userPrincipalName: "ann@corp.example" };
    const [id = ""] = cloud.target.seed([{ values }]);
    const before = cloud.target.object(id);
    await exclude(id);
    await agent.read("delta", [aUser("ann")]);
    expect(await escrowed()).toMatchObject([{ objectGuid: guidOf("ann"), code: "TargetExcluded" }]);
    expect(cloud.target.object(id)).toEqual(before);
  });

  it("is not taken over by another forest's account", async () => {
    const { cloud, agent, exclude, include, escrowed, links } = await start();
    const other = await cloud.addDomain("other.example");
    await agent.read("full", [account("old"), aUser("bob")]);
    const id = cloud.target.objects().find((own) => own.values["displayName"] === "ann")?.id ?? "";
    await exclude(id);
    const writes = cloud.target.writes();
    await agent.read("delta", [{ op: "delete", objectGuid: guidOf("ann of old") }]);
    await other.read("full", [account("young")]);
    expect(cloud.target.writes()).toBe(writes);
    expect(await escrowed(other.jobId)).toMatchObject([{ code: "TargetExcluded" }]);
    expect(await links.show(agent.jobId, guidOf("ann of old"))).toMatchObject({ value: { link: { targetId: id } } });
    await include(id);
    await cloud.run();
    expect(await escrowed(other.jobId)).toEqual([]);
    const living = cloud.target.objects().filter((own) => !own.deleted && own.values["displayName"] === "ann");
    expect(living.map((own) => own.id)).toEqual([id]);
  });

  it("is neither joined nor moved by hand, and its object gets no other one", async () => {
    const { cloud, agent, links, idOf, exclude } = await start();
    const [glass = ""] = cloud.target.seed([{ values: { userPrincipalName: "glass@corp.example" } }]);
    await agent.read("full", [aUser("ann"), aUser("bob"), aUser("cid")]);
    await links.unlink(agent.jobId, guidOf("bob"), BY);
    await exclude(glass);
    await exclude(idOf("ann"));
    const refused = { failure: { status: 422, code: "excluded" } };
    const { jobId } = agent;
    expect(await links.join(jobId, guidOf("bob"), glass, BY)).toMatchObject(refused);
    expect(await links.move(jobId, guidOf("ann"), { jobId, objectGuid: guidOf("bob") }, BY)).toMatchObject(refused);
    await exclude(guidOf("bob"));
    expect(await links.move(jobId, guidOf("cid"), { jobId, objectGuid: guidOf("bob") }, BY)).toMatchObject(refused);
  });
});

describe("memberships of what is on the exclusion list", () => {
  it.each([
    ["objectGUID", (id: string) => guidOf(id)],
    ["target id", undefined],
  ])("stay as they are, by its %s: nobody is added or removed, and both follow when it is taken off", async (_, by) => {
    const { agent, cloud, idOf, exclude, include } = await start();
    const people = ["ann", "bob", "cid"].map((name) => aUser(name));
    await agent.read("full", [
      withMembers(["ann", "bob"], aGroup("sales")),
      withMembers(["bob"], aGroup("staff")),
      ...people,
    ]);
    const guid = by?.("ann") ?? idOf("ann");
    await exclude(guid);
    await agent.read("delta", [changing("sales", { add: ["cid"], remove: ["ann", "bob"] })]);
    await agent.read("delta", [changing("staff", { add: ["ann"] })]);
    expect([namesIn(cloud, "sales"), namesIn(cloud, "staff")]).toEqual([["ann", "cid"], ["bob"]]);
    await agent.read("full", [
      withMembers(["cid"], aGroup("sales")),
      withMembers(["ann"], aGroup("staff")),
      withMembers(["ann", "cid"], aGroup("new")),
      ...people,
    ]);
    expect([namesIn(cloud, "sales"), namesIn(cloud, "staff"), namesIn(cloud, "new")]).toEqual([
      ["ann", "cid"],
      [],
      ["cid"],
    ]);
    await include(guid);
    expect([namesIn(cloud, "sales"), namesIn(cloud, "staff"), namesIn(cloud, "new")]).toEqual([
      ["cid"],
      ["ann"],
      ["ann", "cid"],
    ]);
  });

  it("stay as they are in a group that is on it, until it is taken off", async () => {
    const { agent, cloud, idOf, exclude, include } = await start();
    const people = ["ann", "bob", "cid", "dee"].map((name) => aUser(name));
    await agent.read("full", [withMembers(["ann", "bob"], aGroup("sales")), ...people]);
    const before = membersIn(cloud, "sales");
    await exclude(idOf("sales"));
    await agent.read("delta", [changing("sales", { add: ["cid"], remove: ["ann"] })]);
    await agent.read("full", [withMembers(["cid", "dee"], aGroup("sales", { description: "x" })), ...people]);
    await agent.read("delta", [aUser("ann", { department: "x" }, ["department"])]);
    expect(membersIn(cloud, "sales")).toEqual(before);
    await include(idOf("sales"));
    expect(namesIn(cloud, "sales")).toEqual(["cid", "dee"]);
  });

  it("leave others free to name it as their manager: that is a property of theirs", async () => {
    const { agent, byName, idOf, exclude } = await start();
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    await exclude(guidOf("ann"));
    await agent.read("delta", [aManagedUser("bob", "ann")]);
    expect(byName("bob")?.values["manager"]).toBe(idOf("ann"));
  });
});

describe("the exclusion list", () => {
  it("says who put what there, when and why, and what it is about, in every job", async () => {
    const { cloud, agent, exclusions, idOf, exclude, include } = await start();
    const other = await cloud.addDomain("other.example");
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    const stranger = "00000000-0000-4000-8000-00000000ffff";
    await exclude(guidOf("ann"));
    await exclude(stranger);
    const objects = [{ jobId: agent.jobId, objectGuid: guidOf("ann"), targetId: idOf("ann") }];
    const etag = expect.stringMatching(/^W\/"[\w-]{22}"$/);
    const entry = { "@odata.etag": etag, by: BY, at: new Date(cloud.clock.now()).toISOString(), reason: "break-glass" };
    const listed = [
      { guid: guidOf("ann"), ...entry, objects },
      { guid: stranger, ...entry, objects: [] },
    ].sort((one, two) => (one.guid < two.guid ? -1 : 1));
    expect(await exclusions.list()).toEqual(listed);
    expect(await exclusions.add(stranger, "another reason", "somebody else")).toMatchObject({
      value: { by: "somebody else" },
    });
    expect(await exclusions.list()).toHaveLength(2);
    expect(await include(guidOf("bob"))).toMatchObject({ failure: { status: 404, code: "exclusion-not-found" } });
    expect(await include(stranger)).toMatchObject({ ok: true, value: { reason: "another reason" } });
    expect(cloud.logged.filter(({ event }) => event.startsWith("exclusion-")).map(({ event }) => event)).toEqual([
      "exclusion-added",
      "exclusion-added",
      "exclusion-added",
      "exclusion-removed",
    ]);
    expect((await other.status()).waiting.work).toBe(0);
  });
});

/** A full read by an account that sees everything: what it doesn't bring isn't there. */
async function seeingAll(cloud: Cloud, agent: Awaited<ReturnType<Cloud["addDomain"]>>, changes: readonly Change[]) {
  const order = await agent.order("full");
  const sent = agent.batch(order, 1, changes, {
    isLast: true,
    visibility: "complete",
    end: { batches: 1, objects: changes.length, digest: "" },
    watermarkAfter: { mode: "ldif" as const, id: `w${order.readNo}`, token: "t", at: "2026-01-05T08:00:00.000Z" },
  });
  expect(await agent.send(sent)).toMatchObject({ ok: true });
  await cloud.run();
}

function anchorOf(name: string): string {
  const hex = guidOf(name).replaceAll("-", "");
  const bytes = Buffer.from(hex, "hex");
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes.toString("base64");
}

/** The same person's account in one of two forests. */
function account(forest: string): Change {
  const change = aUser("ann");
  if (change.op !== "upsert") throw new Error("Not an upsert.");
  const anchor = { base64: Buffer.from("the-same-person!").toString("base64") };
  return {
    ...change,
    objectGuid: guidOf(`ann of ${forest}`),
    attributes: { ...change.attributes, "ms-DS-ConsistencyGuid": [anchor] },
  };
}
