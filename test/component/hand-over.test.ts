import { describe, expect, it } from "vitest";
import { createObjectStore } from "../../shared/application/state/object-store.ts";
import type { Change } from "../../shared/contracts/change.ts";
import type { RowStore } from "../../shared/ports/row-store.ts";
import { aGroup, withMembers } from "../support/changes.ts";
import { aUser, createCloud, guidOf } from "../support/cloud.ts";

const ANCHOR = Buffer.from("the-same-person!").toString("base64");
const MINUTE = 60_000;

/** The same person's account in one of two forests. */
function account(
  forest: string,
  attributes: Readonly<Record<string, string>> = {},
  changed?: readonly string[],
): Change {
  const change = aUser("ann", attributes, changed);
  if (change.op !== "upsert") throw new Error("Not an upsert.");
  return {
    ...change,
    objectGuid: guidOf(`ann of ${forest}`),
    attributes: { ...change.attributes, "ms-DS-ConsistencyGuid": [{ base64: ANCHOR }] },
  };
}
const disabled = { userAccountControl: "514" };

/** Rows that end the step at one of their writes. */
function breakable() {
  let left = 0;
  let ended = 0;
  const breakAt = (write: number) => {
    left = write;
  };
  const wrapRows = (rows: RowStore): RowStore => ({
    ...rows,
    table: (name) => {
      const table = rows.table(name);
      if (name !== "objects" && name !== "claims") return table;
      return {
        ...table,
        transact: (...call) => {
          if (--left === 0) {
            ended++;
            throw new Error("The step ended here.");
          }
          return table.transact(...call);
        },
      };
    },
  });
  return { wrapRows, breakAt, ended: () => ended };
}

async function twoForests() {
  const faults = breakable();
  const cloud = await createCloud({ wrapRows: faults.wrapRows });
  const old = await cloud.addDomain("old.example");
  const young = await cloud.addDomain("young.example");
  await old.read("full", [account("old"), aUser("bob")]);
  const escrowsOf = async (jobId: string) => {
    const found = await cloud.cloud.routes.queries.escrows(jobId);
    return found.ok ? found.value.map((escrow) => escrow.code) : [];
  };
  const objects = createObjectStore({ rows: cloud.rows, targetKey: "tenant" });
  const rowOf = async (of: typeof old, guid: string) => (await objects.get(of.configurationId, guid))?.record;
  const ann = () => cloud.target.objects().filter((object) => object.values["onPremisesImmutableId"] === ANCHOR);
  const later = async (minutes: number) => {
    cloud.clock.set(cloud.clock.now() + minutes * MINUTE);
    await cloud.tick();
    await cloud.driver.settled();
  };
  return { faults, cloud, old, young, escrowsOf, rowOf, ann, later };
}

type Forests = Awaited<ReturnType<typeof twoForests>>;

