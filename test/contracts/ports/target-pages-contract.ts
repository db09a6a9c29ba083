/** What every target directory shows of its objects, page by page and one by one: what a reconcile compares with. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TargetValues } from "../../../shared/domain/target-value.ts";
import { type TargetPage, TargetPageLost, type TargetState } from "../../../shared/ports/target-directory.ts";
import type { TargetUnderTest } from "./target-directory-contract.ts";

const NOBODY = "8f0d9f0a-0000-4000-8000-00000000000f";
const PROPERTIES = [
  "city",
  "department",
  "businessPhones",
  "onPremisesExtensionAttributes",
  "accountEnabled",
  "manager",
];

export function describeTargetPages(name: string, open: () => Promise<TargetUnderTest>): void {
  describe(`target directory, page by page: ${name}`, () => {
    let rig: TargetUnderTest;
    let n = 0;
    beforeAll(async () => {
      rig = await open();
    });
    afterAll(() => rig.close?.());

    const person = (values: TargetValues = {}, flags: Parameters<TargetUnderTest["seed"]>[1] = {}) => {
      n++;
      const own = {
        accountEnabled: true,
        displayName: `Page ${n}`,
        mailNickname: `page${n}`,
        userPrincipalName: `page${n}@contoso.example`,
        onPremisesImmutableId: `page${n}==`,
      };
      return rig.seed({ ...own, ...values }, flags);
    };
    const group = (uniqueName: string, members: readonly string[] = [], deleted = false) =>
      rig.seed(
        {
          displayName: uniqueName,
          description: "all",
          mailEnabled: false,
          mailNickname: uniqueName,
          securityEnabled: true,
          uniqueName,
        },
        { type: "group", members, deleted },
      );
    const all = async (type: "user" | "group", properties: readonly string[]) => {
      const found: TargetState[] = [];
      let pages = 0;
      for (let from: string | undefined, isOver = false; !isOver; pages++) {
        const page: TargetPage<TargetState> = await rig.target.page(type, properties, from);
        found.push(...page.items);
        from = page.next;
        isOver = from === undefined;
      }
      return { found, pages };
    };

    it("shows what is asked for of everybody who lives, once, and nothing that is empty", async () => {
      const boss = person();
      const extension = { extensionAttribute3: "three" };
      const values = { city: "Bern", businessPhones: ["1"], onPremisesExtensionAttributes: extension };
      const full = person(values);
      await rig.target.apply([{ kind: "update", key: full, type: "user", id: full, values: { manager: boss } }], {
        priority: "normal",
      });
      const gone = person({}, { deleted: true });
      const mastered = person({}, { synchronized: true });
      for (let at = 0; at < 210; at++) person();
      const { found } = await all("user", PROPERTIES);
      const byId = new Map(found.map((state) => [state.id, state]));
      expect(byId.size).toBe(found.length);
      expect(byId.get(full)).toMatchObject({ type: "user", deleted: false, synchronized: false });
      expect(byId.get(full)?.values).toEqual({ ...values, accountEnabled: true, manager: boss });
      expect(byId.get(boss)?.values).toEqual({ accountEnabled: true });
      expect(byId.get(mastered)?.synchronized).toBe(true);
      expect(byId.has(gone)).toBe(false);
      expect(found.length).toBeGreaterThanOrEqual(213);
    });

    it("shows groups by their names", async () => {
      const id = group("uplink-pages-1");
      const { found } = await all("group", ["description", "displayName"]);
      const own = found.find((state) => state.id === id);
      expect(own).toMatchObject({ type: "group", uniqueName: "uplink-pages-1", synchronized: false });
      expect(own?.values).toEqual({ description: "all", displayName: "uplink-pages-1" });
      expect(found.every((state) => state.type === "group")).toBe(true);
    });

    it("shows single objects in the order of the question: living, deleted, nowhere", async () => {
      const boss = person();
      const living = person({ department: "Sales" });
      await rig.target.apply([{ kind: "update", key: living, type: "user", id: living, values: { manager: boss } }], {
        priority: "normal",
      });
      const gone = person({ department: "Sales" }, { deleted: true });
      const states = await rig.target.states("user", [gone, NOBODY, living], PROPERTIES);
      expect(states).toMatchObject([
        { id: gone, deleted: true, values: {} },
        undefined,
        { id: living, deleted: false, values: { department: "Sales", accountEnabled: true, manager: boss } },
      ]);
      expect(await rig.target.states("group", [living], ["description"])).toEqual([undefined]);
    });

    it("shows the members of several groups, page by page", async () => {
      const people = Array.from({ length: 1_100 }, () => person());
      const large = group("uplink-pages-large", people);
      const small = group("uplink-pages-small", people.slice(0, 3));
      const empty = group("uplink-pages-empty");
      const seen = new Map<string, string[]>([
        [large, []],
        [small, []],
        [empty, []],
      ]);
      let open: { groupId: string; from?: string }[] = [...seen.keys()].map((groupId) => ({ groupId }));
      for (let round = 0; open.length > 0; round++) {
        expect(round).toBeLessThan(20);
        const pages = await rig.target.memberPages(open);
        open = open.flatMap(({ groupId }, index) => {
          const page = pages[index]!;
          seen.get(groupId)?.push(...page.items);
          return page.next === undefined ? [] : [{ groupId, from: page.next }];
        });
      }
      expect(seen.get(large)?.toSorted()).toEqual(people.toSorted());
      expect(seen.get(small)?.toSorted()).toEqual(people.slice(0, 3).toSorted());
      expect(seen.get(empty)).toEqual([]);
      expect(await rig.target.memberPages([{ groupId: NOBODY }, { groupId: small }])).toMatchObject([
        undefined,
        { items: expect.any(Array) },
      ]);
    });

    it("says so when it has forgotten where a page begins", async () => {
      for (let at = 0; at < 3; at++) person();
      const lost = rig.forgottenPage;
      await expect(rig.target.page("user", ["city"], lost)).rejects.toBeInstanceOf(TargetPageLost);
    });
  });
}
