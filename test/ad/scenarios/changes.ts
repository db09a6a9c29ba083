/** The first read, one without changes, and every kind of edit: each ends with the target as the directory says. */
import { beforeEach, describe, expect, it } from "vitest";
import { bytesOf } from "../../support/samba/ldap.ts";
import type { Stage } from "../stage.ts";

export function describeInitialSync(on: () => Stage): void {
  describe("the initial sync", () => {
    it("makes the target what the directory says, attribute by attribute and link by link, with one write an object", async () => {
      const { sync, project, expectConverged, main, population } = on();
      const { users, groups, excluded, excludedGroups, hidden, members, managers } = await project();
      const cycle = await sync();
      expect(await main.runtime.escrows(main.job)).toEqual([]);
      await expectConverged();
      expect(hidden.size).toBeGreaterThan(0);
      // Nothing of the hidden unit, deleted objects included.
      const objects = await main.runtime.objects();
      const made = users.size + groups.size;
      expect(objects).toHaveLength(made);
      const { writeCalls, writes } = await main.runtime.stats();
      expect(writes).toMatchObject({ createUser: users.size, createGroup: groups.size });
      expect(cycle).toMatchObject({ kind: "full", created: made, writes: writeCalls });
      const { exported, filtered, ...others } = cycle.outcomes;
      const kept = excluded.size + excludedGroups.size + population.contacts.length;
      expect({ exported, filtered }).toEqual({ exported: made, filtered: kept });
      expect(cycle.filteredBy["target-cannot-hold"]).toBe(population.contacts.length);
      expect(cycle.received).toBe(exported + filtered + others["no-op"]);
      // Members go twenty at a time, some with the group.
      const edges = [...members.values()].reduce((sum, { size }) => sum + size, 0);
      expect(edges).toBeGreaterThan(5_000);
      const { addMember = 0, addMembers = 0, setManager = 0, ...rest } = writes;
      expect(addMember + addMembers).toBeLessThan(edges / 20 + groups.size);
      // A manager goes with the user, but for two who manage each other, and for one who comes in a later batch than his people:
      // the directory gives its objects in the order in which they were made.
      expect(setManager).toBeLessThan(managers.size / 4);
      expect(Object.keys(rest).sort()).toEqual(["createGroup", "createUser"]);
    });

    it("is followed by nothing: a read without changes makes no writing call", async () => {
      const { main, sync } = on();
      await main.runtime.resetStats();
      const cycle = await sync();
      expect(cycle).toMatchObject({ kind: "delta", received: 0, writes: 0 });
      expect((await main.runtime.stats()).writeCalls).toBe(0);
    });
  });
}