describe("a person whose account moved to another forest", () => {
  it("waits while both are alive, and both are named", async () => {
    const { young, escrowsOf, ann } = await twoForests();
    await young.read("full", [account("young", { department: "new" })]);
    expect(await escrowsOf(young.jobId)).toEqual(["DuplicateSourceEntries"]);
    expect(ann()).toMatchObject([{ values: {} }]);
    expect(ann()[0]?.values["department"]).toBeUndefined();
  });

  it("keeps the cloud account once the old one is disabled, in one step, enabled all the time", async () => {
    const { cloud, old, young, escrowsOf, rowOf, ann } = await twoForests();
    const [before] = ann();
    await old.read("delta", [account("old", disabled, ["userAccountControl"])]);
    expect(ann()).toMatchObject([{ values: { accountEnabled: false } }]);
    await young.read("full", [account("young", { department: "new" })]);
    expect(ann()).toMatchObject([
      { id: before?.id, deleted: false, values: { accountEnabled: true, department: "new" } },
    ]);
    expect((await rowOf(young, guidOf("ann of young")))?.link?.targetId).toBe(before?.id);
    expect(await rowOf(old, guidOf("ann of old"))).not.toHaveProperty("link");
    expect(await escrowsOf(young.jobId)).toEqual([]);

    // What the old forest says from now on is of no matter to the cloud account.
    const writes = cloud.target.writes();
    await old.read("delta", [account("old", { ...disabled, department: "old" }, ["department"])]);
    expect(await escrowsOf(old.jobId)).toEqual([]);
    await old.read("delta", [{ op: "delete", objectGuid: guidOf("ann of old") }]);
    await old.read("full", [aUser("bob")]);
    expect(cloud.target.writes()).toBe(writes);
    expect(ann()).toMatchObject([{ id: before?.id, deleted: false, values: { accountEnabled: true } }]);
  });

  it("is taken over from a holder whose deletion is staged: the deletion falls away", async () => {
    const { cloud, old, young, rowOf, ann } = await twoForests();
    const crowd = Array.from({ length: 30 }, (_, at) => aUser(`x${at}`));
    await old.read("delta", crowd);
    const [before] = ann();
    await old.read("delta", [
      { op: "delete", objectGuid: guidOf("ann of old") },
      ...crowd.map((change): Change => ({ op: "delete", objectGuid: change.objectGuid })),
    ]);
    expect(cloud.target.objects().some((object) => object.deleted)).toBe(false);
    await young.read("full", [account("young")]);
    expect((await rowOf(young, guidOf("ann of young")))?.link?.targetId).toBe(before?.id);
    await old.read("full", [aUser("bob"), ...crowd]);
    expect(ann()).toMatchObject([{ id: before?.id, deleted: false }]);
  });

  it("goes back when the new account is disabled and the old one enabled again, and stays where both are disabled", async () => {
    const { old, young, rowOf, ann, later } = await twoForests();
    const [before] = ann();
    await old.read("delta", [account("old", disabled, ["userAccountControl"])]);
    await young.read("full", [account("young")]);
    await young.read("delta", [account("young", disabled, ["userAccountControl"])]);
    await old.read("delta", [account("old", { ...disabled, title: "x" }, ["title"])]);
    await later(10);
    expect((await rowOf(young, guidOf("ann of young")))?.link?.targetId).toBe(before?.id);
    await old.read("delta", [account("old", {}, ["userAccountControl"])]);
    expect((await rowOf(old, guidOf("ann of old")))?.link?.targetId).toBe(before?.id);
    expect(await rowOf(old, guidOf("ann of old"))).not.toHaveProperty("handedOver");
    expect(ann()).toMatchObject([{ id: before?.id, deleted: false, values: { accountEnabled: true } }]);
  });

  it("takes the old account's memberships from the cloud account, and keeps those that the new one has", async () => {
    const { cloud, old, young } = await twoForests();
    await old.read("delta", [
      withMembers(["ann of old", "bob"], aGroup("old team")),
      withMembers(["ann of old", "ann of young"], aGroup("both")),
    ]);
    const membersOf = (name: string) => {
      const group = cloud.target.objects().find((own) => own.values["displayName"] === name);
      const names = new Map(cloud.target.objects().map((own) => [own.id, String(own.values["displayName"])]));
      return cloud.target
        .membersOf(group?.id ?? "")
        .map((id) => names.get(id))
        .sort();
    };
    expect(membersOf("old team")).toEqual(["ann", "bob"]);
    expect(membersOf("both")).toEqual(["ann"]);
    await old.read("delta", [account("old", disabled, ["userAccountControl"])]);
    await young.read("full", [account("young"), withMembers(["ann of young"], aGroup("young team"))]);
    // The directory still has the old account in it: but that is nobody in the cloud any more.
    expect(membersOf("old team")).toEqual(["bob"]);
    expect(membersOf("both")).toEqual(["ann"]);
    expect(membersOf("young team")).toEqual(["ann"]);
    // And all the way back.
    await young.read("delta", [account("young", disabled, ["userAccountControl"])]);
    await old.read("delta", [account("old", {}, ["userAccountControl"])]);
    expect(membersOf("old team")).toEqual(["ann", "bob"]);
    expect(membersOf("both")).toEqual(["ann"]);
    expect(membersOf("young team")).toEqual([]);
  });

  it("takes them also after a deletion that the old forest's groups don't tell", async () => {
    const { cloud, old, young } = await twoForests();
    await old.read("delta", [withMembers(["ann of old"], aGroup("old team"))]);
    await old.read("delta", [{ op: "delete", objectGuid: guidOf("ann of old") }]);
    await young.read("full", [account("young")]);
    const team = cloud.target.objects().find((own) => own.values["displayName"] === "old team");
    expect(cloud.target.objects().filter((own) => own.values["displayName"] === "ann")).toMatchObject([
      { deleted: false },
    ]);
    expect(cloud.target.membersOf(team?.id ?? "")).toEqual([]);
  });

  describe.each<["full" | "delta"]>([["full"], ["delta"]])(
    "to an account that may not be taken over, in a %s read",
    (want) => {
      const attempts = [
        [
          "disabled before the new one comes",
          async ({ old, young }: Forests) => {
            await old.read("delta", [account("old", disabled, ["userAccountControl"])]);
            await young.read(want, [account("young")]);
          },
        ],
        [
          "disabled while the new one waits",
          async ({ old, young, later }: Forests) => {
            await young.read(want, [account("young")]);
            await old.read("delta", [account("old", disabled, ["userAccountControl"])]);
            await later(60);
            await young.read("delta", [account("young", { title: "x" }, ["title"])]);
          },
        ],
      ] as const;

      it.each(attempts)("for its role, leaves it to the old one, %s, whose deletion reaches it", async (_, attempt) => {
        const forests = await twoForests();
        const { cloud, old, young, escrowsOf, rowOf, ann, later } = forests;
        const id = ann()[0]?.id ?? "";
        cloud.target.setPrivileged(id, true);
        await attempt(forests);
        expect(await escrowsOf(young.jobId)).toEqual(["ExistingAdminRoleConflict"]);
        expect((await rowOf(old, guidOf("ann of old")))?.link?.targetId).toBe(id);
        expect(await rowOf(young, guidOf("ann of young"))).not.toHaveProperty("link");
        cloud.target.setPrivileged(id, false);
        await old.read("delta", [{ op: "delete", objectGuid: guidOf("ann of old") }]);
        expect(ann()).toMatchObject([{ id, deleted: true }]);
        // Nothing is in the new one's way any more.
        await later(48 * 60);
        expect(ann()).toMatchObject([{ id, deleted: false, values: { accountEnabled: true } }]);
        expect((await rowOf(young, guidOf("ann of young")))?.link?.targetId).toBe(id);
      });

      it.each(attempts)(
        "for the exclusion list, leaves it to the old one, %s, whose deletion reaches it",
        async (_, attempt) => {
          const forests = await twoForests();
          const { cloud, old, young, escrowsOf, rowOf, ann } = forests;
          const id = ann()[0]?.id ?? "";
          const { exclusions } = cloud.cloud.routes;
          await exclusions.add(id, "break-glass", "an admin");
          await cloud.run();
          await attempt(forests);
          expect(await escrowsOf(young.jobId)).toEqual(["TargetExcluded"]);
          expect((await rowOf(old, guidOf("ann of old")))?.link?.targetId).toBe(id);
          await young.read("delta", [{ op: "delete", objectGuid: guidOf("ann of young") }]);
          await old.read("delta", [{ op: "delete", objectGuid: guidOf("ann of old") }]);
          expect(ann()).toMatchObject([{ id, deleted: false, values: { accountEnabled: true } }]);
          await exclusions.remove(id, "an admin");
          await cloud.run();
          expect(ann()).toMatchObject([{ id, deleted: true }]);
        },
      );
    },
  );

  it("survives the end of the step at any of its writes", async () => {
    const { faults, old, young, ann } = await twoForests();
    const [before] = ann();
    await old.read("delta", [account("old", disabled, ["userAccountControl"])]);
    for (let at = 1; at < 12; at++) {
      // Forwards and back again, with a row that can't be written somewhere in between.
      const [from, to] = at % 2 === 1 ? [old, young] : [young, old];
      await from.read("delta", [account(from === old ? "old" : "young", disabled, ["userAccountControl"])]);
      faults.breakAt(at);
      await to.read(at === 1 ? "full" : "delta", [
        account(to === old ? "old" : "young", {}, at === 1 ? undefined : ["userAccountControl"]),
      ]);
      faults.breakAt(0);
      expect(ann(), `after ${at} writes`).toMatchObject([
        { id: before?.id, deleted: false, values: { accountEnabled: true } },
      ]);
    }
    expect(faults.ended()).toBeGreaterThan(8);
  });
});
