import { describe, expect, it } from "vitest";
import { EscrowRetryReply } from "../../shared/contracts/admin/escrows.ts";
import { StagedDecisionReply, StagedSetReply } from "../../shared/contracts/admin/staged.ts";
import type { JobSettings } from "../../shared/contracts/configuration.ts";
import { aGroup, withMembers } from "../support/changes.ts";
import { aUser, type Cloud, type CloudOptions, createCloud, guidOf } from "../support/cloud.ts";
import { readLog } from "../support/log.ts";

const BY = "admin ann";
const MINUTE = 60_000;
const names = (count: number, from = 0) =>
  Array.from({ length: count }, (_, at) => `user${String(at + from).padStart(3, "0")}`);
const users = (list: readonly string[]) => list.map((name) => aUser(name));
const gone = (name: string) => ({ op: "delete" as const, objectGuid: guidOf(name) });
const off = (name: string) => aUser(name, { userAccountControl: "514" }, ["userAccountControl"]);
const living = (cloud: Cloud) => cloud.target.objects().filter((object) => !object.deleted).length;
const valuesOf = (cloud: Cloud, name: string) =>
  cloud.target.objects().find((own) => own.values["displayName"] === name)?.values ?? {};
const isLiving = (cloud: Cloud, name: string) =>
  cloud.target.objects().some((own) => own.values["displayName"] === name && !own.deleted);

async function start(settings: Partial<JobSettings> = {}, options: CloudOptions = {}) {
  const cloud = await createCloud({ ...options, settings });
  const agent = await cloud.addDomain("corp.example");
  const { jobId } = agent;
  const { staged, retryEscrows } = cloud.cloud.routes;
  const list = async () => {
    const found = await staged.list(jobId, { members: true });
    if (!found.ok) throw new Error(found.failure.message);
    return found.value.map((own) => StagedSetReply.parse(own));
  };
  /** The only set of a class. */
  const setOf = async (of: StagedSetReply["class"]) => {
    const [only, ...more] = (await list()).filter((own) => own.class === of);
    if (!only || more.length > 0) throw new Error(`There is not one set of ${of}.`);
    return only;
  };
  const approve = async (of: StagedSetReply["class"]) => {
    const done = await staged.approve(jobId, of, (await setOf(of)).digest, BY);
    await cloud.run();
    return done;
  };
  const logOf = (name: string) =>
    readLog(cloud.cloud.routes, { jobId, objectGuid: guidOf(name), sinceDays: 400, top: 20 });
  return { cloud, agent, jobId, staged, retryEscrows, list, setOf, approve, logOf };
}

/** Sixty people, thirty of whom a complete full read did not bring. */
async function thirtyAbsent(settings: Partial<JobSettings> = {}, options: CloudOptions = {}) {
  const world = await start(settings, options);
  const all = names(60);
  await world.agent.read("full", users(all));
  world.cloud.clock.set(world.cloud.clock.now() + MINUTE);
  await world.agent.read("full", users(all.slice(30)));
  expect(living(world.cloud)).toBe(60);
  return { ...world, all };
}