export function describeEdits(on: () => Stage): void {
  describe("an edit in the directory is in the target after one delta:", () => {
    let stage: Stage;
    beforeEach(async () => {
      stage = on();
      await stage.main.runtime.resetStats();
    });

    /** One delta, and which objects it wrote; `links` when somebody who comes back has lost memberships and manager. */
    async function expectWrites(writes: Readonly<Record<string, number>>, also?: "links"): Promise<void> {
      const cycle = await stage.sync();
      expect(cycle.kind).toBe("delta");
      await stage.expectConverged();
      const { writes: all, writeCalls } = await stage.main.runtime.stats();
      const { removeMember, removeManager, ...ofObjects } = all;
      expect(also === "links" ? ofObjects : all).toEqual(writes);
      expect(cycle.writes).toBe(writeCalls);
      expect(await stage.main.runtime.status(stage.main.job)).toMatchObject({ escrowed: 0, staged: 0 });
    }

    it("attribute set", async () => {
      await stage.admin.set(await stage.person(200), "department", "Neu, ändert");
      await expectWrites({ updateUser: 1 });
    });

    it("attribute cleared", async () => {
      const guid = await stage.person(201);
      await stage.admin.clear(guid, "department");
      await stage.admin.clear(guid, "l");
      await expectWrites({ updateUser: 1 });
      expect((await stage.targetOf(guid))?.properties).not.toHaveProperty("department");
    });

    it("disabled, then enabled", async () => {
      const guid = await stage.person(202);
      await stage.admin.disable(guid);
      await expectWrites({ updateUser: 1 });
      expect((await stage.targetOf(guid))?.properties).toMatchObject({ accountEnabled: false });
      await stage.main.runtime.resetStats();
      await stage.admin.enable(guid);
      await expectWrites({ updateUser: 1 });
      expect((await stage.targetOf(guid))?.properties).toMatchObject({ accountEnabled: true });
    });

    it("renamed", async () => {
      // Number 210 has no display name: the common name stands in for it.
      const guid = await stage.person(210);
      await stage.admin.rename(guid, 'Renamed, "Twice" + more');
      await expectWrites({ updateUser: 1 });
      expect((await stage.targetOf(guid))?.properties).toMatchObject({ displayName: 'Renamed, "Twice" + more' });
    });

    it("moved within scope", async () => {
      const guid = await stage.person(204);
      await stage.admin.move(guid, stage.population.units[1]!.dn);
      const before = await stage.targetOf(guid);
      await expectWrites({});
      expect(await stage.targetOf(guid)).toEqual(before);
    });

    it("user principal name changed", async () => {
      const guid = await stage.person(205);
      await stage.admin.changeUserPrincipalName(guid, "Another.Name@example.com");
      await expectWrites({ updateUser: 1 });
      expect((await stage.targetOf(guid))?.properties).toMatchObject({ userPrincipalName: "Another.Name@example.com" });
    });

    it("deleted, then undeleted: the same target object comes back", async () => {
      const guid = await stage.person(206);
      const before = await stage.targetOf(guid);
      await stage.admin.delete(guid);
      await expectWrites({ deleteUser: 1 });
      expect(await stage.targetOf(guid)).toMatchObject({ id: before?.id, deleted: true });
      await stage.main.runtime.resetStats();
      await stage.admin.undelete(guid, "Back again");
      // What deletion stripped off is gone from the directory: the restored object is brought to what it says now.
      await expectWrites({ restore: 1, updateUser: 1 }, "links");
      expect(await stage.targetOf(guid)).toMatchObject({ id: before?.id, deleted: false });
    });

    it("undeleted without the anchor of its own, which deletion strips off: it waits and says so, and there is no twin", async () => {
      // Number 226 has an mS-DS-ConsistencyGuid.
      const { admin, main, sync, expectConverged } = stage;
      const guid = await stage.person(226);
      const anchor = bytesOf(await admin.read(guid), "mS-DS-ConsistencyGuid")!;
      const before = await stage.targetOf(guid);
      await admin.delete(guid);
      await sync();
      await admin.undelete(guid, "Back without anchor");
      await sync();
      const waiting = await main.runtime.escrows(main.job);
      expect(waiting).toMatchObject([{ objectGuid: guid, code: "SourceAnchorChanged" }]);
      expect((await main.runtime.stats()).writes).toEqual({ deleteUser: 1 });
      await admin.set(guid, "mS-DS-ConsistencyGuid", anchor);
      await sync();
      await expectConverged();
      expect(await main.runtime.escrows(main.job)).toEqual([]);
      const restored = (await main.runtime.users()).find(({ id }) => id === before?.id);
      expect(restored).toMatchObject({ deleted: false, properties: { displayName: "Back without anchor" } });
    });

    it("created", async () => {
      await stage.admin.createUser(stage.population.units[2]!.dn, "Neu, Person", {
        sAMAccountName: "neu.person",
        userPrincipalName: "neu.person@example.com",
        displayName: "Neu Person",
        department: "Küche",
      });
      await expectWrites({ createUser: 1 });
    });

    it("created and deleted between two reads", async () => {
      const users = (await stage.main.runtime.users()).length;
      const guid = await stage.admin.createUser(stage.population.units[2]!.dn, "Here and gone", {
        sAMAccountName: "brief",
        userPrincipalName: "brief@example.com",
      });
      await stage.admin.delete(guid);
      await expectWrites({});
      expect(await stage.main.runtime.users()).toHaveLength(users);
    });

    it("all of these at once", async () => {
      const { admin, person, population } = stage;
      const deleted = await person(229);
      await admin.delete(deleted);
      await stage.sync();
      await stage.main.runtime.resetStats();

      await admin.set(await person(220), "department", "Zusammen");
      await admin.clear(await person(222), "mobile");
      await admin.disable(await person(223));
      await admin.rename(await person(239), "Renamed with the others");
      await admin.move(await person(224), population.units[3]!.dn);
      await admin.changeUserPrincipalName(await person(225), "with.others@example.com");
      await admin.undelete(deleted, "Back with the others");
      await admin.delete(await person(227));
      const several = await person(228);
      await admin.set(several, "title", "First");
      await admin.set(several, "title", "Second");
      await admin.move(several, population.units[4]!.dn);
      const brief = await admin.createUser(population.units[2]!.dn, "Gone at once", { sAMAccountName: "brief.two" });
      await admin.delete(brief);
      await admin.createUser(population.units[2]!.dn, "Stays", { sAMAccountName: "stays" });
      await expectWrites({ updateUser: 7, restore: 1, deleteUser: 1, createUser: 1 }, "links");
    });
  });
}
