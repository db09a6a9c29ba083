/**
 * A question about one object, or about one group's members, that the target refuses for itself: it is told of that one, nothing is
 * concluded from it, everybody else is compared and mended, and the job goes on.
 */
import { describe, expect, it } from "vitest";
import { guidToBytes } from "../../shared/domain/values.ts";
import type { TargetFailure } from "../../shared/ports/target-directory.ts";
import { aGroup, withMembers } from "../support/changes.ts";
import { aUser, type Cloud, createCloud, guidOf } from "../support/cloud.ts";
import { membersIn, namesIn } from "../support/links.ts";
import { idOf, inShort, type Reconciled, reconcile, start, valuesOf } from "./reconcile-support.ts";

const REFUSED: TargetFailure = {
  code: "IdentityDataValidationFailed",
  message: "The target refuses a read: no.",
  remedy: "Mend it.",
  retriable: false,
  status: 400,
};
const NOTE = `${REFUSED.code}: ${REFUSED.message}`;

const unreadableIn = ({ findings }: Reconciled) =>
  findings
    .filter(({ kind }) => kind === "unreadable")
    .map(({ objectGuid, targetId, type, done, note }) => ({ objectGuid, targetId, type, done, note }));

const told = (name: string, targetId: string, type: "user" | "group" = "user") => ({
  ...{ objectGuid: guidOf(name), targetId, type },
  ...{ done: "reported", note: NOTE },
});

const quarantineOf = async (agent: { status(): Promise<{ quarantine: unknown }> }) => (await agent.status()).quarantine;

describe("a reconcile", () => {
  it("tells of who changed and can't be read again; the others are repaired", async () => {
    const { cloud, agent, jobId } = await start();
    const ann = idOf(cloud, "ann");
    cloud.target.edit(ann, { department: "Hand" });
    cloud.target.edit(idOf(cloud, "bob"), { department: "Hand" });
    cloud.target.refuse(ann, REFUSED);
    const done = await reconcile(cloud, jobId, "repair");
    expect(done).toMatchObject({ state: "done", counts: { unreadable: 1, changed: 1, repaired: 1 } });
    expect(unreadableIn(done)).toEqual([told("ann", ann)]);
    expect(await quarantineOf(agent)).toBeNull();
    expect([valuesOf(cloud, "ann")["department"], valuesOf(cloud, "bob")["department"]]).toEqual(["Hand", "Sales"]);
    cloud.target.refuse(ann, undefined);
    expect((await reconcile(cloud, jobId, "repair")).counts).toMatchObject({ unreadable: 0, changed: 1, repaired: 1 });
    expect(valuesOf(cloud, "ann")["department"]).toBe("Sales");
  });

  it("doesn't take for missing who was on no page and can't be asked for: he keeps his link", async () => {
    const { cloud, agent, jobId } = await start();
    const [ann, cid] = [idOf(cloud, "ann"), idOf(cloud, "cid")];
    cloud.target.setDeleted(ann, true);
    cloud.target.setDeleted(cid, true);
    cloud.target.refuse(cid, REFUSED);
    const done = await reconcile(cloud, jobId, "repair");
    expect(done.counts).toMatchObject({ missing: 1, unreadable: 1 });
    expect(unreadableIn(done)).toEqual([told("cid", cid)]);
    expect(await quarantineOf(agent)).toBeNull();
    expect(cloud.target.object(ann)).toMatchObject({ deleted: false });
    expect(cloud.target.object(cid)).toMatchObject({ deleted: true });
    expect(cloud.target.objects().filter(({ values }) => values["displayName"] === "cid")).toHaveLength(1);
  });

  it("takes over no stranger of whom it can't ask", async () => {
    const { cloud, agent, jobId } = await start();
    cloud.target.order({ kind: "fail", failure: { ...REFUSED, code: "UnprocessableEntity" } });
    await agent.read("delta", [aUser("new")]);
    const immutableId = Buffer.from(guidToBytes(guidOf("new"))).toString("base64");
    const names = { displayName: "new", userPrincipalName: "other@corp.example", accountEnabled: true };
    const [twin = ""] = cloud.target.seed([{ values: { ...names, onPremisesImmutableId: immutableId } }]);
    cloud.target.refuse(twin, REFUSED);
    const done = await reconcile(cloud, jobId, "adopt");
    expect(done.counts).toMatchObject({ foreign: 0, adopted: 0, unreadable: 1 });
    expect(unreadableIn(done)).toEqual([told("new", twin)]);
    expect(await quarantineOf(agent)).toBeNull();
  });

  it("tells of a group whose members can't be read; those of the others are repaired", async () => {
    const { cloud, agent, jobId } = await start();
    await agent.read("delta", [withMembers(["ann", "cid"], aGroup("other"))]);
    const [team, other] = [idOf(cloud, "team"), idOf(cloud, "other")];
    for (const group of [team, other]) cloud.target.editMembers(group, { remove: [idOf(cloud, "ann")] });
    cloud.target.refuse(team, REFUSED);
    const done = await reconcile(cloud, jobId, "repair");
    expect(done).toMatchObject({ state: "done", counts: { unreadable: 1, missingMembers: 1, repaired: 1 } });
    expect(unreadableIn(done)).toEqual([told("team", team, "group")]);
    expect(await quarantineOf(agent)).toBeNull();
    expect([namesIn(cloud, "team"), namesIn(cloud, "other")]).toEqual([["bob"], ["ann", "cid"]]);
  });

  it("says nothing of a group that was refused at first and answers a while later", async () => {
    const { cloud, jobId } = await start();
    const team = idOf(cloud, "team");
    cloud.target.refuse(team, REFUSED);
    const done = await reconcile(cloud, jobId, "repair", () => cloud.target.refuse(team, undefined));
    expect(done).toMatchObject({ state: "done", findings: [], counts: { unreadable: 0, unsettled: 1 } });
  });

  it("tells of a large group whose pages can't be read, at either look, and goes on with the next one", async () => {
    for (const look of [1, 2]) {
      const cloud = await createCloud({ target: { pageSize: 7 } });
      const agent = await cloud.addDomain("corp.example");
      const names = Array.from({ length: 24 }, (_, at) => `user${at}`);
      const groups = ["one", "two"].map((group) => withMembers(names, aGroup(group)));
      await agent.read("full", [...names.map((name) => aUser(name)), ...groups]);
      const [one, two] = [idOf(cloud, "one"), idOf(cloud, "two")];
      for (const group of [one, two]) cloud.target.editMembers(group, { remove: [idOf(cloud, "user3")] });
      // Its first page is shown while many are compared at once, and not when it is asked for alone.
      const { memberPages } = cloud.target;
      let isLater = look === 1;
      cloud.target.memberPages = (asked, options) => {
        cloud.target.refuse(one, isLater && asked.length === 1 ? REFUSED : undefined);
        return memberPages(asked, options);
      };
      const done = await reconcile(cloud, agent.jobId, "repair", () => {
        isLater = true;
      });
      expect(done, `look ${look}`).toMatchObject({ state: "done", counts: { unreadable: 1, missingMembers: 1 } });
      expect(unreadableIn(done), `look ${look}`).toEqual([told("one", one, "group")]);
      expect(await quarantineOf(agent)).toBeNull();
      expect([membersIn(cloud, "one").length, membersIn(cloud, "two").length]).toEqual([23, 24]);
    }
  });

  it("tells of a member that can't be asked for; the group's others are put in again", async () => {
    const { cloud, agent, jobId } = await start();
    const [ann, bob] = [idOf(cloud, "ann"), idOf(cloud, "bob")];
    cloud.target.editMembers(idOf(cloud, "team"), { remove: [ann, bob] });
    cloud.target.refuse(ann, REFUSED);
    const done = await reconcile(cloud, jobId, "repair");
    expect(done.counts).toMatchObject({ unreadable: 1, missingMembers: 1, repaired: 1 });
    expect(unreadableIn(done)).toEqual([told("ann", ann)]);
    expect(await quarantineOf(agent)).toBeNull();
    expect(namesIn(cloud, "team")).toEqual(["bob"]);
    expect(inShort(done)).toContainEqual(["missingMember", "members", bob, null, "repaired"]);
  });
});

