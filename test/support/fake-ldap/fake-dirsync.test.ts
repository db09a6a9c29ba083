/** That the modelled domain controller reports changes as Active Directory does (what was seen on real ones), so that tests built on it mean something. */
import { describe, expect, it } from "vitest";
import { writeCookie } from "./directory/cookie.ts";
import type { FakeDc } from "./directory/fake-directory.ts";
import { guidBytes } from "./directory/view.ts";
import { DELETED_OBJECTS_GUID, ROOT, ROOT_GUID } from "./directory/well-known.ts";
import { useProbes } from "./probe-fixture.ts";

const f = useProbes();
const NAMES = ["objectClass", "name", "isDeleted", "lastKnownParent", "department", "member", "manager"];
const hex = (guid: string): string => guidBytes(guid).toString("hex");
const read = (cookie?: Buffer, attributes: readonly string[] = NAMES) =>
  f.probe.dirSync({ attributes, ...(cookie === undefined ? {} : { cookie }) });
const shown = (dc: FakeDc, guid: string): string => {
  const sid = dc.replica.objects.get(guid)?.sid;
  return `<GUID=${guid}>;${sid === undefined ? "" : `<SID=${sid}>;`}${dc.dnOf(guid)}`;
};
const pick = (entry: object | undefined, ...names: string[]) =>
  Object.fromEntries(Object.entries(entry ?? {}).filter(([name]) => names.includes(name)));

