/** Scope on the wire: who is sent, who leaves, who comes, by units and by groups, whatever moves or is renamed. */
import { beforeEach, describe, expect, it } from "vitest";
import type { Change, Watermark } from "../../../shared/contracts/change.ts";
import type { AgentScope } from "../../../shared/contracts/configuration.ts";
import { linkGuids, useDirectory } from "./directory-fixture.ts";

const f = useDirectory(["DC1"], { recycleBin: true });
const CLASSES = ["user", "group", "contact"];
const ATTRIBUTES = ["displayName", "department", "manager", "member", "distinguishedName"];

let scope: AgentScope;
let watermark: Watermark | undefined;
let staff: string;
let sales: string;
let ann: string;
let bob: string;

const order = (more: { reportsLeaves?: boolean } = {}) => ({
  attributes: ATTRIBUTES,
  objectClasses: CLASSES,
  scope,
  reportsLeaves: false,
  ...more,
});
const full = async (more: { reportsLeaves?: boolean } = {}) => {
  const read = await f.read(order(more));
  if (read.error !== undefined) throw read.error;
  watermark = read.watermark;
  return read.changes;
};
const delta = async () => {
  const read = await f.delta(watermark, order());
  watermark = read.watermark;
  return read.changes;
};
const what = (changes: readonly Change[]) => changes.map(({ op, objectGuid }) => [op, objectGuid]);
const peopleOf = (changes: readonly Change[]) =>
  changes.filter(({ op }) => op !== "container").map(({ op, objectGuid }) => [op, objectGuid]);
const changeOf = (changes: readonly Change[], guid: string) => changes.find(({ objectGuid }) => objectGuid === guid);
const add = (...input: Parameters<typeof f.served.dc.add>) => f.served.dc.add(...input);

beforeEach(() => {
  staff = add({ class: "organizationalUnit", name: "Staff, all" });
  sales = add({ class: "organizationalUnit", name: "Sales" });
  ann = add({ class: "user", name: "Ann", parent: staff, attributes: { displayName: "Ann" } });
  bob = add({ class: "user", name: "Bob", parent: sales, attributes: { displayName: "Bob" } });
  scope = { organizationalUnits: [staff], groups: [] };
});

describe("units: a full read", () => {
  it("sends what is below one of them, their places, and nothing else", async () => {
    const deep = add({ class: "organizationalUnit", name: "Deep", parent: staff });
    const carl = add({ class: "contact", name: "Carl", parent: deep });
    const changes = await full();
    expect(what(changes).sort()).toEqual(
      [
        ["container", staff],
        ["container", deep],
        ["upsert", ann],
        ["upsert", carl],
      ].sort(),
    );
    expect(JSON.stringify(changes)).not.toContain("Bob");
  });

  it("names above a unit are sent for its place, and those beside it not", async () => {
    const above = add({ class: "organizationalUnit", name: "Above" });
    const inside = add({ class: "organizationalUnit", name: "Inside", parent: above });
    add({ class: "organizationalUnit", name: "Beside", parent: above });
    scope = { organizationalUnits: [inside], groups: [] };
    expect(what(await full()).sort()).toEqual(
      [
        ["container", above],
        ["container", inside],
      ].sort(),
    );
  });

  it("tells of those outside by GUID alone, where that is ordered", async () => {
    const changes = await full({ reportsLeaves: true });
    expect(changeOf(changes, bob)).toEqual({ op: "leave", objectGuid: bob, reason: expect.stringContaining("units") });
    expect(JSON.stringify(changes)).not.toContain("Bob");
  });

  it("keeps the edge to a member outside, by GUID", async () => {
    const crew = add({ class: "group", name: "Crew", parent: staff });
    f.served.dc.addMembers(crew, [ann, bob]);
    const changes = await full();
    expect(linkGuids(changes, "member").sort()).toEqual([ann, bob].sort());
    expect(changeOf(changes, bob)).toBeUndefined();
  });

  it("takes back who moved out while it went on, also with a unit, and brings who came in", async () => {
    const deep = add({ class: "organizationalUnit", name: "Deep", parent: staff });
    const cleo = add({ class: "user", name: "Cleo", parent: deep });
    const east = add({ class: "organizationalUnit", name: "East", parent: sales });
    const dan = add({ class: "user", name: "Dan", parent: east });
    for (let index = 0; index < 20; index++) add({ class: "user", name: `Filler ${index}`, parent: sales });
    f.served.limits.pageEntries = 5;
    let pages = 0;
    f.served.beforeAnswer = ({ dirSync }) => {
      if (!dirSync || ++pages !== 5) return;
      f.served.dc.move(ann, sales);
      f.served.dc.move(deep, sales);
      f.served.dc.move(east, staff);
    };
    const changes = await full();
    const last = (guid: string) => changes.findLast(({ objectGuid }) => objectGuid === guid)?.op;
    expect([last(ann), last(cleo), last(dan)]).toEqual(["leave", "leave", "upsert"]);
  });
});

