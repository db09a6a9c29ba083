/**
 * Only a part of the directory: below a unit, or in a group and the groups in it. Who moves out leaves, who moves in comes,
 * alone or with a whole unit; and a scope that can't be read stops the job, and empties nobody.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { comparesLinks } from "../../support/compare-target.ts";
import type { Line, Stage } from "../stage.ts";

export function describeScope(on: () => Stage): void {
  let stage: Stage;
  let line: Line;
  let made = 0;
  /** A user whom no other scenario knows. */
  async function newUser(parentDn: string): Promise<string> {
    made += 1;
    return stage.admin.createUser(parentDn, `Scoped, ${made}`, {
      sAMAccountName: `scoped.${made}`,
      userPrincipalName: `scoped.${made}@example.com`,
      displayName: `Scoped ${made}`,
    });
  }
  const newUsers = async (parentDn: string, count: number): Promise<string[]> => {
    const guids: string[] = [];
    while (guids.length < count) guids.push(await newUser(parentDn));
    return guids;
  };
  const isThere = async (guid: string): Promise<boolean> => (await line.targetOf(guid))?.deleted === false;
  async function converge(): Promise<void> {
    await line.sync();
    await line.expectConverged();
  }

  describe("a job for one unit", () => {
    let inside: string;
    let spare: string;
    let outside: string;
    let inner: string;
    let people: string[];
    let group: string;
    const dnOf = (guid: string): Promise<string> => stage.admin.dnOf(guid);

    beforeAll(async () => {
      stage = on();
      const { admin, population } = stage;
      const root = String(population.units[0]?.dn);
      [inside, spare, outside] = [
        await admin.createUnit(root, "Inside, the scope"),
        await admin.createUnit(root, "Spare"),
        await admin.createUnit(root, "Outside"),
      ];
      inner = await admin.createUnit(await dnOf(inside), "Inner");
      people = [...(await newUsers(await dnOf(inside), 3)), ...(await newUsers(await dnOf(inner), 4))];
      group = await admin.createGroup(await dnOf(inside), "Scoped group");
      await admin.addMembers(group, String(people[0]), String(people[4]));
      line = await stage.newLine(undefined, { scope: { organizationalUnits: [inside, spare], groups: [] } });
    });
    afterAll(async () => {
      await line?.destroy();
    });

    it("has who is below it, and nobody else", async () => {
      await converge();
      const live = (await line.runtime.users()).filter(({ deleted }) => !deleted);
      expect(live).toHaveLength(people.length);
    });

    it("doesn't mind that the unit is renamed and moved", async () => {
      await line.runtime.resetStats();
      await stage.admin.rename(inside, "Inside, renamed");
      await converge();
      await stage.admin.move(inside, String(stage.population.units[2]?.dn));
      await converge();
      expect((await line.runtime.stats()).writeCalls).toBe(0);
    });

    it("loses who moves out, and gets the same target object back when he moves in again", async () => {
      const guid = String(people[1]);
      const before = await line.targetOf(guid);
      await stage.admin.move(guid, await dnOf(outside));
      await converge();
      expect(await line.targetOf(guid)).toMatchObject({ id: before?.id, deleted: true });
      // Whatever happens to him out there is none of the target's business.
      await stage.admin.set(guid, "department", "Elsewhere");
      await converge();
      await stage.admin.move(guid, await dnOf(inside));
      await converge();
      expect(await line.targetOf(guid)).toMatchObject({
        id: before?.id,
        deleted: false,
        properties: { department: "Elsewhere" },
      });
    });

    it("a unit moved out of scope takes everybody along, and brings them back (subtree scan)", async () => {
      const guids = people.slice(3);
      const ids = await Promise.all(guids.map(async (guid) => (await line.targetOf(guid))?.id));
      await stage.admin.move(inner, await dnOf(outside));
      await converge();
      for (const guid of guids) expect(await isThere(guid)).toBe(false);
      await stage.admin.move(inner, await dnOf(inside));
      await converge();
      expect(await Promise.all(guids.map(async (guid) => (await line.targetOf(guid))?.id))).toEqual(ids);
      for (const guid of guids) expect(await isThere(guid)).toBe(true);
    });

    it("a unit moved into scope brings people who were never there", async () => {
      const unit = await stage.admin.createUnit(await dnOf(outside), "Comes in");
      const guids = await newUsers(await dnOf(unit), 3);
      await converge();
      await stage.admin.move(unit, await dnOf(inside));
      await converge();
      for (const guid of guids) expect(await isThere(guid)).toBe(true);
    });

    it.runIf(comparesLinks)(
      "a member out of scope is pending, with one warning, and a member as soon as he comes in",
      async () => {
        const guid = await newUser(await dnOf(outside));
        await stage.admin.addMembers(group, guid);
        await converge();
        const told = JSON.stringify(await line.runtime.log(line.job, group));
        expect(told.split("UnableToResolveReferenceAttributeValue").length - 1).toBeGreaterThan(0);
        await stage.admin.move(guid, await dnOf(inside));
        await converge();
        expect((await line.project()).members.get(group)).toContain(guid);
      },
    );

    it("scope unit gone: ScopeObjectMissing, nobody is emptied, and it goes on when the unit is back", async () => {
      const { admin } = stage;
      const before = await line.runtime.objects();
      await line.runtime.resetStats();
      await admin.delete(spare);
      await admin.set(String(people[0]), "title", "While the scope was gone");
      const ended = await line.agent.once();
      expect(ended.code).not.toBe(0);
      expect(`${ended.err}${ended.out}`).toContain(spare);
      expect((await line.runtime.stats()).writeCalls).toBe(0);
      expect(await line.runtime.objects()).toEqual(before);
      expect(JSON.stringify(await line.runtime.status(line.job))).toContain("ScopeObjectMissing");
      await admin.undelete(spare, "Spare");
      await converge();
      expect((await line.targetOf(String(people[0])))?.properties).toMatchObject({
        jobTitle: "While the scope was gone",
      });
    });
  });

  describe("a job for one group", () => {
    let group: string;
    let nested: string;
    let direct: string;
    let indirect: string;
    let stranger: string;

    beforeAll(async () => {
      const { admin, population } = stage;
      const unit = String(population.units[1]?.dn);
      [direct, indirect, stranger] = [await newUser(unit), await newUser(unit), await newUser(unit)];
      group = await admin.createGroup(unit, "The scope");
      nested = await admin.createGroup(unit, "Nested in the scope");
      await admin.addMembers(group, direct, nested);
      await admin.addMembers(nested, indirect);
      line = await stage.newLine(undefined, { scope: { organizationalUnits: [], groups: [group] } });
    });
    afterAll(async () => {
      await line?.destroy();
    });
    const who = async (): Promise<boolean[]> => Promise.all([direct, indirect, stranger].map(isThere));

    it("has its members, and those of the groups in it", async () => {
      await converge();
      expect(await who()).toEqual([true, true, false]);
    });

    it("gets who becomes a member, and loses who is one no more", async () => {
      await stage.admin.addMembers(nested, stranger);
      await stage.admin.removeMembers(group, direct);
      await converge();
      expect(await who()).toEqual([false, true, true]);
      await stage.admin.addMembers(group, direct);
      await stage.admin.removeMembers(nested, stranger);
      await converge();
      expect(await who()).toEqual([true, true, false]);
    });

    it("loses whom a group that is taken out held, and gets them back with it", async () => {
      await stage.admin.removeMembers(group, nested);
      await converge();
      expect(await who()).toEqual([true, false, false]);
      await stage.admin.addMembers(nested, stranger);
      await stage.admin.addMembers(group, nested);
      await converge();
      expect(await who()).toEqual([true, true, true]);
    });
  });
}
