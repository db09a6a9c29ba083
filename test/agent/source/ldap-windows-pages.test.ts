/** Reading a domain controller that makes pages, ranges and rights as Windows does, on a modelled directory. */
import { describe, expect, it } from "vitest";
import { ROOT_GUID } from "../../support/fake-ldap/directory/well-known.ts";
import { linkGuids, useDirectory } from "./directory-fixture.ts";

const f = useDirectory();
const guidsOf = (changes: readonly { objectGuid: string }[]) => changes.map(({ objectGuid }) => objectGuid);
const addUsers = (count: number, parent?: string) =>
  Array.from({ length: count }, (_, index) =>
    f.served.dc.add({
      class: "user",
      name: `User ${index}`,
      attributes: { department: "IT" },
      ...(parent === undefined ? {} : { parent }),
    }),
  );

describe("a full read", () => {
  it("brings every object of many pages once, and a delta from its cookie nothing", async () => {
    const users = addUsers(1_100);
    const { pages, changes, watermark, error } = await f.read();
    expect(error).toBeUndefined();
    expect(guidsOf(changes)).toEqual(users);
    const cookies = f.served.server.searches.flatMap(({ dirSync }) => dirSync?.cookie ?? []);
    expect(new Set(cookies).size).toBe(2);
    expect(pages.filter(({ isLast }) => isLast)).toEqual([pages.at(-1)]);
    expect((await f.delta(watermark)).changes).toEqual([]);
  });

  it("goes on through pages in which nothing is for us", async () => {
    const first = addUsers(3);
    for (let index = 0; index < 40; index++) f.served.dc.add({ class: "computer", name: `PC ${index}` });
    const last = f.served.dc.add({ class: "user", name: "Last" });
    f.served.limits.looked = 5;
    const { changes, error } = await f.read();
    expect(error).toBeUndefined();
    expect(guidsOf(changes)).toEqual([...first, last]);
  });

  it("misses nothing that is written while it pages: what it doesn't bring, the next delta does", async () => {
    const { dc, limits } = f.served;
    const users = addUsers(60);
    limits.pageEntries = 10;
    let pages = 0;
    let late = "";
    f.served.beforeAnswer = ({ dirSync }) => {
      if (dirSync === undefined || ++pages !== 4) return;
      dc.modify(users[0] ?? "", { department: "Changed behind the read" });
      dc.delete(users[1] ?? "");
      dc.delete(users[59] ?? "");
      late = dc.add({ class: "user", name: "Late" });
    };
    const read = await f.read({ attributes: ["department"] });
    expect(read.error).toBeUndefined();
    const final = [...read.changes, ...(await f.delta(read.watermark, { attributes: ["department"] })).changes];
    const latest = new Map(final.map((change) => [change.objectGuid, change]));
    expect(latest.size).toBe(61);
    expect(latest.get(users[0] ?? "")).toMatchObject({ attributes: { department: ["Changed behind the read"] } });
    expect(latest.get(users[1] ?? "")).toMatchObject({ op: "delete" });
    expect(latest.get(users[59] ?? "")).toMatchObject({ op: "delete" });
    expect(latest.get(late)).toMatchObject({ op: "upsert" });
  });

  it("brings what the replication right shows and an ACL hides", async () => {
    const unit = f.served.dc.add({ class: "organizationalUnit", name: "Secret", parent: ROOT_GUID });
    const users = addUsers(3, unit);
    f.served.access.hiddenObjects.add(unit);
    f.served.access.hiddenAttributes.add("department");
    const { changes } = await f.read();
    expect(guidsOf(changes)).toEqual([unit, ...users]);
    expect(changes[1]).toMatchObject({ op: "upsert", attributes: { department: ["IT"] } });
  });
});

