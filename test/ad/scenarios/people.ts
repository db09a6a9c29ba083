/** The lifecycle of people: units that move with everybody in them, names that change hands, those who go and come back. */
import { beforeAll, describe, expect, it } from "vitest";
import { bytesOf, textOf } from "../../support/samba/ldap.ts";
import type { Stage } from "../stage.ts";

export function describePeople(on: () => Stage): void {
  describe("people:", () => {
    let stage: Stage;
    beforeAll(() => {
      stage = on();
    });
    const nameOf = async (guid: string): Promise<string> =>
      String(textOf(await stage.admin.read(guid), "userPrincipalName"));
    const shownName = async (guid: string): Promise<unknown> =>
      (await stage.targetOf(guid))?.properties["userPrincipalName"];

    it("renamed and moved at once: the same target object", async () => {
      const { admin, person, population, sync, targetOf, expectConverged } = stage;
      const guid = await person(50);
      const before = await targetOf(guid);
      await admin.rename(guid, "Ångström, Ünal \\ Söhne");
      await admin.set(guid, "displayName", "Ünal Ångström");
      await admin.move(guid, String(population.units[2]?.dn));
      await sync();
      await expectConverged();
      expect(await targetOf(guid)).toMatchObject({ id: before?.id, properties: { displayName: "Ünal Ångström" } });
    });

    it("unit renamed, then moved below another: everybody in it stays who they are", async () => {
      const { admin, main, population, sync, expectConverged } = stage;
      const [root, first, second] = population.units.map(({ dn }) => dn);
      const unit = await admin.createUnit(String(first), "Umzug");
      const inner = await admin.createUnit(await admin.dnOf(unit), "Innen");
      const guids = await Promise.all(
        [1, 2, 3].map(async (number) =>
          admin.createUser(await admin.dnOf(number === 1 ? unit : inner), `Umzug ${number}`, {
            sAMAccountName: `umzug.${number}`,
            userPrincipalName: `umzug.${number}@example.com`,
          }),
        ),
      );
      await sync();
      await expectConverged();
      const ids = (await main.runtime.objects()).map(({ id }) => id).sort();
      await main.runtime.resetStats();
      await admin.rename(unit, 'Umbenannt, "neu"');
      await sync();
      await expectConverged();
      await admin.move(unit, String(second));
      // What changes beside the move arrives with it.
      await admin.set(String(guids[1]), "department", "Mitgezogen");
      await sync();
      await expectConverged();
      await admin.move(unit, String(root));
      await sync();
      await expectConverged();
      expect((await main.runtime.stats()).writes).toEqual({ updateUser: 1 });
      expect((await main.runtime.objects()).map(({ id }) => id).sort()).toEqual(ids);
    });

    it("two who swap their user principal names", async () => {
      const { admin, person, sync, expectConverged } = stage;
      const [one, other] = [await person(40), await person(41)];
      const [nameOfOne, nameOfOther] = [await nameOf(one), await nameOf(other)];
      await admin.changeUserPrincipalName(one, "meanwhile@example.com");
      await admin.changeUserPrincipalName(other, nameOfOne);
      await admin.changeUserPrincipalName(one, nameOfOther);
      await sync();
      await expectConverged();
      expect([await shownName(one), await shownName(other)]).toEqual([nameOfOther, nameOfOne]);
    });

    it("a chain of three: each takes the name that the next one gives up", async () => {
      const { admin, person, sync, expectConverged } = stage;
      const [first, second, third] = [await person(54), await person(55), await person(56)];
      const [nameOfSecond, nameOfThird] = [await nameOf(second), await nameOf(third)];
      await admin.changeUserPrincipalName(third, "end.of.chain@example.com");
      await admin.changeUserPrincipalName(second, nameOfThird);
      await admin.changeUserPrincipalName(first, nameOfSecond);
      await sync();
      await expectConverged();
      expect(await Promise.all([first, second, third].map(shownName))).toEqual([
        nameOfSecond,
        nameOfThird,
        "end.of.chain@example.com",
      ]);
    });

    it("deleted, and created again with the same user principal name, in one read", async () => {
      const { admin, person, population, sync, targetOf, expectConverged } = stage;
      const old = await person(57);
      const before = await targetOf(old);
      const name = await nameOf(old);
      await admin.delete(old);
      const created = await admin.createUser(String(population.units[1]?.dn), "Created again", {
        sAMAccountName: "created.again",
        userPrincipalName: name,
        displayName: "Somebody else",
      });
      await sync();
      await expectConverged();
      const now = await targetOf(created);
      expect(now).toMatchObject({ deleted: false, properties: { userPrincipalName: name } });
      expect(now?.id).not.toBe(before?.id);
      expect(await targetOf(old)).toMatchObject({ id: before?.id, deleted: true });
    });

    it("source anchor changed: refused, and both values told; set back, it goes on", async () => {
      // Number 44 has an mS-DS-ConsistencyGuid.
      const { admin, main, person, sync, targetOf, waiting, leftBehind, expectConverged } = stage;
      const guid = await person(44);
      const anchor = bytesOf(await admin.read(guid), "mS-DS-ConsistencyGuid")!;
      const other = Buffer.from("another person's");
      const before = await targetOf(guid);
      await main.runtime.resetStats();
      await admin.set(guid, "mS-DS-ConsistencyGuid", other);
      await admin.set(guid, "department", "Waits as well");
      await sync();
      const escrows = await main.runtime.escrows(main.job);
      expect(escrows).toMatchObject([{ objectGuid: guid, code: "SourceAnchorChanged" }]);
      for (const value of [anchor, other]) expect(escrows[0]?.message).toContain(value.toString("base64"));
      expect((await main.runtime.stats()).writeCalls).toBe(0);
      expect(await targetOf(guid)).toEqual(before);
      waiting.add(guid);
      leftBehind.add(String(before?.id));
      await expectConverged();
      waiting.delete(guid);
      leftBehind.delete(String(before?.id));
      await admin.set(guid, "mS-DS-ConsistencyGuid", anchor);
      await sync();
      await expectConverged();
      expect(await targetOf(guid)).toMatchObject({ id: before?.id, properties: { department: "Waits as well" } });
    });

    it("deleted for good and undeleted: the memberships are those that the directory says now", async () => {
      const { admin, main, person, group, sync, targetOf, expectConverged } = stage;
      const guid = await person(60);
      const [kept, lost] = [await group("Level 1"), await group("Level 2")];
      await admin.addMembers(kept, guid);
      await admin.addMembers(lost, guid);
      await sync();
      await expectConverged();
      const before = await targetOf(guid);
      await admin.delete(guid);
      await sync();
      await expectConverged();
      // Deletion took the memberships; one of them is given again.
      await admin.undelete(guid, "Back among others");
      await admin.addMembers(kept, guid);
      await sync();
      await expectConverged();
      expect(await targetOf(guid)).toMatchObject({ id: before?.id, deleted: false });
      expect(await main.runtime.escrows(main.job)).toEqual([]);
    });
  });
}
