/**
 * An account without the right to see an object gets no error: the object is just missing. None of it may ever be deleted,
 * blanked or created; who vanishes that way is staged for a human to look at.
 */
import { describe, expect, it } from "vitest";
import type { TargetObject } from "../../support/ad-runtime.ts";
import { grantRights, hiddenFrom } from "../../support/samba/rights.ts";
import type { Stage } from "../stage.ts";

export function describeHiddenObjects(on: () => Stage): void {
  describe("what the account can't see", () => {
    /** How many of those who were synced are out of sight now. */
    let unseen = 0;

    const targetsOf = (guids: readonly string[]): Promise<(TargetObject | undefined)[]> =>
      Promise.all(guids.map((guid) => on().targetOf(guid)));

    /** A forced full read stages exactly these, and leaves their target objects as they were. */
    async function expectStaged(
      guids: readonly string[],
      before: readonly (TargetObject | undefined)[],
    ): Promise<void> {
      const { main, sync, expectConverged, leftBehind } = on();
      for (const user of before) leftBehind.add(String(user?.id));
      await main.runtime.resetStats();
      await main.runtime.restart(main.job);
      const cycle = await sync();
      unseen += guids.length;
      expect(cycle).toMatchObject({ kind: "full", complete: true, deleted: 0, writes: 0 });
      expect(cycle.absent).toMatchObject({ exported: 0, staged: unseen });
      expect((await main.runtime.stats()).writeCalls).toBe(0);
      expect((await main.runtime.status(main.job)).staged).toBeGreaterThanOrEqual(unseen);
      expect(await targetsOf(guids)).toEqual(before);
      await expectConverged();
    }

    it("changes nothing when it is edited, or deleted without ever having been seen", async () => {
      const { admin, main, sync, project, expectConverged } = on();
      const [edited, deleted] = (await project()).hidden.keys();
      await admin.set(edited!, "department", "nobody sees this");
      await admin.clear(edited!, "l");
      await admin.delete(deleted!);
      await main.runtime.resetStats();
      await sync();
      expect((await main.runtime.stats()).writeCalls).toBe(0);
      await expectConverged();
    });

    it("stays when it was synced before and moves into the hidden unit", async () => {
      const { admin, person, population, sync, main, expectConverged, leftBehind } = on();
      const guids = [await person(250), await person(251), await person(252)];
      const before = await targetsOf(guids);
      for (const guid of guids) await admin.move(guid, population.hiddenUnit);
      await main.runtime.resetStats();
      await sync();
      expect((await main.runtime.stats()).writeCalls).toBe(0);
      await expectStaged(guids, before);
      // Edited there, it is as far from sight.
      await admin.clear(guids[0]!, "title");
      await admin.disable(guids[1]!);
      await sync();
      expect(await targetsOf(guids)).toEqual(before);
      // Back in sight it is what the directory says now, and no twin.
      await admin.move(guids[2]!, population.units[1]!.dn);
      await admin.set(guids[2]!, "department", "Back in sight");
      await sync();
      leftBehind.delete(String(before[2]?.id));
      unseen -= 1;
      await expectConverged();
    });

    it("stays when the right to see it is taken away later", async () => {
      const { admin, controller, account, population, sync, expectConverged } = on();
      const root = population.units[0]!.dn;
      const unit = `OU=Hidden later,${root}`;
      await admin.createUnit(root, "Hidden later");
      const guids = await Promise.all(
        [1, 2, 3].map((number) =>
          admin.createUser(unit, `Later ${number}`, {
            sAMAccountName: `later.${number}`,
            userPrincipalName: `later.${number}@example.com`,
            department: "Later",
            title: "Invisible",
          }),
        ),
      );
      await sync();
      await expectConverged();
      const before = await targetsOf(guids);
      expect(before.every((user) => user?.properties["department"] === "Later")).toBe(true);
      grantRights(controller, [hiddenFrom(unit, account.sid)]);
      await sync();
      expect(await targetsOf(guids)).toEqual(before);
      // From here on they are hidden for every comparison too.
      for (const guid of guids) await admin.move(guid, population.hiddenUnit);
      await expectStaged(guids, before);
    });
  });
}
