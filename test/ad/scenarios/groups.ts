/** Groups, members and managers: every edit of them, and members whom the target can't have, or can't have yet. */
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { comparesLinks } from "../../support/compare-target.ts";
import { namedGroups } from "../../support/samba/population-groups.ts";
import type { Stage } from "../stage.ts";

const pendingCode = "UnableToResolveReferenceAttributeValue";

export function describeGroups(on: () => Stage): void {
  describe.runIf(comparesLinks)("groups:", () => {
    let stage: Stage;
    let unit: string;
    beforeAll(() => {
      stage = on();
      unit = String(stage.population.units[1]?.dn);
    });
    beforeEach(async () => {
      await stage.main.runtime.resetStats();
    });

    const membersOf = async (guid: string): Promise<readonly string[]> =>
      [...((await stage.project()).members.get(guid) ?? [])].sort();
    const writes = async (): Promise<Readonly<Record<string, number>>> => (await stage.main.runtime.stats()).writes;
    async function expectWrites(expected: Readonly<Record<string, number>>): Promise<void> {
      await stage.sync();
      await stage.expectConverged();
      expect(await writes()).toEqual(expected);
      await stage.main.runtime.resetStats();
    }
    /** How often the log told that members of the group can't be found. */
    async function warnings(guid: string): Promise<number> {
      const entries = await stage.main.runtime.log(stage.main.job, guid);
      return entries.filter((entry) => JSON.stringify(entry).includes(pendingCode)).length;
    }

    it("members added, replaced and removed", async () => {
      const { admin, person } = stage;
      const [one, two, three] = [await person(70), await person(71), await person(72)];
      const group = await admin.createGroup(unit, "Members change");
      await admin.addMembers(group, one, two);
      await expectWrites({ createGroup: 1 });
      await admin.addMembers(group, three);
      await expectWrites({ addMember: 1 });
      await admin.removeMembers(group, one);
      await expectWrites({ removeMember: 1 });
      await admin.clear(group, "member");
      await expectWrites({ removeMember: 2 });
    });

    it("renamed, moved, described anew", async () => {
      const { admin, group, population, targetOf } = stage;
      const guid = await group("Long alias");
      const before = await targetOf(guid);
      await admin.rename(guid, "Short, alias");
      await admin.set(guid, "description", "  Anders beschrieben ");
      await admin.move(guid, String(population.units[3]?.dn));
      await expectWrites({ updateGroup: 1 });
      await admin.clear(guid, "description");
      await expectWrites({ updateGroup: 1 });
      expect(await targetOf(guid)).toMatchObject({ id: before?.id, properties: { displayName: "Short, alias" } });
    });

    it("nested in, out again, and in a ring", async () => {
      const { admin, person } = stage;
      const [upper, lower] = [await admin.createGroup(unit, "Upper"), await admin.createGroup(unit, "Lower")];
      await admin.addMembers(lower, await person(73));
      await admin.addMembers(upper, lower);
      await stage.sync();
      await stage.expectConverged();
      expect(await membersOf(upper)).toEqual([lower]);
      await admin.addMembers(lower, upper);
      await stage.sync();
      await stage.expectConverged();
      expect(await membersOf(lower)).toContain(upper);
      await admin.removeMembers(upper, lower);
      await stage.sync();
      await stage.expectConverged();
      // A ring that was there from the start, opened.
      const { cycle } = namedGroups;
      const [a, b] = [await stage.group(`${cycle} of two A`), await stage.group(`${cycle} of two B`)];
      await admin.removeMembers(a, b);
      await stage.sync();
      await stage.expectConverged();
      expect(await membersOf(b)).toContain(a);
    });

    it("a member who is out of scope is pending, with one warning a group, and comes by himself when he can", async () => {
      const { admin, main } = stage;
      const guid = await admin.createUser(unit, "Written back once", {
        sAMAccountName: "written.back",
        userPrincipalName: "written.back@example.com",
        adminDescription: "User_2f6b2c1e",
      });
      const contact = await admin.createContact(unit, "Partner");
      const group = await admin.createGroup(unit, "Waits for members");
      await admin.addMembers(group, guid, contact);
      await stage.sync();
      await stage.expectConverged();
      expect(await warnings(group)).toBe(1);
      expect(await main.runtime.escrows(main.job)).toEqual([]);
      // Nothing new about it: nothing is said again.
      await admin.set(group, "description", "still waits");
      await stage.sync();
      expect(await warnings(group)).toBe(1);
      await admin.clear(guid, "adminDescription");
      await stage.sync();
      await stage.expectConverged();
      expect(await membersOf(group)).toEqual([guid]);
    });

    it("a member who is deleted: his memberships are suspended, and no group is written", async () => {
      const { admin, person } = stage;
      const guid = await person(74);
      const group = await admin.createGroup(unit, "Loses somebody");
      await admin.addMembers(group, guid, await person(75));
      await stage.sync();
      await stage.main.runtime.resetStats();
      await admin.delete(guid);
      await expectWrites({ deleteUser: 1 });
    });

    it("contacts are read and filtered, because the target can't hold them", async () => {
      const { admin, main, sync, expectConverged } = stage;
      const before = (await main.runtime.objects()).length;
      const contact = await admin.createContact(unit, "Somebody outside");
      const cycle = await sync();
      await expectConverged();
      expect(cycle.filteredBy).toEqual({ "target-cannot-hold": 1 });
      expect((await main.runtime.objects()).length).toBe(before);
      await admin.delete(contact);
      await expectWrites({});
    });

    it("a mail-enabled security group becomes a plain one, and the log says so", async () => {
      const { admin, main, targetOf } = stage;
      const group = await admin.createGroup(unit, "With mail", {
        mail: "with.mail@example.com",
        mailNickname: "with.mail",
      });
      await expectWrites({ createGroup: 1 });
      const target = await targetOf(group);
      expect(target?.properties).toMatchObject({
        mailEnabled: false,
        securityEnabled: true,
        mailNickname: "with.mail",
      });
      expect(JSON.stringify(await main.runtime.log(main.job, group))).toMatch(/mail/i);
    });

    it("deleted, and undeleted: the same target object, with the members that the directory says now", async () => {
      const { admin, person, targetOf } = stage;
      const [one, other] = [await person(76), await person(77)];
      const group = await admin.createGroup(unit, "Comes back");
      await admin.addMembers(group, one, other);
      await stage.sync();
      const before = await targetOf(group);
      await stage.main.runtime.resetStats();
      await admin.delete(group);
      await expectWrites({ deleteGroup: 1 });
      await admin.undelete(group, "Comes back");
      await admin.addMembers(group, other);
      await stage.sync();
      await stage.expectConverged();
      expect(await targetOf(group)).toMatchObject({ id: before?.id, deleted: false });
      expect(await membersOf(group)).toEqual([other]);
    });

    it("turned into a distribution list it leaves, and comes back when it is one for security again", async () => {
      const { admin, person, targetOf } = stage;
      const group = await admin.createGroup(unit, "Changes its kind");
      await admin.addMembers(group, await person(78));
      await stage.sync();
      await stage.expectConverged();
      const before = await targetOf(group);
      await admin.set(group, "groupType", "8");
      await stage.sync();
      await stage.expectConverged();
      expect(await targetOf(group)).toMatchObject({ id: before?.id, deleted: true });
      await admin.set(group, "groupType", "-2147483640");
      await stage.sync();
      await stage.expectConverged();
      expect(await targetOf(group)).toMatchObject({ id: before?.id, deleted: false });
    });

    it("managers: set, changed, a ring, out of scope, cleared, deleted", async () => {
      const { admin, person, expectConverged } = stage;
      const [who, boss, other] = [await person(80), await person(81), await person(82)];
      await admin.setManager(who, boss);
      await stage.sync();
      await expectConverged();
      await admin.setManager(who, other);
      await admin.setManager(other, who);
      await stage.sync();
      await expectConverged();
      const managerOf = async (guid: string): Promise<string | undefined> => (await stage.project()).managers.get(guid);
      expect([await managerOf(who), await managerOf(other)]).toEqual([other, who]);
      // Nobody whom the target has: whom it has stays until there is another one, or none.
      await admin.clear(other, "manager");
      await stage.sync();
      await expectConverged();
      await stage.main.runtime.resetStats();
      await admin.delete(other);
      await expectWrites({ deleteUser: 1 });
    });
  });
}
