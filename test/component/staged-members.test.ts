/** Staged memberships, decided on edge by edge. */
import { describe, expect, it } from "vitest";
import { createRemovals } from "../../shared/application/state/removal-rows.ts";
import { StagedSetReply } from "../../shared/contracts/admin/staged.ts";
import { aGroup, withMembers } from "../support/changes.ts";
import { aUser, type CloudOptions, createCloud, guidOf } from "../support/cloud.ts";
import { changing, namesIn } from "../support/links.ts";
import { readLog } from "../support/log.ts";

const BY = "admin ann";
const names = (count: number, from = 0) =>
  Array.from({ length: count }, (_, at) => `user${String(at + from).padStart(3, "0")}`);
const users = (list: readonly string[]) => list.map((name) => aUser(name));
const group = (members: readonly string[], name = "sales") => withMembers(members, aGroup(name));

/** Forty members, thirty of whom the directory took out. */
async function thirtyOut(options: CloudOptions = {}) {
  const cloud = await createCloud(options);
  const agent = await cloud.addDomain("corp.example");
  const { jobId } = agent;
  const all = names(40);
  await agent.read("full", [group(all), ...users(names(60))]);
  await agent.read("delta", [group(all.slice(30))]);
  const { staged } = cloud.cloud.routes;
  const list = async () => {
    const found = await staged.list(jobId, { members: true });
    if (!found.ok) throw new Error(found.failure.message);
    return found.value.map((own) => StagedSetReply.parse(own));
  };
  const only = async () => {
    const [first, ...more] = await list();
    if (!first || more.length > 0) throw new Error(`There are ${more.length + (first ? 1 : 0)} sets.`);
    return first;
  };
  const membersOf = (name = "sales") => namesIn(cloud, name);
  const blobs = async () => {
    const found: string[] = [];
    for await (const path of cloud.blobs.list(`staged/${jobId}/`)) found.push(path);
    return found;
  };
  return { cloud, agent, jobId, staged, list, only, membersOf, blobs, all };
}