describe("DirSync", () => {
  it("reports a new object with what is asked for and its parent, a change with what changed, a cleared value as none", async () => {
    const { dc } = f.one;
    const start = (await read()).cookie;
    const unit = dc.add({ class: "organizationalUnit", name: "Staff", parent: ROOT_GUID });
    const user = dc.add({ class: "user", name: "Ann", parent: unit, attributes: { department: "IT", mail: "a@b" } });
    const added = await read(start);
    expect(added.entries.map((entry) => Object.keys(entry).sort())).toEqual([
      ["dn", "name", "objectclass", "objectguid", "parentguid"],
      ["department", "dn", "name", "objectclass", "objectguid", "parentguid"],
    ]);
    expect(added.entries[1]).toMatchObject({ parentguid: [hex(unit)], dn: [shown(dc, user)] });
    dc.modify(user, { department: "HR", mail: "c@d" });
    const changed = await read(added.cookie);
    expect(changed.entries).toEqual([{ dn: [shown(dc, user)], objectguid: [hex(user)], department: ["HR"] }]);
    dc.modify(user, { department: null });
    const cleared = await read(changed.cookie);
    expect(cleared.entries[0]?.["department"]).toEqual([]);
    dc.modify(user, { mail: "e@f" });
    expect((await read(cleared.cookie)).entries).toEqual([]);
  });

  it("reports a unit's rename alone, and parentGUID only beside name", async () => {
    const { dc } = f.one;
    const unit = dc.add({ class: "organizationalUnit", name: "Staff", parent: ROOT_GUID });
    const user = dc.add({ class: "user", name: "Ann", parent: unit });
    const { cookie } = await read();
    dc.rename(unit, "People");
    const renamed = await read(cookie);
    expect(renamed.entries).toEqual([
      { dn: [shown(dc, unit)], objectguid: [hex(unit)], name: ["People"], parentguid: [hex(ROOT_GUID)] },
    ]);
    dc.move(user, ROOT_GUID);
    expect((await read(renamed.cookie, ["parentGUID", "department"])).entries).toEqual([]);
  });

  it("reports a deletion by its tombstone, to who asks for isDeleted, and never the group that lost a member by it", async () => {
    const { dc } = f.one;
    const user = dc.add({ class: "user", name: "Ann", attributes: { department: "IT" } });
    const group = dc.add({ class: "group", name: "All", attributes: { member: [user] } });
    const { cookie } = await read();
    dc.delete(user);
    const deleted = await read(cookie);
    expect(deleted.entries).toHaveLength(1);
    expect(deleted.entries[0]).toMatchObject({ isdeleted: ["TRUE"], name: [`Ann\nDEL:${user}`] });
    expect(deleted.entries[0]?.dn[0]).toContain(`CN=Ann\\0ADEL:${user},CN=Deleted Objects,`);
    expect(deleted.entries[0]?.["lastknownparent"]?.[0]).toMatch(/CN=Users,DC=corp/);
    expect(dc.membersOf(group)).toEqual([]);
    expect((await read(cookie, ["department"])).entries).toEqual([]);
    const category = { attributes: NAMES, cookie, filter: "(objectCategory=person)" };
    expect((await f.probe.dirSync(category)).entries).toEqual([]);
    dc.undelete(user);
    const back = await read(deleted.cookie);
    expect(back.entries).toHaveLength(1);
    expect(back.entries[0]).toMatchObject({ isdeleted: [], lastknownparent: [], name: ["Ann"] });
    expect(back.entries[0]).not.toHaveProperty("department");
    expect(dc.replica.objects.get(user)?.parent).not.toBe(DELETED_OBJECTS_GUID);
  });

  it("doesn't report what was made and left the filter, and a life between two reads as a tombstone alone", async () => {
    const { dc } = f.one;
    const { cookie } = await read();
    const user = dc.add({ class: "user", name: "Ann" });
    dc.delete(user);
    const entries = (await read(cookie)).entries;
    expect(entries.map((entry) => pick(entry, "isdeleted"))).toEqual([{ isdeleted: ["TRUE"] }]);
    dc.modify(user, { department: "x" });
    const other = await f.probe.dirSync({ attributes: NAMES, cookie, filter: "(department=y)" });
    expect(other.entries).toEqual([]);
  });

  it("tells added and removed members apart, or with flags 0 the whole list", async () => {
    const { dc } = f.one;
    const [ann, bob, cat] = ["Ann", "Bob", "Cat"].map((name) => dc.add({ class: "user", name }));
    const group = dc.add({ class: "group", name: "All", attributes: { member: [ann!, bob!] } });
    const { entries, cookie } = await read();
    expect(entries.find(({ dn }) => dn[0] === shown(dc, group))?.["member;range=1-1"]).toEqual([
      shown(dc, ann!),
      shown(dc, bob!),
    ]);
    dc.addMembers(group, [cat!]);
    dc.removeMembers(group, [ann!]);
    dc.modify(cat!, { manager: bob! });
    const incremental = await read(cookie);
    expect(
      incremental.entries.map((entry) => pick(entry, "member;range=1-1", "member;range=0-0", "manager;range=1-1")),
    ).toEqual([
      { "member;range=1-1": [shown(dc, cat!)], "member;range=0-0": [shown(dc, ann!)] },
      { "manager;range=1-1": [shown(dc, bob!)] },
    ]);
    const whole = await f.probe.dirSync({ attributes: NAMES, cookie, flags: 0 });
    expect(whole.entries.find(({ dn }) => dn[0] === shown(dc, group))?.["member"]).toEqual([
      shown(dc, bob!),
      shown(dc, cat!),
    ]);
  });

  it("spreads many members of one group over entries and pages, each change once", async () => {
    const { dc } = f.one;
    const users = Array.from({ length: 100 }, (_, index) => dc.add({ class: "user", name: `User ${index}` }));
    const group = dc.add({ class: "group", name: "All" });
    const { cookie } = await read();
    dc.addMembers(group, users);
    Object.assign(f.one.limits, { linkValues: 15, pageEntries: 3 });
    const pages: number[][] = [];
    const found: string[] = [];
    for (let at = cookie, more = true; more; ) {
      const page = await read(at);
      pages.push(page.entries.map((entry) => entry["member;range=1-1"]?.length ?? 0));
      found.push(...page.entries.flatMap((entry) => entry["member;range=1-1"] ?? []));
      ({ cookie: at, more } = page);
    }
    expect(pages).toEqual([[15, 15, 1], [15, 15, 1], [15, 15, 1], [7]]);
    expect(found).toEqual(users.map((guid) => shown(dc, guid)));
  });

  it("ends a page by bytes, with at least one entry, and goes on where it ended though objects changed between", async () => {
    const { dc } = f.one;
    const users = Array.from({ length: 40 }, (_, index) =>
      dc.add({ class: "user", name: `User ${index}`, attributes: { department: "x".repeat(300) } }),
    );
    const filter = "(objectClass=user)";
    const first = await f.probe.dirSync({ attributes: NAMES, maxBytes: 4_000, filter });
    expect(first.more).toBe(true);
    expect(first.entries.length).toBeGreaterThan(3);
    expect(first.entries.length).toBeLessThan(20);
    // Not read yet, and read already: the one comes whole, the other with its change.
    dc.modify(users[39]!, { department: "later" });
    dc.modify(users[0]!, { department: "again" });
    const rest = await f.probe.dirSync({ attributes: NAMES, cookie: first.cookie, filter });
    expect(rest.entries).toHaveLength(40 - first.entries.length + 1);
    expect(rest.entries.find(({ objectguid }) => objectguid?.[0] === hex(users[39]!))).toMatchObject({
      name: ["User 39"],
      department: ["later"],
    });
    expect(rest.entries.at(-1)).toMatchObject({ objectguid: [hex(users[0]!)], department: ["again"] });
    expect((await f.probe.dirSync({ attributes: NAMES, maxBytes: 1, filter })).entries).toHaveLength(1);
    expect((await read(rest.cookie)).entries).toEqual([]);
  });
});