describe("a staged set", () => {
  it("is listed with count, reason, digest, time and objects", async () => {
    const { agent, setOf, all } = await thirtyAbsent();
    const { lastCycle } = await agent.status();
    expect(await setOf("deletes")).toEqual({
      class: "deletes",
      cycleId: lastCycle?.cycleId,
      count: 30,
      reason: expect.stringContaining("are more than 10 %"),
      digest: expect.stringMatching(/^[0-9a-f]{32}$/),
      since: lastCycle?.endedAt,
      isApproved: false,
      sample: all.slice(0, 30).map(guidOf).sort().slice(0, 10),
      members: all.slice(0, 30).map(guidOf).sort(),
    });
  });

  it("is carried out when it is approved, named with who approved it, and doesn't count for the guard", async () => {
    const { cloud, agent, approve, list, logOf, all } = await thirtyAbsent();
    const done = await approve("deletes");
    expect(done.ok && StagedDecisionReply.parse(done.value)).toMatchObject({ decision: "approved", objects: 30 });
    expect(living(cloud)).toBe(30);
    expect(await list()).toEqual([]);
    expect(await agent.status()).toMatchObject({ staged: 0, waiting: { work: 0 } });
    // Beside the row that says that it was held back: here both are of the same moment.
    const entry = (await logOf("user000")).find((own) => own.provisioningAction === "delete");
    expect(entry).toMatchObject({ provisioningStatusInfo: { status: "success" } });
    expect(entry?.provisioningSteps).toContainEqual(
      expect.objectContaining({ name: "RemovalApproval", description: `Staged, and approved by ${BY}.` }),
    );
    expect(cloud.logged).toContainEqual(
      expect.objectContaining({ event: "removals-approved", fields: expect.objectContaining({ count: 30, by: BY }) }),
    );
    // With the thirty in the window even one more would be too many.
    await agent.read("delta", all.slice(30, 45).map(gone));
    expect(living(cloud)).toBe(15);
  });

  it("leaves alone who showed himself since, though nothing about him changed", async () => {
    const { cloud, agent, approve, list } = await thirtyAbsent();
    await agent.read("delta", [aUser("user003"), aUser("user004", {}, ["displayName"])]);
    await approve("deletes");
    expect(living(cloud)).toBe(32);
    for (const name of ["user003", "user004"]) expect(isLiving(cloud, name)).toBe(true);
    expect(await list()).toEqual([]);
  });

  it("leaves alone who shows himself in the other lane while the approval waits", async () => {
    const { cloud, agent, staged, jobId, setOf, all } = await thirtyAbsent();
    const { digest } = await setOf("deletes");
    cloud.bells.splice(0);
    expect(await staged.approve(jobId, "deletes", digest, BY)).toMatchObject({ ok: true });
    cloud.clock.set(cloud.clock.now() + MINUTE);
    await agent.read("full", users(all.slice(10)));
    expect(all.slice(10).filter((name) => !isLiving(cloud, name))).toEqual([]);
    expect(living(cloud)).toBe(50);
  });

  it("of tombstones is judged by each object's image again", async () => {
    const { cloud, agent, approve } = await start();
    const all = names(60);
    await agent.read("full", users(all));
    await agent.read("delta", all.slice(0, 30).map(gone));
    await agent.read("delta", [aUser("user000")]);
    await approve("deletes");
    expect(living(cloud)).toBe(31);
    expect(isLiving(cloud, "user000")).toBe(true);
  });

  it("takes nothing but its own class from an object", async () => {
    const { cloud, agent, approve, setOf } = await start();
    const all = names(60);
    await agent.read(
      "full",
      all.map((name) => aUser(name, { department: "Sales" })),
    );
    const both = all
      .slice(0, 25)
      .map((name) => aUser(name, { userAccountControl: "514" }, ["userAccountControl", "department"]));
    await agent.read("delta", both);
    const blanks = await setOf("blanks");
    await approve("disables");
    expect(valuesOf(cloud, "user000")).toMatchObject({ accountEnabled: false, department: "Sales" });
    expect(await setOf("blanks")).toEqual(blanks);
    await approve("blanks");
    expect(valuesOf(cloud, "user000")["department"] ?? null).toBeNull();
    expect((await agent.status()).staged).toBe(0);
  });

  it("of names that a full read did not bring blanks what is still missing", async () => {
    const { cloud, agent, approve } = await start();
    const all = names(60);
    await agent.read(
      "full",
      all.map((name) => aUser(name, { department: "Sales" })),
    );
    await agent.read(
      "full",
      all.map((name, at) => aUser(name, at < 25 ? {} : { department: "Sales" })),
    );
    await agent.read("delta", [aUser("user001", { department: "Sales" }, ["department"])]);
    await approve("blanks");
    expect(valuesOf(cloud, "user000")["department"] ?? null).toBeNull();
    expect(valuesOf(cloud, "user001")["department"]).toBe("Sales");
  });

  it("of absences that nobody vouched for is the admin's word for just these", async () => {
    const { cloud, agent, approve } = await start({ trustVisibility: null });
    await agent.read("full", users(["ann", "bob", "cid"]));
    await agent.read("full", users(["ann", "bob"]));
    await approve("deletes");
    expect(isLiving(cloud, "cid")).toBe(false);
    await agent.read("full", users(["ann"]));
    expect(living(cloud)).toBe(2);
  });

  it("is refused by a digest that is another one's by now, which is named, and nothing happens", async () => {
    const { cloud, agent, staged, jobId, setOf, all } = await thirtyAbsent();
    const before = await setOf("deletes");
    cloud.clock.set(cloud.clock.now() + MINUTE);
    await agent.read("full", users(all.slice(31)));
    const now = await setOf("deletes");
    for (const decide of [staged.approve, staged.drop])
      expect(await decide(jobId, "deletes", before.digest, BY)).toMatchObject({
        failure: { status: 409, code: "staged-set-changed", details: [{ target: now.digest }] },
      });
    expect(await staged.approve(jobId, "disables", now.digest, BY)).toMatchObject({ failure: { status: 409 } });
    await cloud.run();
    expect(living(cloud)).toBe(60);
    expect((await agent.status()).staged).toBe(31);
  });

  it("approved twice is carried out once, and can't be dropped then", async () => {
    const { cloud, agent, staged, jobId, setOf, list } = await thirtyAbsent();
    const { digest } = await setOf("deletes");
    cloud.bells.splice(0);
    const [first, second] = [
      await staged.approve(jobId, "deletes", digest, BY),
      await staged.approve(jobId, "deletes", digest, "admin bob"),
    ];
    expect(second).toEqual(first);
    expect(await list()).toMatchObject([{ isApproved: true }]);
    expect((await agent.status()).waiting.work).toBe(1);
    expect(await staged.drop(jobId, "deletes", digest, BY)).toMatchObject({ failure: { code: "staged-set-approved" } });
    const writes = cloud.target.writes();
    await cloud.run();
    expect(cloud.target.writes()).toBe(writes + 30);
    expect(await staged.approve(jobId, "deletes", digest, BY)).toMatchObject({ failure: { status: 409 } });
  });

  it("is carried out once by activities that run twice", async () => {
    const { cloud, agent, approve } = await thirtyAbsent(
      {},
      {
        aroundActivity: async (_name, _input, run) => {
          await run();
          return run();
        },
      },
    );
    const writes = cloud.target.writes();
    await approve("deletes");
    expect(cloud.target.writes()).toBe(writes + 30);
    expect(await agent.status()).toMatchObject({ staged: 0, waiting: { work: 0 } });
  });

  it("is forgotten when it is dropped, until a full read misses them again", async () => {
    const { cloud, agent, staged, jobId, setOf, list, all } = await thirtyAbsent();
    const before = await setOf("deletes");
    expect(await staged.drop(jobId, "deletes", before.digest, BY)).toMatchObject({
      value: { decision: "dropped", objects: 30 },
    });
    expect(await list()).toEqual([]);
    await agent.read("delta", [off("user059")]);
    expect(living(cloud)).toBe(60);
    await agent.read("full", users(all.slice(30)));
    expect(living(cloud)).toBe(60);
    const again = await setOf("deletes");
    expect(again.count).toBe(30);
    expect(again.digest).not.toBe(before.digest);
  });

  it("of a job that isn't there is no set", async () => {
    const { staged } = await start();
    for (const answer of [staged.list("no", { members: false }), staged.approve("no", "deletes", "d", BY)])
      expect(await answer).toMatchObject({ failure: { status: 404, code: "job-not-found" } });
  });
});

