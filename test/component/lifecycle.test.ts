/** Who ends in the source: out of scope by setting (deleted, disabled, kept), and accounts whose time is over. */
import { describe, expect, it } from "vitest";
import type { Change } from "../../shared/contracts/change.ts";
import type { JobSettings, LifecycleSettings } from "../../shared/contracts/configuration.ts";
import { aGroup, withMembers } from "../support/changes.ts";
import { aUser, type Cloud, createCloud, guidOf } from "../support/cloud.ts";
import { namesIn } from "../support/links.ts";

const DAY = 86_400_000;
/** `accountExpires` for a moment in milliseconds since 1970. */
const ticks = (at: number) => String((BigInt(at) + 11_644_473_600_000n) * 10_000n);
const gone = (name: string): Change => ({ op: "delete", objectGuid: guidOf(name) });
const leaves = (name: string): Change => ({ op: "leave", objectGuid: guidOf(name), reason: "below none of the units" });
/** Out of scope by the schema's own filters; the department is there to see whether changes still go out. */
const filtered = (name: string, department = "Elsewhere") =>
  aUser(name, { isCriticalSystemObject: "TRUE", department }, ["isCriticalSystemObject", "department"]);
const back = (name: string, department = "Back") =>
  aUser(name, { isCriticalSystemObject: "FALSE", department }, ["isCriticalSystemObject", "department"]);
const shown = (cloud: Cloud, name: string) => {
  const found = cloud.target.objects().filter((own) => own.values["displayName"] === name);
  if (found.length !== 1) throw new Error(`${found.length} target objects are called ${name}.`);
  const [object] = found;
  const { accountEnabled, department } = object?.values ?? {};
  return { deleted: object?.deleted, enabled: accountEnabled, department };
};

async function start(lifecycle: LifecycleSettings, settings: Partial<JobSettings> = {}) {
  const cloud = await createCloud({ settings: { lifecycle, ...settings } });
  const agent = await cloud.addDomain("corp.example");
  const set = async (asked: LifecycleSettings) => {
    const done = await cloud.cloud.routes.lifecycles.set(agent.jobId, asked, "admin ann");
    if (!done.ok) throw new Error(done.failure.message);
    return done.value;
  };
  /** Time passes, and the tick comes by. */
  const later = async (to: number) => {
    cloud.clock.set(to);
    await cloud.tick();
    await cloud.driver.settled();
    await cloud.run();
  };
  return { cloud, agent, set, later };
}

type Leaving = readonly [string, (agent: Awaited<ReturnType<typeof start>>["agent"]) => Promise<unknown>];
/** How bob leaves while ann stays. */
const WAYS: readonly Leaving[] = [
  ["a filter of the schema", (agent) => agent.read("delta", [filtered("bob")])],
  ["the agent's word", (agent) => agent.read("delta", [leaves("bob")])],
  ["his absence from a complete full read", (agent) => agent.read("full", [aUser("ann")])],
];

describe.each(WAYS)("somebody who leaves the scope by %s", (_, leave) => {
  it("is deleted unless the job says otherwise", async () => {
    const { cloud, agent } = await start({});
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    await leave(agent);
    expect(shown(cloud, "bob")).toMatchObject({ deleted: true });
  });

  it("is disabled where the job says so, once, and is as the source says when he is back", async () => {
    const { cloud, agent } = await start({ outOfScope: "disable" });
    await agent.read("full", [aUser("ann"), aUser("bob", { department: "Sales" })]);
    await leave(agent);
    expect(shown(cloud, "bob")).toEqual({ deleted: false, enabled: false, department: "Sales" });
    const writes = cloud.target.writes();
    await agent.read("full", [aUser("ann")]);
    await agent.read("full", [aUser("ann")]);
    expect(cloud.target.writes()).toBe(writes);
    expect(await agent.status()).toMatchObject({ staged: 0, escrowed: 0, lastCycle: { absent: { exported: 0 } } });
    await agent.read("delta", [back("bob")]);
    expect(shown(cloud, "bob")).toEqual({ deleted: false, enabled: true, department: "Back" });
    expect(cloud.target.writes()).toBe(writes + 1);
  });

  it("is kept where the job says so: nothing is sent for him until he is back, or deleted", async () => {
    const { cloud, agent } = await start({ outOfScope: "keep" });
    await agent.read("full", [aUser("ann"), aUser("bob", { department: "Sales" }), aUser("cid")]);
    const writes = cloud.target.writes();
    await leave(agent);
    await agent.read("delta", [filtered("cid", "Changed")]);
    await agent.read("delta", [filtered("cid", "Again")]);
    expect(shown(cloud, "bob")).toEqual({ deleted: false, enabled: true, department: "Sales" });
    expect(cloud.target.writes()).toBe(writes);
    expect(await agent.status()).toMatchObject({ staged: 0, escrowed: 0 });
    await agent.read("delta", [back("bob")]);
    expect(shown(cloud, "bob")).toEqual({ deleted: false, enabled: true, department: "Back" });
    await agent.read("delta", [filtered("bob")]);
    await agent.read("delta", [gone("bob"), gone("cid")]);
    expect(shown(cloud, "bob")).toMatchObject({ deleted: true, department: "Back" });
    expect(shown(cloud, "cid")).toMatchObject({ deleted: true });
  });
});