describe("units: a delta", () => {
  it("doesn't speak of who is outside and stays there", async () => {
    await full();
    f.served.dc.modify(bob, { displayName: "Robert" });
    add({ class: "user", name: "New", parent: sales });
    f.served.dc.rename(sales, "Sales and more");
    expect(peopleOf(await delta()).filter(([op]) => op !== "leave")).toEqual([]);
  });

  it("lets who moved out leave, and sends who moved in whole", async () => {
    await full();
    f.served.dc.move(ann, sales);
    f.served.dc.move(bob, staff);
    const changes = await delta();
    expect(changeOf(changes, ann)).toEqual({ op: "leave", objectGuid: ann, reason: expect.stringContaining("units") });
    expect(changeOf(changes, bob)).toMatchObject({
      op: "upsert",
      attributes: { displayName: ["Bob"] },
      changed: ["displayName", "department", "manager", "distinguishedName"],
    });
    expect(peopleOf(changes)).toHaveLength(2);
  });

  it("takes from DirSync what the account may not read of who moved in", async () => {
    await full();
    f.served.access.hiddenAttributes.add("displayName");
    f.served.dc.move(bob, staff);
    expect(changeOf(await delta(), bob)).toMatchObject({ attributes: { displayName: ["Bob"] } });
  });

  it("sends a group that moved in with all its members", async () => {
    const crew = add({ class: "group", name: "Crew", parent: sales });
    f.served.dc.addMembers(crew, [ann, bob]);
    await full();
    f.served.dc.move(crew, staff);
    const changes = await delta();
    expect(changeOf(changes, crew)).toMatchObject({
      links: expect.arrayContaining([expect.objectContaining({ mode: "replace" })]),
    });
    expect(linkGuids(changes, "member").sort()).toEqual([ann, bob].sort());
  });

  it("follows a unit that moves out and in with all that is below", async () => {
    const deep = add({ class: "organizationalUnit", name: "Deep", parent: staff });
    const cleo = add({ class: "user", name: "Cleo", parent: deep, attributes: { displayName: "Cleo" } });
    await full();
    f.served.dc.move(deep, sales);
    expect(peopleOf(await delta())).toEqual([["leave", cleo]]);
    f.served.dc.move(deep, staff);
    const back = await delta();
    expect(changeOf(back, cleo)).toMatchObject({ op: "upsert", changed: expect.arrayContaining(["department"]) });
  });

  it("sends the names below a unit of the scope that was renamed, and all stay in", async () => {
    await full();
    f.served.dc.rename(staff, "People, all");
    const changes = await delta();
    expect(changeOf(changes, ann)).toMatchObject({ op: "upsert", changed: ["distinguishedName"] });
    expect(changeOf(changes, staff)).toMatchObject({ op: "container" });
    f.served.dc.modify(ann, { displayName: "Anna" });
    expect(changeOf(await delta(), ann)).toMatchObject({ op: "upsert", changed: ["displayName"] });
  });

  it("sends tombstones wherever they were", async () => {
    await full();
    f.served.dc.delete(bob);
    expect(await delta()).toContainEqual({ op: "delete", objectGuid: bob });
  });

  it("sends who was undeleted into it, and lets leave who was undeleted elsewhere", async () => {
    const cleo = add({ class: "user", name: "Cleo", parent: staff });
    await full();
    f.served.dc.delete(ann);
    f.served.dc.delete(cleo);
    await delta();
    f.served.dc.undelete(ann, { parent: staff });
    f.served.dc.undelete(cleo, { parent: sales });
    const changes = await delta();
    expect(changeOf(changes, ann)).toMatchObject({ op: "upsert", changed: expect.arrayContaining(["displayName"]) });
    expect(changeOf(changes, cleo)).toMatchObject({ op: "leave" });
  });
});