describe("an escrow", () => {
  const failing = async () => {
    const world = await start();
    const failure = { code: "UnprocessableEntity" as const, message: "no", remedy: "Mend it.", retriable: false };
    world.cloud.target.order({ kind: "fail", failure, count: 2 });
    await world.agent.read("full", users(["ann", "bob", "cid"]));
    expect(await world.agent.status()).toMatchObject({ escrowed: 2 });
    return world;
  };

  it("is tried again by hand at once, one or all", async () => {
    const { cloud, agent, jobId, retryEscrows } = await failing();
    const missing = ["ann", "bob", "cid"].filter((name) => !isLiving(cloud, name));
    const one = await retryEscrows(jobId, guidOf(missing[0] ?? "").toUpperCase(), BY);
    expect(one.ok && EscrowRetryReply.parse(one.value)).toEqual({ jobId, objects: 1 });
    await cloud.run();
    expect(await agent.status()).toMatchObject({ escrowed: 1 });
    expect(isLiving(cloud, missing[0] ?? "")).toBe(true);
    expect(await retryEscrows(jobId, undefined, BY)).toMatchObject({ value: { objects: 1 } });
    await cloud.run();
    expect(living(cloud)).toBe(3);
    expect(await agent.status()).toMatchObject({ escrowed: 0, waiting: { work: 0 } });
    expect(await retryEscrows(jobId, undefined, BY)).toMatchObject({ value: { objects: 0 } });
  });

  it("that isn't one is refused by name", async () => {
    const { jobId, retryEscrows } = await failing();
    expect(await retryEscrows(jobId, guidOf("nobody"), BY)).toMatchObject({
      failure: { status: 404, code: "escrow-not-found" },
    });
    expect(await retryEscrows("no", undefined, BY)).toMatchObject({ failure: { code: "job-not-found" } });
  });

  it("of a group whose members failed is due at once", async () => {
    const { cloud, agent, jobId, retryEscrows } = await start();
    await agent.read("full", [aGroup("sales"), ...users(["ann"])]);
    cloud.target.orderMembers({ kind: "fail", count: 1 });
    await agent.read("delta", [withMembers(["ann"], aGroup("sales"))]);
    expect(await agent.status()).toMatchObject({ escrowed: 1 });
    expect(await retryEscrows(jobId, guidOf("sales"), BY)).toMatchObject({ value: { objects: 1 } });
    await cloud.run();
    expect(await agent.status()).toMatchObject({ escrowed: 0, lastCycle: { links: { failed: 1 } } });
  });
});