describe("out of scope", () => {
  it("disables within the guard's bounds, and what is too much is staged as disables and approved as such", async () => {
    const { cloud, agent } = await start({ outOfScope: "disable" });
    const names = Array.from({ length: 60 }, (_, at) => `user${at}`);
    const enabled = () => cloud.target.objects().filter((own) => own.values["accountEnabled"] === true).length;
    await agent.read(
      "full",
      names.map((name) => aUser(name)),
    );
    await agent.read(
      "full",
      names.slice(30).map((name) => aUser(name)),
    );
    expect(enabled()).toBe(60);
    const { staged } = cloud.cloud.routes;
    const sets = await staged.list(agent.jobId, { members: false });
    if (!sets.ok) throw new Error(sets.failure.message);
    expect(sets.value).toMatchObject([{ class: "disables", count: 30 }]);
    // One of them shows himself meanwhile, as he always was.
    await agent.read("delta", [aUser("user0", {}, [])]);
    const again = await staged.list(agent.jobId, { members: false });
    if (!again.ok) throw new Error(again.failure.message);
    await staged.approve(agent.jobId, "disables", again.value[0]?.digest ?? "", "admin ann");
    await cloud.run();
    expect(enabled()).toBe(31);
    expect(cloud.target.objects().every((own) => !own.deleted)).toBe(true);
  });

  it("counts who is disabled once, however often he is missed", async () => {
    const { cloud, agent } = await start({ outOfScope: "disable" });
    const people = Array.from({ length: 60 }, (_, at) => aUser(`user${at}`));
    await agent.read("full", people);
    for (let round = 0; round < 4; round++) {
      await agent.read("full", people.slice(15));
      expect(await agent.status()).toMatchObject({ staged: 0 });
    }
    expect(cloud.target.objects().filter((own) => own.values["accountEnabled"] === false)).toHaveLength(15);
  });

  it("stages disables of those whose absence nobody vouches for", async () => {
    const { cloud, agent } = await start({ outOfScope: "disable" }, { trustVisibility: null });
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    await agent.read("full", [aUser("ann")]);
    expect(shown(cloud, "bob")).toMatchObject({ deleted: false, enabled: true });
    expect((await agent.status()).lastCycle).toMatchObject({ staged: [{ class: "disables", count: 1 }] });
  });

  it.each(["disable", "keep"] as const)(
    "leaves a group and its members as they are (%s), and catches up when it is back",
    async (outOfScope) => {
      const { cloud, agent } = await start({ outOfScope });
      const out = { isCriticalSystemObject: "TRUE" };
      const people = [aUser("ann"), aUser("bob")];
      await agent.read("full", [...people, withMembers(["ann"], aGroup("team"))]);
      await agent.read("delta", [withMembers(["ann", "bob"], aGroup("team", out, ["isCriticalSystemObject"]))]);
      await agent.read("full", [...people, withMembers(["bob"], aGroup("team", out))]);
      expect(namesIn(cloud, "team")).toEqual(["ann"]);
      expect(await agent.status()).toMatchObject({ staged: 0, escrowed: 0 });
      await agent.read("delta", [aGroup("team", { isCriticalSystemObject: "FALSE" }, ["isCriticalSystemObject"])]);
      expect(namesIn(cloud, "team")).toEqual(["bob"]);
      await agent.read("delta", [gone("team")]);
      expect(cloud.target.objects().find((own) => own.type === "group")).toMatchObject({ deleted: true });
    },
  );

  it("goes by another choice from the next full read on, which it asks for", async () => {
    const { cloud, agent, set } = await start({ outOfScope: "keep" });
    await agent.read("full", [aUser("ann"), aUser("bob"), aUser("cid")]);
    await agent.read("delta", [leaves("bob"), filtered("cid")]);
    expect(await set({ outOfScope: "keep" })).toMatchObject({ changed: false });
    expect(await agent.status()).toMatchObject({ fullReadWanted: null });
    expect(await set({ outOfScope: "disable" })).toMatchObject({ changed: true, expiredAccounts: "ignore" });
    expect(await agent.status()).toMatchObject({ fullReadWanted: "lifecycle" });
    const read = () => agent.read("full", [aUser("ann"), filtered("cid")]);
    await read();
    expect([shown(cloud, "bob").enabled, shown(cloud, "cid").enabled]).toEqual([false, false]);
    await set({ outOfScope: "delete" });
    await read();
    expect([shown(cloud, "bob").deleted, shown(cloud, "cid").deleted]).toEqual([true, true]);
    expect(cloud.logged.filter(({ event }) => event === "lifecycle-changed")).toHaveLength(2);
  });
});