describe("a group whose members can't be changed", () => {
  async function later(cloud: Cloud, minutes: number) {
    cloud.clock.set(cloud.clock.now() + minutes * 60_000);
    await cloud.tick();
    await cloud.driver.settled();
    await cloud.run();
  }

  it("isn't taken for gone where the target doesn't say so; another one that is gone is made anew", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    const people = ["ann", "bob"].map((name) => aUser(name));
    await agent.read("full", [...people, ...["one", "two"].map((group) => withMembers(["ann"], aGroup(group)))]);
    const [one, two] = [idOf(cloud, "one"), idOf(cloud, "two")];
    cloud.target.purge(one);
    cloud.target.purge(two);
    cloud.target.refuse(two, REFUSED);
    await agent.read(
      "delta",
      ["one", "two"].map((group) => withMembers(["ann", "bob"], aGroup(group, {}, []))),
    );
    for (const minutes of [10, 120, 240, 600, 600]) await later(cloud, minutes);
    expect(await quarantineOf(agent)).toBeNull();
    const living = () =>
      cloud.target.objects().flatMap(({ type, values }) => (type === "group" ? [values["displayName"]] : []));
    expect(living()).toEqual(["one"]);
    cloud.target.refuse(two, undefined);
    for (const minutes of [1_440, 1_440, 1_440]) await later(cloud, minutes);
    expect(living().toSorted()).toEqual(["one", "two"]);
    expect([namesIn(cloud, "one"), namesIn(cloud, "two")]).toEqual([
      ["ann", "bob"],
      ["ann", "bob"],
    ]);
  });
});