describe("groups", () => {
  let crew: string;
  let night: string;
  beforeEach(() => {
    crew = add({ class: "group", name: "Crew", parent: sales });
    night = add({ class: "group", name: "Night (shift)", parent: sales });
    f.served.dc.addMembers(crew, [ann, night]);
    // A cycle.
    f.served.dc.addMembers(night, [crew]);
    scope = { organizationalUnits: [], groups: [crew] };
  });

  it("hold their members, nested ones and themselves", async () => {
    f.served.dc.addMembers(night, [bob]);
    const cleo = add({ class: "user", name: "Cleo", parent: staff });
    const changes = await full({ reportsLeaves: true });
    const inside = [...new Set(peopleOf(changes).flatMap(([op, guid]) => (op === "upsert" ? [guid] : [])))];
    expect(inside.sort()).toEqual([ann, bob, crew, night].sort());
    expect(changeOf(changes, cleo)).toMatchObject({ op: "leave", reason: expect.stringContaining("groups") });
  });

  it("and units together let in who is in both", async () => {
    f.served.dc.addMembers(crew, [bob]);
    scope = { organizationalUnits: [staff], groups: [crew] };
    expect(peopleOf(await full())).toEqual([["upsert", ann]]);
  });

  it("take in and let go of members in a delta, of nested ones too, although none of it is ordered", async () => {
    await full();
    f.served.dc.addMembers(night, [bob]);
    f.served.dc.removeMembers(crew, [ann]);
    const read = await f.delta(watermark, { ...order(), attributes: ["displayName"], objectClasses: ["user"] });
    expect(changeOf(read.changes, ann)).toEqual({
      op: "leave",
      objectGuid: ann,
      reason: expect.stringContaining("groups"),
    });
    expect(changeOf(read.changes, bob)).toMatchObject({
      op: "upsert",
      attributes: { displayName: ["Bob"] },
      changed: ["displayName"],
    });
    expect(read.changes).toHaveLength(2);
  });

  it("keep a member who is in another one still", async () => {
    f.served.dc.addMembers(night, [ann]);
    await full();
    f.served.dc.removeMembers(crew, [ann]);
    expect(changeOf(await delta(), ann)).toMatchObject({ op: "upsert" });
    f.served.dc.removeMembers(night, [ann]);
    expect(changeOf(await delta(), ann)).toMatchObject({ op: "leave" });
  });

  it("are walked once, and not again while the deltas follow each other", async () => {
    await full();
    await delta();
    f.served.server.searches.length = 0;
    f.served.dc.addMembers(crew, [bob]);
    expect(changeOf(await delta(), bob)).toMatchObject({ op: "upsert" });
    const lists = f.served.server.searches.filter(({ attributes }) =>
      attributes.some((name) => name.startsWith("member;")),
    );
    expect(lists).toEqual([]);
  });

  it("are walked anew by who goes on where another agent stopped", async () => {
    await full();
    f.served.dc.removeMembers(crew, [ann]);
    f.served.dc.addMembers(crew, [bob]);
    const pages = f.sourceOf("DC1").read({ ...order(), kind: "delta", watermark: watermark ?? null });
    const changes: Change[] = [];
    for await (const page of pages) changes.push(...page.changes);
    expect(changeOf(changes, ann)).toMatchObject({ op: "leave" });
    expect(changeOf(changes, bob)).toMatchObject({ op: "upsert" });
  });

  it.each([
    ["nested in", () => f.served.dc.addMembers(crew, [add({ class: "group", name: "New" })])],
    ["taken out", () => f.served.dc.removeMembers(crew, [night])],
    ["deleted", () => f.served.dc.delete(night)],
  ])("ask for a full read when one is %s", async (_name, change) => {
    await full();
    change();
    await expect(delta()).rejects.toMatchObject({ code: "source-cookie", reason: "scope-nesting" });
  });

  it("ask for a full read when one is deleted that only another agent knew", async () => {
    await full();
    f.served.dc.delete(night);
    const pages = f.sourceOf("DC1").read({ ...order(), kind: "delta", watermark: watermark ?? null });
    await expect(pages[Symbol.asyncIterator]().next()).rejects.toMatchObject({ reason: "scope-nesting" });
  });

  it("bring and take whom a full read saw come and go while it went on", async () => {
    for (let index = 0; index < 20; index++) add({ class: "user", name: `Filler ${index}`, parent: sales });
    f.served.limits.pageEntries = 5;
    let pages = 0;
    f.served.beforeAnswer = ({ dirSync }) => {
      if (!dirSync || ++pages !== 5) return;
      f.served.dc.removeMembers(crew, [ann]);
      f.served.dc.addMembers(night, [bob]);
    };
    const changes = await full();
    const last = (guid: string) => changes.findLast(({ objectGuid }) => objectGuid === guid)?.op;
    expect([last(ann), last(bob)]).toEqual(["leave", "upsert"]);
    expect(await delta()).toEqual([]);
  });
});