describe("cookies", () => {
  it("are good on another domain controller: what their giver didn't know comes, and nothing is left out", async () => {
    const [one, two] = [f.one.dc, f.two.dc];
    const before = one.add({ class: "user", name: "Before" });
    f.directory.replicate();
    const { cookie } = await read();
    const ann = one.add({ class: "user", name: "Ann" });
    const bob = two.add({ class: "user", name: "Bob" });
    const lagging = await f.other.dirSync({ attributes: NAMES, cookie });
    expect(lagging.entries.map(({ name }) => name?.[0])).toEqual(["Bob"]);
    f.directory.replicate();
    expect((await f.other.dirSync({ attributes: NAMES, cookie })).entries.map(({ name }) => name?.[0])).toEqual([
      "Bob",
      "Ann",
    ]);
    const mixed = await f.other.dirSync({ attributes: NAMES, cookie: lagging.cookie });
    expect(mixed.entries.map(({ name }) => name?.[0])).toEqual(["Ann"]);
    expect([before, ann, bob].every((guid) => two.replica.objects.has(guid))).toBe(true);
  });

  it("from the middle of a round count for its beginning elsewhere, and of another domain for nothing", async () => {
    for (let index = 0; index < 10; index++) f.one.dc.add({ class: "user", name: `User ${index}` });
    f.directory.replicate();
    const filter = "(objectClass=user)";
    f.one.limits.pageEntries = 4;
    const half = await f.probe.dirSync({ attributes: NAMES, filter });
    expect(half.more).toBe(true);
    expect((await f.other.dirSync({ attributes: NAMES, filter, cookie: half.cookie })).entries).toHaveLength(10);
    const foreign = { invocationId: "x", objectUsn: 9_999, attributeUsn: 9_999, vector: new Map([["x", 9_999]]) };
    f.one.limits.pageEntries = 1_000;
    expect((await f.probe.dirSync({ attributes: NAMES, filter, cookie: writeCookie(foreign) })).entries).toHaveLength(
      10,
    );
  });

  it.each(["not a cookie", "MSDSgarbage"])("that are none get result 12 (%s)", async (text) => {
    await expect(read(Buffer.from(text))).rejects.toMatchObject({ code: 12 });
  });

  it("show a restored domain controller by its invocation, and a rolled back one by its USN alone", async () => {
    const { dc } = f.one;
    const backup = dc.backup();
    dc.add({ class: "user", name: "Lost" });
    const usn = dc.replica.usn;
    const invocation = dc.replica.invocationId;
    dc.restore(backup, "usn-rollback");
    expect(dc.replica.invocationId).toBe(invocation);
    expect(dc.replica.usn).toBeLessThan(usn);
    dc.restore(backup, "new-invocation");
    expect(dc.replica.invocationId).not.toBe(invocation);
    const [root] = await f.probe.search({ base: ROOT, scope: "base", attributes: ["msDS-NCReplCursors"] });
    expect(root?.["msds-ncreplcursors"]?.join("")).toContain(`<uuidSourceDsaInvocationID>${invocation}<`);
  });
});

it("refuses DirSync without the right, and a base that is no naming context", async () => {
  f.one.access.canReplicate = false;
  await expect(read()).rejects.toMatchObject({ code: 50 });
  f.one.access.canReplicate = true;
  await expect(f.probe.dirSync({ attributes: NAMES, base: `CN=Users,${ROOT}` })).rejects.toMatchObject({ code: 53 });
});
