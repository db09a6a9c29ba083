/** What is written to the directory while a full read pages through it, and no later page tells. */
import { describe, expect, it } from "vitest";
import type { Change } from "../../../shared/contracts/change.ts";
import { ROOT_GUID } from "../../support/fake-ldap/directory/well-known.ts";
import { type DirectoryFixture, linkGuids, useDirectory } from "./directory-fixture.ts";

const ORDER = {
  attributes: ["displayName", "department", "manager", "member", "distinguishedName"],
  objectClasses: ["user", "group"],
};

/** Writes before the page of that number is answered. */
function writeBeforePage(f: DirectoryFixture, page: number, write: () => void): void {
  let pages = 0;
  f.served.beforeAnswer = ({ dirSync, base }) => {
    // The first of all is the proof of the replication right.
    if (dirSync && base !== "" && dirSync.cookieBytes.length > 0 && ++pages === page - 1) write();
  };
}

const addUsers = (f: DirectoryFixture, count: number, parent?: string) =>
  Array.from({ length: count }, (_, index) =>
    f.served.dc.add({ class: "user", name: `User ${index}`, ...(parent === undefined ? {} : { parent }) }),
  );
const upsertsOf = (changes: readonly Change[], guid: string) =>
  changes.filter((change) => change.op === "upsert").filter(({ objectGuid }) => objectGuid === guid);
const managersIn = (change: Change | undefined) => linkGuids(change === undefined ? [] : [change], "manager");
/** Members of a group as the service has them after these changes; a list without its end leaves what was there. */
function membersAfter(changes: readonly Change[], group: string): string[] {
  const members = new Set<string>();
  for (const change of changes) {
    if (change.op !== "upsert") continue;
    for (const { attribute, mode, part, add, remove } of change.links ?? []) {
      if (attribute === "memberOf" && !add.some(({ guid }) => guid === group)) members.delete(change.objectGuid);
      else if (attribute === "memberOf") members.add(change.objectGuid);
      if (attribute !== "member" || change.objectGuid !== group) continue;
      if (mode === "replace" && part === 0) members.clear();
      for (const { guid } of add) members.add(guid);
      for (const { guid } of remove) members.delete(guid);
    }
  }
  return [...members].sort();
}

describe("without a recycle bin", () => {
  const f = useDirectory();

  it.each(["renamed", "moved"])("objects below a unit that is %s are sent with their new names", async (how) => {
    const { dc, limits } = f.served;
    const unit = dc.add({ class: "organizationalUnit", name: "Staff", parent: ROOT_GUID });
    const other = dc.add({ class: "organizationalUnit", name: "Elsewhere", parent: ROOT_GUID });
    const users = addUsers(f, 12, unit);
    limits.pageEntries = 4;
    writeBeforePage(f, 3, () => (how === "moved" ? dc.move(unit, other) : dc.rename(unit, "People")));
    const read = await f.read(ORDER);
    expect(read.error).toBeUndefined();
    const { changes: later } = await f.delta(read.watermark, ORDER);
    for (const guid of users) {
      const last = upsertsOf([...read.changes, ...later], guid).at(-1);
      expect(last?.attributes["distinguishedName"]).toEqual([dc.dnOf(guid)]);
    }
  });

  it("nor does a delta leave them behind when the unit is as new as they are", async () => {
    const { dc, limits } = f.served;
    const { watermark } = await f.read(ORDER);
    const unit = dc.add({ class: "organizationalUnit", name: "Staff", parent: ROOT_GUID });
    const users = addUsers(f, 8, unit);
    dc.modify(unit, { description: "Later than its users" });
    limits.pageEntries = 4;
    writeBeforePage(f, 3, () => dc.rename(unit, "People"));
    const { changes } = await f.delta(watermark, ORDER);
    for (const guid of users) {
      const last = upsertsOf(changes, guid).at(-1);
      expect(last?.attributes["distinguishedName"]).toEqual([dc.dnOf(guid)]);
    }
  });

  it("nor a delta that goes on where another was cut off", async () => {
    const { dc, limits } = f.served;
    const { watermark } = await f.read(ORDER);
    const unit = dc.add({ class: "organizationalUnit", name: "Staff", parent: ROOT_GUID });
    const users = addUsers(f, 8, unit);
    limits.pageEntries = 3;
    f.served.fail({ cut: true, when: ({ dirSync }) => dirSync !== undefined, after: 2 });
    const cut = await f.read({ ...ORDER, kind: "delta", watermark: watermark ?? null });
    expect(cut.error).toBeDefined();
    dc.rename(unit, "People");
    const { changes } = await f.delta(cut.pages.findLast((page) => page.watermarkAfter)?.watermarkAfter, ORDER);
    for (const guid of users) {
      const last = upsertsOf([...cut.changes, ...changes], guid).at(-1);
      expect(last?.attributes["distinguishedName"]).toEqual([dc.dnOf(guid)]);
    }
  });

  it("a manager whose value comes before the object goes with the object", async () => {
    const { dc, limits } = f.served;
    const [boss = "", ...staff] = addUsers(f, 5);
    for (const guid of staff) dc.modify(guid, { manager: boss });
    // Later than their links, so that these come first.
    for (const guid of staff) dc.rename(guid, `Renamed ${guid}`);
    limits.pageEntries = 2;
    const { changes } = await f.read(ORDER);
    for (const guid of staff) {
      const own = upsertsOf(changes, guid);
      expect(own.map((change) => [change.changed, managersIn(change)])).toEqual([[undefined, [boss]]]);
    }
  });

  it("a manager whose value comes after the object is told when the read ends", async () => {
    const { dc, limits } = f.served;
    const [boss = "", one = "", two = ""] = addUsers(f, 5);
    for (const guid of [one, two]) dc.modify(guid, { manager: boss });
    limits.pageEntries = 2;
    writeBeforePage(f, 3, () => dc.modify(two, { manager: null }));
    const { changes } = await f.read(ORDER);
    expect(upsertsOf(changes, one).map((change) => [change.changed, managersIn(change)])).toEqual([
      [undefined, []],
      [["manager"], [boss]],
    ]);
    expect(upsertsOf(changes, two).flatMap(managersIn)).toEqual([]);
  });

  it("an object that is reported once more keeps the manager that came with it the first time", async () => {
    const { dc, limits } = f.served;
    const [boss = ""] = addUsers(f, 1);
    const one = dc.add({ class: "user", name: "One", attributes: { manager: boss } });
    addUsers(f, 8);
    limits.pageEntries = 3;
    f.served.access.hiddenAttributes.add("manager");
    writeBeforePage(f, 3, () => dc.modify(one, { department: "New" }));
    const { changes } = await f.read(ORDER);
    const own = upsertsOf(changes, one);
    expect(own).toHaveLength(2);
    expect(own[1]).toMatchObject({ attributes: { department: ["New"] } });
    expect(own.map(managersIn)).toEqual([[boss], [boss]]);
  });

  it("who is deleted and comes back is in no group that was sent before", async () => {
    const { dc, limits } = f.served;
    const [one = "", two = ""] = addUsers(f, 2);
    const group = dc.add({ class: "group", name: "Crew" });
    dc.addMembers(group, [one, two]);
    const still = dc.add({ class: "group", name: "Still" });
    addUsers(f, 9);
    limits.pageEntries = 3;
    writeBeforePage(f, 3, () => {
      dc.delete(one);
      dc.undelete(one);
      dc.addMembers(still, [one]);
    });
    const { changes } = await f.read(ORDER);
    expect(linkGuids(changes, "member")).toContain(one);
    expect(membersAfter(changes, group)).toEqual([two]);
    expect(membersAfter(changes, still)).toEqual([one]);
  });

  it("who came back before the read is sent as any other, without a look at its groups", async () => {
    const { dc, server } = f.served;
    const [one = ""] = addUsers(f, 1);
    dc.delete(one);
    dc.undelete(one);
    dc.add({ class: "group", name: "Crew", attributes: { member: [one] } });
    server.searches.length = 0;
    const { changes } = await f.read(ORDER);
    expect(upsertsOf(changes, one).map(({ changed }) => changed)).toEqual([undefined]);
    expect(server.searches.flatMap(({ attributes }) => attributes).filter((name) => /^memberof/i.test(name))).toEqual(
      [],
    );
  });

  it("parentGUID is asked for, which some versions don't give with the name", async () => {
    const unit = f.served.dc.add({ class: "organizationalUnit", name: "Staff", parent: ROOT_GUID });
    const [one = ""] = addUsers(f, 1, unit);
    f.served.limits.parentGuidMustBeAsked = true;
    const { changes } = await f.read(ORDER);
    expect(upsertsOf(changes, one)).toMatchObject([{ parentGuid: unit }]);
  });
});

