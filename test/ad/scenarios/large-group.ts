/** A group of thousands, most of whom the target can't hold: a whole list at first, then what comes and goes. */
import { describe, expect, it } from "vitest";
import { comparesLinks } from "../../support/compare-target.ts";
import { namedGroups } from "../../support/samba/population-groups.ts";
import type { Stage } from "../stage.ts";

export function describeLargeGroup(on: () => Stage): void {
  describe.runIf(comparesLinks)("a group of thousands", () => {
    it("costs one write for one member", async () => {
      const { admin, group, person, sync, main, expectConverged, project } = on();
      const guid = await group(namedGroups.largest);
      const members = (await project()).members.get(guid);
      expect(members?.size).toBeGreaterThan(1_900);
      await main.runtime.resetStats();
      await admin.removeMembers(guid, await person(500));
      await sync();
      await expectConverged();
      expect((await main.runtime.stats()).writes).toEqual({ removeMember: 1 });
      await main.runtime.resetStats();
      await admin.addMembers(guid, await person(500));
      await sync();
      await expectConverged();
      expect((await main.runtime.stats()).writes).toEqual({ addMember: 1 });
    });

    it("loses a hundred and gets as many, twenty a write", async () => {
      const { admin, group, person, population, sync, main, expectConverged } = on();
      const guid = await group(namedGroups.largest);
      const other = await admin.createGroup(String(population.units[1]?.dn), "Gets a hundred");
      const guids = await Promise.all(Array.from({ length: 100 }, (_, index) => person(600 + index)));
      await sync();
      await main.runtime.resetStats();
      await admin.removeMembers(guid, ...guids);
      await admin.addMembers(other, ...guids);
      await sync();
      await expectConverged();
      expect((await main.runtime.stats()).writes).toEqual({ removeMember: 100, addMembers: 5 });
    });
  });
}