describe("an account that expires", () => {
  const expires = (name: string, at: number, names?: readonly string[]) =>
    aUser(name, { accountExpires: ticks(at) }, names);

  it("is not asked for, and stays, unless the job goes by it", async () => {
    const { cloud, agent } = await start({});
    expect((await agent.order("full")).attributes).not.toContain("accountExpires");
    await agent.read("full", [expires("ann", cloud.clock.now() - DAY)]);
    expect(shown(cloud, "ann")).toMatchObject({ enabled: true });
  });

  it("is disabled when its time comes, though nothing changes at the source, and is looked at once", async () => {
    const { cloud, agent, later } = await start({ expiredAccounts: "disable" });
    expect((await agent.order("full")).attributes).toContain("accountExpires");
    const at = cloud.clock.now() + 10 * DAY;
    await agent.read("full", [
      expires("ann", at),
      expires("bob", at + DAY),
      aUser("cid", { accountExpires: "0" }),
      aUser("dan", { accountExpires: "9223372036854775807" }),
      expires("eve", cloud.clock.now() - 1),
    ]);
    const on = () => ["ann", "bob", "cid", "dan", "eve"].filter((name) => shown(cloud, name).enabled);
    expect(on()).toEqual(["ann", "bob", "cid", "dan"]);
    await later(at - 1);
    expect(on()).toEqual(["ann", "bob", "cid", "dan"]);
    await later(at);
    expect(on()).toEqual(["bob", "cid", "dan"]);
    const writes = cloud.target.writes();
    await later(at + 1);
    expect(cloud.target.writes()).toBe(writes);
    // Offline for a month.
    await later(at + 30 * DAY);
    expect(on()).toEqual(["cid", "dan"]);
  });

  it("is disabled when the tick that looked at it went by a clock that was ahead", async () => {
    const { cloud, agent, later } = await start({ expiredAccounts: "disable" });
    const at = cloud.clock.now() + 5 * DAY;
    await agent.read("full", [expires("ann", at)]);
    cloud.clock.set(at);
    await cloud.tick();
    cloud.clock.set(at - 2_000);
    await cloud.driver.settled();
    await cloud.run();
    expect(shown(cloud, "ann")).toMatchObject({ enabled: true });
    await later(at + 60_000);
    expect(shown(cloud, "ann")).toMatchObject({ enabled: false });
  });

  it("that is extended in time stays, and one that is extended too late is enabled again", async () => {
    const { cloud, agent, later } = await start({ expiredAccounts: "disable" });
    const at = cloud.clock.now() + DAY;
    await agent.read("full", [expires("ann", at), expires("bob", at)]);
    await agent.read("delta", [expires("ann", at + 5 * DAY, ["accountExpires"])]);
    await later(at);
    expect([shown(cloud, "ann").enabled, shown(cloud, "bob").enabled]).toEqual([true, false]);
    await agent.read("delta", [expires("bob", at + DAY, ["accountExpires"])]);
    expect(shown(cloud, "bob").enabled).toBe(true);
    await later(at + 6 * DAY);
    expect([shown(cloud, "ann").enabled, shown(cloud, "bob").enabled]).toEqual([false, false]);
  });

  it("is disabled within the guard's bounds", async () => {
    const { cloud, agent, later } = await start({ expiredAccounts: "disable" });
    const at = cloud.clock.now() + DAY;
    const names = Array.from({ length: 40 }, (_, index) => `user${index}`);
    await agent.read(
      "full",
      names.map((name) => expires(name, at)),
    );
    await later(at);
    expect(names.filter((name) => shown(cloud, name).enabled)).toHaveLength(40);
    expect((await agent.status()).staged).toBe(40);
  });

  it("stays as it is where an admin dropped that, until it is extended and that is over too", async () => {
    const { cloud, agent, later } = await start({ expiredAccounts: "disable" });
    const { staged } = cloud.cloud.routes;
    const at = cloud.clock.now() + DAY;
    const names = Array.from({ length: 40 }, (_, index) => `user${index}`);
    await agent.read(
      "full",
      names.map((name) => expires(name, at)),
    );
    await later(at);
    const list = async () => {
      const found = await staged.list(agent.jobId, { members: false });
      return found.ok ? found.value : [];
    };
    const [set] = await list();
    expect(await staged.drop(agent.jobId, "disables", set?.digest ?? "", "admin ann")).toMatchObject({ ok: true });
    expect(await list()).toEqual([]);
    await later(at + DAY / 2);
    expect(names.filter((name) => shown(cloud, name).enabled)).toHaveLength(40);
    await agent.read("delta", [expires("user0", at + DAY, ["accountExpires"])]);
    expect(shown(cloud, "user0").enabled).toBe(true);
    await later(at + DAY);
    expect(shown(cloud, "user0").enabled).toBe(false);
  });

  it("is noted when the job begins to go by it, also where the directory says nothing new", async () => {
    const { cloud, agent, set, later } = await start({});
    const at = cloud.clock.now() + DAY;
    await agent.read("full", [expires("ann", at)]);
    await set({ expiredAccounts: "disable" });
    await agent.read("full", [expires("ann", at)]);
    await later(at);
    expect(shown(cloud, "ann").enabled).toBe(false);
    await set({ expiredAccounts: "ignore" });
    await agent.read("full", [expires("ann", at)]);
    expect(shown(cloud, "ann").enabled).toBe(true);
  });
});

