/** Members on the wire, as Windows gives them: apart from their group, over entries and pages, in ranges, as what came and went. */
import { describe, expect, it } from "vitest";
import type { Change } from "../../../shared/contracts/change.ts";
import { ROOT_GUID } from "../../support/fake-ldap/directory/well-known.ts";
import { linkGuids, useDirectory } from "./directory-fixture.ts";

const f = useDirectory(["DC1"], { recycleBin: true });
const GROUPS = { attributes: ["displayName", "manager", "member"], objectClasses: ["user", "group", "contact"] };

type Upsert = Extract<Change, { op: "upsert" }>;
const linksOf = (changes: readonly Change[], guid: string, attribute = "member") =>
  changes.flatMap((change) =>
    change.op === "upsert" && change.objectGuid === guid
      ? (change.links ?? []).filter((link) => link.attribute === attribute)
      : [],
  );
const upsertsOf = (changes: readonly Change[], guid: string) =>
  changes.filter((change): change is Upsert => change.op === "upsert" && change.objectGuid === guid);
const aStaff = (count: number) =>
  Array.from({ length: count }, (_, index) => f.served.dc.add({ class: "user", name: `User ${index}` }));

/** Of a list in parts: numbered without gaps, the final one said, and nothing but replacements. */
function wholeList(changes: readonly Change[], guid: string): string[] {
  const links = linksOf(changes, guid);
  expect(links.map(({ mode, part }) => [mode, part])).toEqual(links.map((_, index) => ["replace", index]));
  expect(links.map(({ last }) => last)).toEqual(links.map((_, index) => index === links.length - 1));
  return links.flatMap(({ add }) => add.map((value) => value.guid));
}

describe("a full read", () => {
  it("makes one list in parts of what comes over entries and pages, and ends it when the read ends", async () => {
    const staff = aStaff(40);
    const group = f.served.dc.add({ class: "group", name: "Crew", attributes: { displayName: "Crew" } });
    const empty = f.served.dc.add({ class: "group", name: "Nobody" });
    f.served.dc.addMembers(group, staff);
    // The group's own entry comes after some of its values.
    f.served.dc.rename(group, "The crew");
    f.served.limits.pageEntries = 7;
    f.served.limits.linkValues = 3;
    const { changes, pages } = await f.read(GROUPS);
    expect(wholeList(changes, group).sort()).toEqual([...staff].sort());
    expect(wholeList(changes, empty)).toEqual([]);
    expect(linksOf(changes, group).length).toBeGreaterThan(3);
    expect(pages.at(-1)?.changes.some((change) => linksOf([change], group).some(({ last }) => last))).toBe(true);
    expect(upsertsOf(changes, group).some(({ attributes }) => attributes["displayName"]?.[0] === "Crew")).toBe(true);
  });

  it("tells what was removed while it went on", async () => {
    const staff = aStaff(12);
    const group = f.served.dc.add({ class: "group", name: "Crew" });
    f.served.dc.addMembers(group, staff);
    f.served.limits.pageEntries = 3;
    f.served.limits.linkValues = 2;
    let pages = 0;
    f.served.beforeAnswer = ({ dirSync }) => {
      if (dirSync && ++pages === 7) f.served.dc.removeMembers(group, staff.slice(0, 1));
    };
    const { changes } = await f.read(GROUPS);
    const removed = linksOf(changes, group).filter(({ mode }) => mode === "delta");
    const isListed = linkGuids(changes, "member").includes(staff[0] ?? "");
    expect(isListed).toBe(removed.length > 0);
    expect(removed.flatMap(({ remove }) => remove.map(({ guid }) => guid))).toEqual(isListed ? [staff[0]] : []);
  });

  it("names a foreign security principal by its SID too, and nobody else", async () => {
    const sid = "S-1-5-21-9-8-7-1105";
    const parent = f.served.dc.add({ class: "container", name: "ForeignSecurityPrincipals", parent: ROOT_GUID });
    const foreign = f.served.dc.add({ class: "foreignSecurityPrincipal", name: sid, sid, parent });
    const [own = ""] = aStaff(1);
    const group = f.served.dc.add({ class: "group", name: "Crew" });
    f.served.dc.addMembers(group, [foreign, own]);
    const { changes } = await f.read(GROUPS);
    const values = linksOf(changes, group).flatMap(({ add }) => add);
    expect(values).toEqual(expect.arrayContaining([{ guid: own }]));
    expect(values.find(({ guid }) => guid === foreign)?.sid).toBe(sid);
  });
});

