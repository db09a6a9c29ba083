/** What every target directory must do with groups, managers and members; part of the target's contract. */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TargetValues } from "../../../shared/domain/target-value.ts";
import type {
  TargetAction,
  TargetMemberChange,
  TargetObjectType,
  TargetQuery,
  TargetResult,
} from "../../../shared/ports/target-directory.ts";
import type { TargetUnderTest } from "./target-directory-contract.ts";
import { withoutAnswer } from "./without-answer.ts";

const NOBODY = "8f0d9f0a-0000-4000-8000-00000000000f";
const UNRESOLVED = "UnableToResolveReferenceAttributeValue";

let counter = 0;

export function describeTargetLinks(name: string, open: () => Promise<TargetUnderTest>): void {
  describe(`links in a target directory: ${name}`, () => {
    let rig: TargetUnderTest;
    let n = 0;
    beforeAll(async () => {
      rig = await open();
    });
    afterAll(() => rig.close?.());
    beforeEach(() => {
      n = ++counter;
    });

    const one = async (action: TargetAction): Promise<TargetResult> =>
      withoutAnswer((await rig.target.apply([action], { priority: "normal" }))[0]!);
    const idOf = (result: TargetResult) =>
      result.outcome === "done" ? result.id : expect.fail(JSON.stringify(result));
    const group = (more: TargetValues = {}, suffix = ""): TargetValues => ({
      displayName: `Group ${n}${suffix}`,
      mailNickname: `group${n}${suffix}`,
      mailEnabled: false,
      securityEnabled: true,
      uniqueName: `uplink-a-${n}${suffix}`,
      ...more,
    });
    const create = (values: TargetValues, members?: readonly string[], type: TargetObjectType = "group") =>
      one({ kind: "create", key: `key-${n}`, type, values, ...(members ? { members } : {}) });
    const act = (kind: "delete" | "restore", id: string, type: TargetObjectType = "group") =>
      one({ kind, key: `key-${n}`, type, id });
    const update = (id: string, values: TargetValues, type: TargetObjectType = "user") =>
      one({ kind: "update", key: `key-${n}`, type, id, values });
    const find = async (query: TargetQuery) => (await rig.target.find([query]))[0]!;
    const person = (suffix: string | number): TargetValues => ({
      accountEnabled: true,
      displayName: `Member ${n}-${suffix}`,
      mailNickname: `member${n}-${suffix}`,
      userPrincipalName: `member${n}-${suffix}@contoso.example`,
    });
    const people = (count: number, from = 0) => Array.from({ length: count }, (_, at) => rig.seed(person(from + at)));
    const membersOf = async (id: string) => {
      const all: string[] = [];
      for await (const page of rig.target.members(id)) all.push(...page);
      return all.sort();
    };
    const writesOf = async (task: () => Promise<unknown>) => {
      const before = rig.target.writes();
      await task();
      return rig.target.writes() - before;
    };
    const change = async (...changes: Omit<TargetMemberChange, "key">[]) =>
      rig.target.changeMembers(
        changes.map((own, at) => ({ ...own, key: `group-${at}` })),
        { priority: "normal" },
      );
    const add = async (groupId: string, memberIds: readonly string[]) =>
      withoutAnswer((await change({ groupId, op: "add", memberIds }))[0]!);
    const take = async (groupId: string, memberIds: readonly string[]) =>
      (await change({ groupId, op: "remove", memberIds }))[0]!;
    const made = async (members?: readonly string[], suffix?: string) => idOf(await create(group({}, suffix), members));

    describe("a group", () => {
      it("is created with its members in one write, and found by its name and by its id", async () => {
        const members = people(20);
        let id = "";
        expect(
          await writesOf(async () => {
            id = idOf(await create(group({ description: "All of them", groupTypes: [] }), members));
          }),
        ).toBe(1);
        expect(rig.values(id)).toEqual(group({ description: "All of them" }));
        expect(await membersOf(id)).toEqual([...members].sort());
        const object = {
          ...{ id, type: "group", displayName: `Group ${n}`, uniqueName: `uplink-a-${n}` },
          ...{ synchronized: false, deleted: false },
        };
        expect(await find({ by: "uniqueName", value: `Uplink-A-${n}` })).toEqual([object]);
        expect(await find({ by: "id", value: id, type: "group" })).toEqual([object]);
        expect(await find({ by: "id", value: id })).toEqual([]);
        expect(await find({ by: "uniqueName", value: "it's nobody's" })).toEqual([]);
        expect(await find({ by: "deletedUniqueName", value: `uplink-a-${n}` })).toEqual([]);
      });

      it("is the same one when its create is repeated, and has what the second one says", async () => {
        const members = people(2);
        const id = idOf(await create(group(), members));
        // One that is there already keeps the others out of the same write.
        const again = await create(group({ description: "again" }), [...members, ...people(1, 2)]);
        expect(again).toMatchObject({ outcome: "done", id, warnings: [{ properties: ["members"] }] });
        expect(rig.values(id)).toEqual(group({ description: "again" }));
        expect(await membersOf(id)).toEqual([...members].sort());
      });

      it("is updated without its name, deleted softly with it, and restored with its members", async () => {
        const members = people(3);
        const id = idOf(await create(group(), members));
        await update(id, { displayName: "Other", uniqueName: "other" }, "group");
        expect(rig.values(id)).toEqual(group({ displayName: "Other" }));
        expect(await writesOf(() => update(id, { uniqueName: "other" }, "group"))).toBe(0);
        expect(await act("delete", id)).toMatchObject({ outcome: "done", id });
        expect(await act("delete", id)).toMatchObject({ outcome: "done", id });
        expect(await find({ by: "uniqueName", value: `uplink-a-${n}` })).toEqual([]);
        expect(await find({ by: "deletedUniqueName", value: `uplink-a-${n}` })).toMatchObject([{ id, deleted: true }]);
        expect(await find({ by: "id", value: id, type: "group" })).toMatchObject([{ id, deleted: true }]);
        expect(await membersOf(id)).toEqual([]);
        const twin = { outcome: "failed", failure: { code: "EntryConflict", properties: ["uniqueName"] } };
        expect(await create(group({ displayName: "Twin" }))).toMatchObject(twin);
        expect(await act("restore", id)).toMatchObject({ outcome: "done", id });
        expect(await find({ by: "uniqueName", value: `uplink-a-${n}` })).toMatchObject([{ id, deleted: false }]);
        expect(await membersOf(id)).toEqual([...members].sort());
      });

      it("is made without its members when one of them isn't there, and says so", async () => {
        const result = await create(group(), [...people(2), NOBODY]);
        expect(result).toMatchObject({ outcome: "done", warnings: [{ code: UNRESOLVED, properties: ["members"] }] });
        expect(await membersOf(idOf(result))).toEqual([]);
      });

      it("has groups as members, and never itself", async () => {
        const inner = await made();
        const outer = await made([inner], "outer");
        expect(await membersOf(outer)).toEqual([inner]);
        expect((await add(inner, [outer])).done).toEqual([outer]);
        const [own] = (await add(inner, [inner])).failed;
        expect(own).toMatchObject({ memberId: inner });
        expect(await membersOf(inner)).toEqual([outer]);
      });
    });

    describe("a manager", () => {
      it("is bound in the create, or left out with a warning when nobody is there", async () => {
        const [boss = ""] = people(1);
        let id = "";
        expect(
          await writesOf(async () => {
            id = idOf(await create({ ...person("a"), manager: boss }, undefined, "user"));
          }),
        ).toBe(1);
        expect(rig.values(id)).toEqual({ ...person("a"), manager: boss });
        const alone = await create({ ...person("b"), manager: NOBODY }, undefined, "user");
        expect(alone).toMatchObject({
          outcome: "done",
          warnings: [{ code: UNRESOLVED, properties: ["manager"], retriable: true }],
        });
        expect(rig.values(idOf(alone))).toEqual(person("b"));
      });

      it("is a write of its own beside an update, or the only one; null takes it away, also twice", async () => {
        const [id = "", boss = "", other = ""] = people(3);
        expect(await writesOf(() => update(id, { city: "Bern", manager: boss }))).toBe(2);
        expect(rig.values(id)).toMatchObject({ city: "Bern", manager: boss });
        expect(await writesOf(() => update(id, { manager: other }))).toBe(1);
        expect(rig.values(id)).toMatchObject({ manager: other });
        expect(await update(id, { city: "Basel", manager: null })).toEqual({ key: `key-${n}`, outcome: "done", id });
        expect(rig.values(id)).not.toHaveProperty("manager");
        expect(await update(id, { manager: null })).toEqual({ key: `key-${n}`, outcome: "done", id });
      });

      it("that isn't there keeps nothing else back", async () => {
        const [id = ""] = people(1);
        expect(await update(id, { city: "Bern", manager: NOBODY })).toMatchObject({
          outcome: "done",
          warnings: [{ code: UNRESOLVED, properties: ["manager"] }],
        });
        expect(rig.values(id)).toMatchObject({ city: "Bern" });
        const failure = { code: UNRESOLVED, properties: ["manager"], retriable: true };
        expect(await update(id, { manager: NOBODY })).toMatchObject({ outcome: "failed", failure });
      });

      it("of nobody is InvalidAnchor", async () => {
        const [boss = ""] = people(1);
        for (const manager of [boss, null]) {
          const failure = { code: "InvalidAnchor", retriable: false };
          expect(await update(NOBODY, { manager })).toMatchObject({ outcome: "failed", failure });
        }
      });

      it("who is deleted is nobody's any more, also when he comes back; his own stays", async () => {
        const [top = "", boss = "", id = ""] = people(3);
        await update(boss, { manager: top });
        await update(id, { manager: boss });
        await act("delete", boss, "user");
        expect(rig.values(id)).not.toHaveProperty("manager");
        await act("restore", boss, "user");
        expect(rig.values(id)).not.toHaveProperty("manager");
        expect(rig.values(boss)).toMatchObject({ manager: top });
      });
    });

    describe("members", () => {
      it("go in by 20 a write, and out by one; twice the same one is one", async () => {
        const id = await made();
        const members = people(45);
        expect(await writesOf(() => add(id, [...members, ...members.slice(0, 5)]))).toBe(3);
        expect(await membersOf(id)).toEqual([...members].sort());
        expect(await writesOf(() => take(id, members.slice(0, 7)))).toBe(7);
        expect(await membersOf(id)).toEqual(members.slice(7).sort());
      });

      it("that are there already are done, in few writes when they are few", async () => {
        const members = people(20);
        const id = await made(members.slice(4, 5));
        let result: unknown;
        const writes = await writesOf(async () => {
          result = await add(id, members);
        });
        expect(result).toEqual({ key: "group-0", done: expect.arrayContaining(members), unsent: [], failed: [] });
        expect(writes).toBe(1 + 5 + 4);
        expect(await membersOf(id)).toEqual([...members].sort());
        expect(await writesOf(() => add(id, members))).toBe(1 + 5 + 20);
      });

      it("that aren't in the group are done when they are taken out, also those that aren't anywhere", async () => {
        const [inside = "", outside = ""] = people(2);
        const id = await made([inside]);
        const { done, failed } = await take(id, [outside, inside, NOBODY]);
        expect([done.length, failed]).toEqual([3, []]);
        expect(await membersOf(id)).toEqual([]);
      });

      it("that aren't anywhere fail alone", async () => {
        const id = await made();
        const members = people(19);
        const { done, failed } = await add(id, [...members.slice(0, 7), NOBODY, ...members.slice(7)]);
        expect([...done].sort()).toEqual([...members].sort());
        expect(failed).toMatchObject([{ memberId: NOBODY, failure: { code: UNRESOLVED, retriable: true } }]);
      });

      it("of a group that is gone fail all", async () => {
        const members = people(23);
        for (const op of ["add", "remove"] as const) {
          const [result] = await change({ groupId: NOBODY, op, memberIds: members });
          expect(result?.failed.map(({ memberId }) => memberId).sort()).toEqual([...members].sort());
          for (const { failure } of result?.failed ?? []) {
            expect(failure).toMatchObject({ code: "InvalidAnchor", retriable: false });
          }
          expect(result).toMatchObject({ done: [], unsent: [] });
        }
        expect(await membersOf(NOBODY)).toEqual([]);
      });

      it.each([
        ["dynamic", { groupTypes: ["DynamicMembership"] }, {}, "InsufficientRights"],
        ["role-assignable", {}, { privileged: true }, "InsufficientRights"],
        ["synchronized", {}, { synchronized: true }, "CannotUpdateObjectsMasteredOnPremises"],
      ])("of a group that is %s are never touched", async (_, values, flags, code) => {
        const [inside = "", ...others] = people(4);
        const id = rig.seed(group(values), { type: "group", members: [inside], ...flags });
        const results = await change(
          { groupId: id, op: "add", memberIds: others },
          { groupId: id, op: "remove", memberIds: [inside] },
        );
        for (const { done, unsent, failed } of results) {
          expect([done, unsent]).toEqual([[], []]);
          expect(failed.length).toBeGreaterThan(0);
          for (const { failure } of failed) expect(failure).toMatchObject({ code, retriable: false });
        }
        expect(await membersOf(id)).toEqual([inside]);
      });

      it("who are deleted show no more and can't be added, and are there again when they come back", async () => {
        const [stays = "", goes = ""] = people(2);
        const id = await made([stays, goes]);
        const other = await made([], "other");
        await act("delete", goes, "user");
        expect(await membersOf(id)).toEqual([stays]);
        expect((await add(other, [goes])).failed).toMatchObject([{ failure: { code: UNRESOLVED } }]);
        await act("restore", goes, "user");
        expect(await membersOf(id)).toEqual([stays, goes].sort());
        expect(await membersOf(other)).toEqual([]);
      });

      it("of many groups, in and out, come back in order, each call told its own writes", async () => {
        const members = people(30);
        const ids = await Promise.all([made([], "x"), made(members.slice(0, 3), "y")]);
        let writes = 0;
        const results = await rig.target.changeMembers(
          [
            { key: "y-", groupId: ids[1], op: "remove", memberIds: members.slice(0, 2) },
            { key: "x+", groupId: ids[0], op: "add", memberIds: members },
            { key: "y+", groupId: ids[1], op: "add", memberIds: members.slice(10, 12) },
            { key: "z+", groupId: ids[0], op: "remove", memberIds: [] },
          ],
          { priority: "low", onWrite: () => void writes++ },
        );
        expect(results.map(({ key, done }) => [key, done.length])).toEqual([
          ["y-", 2],
          ["x+", 30],
          ["y+", 2],
          ["z+", 0],
        ]);
        expect(writes).toBe(5);
        expect(await membersOf(ids[1])).toEqual([...members.slice(2, 3), ...members.slice(10, 12)].sort());
      });
    });
  });
}