describe("with a recycle bin", () => {
  const f = useDirectory(["DC1"], { recycleBin: true });

  it("a group that is deleted and comes back has its members", async () => {
    const { dc, limits } = f.served;
    const staff = addUsers(f, 5);
    const group = dc.add({ class: "group", name: "Crew" });
    dc.addMembers(group, staff);
    addUsers(f, 9);
    limits.pageEntries = 3;
    limits.linkValues = 2;
    writeBeforePage(f, 5, () => {
      dc.delete(group);
      dc.undelete(group);
    });
    const { changes } = await f.read(ORDER);
    expect(membersAfter(changes, group)).toEqual([...staff].sort());
  });

  it("and goes on from there with what comes and goes", async () => {
    const { dc, limits } = f.served;
    const [first = "", ...staff] = addUsers(f, 5);
    const group = dc.add({ class: "group", name: "Crew" });
    dc.addMembers(group, [first, ...staff.slice(1)]);
    addUsers(f, 20);
    dc.delete(group);
    limits.pageEntries = 3;
    let step = 0;
    f.served.beforeAnswer = ({ dirSync }) => {
      if (dirSync === undefined || dirSync.cookieBytes.length === 0) return;
      step++;
      if (step === 3) dc.undelete(group);
      if (step === 10) dc.addMembers(group, staff.slice(0, 1));
      if (step === 10) dc.removeMembers(group, [first]);
      if (step < 10) dc.add({ class: "user", name: `Late ${step}` });
    };
    const read = await f.read(ORDER);
    const { changes: later } = await f.delta(read.watermark, ORDER);
    expect(membersAfter([...read.changes, ...later], group)).toEqual([...staff].sort());
  });

  it("a member that comes back is in the groups that hid it while it was deleted", async () => {
    const { dc, limits } = f.served;
    const [one = "", two = ""] = addUsers(f, 2);
    const group = dc.add({ class: "group", name: "Crew" });
    dc.addMembers(group, [one, two]);
    addUsers(f, 9);
    dc.delete(one);
    limits.pageEntries = 3;
    writeBeforePage(f, 4, () => dc.undelete(one));
    const { changes } = await f.read(ORDER);
    expect(membersAfter(changes, group)).toEqual([one, two].sort());
  });
});