describe("an object of the scope that can't be read", () => {
  const missing = async (guids: string[]) => {
    for (const read of [f.read(order()), f.read({ ...order(), kind: "delta", watermark: watermark ?? null })])
      expect(await read).toMatchObject({ pages: [], error: { code: "source-scope", objectGuids: guids } });
  };

  it("because it was deleted, sends nothing and empties nobody, until it is back", async () => {
    await full();
    f.served.dc.delete(staff);
    await missing([staff]);
    f.served.dc.undelete(staff);
    f.served.dc.undelete(ann, { parent: staff });
    expect(changeOf(await delta(), ann)).toMatchObject({ op: "upsert" });
  });

  it("because it is hidden, is as good as gone", async () => {
    await full();
    f.served.access.hiddenObjects.add(staff);
    await missing([staff]);
  });

  it("because it is no group, names all of them", async () => {
    scope = { organizationalUnits: [staff], groups: [ann, bob] };
    await expect(f.sourceOf("DC1").checkScope(scope)).rejects.toMatchObject({ objectGuids: [ann, bob] });
  });

  it("from the middle of a read on, ends it before the next page", async () => {
    for (let index = 0; index < 1_200; index++) add({ class: "user", name: `User ${index}`, parent: staff });
    Object.assign(f.served.limits, { pageEntries: 600 });
    let pages = 0;
    f.served.beforeAnswer = ({ dirSync }) => {
      if (dirSync && ++pages === 3) f.served.dc.delete(staff);
    };
    const { pages: given, error } = await f.read(order());
    expect(error).toMatchObject({ code: "source-scope", objectGuids: [staff] });
    expect(given.some(({ isLast }) => isLast)).toBe(false);
  });

  it("that moves under a page, has it read again", async () => {
    await full();
    f.served.dc.modify(ann, { displayName: "Anna" });
    let isDone = false;
    f.served.beforeAnswer = ({ dirSync }) => {
      if (!dirSync || isDone) return;
      isDone = true;
      f.served.dc.move(staff, sales);
    };
    await expect(delta()).rejects.toMatchObject({ code: "source-incomplete" });
    expect(changeOf(await delta(), ann)).toMatchObject({ op: "upsert" });
  });
});
