/**
 * Members and managers across the configurations of one target: another domain of the forest by objectGUID, another forest by the
 * SID of a foreign security principal; whoever is read first, and whatever becomes of them.
 */
import { describe, expect, it } from "vitest";
import type { Change } from "../../shared/contracts/change.ts";
import { aGroup, managedBy } from "../support/changes.ts";
import { aUser, type Cloud, createCloud, guidOf } from "../support/cloud.ts";
import { namesIn } from "../support/links.ts";

const DAY = 86_400_000;
const CID_SID = "S-1-5-21-7-8-9-1105";
type Domain = "a" | "b" | "c";
const ORDERS: readonly (readonly Domain[])[] = [
  ["a", "b", "c"],
  ["a", "c", "b"],
  ["b", "a", "c"],
  ["b", "c", "a"],
  ["c", "a", "b"],
  ["c", "b", "a"],
];

/** Group "all" of domain a: ann of the same, bob and team of b, cid of the forest c. */
const members = [
  { guid: guidOf("ann") },
  { guid: guidOf("bob") },
  { guid: guidOf("team") },
  { guid: guidOf("principal"), sid: CID_SID },
];
const group = (add: readonly { guid: string; sid?: string }[] = members): Change => ({
  ...aGroup("all"),
  links: [{ attribute: "member", mode: "replace", add: [...add], remove: [], part: 0, last: true }],
});
const gone = (name: string): Change => ({ op: "delete", objectGuid: guidOf(name) });
const cid = (attributes: Readonly<Record<string, string>> = {}) => aUser("cid", { objectSid: CID_SID, ...attributes });
const CONTENT: Readonly<Record<Domain, readonly Change[]>> = {
  a: [group(), managedBy("bob", aUser("ann"))],
  b: [managedBy("ann", aUser("bob")), aGroup("team"), aUser("ben")],
  c: [cid()],
};

async function start() {
  const cloud = await createCloud();
  const agents = {
    a: await cloud.addDomain("a.example"),
    b: await cloud.addDomain("b.example"),
    c: await cloud.addDomain("c.example"),
  };
  const read = (domain: Domain, content = CONTENT[domain]) => agents[domain].read("full", content);
  const later = async () => {
    cloud.clock.set(cloud.clock.now() + DAY);
    await cloud.tick();
    await cloud.driver.settled();
    await cloud.run();
  };
  return { cloud, agents, read, later };
}

const named = (cloud: Cloud, name: string) =>
  cloud.target.objects().find((own) => own.values["displayName"] === name && !own.deleted);
const managerOf = (cloud: Cloud, name: string) => {
  const id = named(cloud, name)?.values["manager"];
  return typeof id === "string" ? String(cloud.target.object(id)?.values["displayName"]) : undefined;
};

describe.each(ORDERS.map((order) => [order] as const))("read in the order %s", (order) => {
  it("everybody is a member and has a manager at last, and a second read writes nothing", async () => {
    const { cloud, agents, read } = await start();
    for (const domain of order) await read(domain);
    expect(namesIn(cloud, "all")).toEqual(["ann", "bob", "cid", "team"]);
    expect([managerOf(cloud, "ann"), managerOf(cloud, "bob")]).toEqual(["bob", "ann"]);
    const writes = cloud.target.writes();
    for (const domain of order) await read(domain);
    expect(cloud.target.writes()).toBe(writes);
    for (const domain of order) expect(await agents[domain].status()).toMatchObject({ escrowed: 0, staged: 0 });
  });

  it("somebody of another configuration who is deleted is in it again when he comes back, as are those who named him", async () => {
    const { cloud, agents, read, later } = await start();
    for (const domain of order) await read(domain);
    const before = named(cloud, "bob")?.id;
    await agents.b.read("delta", [gone("bob")]);
    await agents.c.read("delta", [gone("cid")]);
    expect(namesIn(cloud, "all")).toEqual(["ann", "team"]);
    await later();
    for (const domain of order)
      await read(domain, domain === "a" ? CONTENT.a : domain === "b" ? [aGroup("team"), aUser("ben")] : []);
    expect(namesIn(cloud, "all")).toEqual(["ann", "team"]);
    await agents.b.read("delta", [managedBy("ann", aUser("bob"))]);
    await agents.c.read("delta", [cid()]);
    expect(namesIn(cloud, "all")).toEqual(["ann", "bob", "cid", "team"]);
    expect(named(cloud, "bob")?.id).toBe(before);
    expect([managerOf(cloud, "ann"), managerOf(cloud, "bob")]).toEqual(["bob", "ann"]);
    const writes = cloud.target.writes();
    for (const domain of order) await read(domain);
    expect(cloud.target.writes()).toBe(writes);
  });
});

describe("across configurations", () => {
  it("a member is taken out of the group by the group's own domain, and stays who he is in his own", async () => {
    const { cloud, agents, read } = await start();
    for (const domain of ["a", "b", "c"] as const) await read(domain);
    await agents.a.read("delta", [group(members.slice(0, 1))]);
    expect(namesIn(cloud, "all")).toEqual(["ann"]);
    for (const name of ["bob", "cid", "team"]) expect(named(cloud, name)).toBeDefined();
  });

  it("a group's own deletion takes nobody of another configuration with it", async () => {
    const { cloud, agents, read } = await start();
    for (const domain of ["a", "b", "c"] as const) await read(domain);
    await agents.a.read("delta", [gone("all"), gone("ann")]);
    for (const name of ["bob", "cid", "team", "ben"]) expect(named(cloud, name)).toBeDefined();
    expect(managerOf(cloud, "bob")).toBeUndefined();
  });

  it("a SID that another object has since is that object's", async () => {
    const { cloud, agents, read } = await start();
    for (const domain of ["a", "b", "c"] as const) await read(domain);
    // Made again from a backup: another objectGUID, the same SID.
    await agents.c.read("delta", [gone("cid")]);
    await agents.c.read("delta", [aUser("cida", { objectSid: CID_SID })]);
    await agents.a.read("full", CONTENT.a);
    expect(namesIn(cloud, "all")).toEqual(["ann", "bob", "cida", "team"]);
  });

  it("what a configuration says of an object of another one, but for naming it, changes nothing there", async () => {
    const { cloud, agents, read } = await start();
    for (const domain of ["a", "b", "c"] as const) await read(domain);
    const bob = named(cloud, "bob")?.id;
    const before = cloud.target.received.length;
    await agents.a.read("delta", [gone("bob"), aUser("ann", { department: "Sales" }, ["department"])]);
    expect(named(cloud, "bob")?.id).toBe(bob);
    expect(cloud.target.received.slice(before).every((action) => !("id" in action) || action.id !== bob)).toBe(true);
  });
});