describe("staged memberships", () => {
  it("are listed by groups, with how many there are", async () => {
    const { only, membersOf } = await thirtyOut();
    expect(membersOf()).toHaveLength(40);
    expect(await only()).toMatchObject({
      class: "memberships",
      count: 1,
      memberships: 30,
      members: [guidOf("sales")],
      reason: expect.stringContaining("30 of 40 members of the group"),
    });
  });

  it("go when just those are approved, named with who approved them, and don't count for the guard", async () => {
    const { cloud, agent, jobId, staged, list, only, membersOf, blobs, all } = await thirtyOut();
    expect(await staged.approve(jobId, "memberships", (await only()).digest, BY)).toMatchObject({
      value: { decision: "approved", objects: 1 },
    });
    expect((await list())[0]?.isApproved).toBe(true);
    await cloud.run();
    expect(membersOf()).toEqual(all.slice(30));
    expect(await list()).toEqual([]);
    expect(await blobs()).toEqual([]);
    expect(await agent.status()).toMatchObject({ staged: 0, waiting: { work: 0 } });
    const entries = await readLog(cloud.cloud.routes, {
      jobId,
      objectGuid: guidOf("sales"),
      sinceDays: 400,
      top: 20,
    });
    expect(entries.flatMap((entry) => entry.provisioningSteps)).toContainEqual(
      expect.objectContaining({ name: "RemovalApproval", description: `Staged, and approved by ${BY}.` }),
    );
    // The thirty don't count: ten of ten are below the floor.
    await agent.read("delta", [group([])]);
    expect(membersOf()).toEqual([]);
  });

  it("that are wanted again by then stay, and others that left meanwhile are judged for themselves", async () => {
    const { cloud, agent, jobId, staged, only, membersOf, all } = await thirtyOut();
    cloud.bells.splice(0);
    await staged.approve(jobId, "memberships", (await only()).digest, BY);
    await agent.read("delta", [changing("sales", { add: ["user003"], remove: ["user039"] })]);
    expect(membersOf()).toEqual(["user003", ...all.slice(30, 39)]);
    expect((await agent.status()).staged).toBe(0);
  });

  it("are another set, by another digest, as soon as one of them is", async () => {
    const { agent, jobId, staged, only, membersOf } = await thirtyOut();
    const before = await only();
    await agent.read("delta", [changing("sales", { add: ["user003"], remove: [] })]);
    const now = await only();
    expect(now).toMatchObject({ count: 1, memberships: 29 });
    for (const decide of [staged.approve, staged.drop])
      expect(await decide(jobId, "memberships", before.digest, BY)).toMatchObject({
        failure: { status: 409, code: "staged-set-changed", details: [{ target: now.digest }] },
      });
    expect(membersOf()).toHaveLength(40);
  });

  it("are forgotten when they are dropped, until the group changes again or a full read comes", async () => {
    const { agent, jobId, staged, list, only, membersOf, blobs, all } = await thirtyOut();
    expect(await staged.drop(jobId, "memberships", (await only()).digest, BY)).toMatchObject({ ok: true });
    expect(await list()).toEqual([]);
    expect(await blobs()).toEqual([]);
    await agent.read("delta", [aUser("user001", { department: "Ads" }, ["department"])]);
    expect(await list()).toEqual([]);
    await agent.read("full", [group(all.slice(30)), ...users(names(60))]);
    expect(await only()).toMatchObject({ memberships: 30 });
    expect(membersOf()).toHaveLength(40);
  });

  it("of several groups of a cycle are one set, and a failing one is still approved when it is tried again", async () => {
    const { cloud, agent, jobId, staged, list, membersOf, all } = await thirtyOut();
    await agent.read("delta", [group(all, "ads"), group(all, "hr")]);
    await agent.read("delta", [group(all.slice(25), "ads"), group(all.slice(22), "hr")]);
    const set = (await list()).find((own) => own.count === 2);
    expect(set).toMatchObject({ memberships: 47 });
    cloud.target.orderMembers({ kind: "fail", count: 1 });
    await staged.approve(jobId, "memberships", set?.digest ?? "", BY);
    await cloud.run();
    const left = [membersOf("ads").length, membersOf("hr").length];
    expect(left).not.toEqual([15, 18]);
    cloud.clock.set(cloud.clock.now() + 3_600_000);
    await cloud.tick();
    await cloud.driver.settled();
    await cloud.run();
    expect([membersOf("ads"), membersOf("hr")]).toEqual([all.slice(25), all.slice(22)]);
    expect(membersOf("sales")).toHaveLength(40);
    expect((await agent.status()).staged).toBe(1);
  });

  it("are carried out once by activities that run twice", async () => {
    const twice: CloudOptions = {
      aroundActivity: async (_name, _input, run) => {
        await run();
        return run();
      },
    };
    const { cloud, agent, jobId, staged, only, membersOf, all } = await thirtyOut(twice);
    await staged.approve(jobId, "memberships", (await only()).digest, BY);
    await cloud.run();
    expect(membersOf()).toEqual(all.slice(30));
    expect(await agent.status()).toMatchObject({ staged: 0, escrowed: 0 });
  });

  it("of a version that did not keep which they are can't be decided on", async () => {
    const { cloud, jobId, staged, only } = await thirtyOut();
    const { digest, cycleId, since, reason } = await only();
    expect(digest).toBeDefined();
    const row = {
      objectGuid: guidOf("sales"),
      class: "memberships" as const,
      cycleId,
      reason,
      stagedAt: Date.parse(since),
    };
    await createRemovals({ rows: cloud.rows }).stage(jobId, [row]);
    for (const decide of [staged.approve, staged.drop])
      expect(await decide(jobId, "memberships", (await only()).digest, BY)).toMatchObject({
        failure: { status: 422, code: "staged-memberships" },
      });
  });
});