describe("the deletion of a group, where the job lets it wait", () => {
  const group = () => withMembers(["ann"], aGroup("team"));
  const teams = (cloud: Cloud) => cloud.target.objects().filter((own) => own.type === "group");
  const WAYS: readonly Leaving[] = [
    ["a tombstone", (agent) => agent.read("delta", [gone("team")])],
    ["the agent's word", (agent) => agent.read("delta", [leaves("team")])],
    ["its absence from a complete full read", (agent) => agent.read("full", [aUser("ann")])],
  ];

  it.each(WAYS)("by %s is carried out when it has waited, once", async (_, leave) => {
    const { cloud, agent, later } = await start({ groupDeleteDelayDays: 7 });
    await agent.read("full", [aUser("ann"), group()]);
    const begun = cloud.clock.now();
    const writes = cloud.target.writes();
    await leave(agent);
    expect(await agent.status()).toMatchObject({ staged: 0, escrowed: 0 });
    await later(begun + 6 * DAY);
    await agent.read("full", [aUser("ann")]);
    expect(teams(cloud)).toMatchObject([{ deleted: false }]);
    expect(cloud.target.writes()).toBe(writes);
    await later(begun + 7 * DAY);
    expect(teams(cloud)).toMatchObject([{ deleted: true }]);
    expect(cloud.target.writes()).toBe(writes + 1);
  });

  it.each(WAYS)("by %s never happens when it is back in time, and waits anew the next time", async (_, leave) => {
    const { cloud, agent, later } = await start({ groupDeleteDelayDays: 7 });
    await agent.read("full", [aUser("ann"), group()]);
    const begun = cloud.clock.now();
    await leave(agent);
    await later(begun + 5 * DAY);
    const writes = cloud.target.writes();
    await agent.read("delta", [withMembers(["ann"], aGroup("team", {}, ["cn"]))]);
    await later(begun + 8 * DAY);
    expect(teams(cloud)).toMatchObject([{ deleted: false }]);
    expect(cloud.target.writes()).toBe(writes);
    await leave(agent);
    await later(begun + 14 * DAY);
    expect(teams(cloud)).toMatchObject([{ deleted: false }]);
    await later(begun + 15 * DAY);
    expect(teams(cloud)).toMatchObject([{ deleted: true }]);
  });

  it("is counted by the guard when it is due", async () => {
    const { cloud, agent, later } = await start({ groupDeleteDelayDays: 7 });
    const names = Array.from({ length: 40 }, (_, at) => `team${at}`);
    await agent.read(
      "full",
      names.map((name) => aGroup(name)),
    );
    const begun = cloud.clock.now();
    await agent.read("delta", names.map(gone));
    expect((await agent.status()).staged).toBe(0);
    await later(begun + 7 * DAY);
    expect(teams(cloud).filter((own) => !own.deleted)).toHaveLength(40);
    expect((await agent.status()).staged).toBe(40);
  });
});
