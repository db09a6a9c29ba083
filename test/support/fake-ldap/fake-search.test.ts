/** Ordinary searches of the modelled domain controller: bases, filters, pages, ranges, rights. */
import { describe, expect, it } from "vitest";
import { ROOT, ROOT_GUID } from "./directory/well-known.ts";
import { useProbes } from "./probe-fixture.ts";

const f = useProbes();
const names = (entries: readonly { readonly [name: string]: readonly string[] }[]) =>
  entries.map(({ name }) => name?.[0]);

describe("a search", () => {
  it.each([
    ["(&(objectClass=user)(department=it))", ["Ann", "Bob"]],
    ["(|(name=Ann)(name=bob))", ["Ann", "Bob"]],
    ["(&(objectClass=user)(!(department=IT)))", ["Cat"]],
    ["(name=*o*)", ["Groups", "Domain", "Bob", "Outer"]],
    ["(&(name=B*b)(department=*))", ["Bob"]],
    ["(userAccountControl:1.2.840.113556.1.4.803:=2)", ["Cat"]],
    [`(member=CN=Bob,OU=Staff\\2c all,${ROOT})`, ["Inner"]],
    [`(memberOf:1.2.840.113556.1.4.1941:=CN=Outer,CN=Users,${ROOT})`, ["Bob", "Inner", "Outer"]],
    [`(member:1.2.840.113556.1.4.1941:=CN=Bob,OU=Staff\\2c all,${ROOT})`, ["Inner", "Outer"]],
    ["(objectCategory=person)", ["Ann", "Bob", "Cat"]],
  ])("finds by %s", async (filter, expected) => {
    const { dc } = f.one;
    dc.add({ class: "organizationalUnit", name: "Groups", parent: ROOT_GUID });
    dc.add({ class: "container", name: "Domain", parent: ROOT_GUID });
    const unit = dc.add({ class: "organizationalUnit", name: "Staff, all", parent: ROOT_GUID });
    dc.add({ class: "user", name: "Ann", parent: unit, attributes: { department: "IT" } });
    const bob = dc.add({ class: "user", name: "Bob", parent: unit, attributes: { department: "IT" } });
    dc.add({ class: "user", name: "Cat", attributes: { userAccountControl: "514" } });
    const inner = dc.add({ class: "group", name: "Inner", attributes: { member: [bob] } });
    const outer = dc.add({ class: "group", name: "Outer", attributes: { member: [inner] } });
    dc.addMembers(inner, [outer]);
    // Escaped in the filter by one level, in the name by another.
    const found = await f.probe.search({ base: ROOT, filter: filter.replace("\\2c", "\\5c,"), attributes: ["name"] });
    expect(names(found).filter((name) => name !== "corp")).toEqual(expected);
  });

  it("gives at most 1,000 entries without pages, all with them, and the account's own limit", async () => {
    for (let index = 0; index < 1_010; index++) f.one.dc.add({ class: "user", name: `User ${index}` });
    const all = { base: ROOT, filter: "(objectClass=user)", attributes: ["name"] };
    await expect(f.probe.search(all)).rejects.toMatchObject({ code: 4 });
    const paged = await f.probe.search({ ...all, pageSize: 400 });
    expect(new Set(names(paged)).size).toBe(1_010);
    expect(await f.probe.search({ ...all, sizeLimit: 1 })).toHaveLength(1);
  });

  it("gives values in ranges of 1,500, beside an empty attribute, to the final one", async () => {
    const { dc } = f.one;
    const users = Array.from({ length: 3_100 }, (_, index) => dc.add({ class: "contact", name: `C ${index}` }));
    const base = `<GUID=${dc.add({ class: "group", name: "All", attributes: { member: users } })}>`;
    const lengths = async (attribute: string) => {
      const [entry] = await f.probe.search({ base, scope: "base", attributes: [attribute] });
      return Object.entries(entry ?? {}).flatMap(([name, values]) => (name === "dn" ? [] : [[name, values.length]]));
    };
    expect(await lengths("member")).toEqual([
      ["member", 0],
      ["member;range=0-1499", 1_500],
    ]);
    expect(await lengths("member;range=1500-*")).toEqual([["member;range=1500-2999", 1_500]]);
    expect(await lengths("member;range=3000-*")).toEqual([["member;range=3000-*", 100]]);
    expect(await lengths("member;range=10-19")).toEqual([["member;range=10-19", 10]]);
    // Behind the last value: an operationsError, as the protocol's description has it (without the control that asks for none).
    await expect(lengths("member;range=3100-*")).rejects.toMatchObject({ code: 1 });
  });

  it("shows deleted objects when told to, and computes what belongs to no one object", async () => {
    const { dc } = f.one;
    const ann = dc.add({ class: "user", name: "Ann" });
    const group = dc.add({ class: "group", name: "All", attributes: { member: [ann] } });
    const base = `<GUID=${ann}>`;
    const [live] = await f.probe.search({
      base,
      scope: "base",
      attributes: ["memberOf", "cn", "distinguishedName"],
      extended: true,
    });
    const sid = dc.replica.objects.get(group)?.sid;
    expect(live?.["memberof"]).toEqual([`<GUID=${group}>;<SID=${sid}>;CN=All,CN=Users,${ROOT}`]);
    dc.delete(ann);
    await expect(f.probe.search({ base, scope: "base" })).rejects.toMatchObject({ code: 32 });
    const [dead] = await f.probe.search({
      base,
      scope: "base",
      attributes: ["isDeleted", "memberOf"],
      showDeleted: true,
    });
    expect(dead).toEqual({ dn: [dc.dnOf(ann)], isdeleted: ["TRUE"] });
  });

  it("hides what the account may not see, which DirSync shows", async () => {
    const { dc } = f.one;
    const unit = dc.add({ class: "organizationalUnit", name: "Secret", parent: ROOT_GUID });
    dc.add({ class: "user", name: "Ann", parent: unit });
    dc.add({ class: "user", name: "Bob", attributes: { department: "IT" } });
    f.one.access.hiddenObjects.add(unit);
    f.one.access.hiddenAttributes.add("department");
    const filter = "(objectClass=user)";
    const found = await f.probe.search({ base: ROOT, filter, attributes: ["name", "department"] });
    expect(found.map(({ name, department }) => [name, department])).toEqual([[["Bob"], undefined]]);
    await expect(f.probe.search({ base: `<GUID=${unit}>` })).rejects.toMatchObject({ code: 32 });
    expect(await f.probe.search({ base: ROOT, filter: "(department=IT)" })).toEqual([]);
    const all = await f.probe.dirSync({ attributes: ["name", "department"], filter });
    expect(all.entries.map(({ name, department }) => [name, department])).toEqual([
      [["Ann"], undefined],
      [["Bob"], ["IT"]],
    ]);
    const secured = await f.probe.dirSync({ attributes: ["name", "department"], filter, flags: 1 });
    expect(names(secured.entries)).toEqual(["Bob"]);
  });
});

describe("with a recycle bin", () => {
  const bin = useProbes({ recycleBin: true });
  it("an object comes back with its attributes and memberships", () => {
    const { dc } = bin.one;
    const ann = dc.add({ class: "user", name: "Ann", attributes: { department: "IT" } });
    const group = dc.add({ class: "group", name: "All", attributes: { member: [ann] } });
    dc.delete(ann);
    expect(dc.membersOf(group)).toEqual([]);
    dc.undelete(ann);
    expect(dc.membersOf(group)).toEqual([ann]);
    bin.directory.replicate();
    expect(bin.two.dc.membersOf(group)).toEqual([ann]);
  });
});
