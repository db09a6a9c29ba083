/** How the Graph target writes groups and managers: what is sent, and what is made of lag, loss and refusal. */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TargetValues } from "../../../shared/domain/target-value.ts";
import type { TargetAction, TargetResult } from "../../../shared/ports/target-directory.ts";
import { startTestDirectory, type TestDirectory } from "../../local/directory/support.ts";
import { buildCreate, connect, type Rig } from "./support.ts";

const low = { priority: "low" } as const;
const NOBODY = "8f0d9f0a-0000-4000-8000-000000000001";
const UNRESOLVED = "UnableToResolveReferenceAttributeValue";

describe("groups and managers in Graph", () => {
  let directory: TestDirectory;
  let rig: Rig;

  beforeAll(async () => {
    directory = await startTestDirectory();
  });
  afterAll(() => directory.close());
  beforeEach(() => {
    directory.control.deleteAll();
    directory.control.clearFaults();
    directory.control.set({ quota: "off", visibilityDelayMs: 0 });
    directory.control.resetStats();
    rig = connect(directory);
    return () => rig.close();
  });

  const one = async (action: TargetAction) => (await rig.target.apply([action], low))[0]!;
  const idOf = (result: TargetResult) => (result.outcome === "done" ? result.id : expect.fail(JSON.stringify(result)));
  const stored = (id: string) => [...directory.control.list()].find((object) => object.id === id);
  const writes = () => directory.control.stats().writes;
  const groupAction = (values: TargetValues = {}, members?: readonly string[]): TargetAction => ({
    ...{ kind: "create", key: "guid-g", type: "group" },
    values: {
      ...{ displayName: "Readers", mailNickname: "readers", mailEnabled: false, securityEnabled: true },
      ...{ description: null, groupTypes: [], uniqueName: "uplink-hq-1", ...values },
    },
    ...(members ? { members } : {}),
  });
  const update = (id: string, values: TargetValues) => one({ kind: "update", key: "guid-u", type: "user", id, values });
  const user = async (values: TargetValues = {}) => idOf(await one(buildCreate(values)));
  const people = (count: number) =>
    directory.control.seed(
      Array.from({ length: count }, (_, at) => ({ properties: { userPrincipalName: `p${at}@contoso.example` } })),
    );

  describe("the create of a group", () => {
    it("is an upsert by its name that binds directory objects, and carries nothing that is empty", async () => {
      const members = people(2);
      const id = idOf(await one(groupAction({}, members)));
      expect(stored(id)?.members).toEqual(members);
      const [batch = ""] = rig.sent;
      expect(batch).toContain(`"method":"PATCH","url":"/groups(uniqueName='uplink-hq-1')"`);
      expect(batch).toContain('"Prefer":"create-if-missing"');
      for (const member of members) expect(batch).toContain(`/v1.0/directoryObjects/${member}"`);
      expect(batch).not.toMatch(/description|groupTypes|"uniqueName":/);
      expect(writes()).toEqual({ createGroup: 1 });
      expect(rig.target.writes()).toBe(1);
    });

    it("is a POST when it has no name", async () => {
      await one(groupAction({ uniqueName: null }));
      expect(rig.sent[0]).toContain('"method":"POST","url":"/groups"');
      expect(writes()).toEqual({ createGroup: 1 });
    });

    it("takes a name with whatever characters, and finds it", async () => {
      const uniqueName = "o'neil 100% #1/2?";
      const id = idOf(await one(groupAction({ uniqueName })));
      expect((await rig.target.find([{ by: "uniqueName", value: uniqueName }]))[0]).toMatchObject([{ id, uniqueName }]);
      expect(idOf(await one(groupAction({ uniqueName })))).toBe(id);
    });

    it("makes no twin when it is repeated after its answer was lost", async () => {
      const members = people(3);
      directory.control.order({ loseAnswers: { count: 1 } });
      expect(await one(groupAction({}, members))).toMatchObject({
        outcome: "failed",
        failure: { code: "Timeout", retriable: true },
      });
      const again = await one(groupAction({}, members));
      expect(again).toMatchObject({ outcome: "done", warnings: [{ properties: ["members"] }] });
      expect([...directory.control.list("group")].map(({ id }) => id)).toEqual([idOf(again)]);
      expect(stored(idOf(again))?.members).toEqual(members);
      expect(rig.slept()).toBe(0);
    });

    it("that can't learn the id of the group it found has failed, not nothing done", async () => {
      directory.control.set({ visibilityDelayMs: 60_000 });
      idOf(await one(groupAction()));
      const again = await one(groupAction());
      expect(again).toMatchObject({ outcome: "failed", failure: { retriable: true } });
      expect(rig.slept()).toBeLessThanOrEqual(2_000);
      directory.clock.ms += 60_000;
      expect(await one(groupAction())).toMatchObject({ outcome: "done" });
    });

    it("waits for members that don't show yet, and comes back later when that takes long", async () => {
      directory.control.set({ visibilityDelayMs: 600 });
      const member = await user();
      const id = idOf(await one(groupAction({}, [member])));
      expect(stored(id)?.members).toEqual([member]);
      directory.control.set({ visibilityDelayMs: 60_000 });
      const late = await user();
      expect(await one(groupAction({ uniqueName: "uplink-hq-2" }, [late]))).toMatchObject({
        outcome: "unsent",
        failure: { code: UNRESOLVED, retriable: true },
      });
    });

    it("goes without members that are no members, at once", async () => {
      const [list] = directory.control.seed([
        { kind: "group", properties: { displayName: "List", mailEnabled: true, securityEnabled: false } },
      ]);
      const result = await one(groupAction({}, [...people(1), list!]));
      expect(result).toMatchObject({ outcome: "done", warnings: [{ properties: ["members"] }] });
      expect(rig.slept()).toBe(0);
    });

    it("never makes an assigned group of a dynamic one", async () => {
      directory.control.seed([
        {
          kind: "group",
          properties: { displayName: "D", uniqueName: "uplink-hq-1", groupTypes: ["DynamicMembership"] },
        },
      ]);
      expect(await one(groupAction({}, people(1)))).toMatchObject({ failure: { code: "NotPermitted" } });
      const id = idOf(await one(groupAction()));
      expect(stored(id)?.properties["groupTypes"]).toEqual(["DynamicMembership"]);
    });

    it.each([
      ["mailEnabled", { mailEnabled: true }],
      ["mailNickname", { mailNickname: "a b" }],
    ])("says what is wrong with %s", async (_, values) => {
      expect(await one(groupAction(values))).toMatchObject({ outcome: "failed", failure: { retriable: false } });
      expect(directory.control.stats().writesInEffect).toBe(0);
    });
  });

  it("finds many groups by name in few requests, living and deleted", async () => {
    directory.control.seed(
      Array.from({ length: 100 }, (_, at) => ({
        kind: "group" as const,
        properties: { displayName: `G${at}`, uniqueName: `uplink-hq-${at}` },
        deleted: at % 2 === 1,
      })),
    );
    const names = Array.from({ length: 100 }, (_, at) => `uplink-hq-${at}`);
    const living = await rig.target.find(names.map((value) => ({ by: "uniqueName", value }) as const));
    const deleted = await rig.target.find(names.map((value) => ({ by: "deletedUniqueName", value }) as const));
    living.forEach((found, at) => {
      expect(found.map((group) => group.uniqueName)).toEqual(at % 2 === 0 ? [names[at]] : []);
      expect(deleted[at]?.map((group) => [group.uniqueName, group.deleted])).toEqual(
        at % 2 === 1 ? [[names[at], true]] : [],
      );
    });
    expect(directory.control.stats().requests).toBeLessThanOrEqual(6);
  });

  describe("a manager", () => {
    it("follows the values, and isn't sent when they are refused", async () => {
      const boss = await user();
      const id = await user();
      directory.control.resetStats();
      expect(await update(id, { city: "Bern", manager: boss })).toMatchObject({ outcome: "done" });
      expect(writes()).toEqual({ updateUser: 1, setManager: 1 });
      expect(await update(id, { department: "x".repeat(65), manager: null })).toMatchObject({
        outcome: "failed",
        failure: { code: "ExceededAllowedLength" },
      });
      expect(stored(id)).toMatchObject({ manager: boss });
    });

    it("alone is one write and no PATCH", async () => {
      const boss = await user();
      const id = await user();
      rig.sent.length = 0;
      await update(id, { manager: boss });
      await update(id, { manager: null });
      expect(rig.sent.join()).not.toContain("PATCH");
      expect(rig.sent).toHaveLength(2);
    });

    it("is written though the values of a role holder were kept back", async () => {
      const boss = await user();
      const id = await user();
      directory.control.setRole(id, "Helpdesk Administrator");
      expect(await update(id, { accountEnabled: false, manager: boss })).toMatchObject({
        outcome: "done",
        warnings: [{ code: "InsufficientRights", properties: ["accountEnabled"] }],
      });
      expect(stored(id)).toMatchObject({ manager: boss, properties: { accountEnabled: true } });
      expect(await update(id, { accountEnabled: false, city: "Bern", manager: null })).toMatchObject({
        outcome: "done",
        warnings: [{ properties: ["accountEnabled"] }],
      });
      expect(stored(id)).toMatchObject({ properties: { city: "Bern" } });
      expect(stored(id)).not.toHaveProperty("manager");
    });

    it("that is throttled for long is a warning beside values, and unsent alone", async () => {
      const boss = await user();
      const id = await user();
      directory.control.order({ throttle: { count: 2, retryAfterSeconds: 30, match: { method: "PUT" } } });
      const failure = { code: "TooManyRequests", properties: ["manager"], retriable: true, retryAfterMs: 30_000 };
      expect(await update(id, { city: "Bern", manager: boss })).toMatchObject({ outcome: "done", warnings: [failure] });
      expect(await update(id, { manager: boss })).toMatchObject({ outcome: "unsent", failure });
      expect(stored(id)).toMatchObject({ properties: { city: "Bern" } });
    });

    it("whose answer is lost leaves all in doubt", async () => {
      const boss = await user();
      const id = await user();
      directory.control.order({ loseAnswers: { count: 1, match: { contains: "PUT" } } });
      expect(await update(id, { city: "Bern", manager: boss })).toEqual({
        key: "guid-u",
        outcome: "failed",
        failure: expect.objectContaining({ code: "Timeout", retriable: true }),
      });
      expect(stored(id)).toMatchObject({ manager: boss, properties: { city: "Bern" } });
    });

    it("who doesn't show yet is waited for", async () => {
      const id = await user();
      directory.control.set({ visibilityDelayMs: 600 });
      const boss = await user();
      expect(await update(id, { manager: boss })).toMatchObject({ outcome: "done" });
      directory.control.set({ visibilityDelayMs: 60_000 });
      const late = await user();
      expect(await update(id, { manager: late })).toMatchObject({
        outcome: "unsent",
        failure: { code: UNRESOLVED, properties: ["manager"], retriable: true },
      });
    });

    it("who was made elsewhere a moment ago is waited for, too", async () => {
      directory.control.set({ visibilityDelayMs: 600 });
      const boss = await user();
      const elsewhere = connect(directory, {
        sleep: async (ms) => {
          directory.clock.ms += ms;
        },
      });
      const [result] = await elsewhere.target.apply([buildCreate({ manager: boss })], low);
      expect(result).not.toHaveProperty("warnings");
      expect(stored(idOf(result!))).toMatchObject({ manager: boss });
      elsewhere.close();
    });

    it("isn't asked for in vain more than once a chunk: all wait together", async () => {
      const actions = Array.from({ length: 40 }, () => buildCreate({ manager: NOBODY }));
      const results = await rig.target.apply(actions, low);
      expect(results.every((result) => result.outcome === "done" && result.warnings?.length === 1)).toBe(true);
      expect(rig.slept()).toBe(1_000);
      expect([...directory.control.list("user")]).toHaveLength(40);
    });

    it("of somebody whom Microsoft's sync masters is refused by that name", async () => {
      const boss = await user();
      const [id] = directory.control.seed([
        { properties: { userPrincipalName: "synced@contoso.example", onPremisesSyncEnabled: true } },
      ]);
      expect(await update(id!, { manager: boss })).toMatchObject({
        outcome: "failed",
        failure: { code: "CannotUpdateObjectsMasteredOnPremises", retriable: false },
      });
    });
  });
});