describe("a delta", () => {
  it("follows pages, and reads what it reports again", async () => {
    const users = addUsers(30);
    const { watermark } = await f.read();
    for (const guid of users) f.served.dc.modify(guid, { displayName: `New ${guid}` });
    f.served.limits.pageEntries = 7;
    const { pages, changes } = await f.delta(watermark);
    expect(guidsOf(changes)).toEqual(users);
    expect(changes[29]).toMatchObject({
      changed: ["displayName"],
      attributes: { displayName: [`New ${users[29]}`], department: ["IT"] },
    });
    expect(pages.filter(({ watermarkAfter }) => watermarkAfter !== undefined)).toHaveLength(5);
    expect(pages.filter(({ isLast }) => isLast)).toEqual([pages.at(-1)]);
    // The cookie of any page goes on where that page ended.
    const rest = await f.delta(pages[2]?.watermarkAfter);
    expect(guidsOf(rest.changes)).toEqual(users.slice(21));
  });

  it("reads a group of 5,000 that came back with all of them, in the server's ranges of 1,500", async () => {
    const { dc, server } = f.served;
    const members = Array.from({ length: 5_000 }, (_, index) => dc.add({ class: "contact", name: `C ${index}` }));
    const group = dc.add({ class: "group", name: "All" });
    dc.delete(group);
    const order = { attributes: ["displayName", "member"], objectClasses: ["group"] };
    const { watermark } = await f.read(order);
    dc.undelete(group);
    dc.addMembers(group, members);
    const { changes } = await f.delta(watermark, order);
    expect(new Set(guidsOf(changes))).toEqual(new Set([group]));
    expect(new Set(linkGuids(changes, "member"))).toEqual(new Set(members));
    const ranges = server.searches.flatMap(({ attributes }) => attributes.filter((name) => name.includes("range=")));
    expect(ranges.length).toBeGreaterThanOrEqual(3);
  });

  it("says nothing of the group that lost a member by the member's deletion", async () => {
    const { dc } = f.served;
    const user = addUsers(1)[0] ?? "";
    dc.add({ class: "group", name: "All", attributes: { member: [user] } });
    const order = { attributes: ["displayName", "member"], objectClasses: ["user", "group"] };
    const { watermark } = await f.read(order);
    dc.delete(user);
    expect((await f.delta(watermark, order)).changes).toEqual([{ op: "delete", objectGuid: user }]);
  });

  it("brings back whole what was undeleted, and who moved with a unit", async () => {
    const { dc } = f.served;
    const unit = dc.add({ class: "organizationalUnit", name: "Staff", parent: ROOT_GUID });
    const [ann = "", bob = ""] = addUsers(2, unit);
    dc.delete(ann);
    const { watermark } = await f.read();
    dc.undelete(ann);
    dc.modify(ann, { displayName: "Ann" });
    dc.rename(unit, "People");
    const { changes } = await f.delta(watermark, { attributes: ["displayName", "department", "distinguishedName"] });
    const latest = new Map(changes.map((change) => [change.objectGuid, change]));
    expect(latest.get(ann)).toMatchObject({ op: "upsert", attributes: { displayName: ["Ann"] } });
    // What the tombstone lost is gone, and said to be.
    expect(changes).toContainEqual(
      expect.objectContaining({ objectGuid: ann, changed: expect.arrayContaining(["displayName", "department"]) }),
    );
    expect(latest.get(ann)).not.toHaveProperty("attributes.department");
    expect(latest.get(bob)).toMatchObject({ attributes: { distinguishedName: [dc.dnOf(bob)] } });
    expect(dc.dnOf(bob)).toContain("OU=People");
  });

  it("takes from DirSync what an ACL hides from the second read, objects and values", async () => {
    const { dc, access } = f.served;
    const unit = dc.add({ class: "organizationalUnit", name: "Secret", parent: ROOT_GUID });
    const [hidden = ""] = addUsers(1, unit);
    const [open = ""] = addUsers(1);
    const { watermark } = await f.read();
    access.hiddenObjects.add(unit);
    access.hiddenAttributes.add("department");
    dc.modify(hidden, { displayName: "Hidden" });
    dc.modify(open, { department: "HR" });
    const { changes } = await f.delta(watermark);
    expect(changes).toMatchObject([
      { objectGuid: hidden, changed: ["displayName"], attributes: { displayName: ["Hidden"], department: ["IT"] } },
      { objectGuid: open, changed: ["department"], attributes: { department: ["HR"] } },
    ]);
  });
});