describe("a delta", () => {
  it("sends what came and went, and doesn't read the list again", async () => {
    const staff = aStaff(9);
    const group = f.served.dc.add({ class: "group", name: "Crew", attributes: { displayName: "Crew" } });
    f.served.dc.addMembers(group, staff.slice(0, 6));
    const { watermark } = await f.read(GROUPS);
    f.served.server.searches.length = 0;
    f.served.dc.addMembers(group, staff.slice(6));
    f.served.dc.removeMembers(group, staff.slice(0, 2));
    f.served.limits.linkValues = 2;
    const { changes } = await f.delta(watermark, GROUPS);
    const links = linksOf(changes, group);
    expect(links.every(({ mode, part, last }) => mode === "delta" && part === 0 && last)).toBe(true);
    expect(linkGuids(changes, "member").sort()).toEqual(staff.slice(6).sort());
    expect(linkGuids(changes, "member", "remove").sort()).toEqual(staff.slice(0, 2).sort());
    expect(upsertsOf(changes, group).length).toBeGreaterThan(1);
    for (const { changed } of upsertsOf(changes, group)) expect(changed).toEqual([]);
    const others = f.served.server.searches.filter(({ dirSync }) => dirSync === undefined);
    expect(others.flatMap(({ attributes }) => attributes).filter((name) => name.startsWith("member"))).toEqual([]);
  });

  it("brings a new group with its whole list, in ranges", async () => {
    const staff = aStaff(70);
    const { watermark } = await f.read(GROUPS);
    f.served.limits.valueRange = 30;
    const group = f.served.dc.add({ class: "group", name: "Crew" });
    f.served.dc.addMembers(group, staff);
    const { changes } = await f.delta(watermark, GROUPS);
    const whole = linksOf(changes, group).filter(({ mode }) => mode === "replace");
    expect(whole).toHaveLength(1);
    expect(whole[0]?.add.map(({ guid }) => guid).sort()).toEqual([...staff].sort());
    const ranges = f.served.server.searches.flatMap(({ attributes }) =>
      attributes.filter((name) => /^member;/.test(name)),
    );
    expect(ranges).toHaveLength(3);
  });

  it("begins a list anew that changed between two ranges", async () => {
    const staff = aStaff(70);
    const { watermark } = await f.read(GROUPS);
    f.served.limits.valueRange = 30;
    const group = f.served.dc.add({ class: "group", name: "Crew" });
    f.served.dc.addMembers(group, staff);
    let isDone = false;
    f.served.beforeAnswer = ({ attributes }) => {
      if (isDone || !attributes.some((name) => name.startsWith("member;range=29"))) return;
      isDone = true;
      f.served.dc.removeMembers(group, staff.slice(0, 1));
    };
    const { changes } = await f.delta(watermark, GROUPS);
    expect(isDone).toBe(true);
    const whole = linksOf(changes, group).filter(({ mode }) => mode === "replace");
    expect(whole.at(-1)).toMatchObject({ part: 0, last: true });
    expect(
      whole
        .at(-1)
        ?.add.map(({ guid }) => guid)
        .sort(),
    ).toEqual(staff.slice(1).sort());
  });

  it("misses no member when another is deleted between two ranges, which moves no USN of the group", async () => {
    const staff = aStaff(10);
    const { watermark } = await f.read(GROUPS);
    const group = f.served.dc.add({ class: "group", name: "Crew" });
    f.served.dc.addMembers(group, staff);
    f.served.limits.valueRange = 4;
    let ranges = 0;
    f.served.beforeAnswer = ({ attributes }) => {
      if (attributes.some((name) => name.startsWith("member;range=")) && ++ranges === 2)
        f.served.dc.delete(staff[0] ?? "");
    };
    const { changes } = await f.delta(watermark, GROUPS);
    expect(wholeList(changes, group).sort()).toEqual(staff.slice(1).sort());
  });

  it("misses no group of one who came back when another group goes between two ranges", async () => {
    const [one = ""] = aStaff(1);
    const groups = Array.from({ length: 10 }, (_, index) =>
      f.served.dc.add({ class: "group", name: `Group ${index}` }),
    );
    for (const group of groups) f.served.dc.addMembers(group, [one]);
    f.served.dc.delete(one);
    const { watermark } = await f.read(GROUPS);
    f.served.dc.undelete(one);
    f.served.limits.valueRange = 4;
    let ranges = 0;
    f.served.beforeAnswer = ({ attributes }) => {
      if (attributes.some((name) => name.startsWith("memberOf;range=".toLowerCase())) && ++ranges === 2)
        f.served.dc.removeMembers(groups[0] ?? "", [one]);
    };
    const { changes } = await f.delta(watermark, GROUPS);
    expect(ranges).toBeGreaterThan(2);
    expect(linkGuids(changes, "memberOf").sort()).toEqual(groups.slice(1).sort());
  });

  it("gives a list up that changes with every range, and says what to do", async () => {
    const staff = aStaff(20);
    const { watermark } = await f.read(GROUPS);
    const group = f.served.dc.add({ class: "group", name: "Crew" });
    f.served.dc.addMembers(group, staff);
    f.served.limits.valueRange = 4;
    f.served.beforeAnswer = ({ attributes }) => {
      if (attributes.some((name) => /^member;range=[1-9]/.test(name)))
        f.served.dc.modify(group, { info: String(attributes) });
    };
    await expect(f.delta(watermark, GROUPS)).rejects.toMatchObject({ code: "source-incomplete" });
  });

  it("takes the list from DirSync where the account may not read it", async () => {
    const staff = aStaff(3);
    const { watermark } = await f.read(GROUPS);
    f.served.access.hiddenAttributes.add("member");
    const group = f.served.dc.add({ class: "group", name: "Crew" });
    f.served.dc.addMembers(group, staff);
    const { changes } = await f.delta(watermark, GROUPS);
    expect(linkGuids(changes, "member").sort()).toEqual(expect.arrayContaining([...staff].sort()));
  });

  it("replaces a manager, and says that there is none any more", async () => {
    const [boss = "", one = "", two = ""] = aStaff(3);
    f.served.dc.modify(two, { manager: boss });
    const { watermark, changes: full } = await f.read(GROUPS);
    expect(linksOf(full, two, "manager")).toEqual([
      { attribute: "manager", mode: "replace", add: [{ guid: boss }], remove: [], part: 0, last: true },
    ]);
    f.served.dc.modify(one, { manager: boss });
    f.served.dc.modify(two, { manager: null });
    const { changes } = await f.delta(watermark, GROUPS);
    expect(upsertsOf(changes, one)[0]).toMatchObject({ changed: ["manager"] });
    expect(linksOf(changes, one, "manager")[0]).toMatchObject({ add: [{ guid: boss }] });
    expect(upsertsOf(changes, two)[0]).toMatchObject({ changed: ["manager"] });
    expect(linksOf(changes, two, "manager")[0]).toMatchObject({ mode: "replace", add: [] });
  });

  it("reads an undeleted object with the groups that it is in, and an undeleted group with its members", async () => {
    const [one = "", two = ""] = aStaff(2);
    const group = f.served.dc.add({ class: "group", name: "Crew" });
    f.served.dc.addMembers(group, [one, two]);
    const { watermark } = await f.read(GROUPS);
    f.served.dc.delete(one);
    const gone = await f.delta(watermark, GROUPS);
    expect(gone.changes).toContainEqual({ op: "delete", objectGuid: one });
    f.served.dc.undelete(one);
    const back = await f.delta(gone.watermark, GROUPS);
    expect(linksOf(back.changes, one, "memberOf")).toEqual([
      { attribute: "memberOf", mode: "replace", add: [{ guid: group }], remove: [], part: 0, last: true },
    ]);
    f.served.dc.delete(group);
    const without = await f.delta(back.watermark, GROUPS);
    expect(without.changes).toContainEqual({ op: "delete", objectGuid: group });
    f.served.dc.undelete(group);
    const again = await f.delta(without.watermark, GROUPS);
    const list = linksOf(again.changes, group).find(({ mode }) => mode === "replace");
    expect(list).toMatchObject({ part: 0, last: true });
    expect(list?.add.map(({ guid }) => guid).sort()).toEqual([one, two].sort());
  });
});

describe("groups and contacts", () => {
  it("travel by their class, tombstones too", async () => {
    const contact = f.served.dc.add({ class: "contact", name: "Partner" });
    const group = f.served.dc.add({ class: "group", name: "Crew" });
    f.served.dc.add({ class: "computer", name: "PC" });
    const { changes, watermark } = await f.read(GROUPS);
    expect(upsertsOf(changes, contact)[0]).toMatchObject({ objectClass: "contact" });
    expect(upsertsOf(changes, group)[0]).toMatchObject({ objectClass: "group" });
    f.served.dc.delete(contact);
    f.served.dc.delete(group);
    const delta = await f.delta(watermark, GROUPS);
    expect(delta.changes.map(({ op, objectGuid }) => [op, objectGuid]).sort()).toEqual(
      [
        ["delete", contact],
        ["delete", group],
      ].sort(),
    );
  });
});
