/**
 * What was staged, or approved, of an object that is tried again: an approval that failed in the target, or that exports being
 * held kept back, still stands, for just these objects and while its evidence does; what is staged stays so until a read.
 */
import { describe, expect, it } from "vitest";
import { ACTIVITY } from "../../orchestrations/names.ts";
import type { StagedSetReply } from "../../shared/contracts/admin/staged.ts";
import type { JobSettings } from "../../shared/contracts/configuration.ts";
import { aUser, type Cloud, type CloudOptions, createCloud, guidOf } from "../support/cloud.ts";
import { readLog } from "../support/log.ts";

const BY = "admin ann";
const HOUR = 3_600_000;
const REFUSED = { code: "UnprocessableEntity" as const, message: "no", remedy: "Mend it.", retriable: false };
const names = Array.from({ length: 60 }, (_, at) => `user${String(at).padStart(3, "0")}`);
const gone = (name: string) => ({ op: "delete" as const, objectGuid: guidOf(name) });
const off = (name: string) => aUser(name, { userAccountControl: "514" }, ["userAccountControl"]);
const living = (cloud: Cloud) => cloud.target.objects().filter((object) => !object.deleted).length;
const valuesOf = (cloud: Cloud, name: string) =>
  cloud.target.objects().find((own) => own.values["displayName"] === name && !own.deleted)?.values;

/** The work of approvals fails as long as it is there. */
function poisonApprovals() {
  const poison = { isThere: true };
  const aroundActivity: CloudOptions["aroundActivity"] = async (name, input, run) => {
    const { batchId = "" } = input as { batchId?: string };
    if (poison.isThere && name === ACTIVITY.mapChunk && batchId.includes("-approved-")) throw new Error("poison");
    return run();
  };
  return Object.assign(poison, { options: { aroundActivity } });
}

async function start(options: CloudOptions = {}, settings: Partial<JobSettings> = {}) {
  const cloud = await createCloud({ ...options, settings });
  const agent = await cloud.addDomain("corp.example");
  const { jobId } = agent;
  const { staged, heldExports, queries } = cloud.cloud.routes;
  await agent.read(
    "full",
    names.map((name) => aUser(name)),
  );
  const list = async () => {
    const found = await staged.list(jobId, { members: false });
    return found.ok ? found.value : [];
  };
  const approve = async (of: StagedSetReply["class"]) => {
    const set = (await list()).find((own) => own.class === of);
    expect(await staged.approve(jobId, of, set?.digest ?? "", BY)).toMatchObject({ ok: true });
    await cloud.run();
  };
  const retry = async () => {
    cloud.clock.set(cloud.clock.now() + HOUR);
    await cloud.tick();
    await cloud.driver.settled();
    await cloud.run();
  };
  const setMode = async (mode: "staging" | "normal") => {
    await heldExports.setMode(jobId, mode, BY);
    await cloud.run();
  };
  const logOf = (name: string) => readLog({ queries }, { jobId, objectGuid: guidOf(name), sinceDays: 400, top: 20 });
  return { cloud, agent, jobId, list, approve, retry, setMode, logOf };
}

describe("Removals that were approved", () => {
  it("and fail in the target are still approved when they are tried again, and count for nothing", async () => {
    const { cloud, agent, approve, retry, list, logOf } = await start();
    await agent.read("delta", names.slice(0, 30).map(gone));
    cloud.target.order({ kind: "fail", failure: REFUSED, count: 30 });
    await approve("deletes");
    expect(living(cloud)).toBe(60);
    expect(await agent.status()).toMatchObject({ escrowed: 30, staged: 0 });
    await retry();
    expect(living(cloud)).toBe(30);
    expect(await agent.status()).toMatchObject({ escrowed: 0, staged: 0 });
    const entry = (await logOf("user000")).find(
      (own) => own.provisioningAction === "delete" && own.provisioningStatusInfo.status === "success",
    );
    expect(entry?.provisioningSteps).toContainEqual(
      expect.objectContaining({ name: "RemovalApproval", description: `Staged, and approved by ${BY}.` }),
    );
    // Within the bounds, as if nothing had gone before.
    await agent.read("delta", names.slice(30, 50).map(gone));
    expect(living(cloud)).toBe(10);
    expect(await list()).toEqual([]);
  });

  it("and fail are judged like any others once they were wanted back", async () => {
    const { cloud, agent, approve, retry, list } = await start();
    await agent.read("delta", names.slice(0, 30).map(gone));
    cloud.target.order({ kind: "fail", failure: REFUSED, count: 30 });
    await approve("deletes");
    await agent.read(
      "delta",
      names.slice(0, 25).map((name) => aUser(name)),
    );
    await retry();
    expect(living(cloud)).toBe(55);
    await agent.read("delta", names.slice(0, 25).map(gone));
    expect(living(cloud)).toBe(55);
    expect(await list()).toMatchObject([{ class: "deletes", count: 25 }]);
  });

  it("and fail are judged like any others once they were wanted back, though that failed too", async () => {
    const { cloud, agent, approve, retry, list } = await start();
    await agent.read("delta", names.slice(0, 30).map(gone));
    cloud.target.order({ kind: "fail", failure: REFUSED, count: 30 });
    await approve("deletes");
    cloud.target.order({ kind: "fail", failure: REFUSED, count: 25 });
    await agent.read(
      "delta",
      names.slice(0, 25).map((name) => aUser(name, { title: "Boss" }, ["title"])),
    );
    expect(await agent.status()).toMatchObject({ escrowed: 30 });
    await agent.read("delta", names.slice(0, 25).map(gone));
    expect(living(cloud)).toBe(60);
    expect(await list()).toMatchObject([{ class: "deletes", count: 25 }]);
    // The five that nobody wanted back.
    await retry();
    expect(living(cloud)).toBe(55);
  });

  it("are carried out by the release when exports are held before they were", async () => {
    let isArmed = false;
    const world = await start({
      beforeActivity: async (name) => {
        if (!isArmed || name !== ACTIVITY.exportChunk) return;
        isArmed = false;
        await world.cloud.cloud.routes.heldExports.setMode(world.jobId, "staging", BY);
      },
    });
    const { cloud, agent, approve, setMode, list } = world;
    await agent.read("delta", names.slice(0, 30).map(gone));
    isArmed = true;
    await approve("deletes");
    expect(isArmed).toBe(false);
    expect(living(cloud)).toBe(60);
    await setMode("normal");
    expect(living(cloud)).toBe(30);
    expect(await list()).toEqual([]);
    expect(await agent.status()).toMatchObject({ escrowed: 0, staged: 0, waiting: { work: 0 } });
  });
});

describe("Removals that were approved, in work that fails for good", () => {
  it("are told as not carried out, and are there to be approved again", async () => {
    const poison = poisonApprovals();
    const { cloud, agent, jobId, approve, list } = await start(poison.options);
    await agent.read("delta", names.slice(0, 30).map(gone));
    const [before] = await list();
    await approve("deletes");
    expect(living(cloud)).toBe(60);
    expect(cloud.logged.filter(({ event }) => event === "approval-failed")).toMatchObject([
      { level: "error", fields: { jobId, class: "deletes", count: 30, digest: before?.digest, by: BY } },
    ]);
    const at = new Date(cloud.clock.now()).toISOString();
    expect(await list()).toEqual([{ ...before, lastFailure: { code: "InternalError", at, approvedBy: BY } }]);
    expect(before).toMatchObject({ isApproved: false, count: 30 });
    expect(await agent.status()).toMatchObject({ waiting: { work: 0 } });
    poison.isThere = false;
    await approve("deletes");
    expect(living(cloud)).toBe(30);
    expect(await list()).toEqual([]);
    expect(cloud.logged.filter(({ event }) => event === "approval-failed")).toHaveLength(1);
  });

  it("say so no more from the next approval on, nor once they are staged anew", async () => {
    const poison = poisonApprovals();
    const { cloud, agent, jobId, approve, list } = await start(poison.options);
    await agent.read("delta", names.slice(0, 30).map(off));
    await approve("disables");
    expect(await list()).toMatchObject([{ isApproved: false, lastFailure: { approvedBy: BY } }]);
    const [set] = await list();
    // Its work waits for its turn.
    expect(await cloud.cloud.routes.staged.approve(jobId, "disables", set?.digest ?? "", "bob")).toMatchObject({
      ok: true,
    });
    const [waiting] = await list();
    expect(waiting).toMatchObject({ isApproved: true });
    expect(waiting).not.toHaveProperty("lastFailure");
    await cloud.run();
    expect(await list()).toMatchObject([{ isApproved: false, lastFailure: { approvedBy: "bob" } }]);
    poison.isThere = false;
    cloud.clock.set(cloud.clock.now() + 60_000);
    await agent.read(
      "full",
      names.map((name, at) => (at < 30 ? off(name) : aUser(name))),
    );
    const [anew] = await list();
    expect(anew).toMatchObject({ count: 30, isApproved: false });
    expect(anew).not.toHaveProperty("lastFailure");
  });
});

describe("Removals that were approved and are held", () => {
  it("are judged like any others by the release once they were wanted back meanwhile", async () => {
    let isArmed = false;
    const world = await start({
      beforeActivity: async (name) => {
        if (!isArmed || name !== ACTIVITY.exportChunk) return;
        isArmed = false;
        await world.cloud.cloud.routes.heldExports.setMode(world.jobId, "staging", BY);
      },
    });
    const { cloud, agent, approve, setMode, list } = world;
    await agent.read("delta", names.slice(0, 30).map(gone));
    isArmed = true;
    await approve("deletes");
    await agent.read(
      "delta",
      names.slice(0, 25).map((name) => aUser(name, { title: "Boss" }, ["title"])),
    );
    await agent.read("delta", names.slice(0, 25).map(gone));
    await setMode("normal");
    expect(living(cloud)).toBe(55);
    expect(await list()).toMatchObject([{ class: "deletes", count: 25 }]);
  });
});

describe("A removal that is staged", () => {
  it("stays so when its object is tried again for another reason, until a read brings it", async () => {
    const { cloud, agent, retry, list } = await start();
    cloud.target.order({ kind: "fail", failure: REFUSED, count: 1 });
    const both = aUser("user000", { userAccountControl: "514", title: "Boss" }, ["userAccountControl", "title"]);
    await agent.read("delta", [both, ...names.slice(1, 25).map(off)]);
    expect(await agent.status()).toMatchObject({ escrowed: 1 });
    const before = await list();
    expect(before).toMatchObject([{ class: "disables", count: 25 }]);
    await retry();
    expect(valuesOf(cloud, "user000")).toMatchObject({ jobTitle: "Boss", accountEnabled: true });
    expect(await agent.status()).toMatchObject({ escrowed: 0 });
    expect(await list()).toEqual(before);
    await agent.read("delta", [off("user000")]);
    expect(valuesOf(cloud, "user000")).toMatchObject({ accountEnabled: false });
    expect(await list()).toMatchObject([{ class: "disables", count: 24 }]);
  });

  it("and dropped stays where it is when its object is tried again for another reason, until a read brings it", async () => {
    const { cloud, jobId, agent, retry, list } = await start();
    cloud.target.order({ kind: "fail", failure: REFUSED, count: 1 });
    const both = aUser("user000", { userAccountControl: "514", title: "Boss" }, ["userAccountControl", "title"]);
    await agent.read("delta", [both, ...names.slice(1, 25).map(off)]);
    const [set] = await list();
    expect(set).toMatchObject({ class: "disables", count: 25 });
    expect(await cloud.cloud.routes.staged.drop(jobId, "disables", set?.digest ?? "", BY)).toMatchObject({ ok: true });
    expect(await list()).toEqual([]);
    await retry();
    expect(valuesOf(cloud, "user000")).toMatchObject({ jobTitle: "Boss", accountEnabled: true });
    expect(await list()).toEqual([]);
    const rows = async () => {
      const found = [];
      for await (const page of cloud.rows.table("staged").range(jobId)) found.push(...page.map(({ row }) => row));
      return found.sort();
    };
    expect((await rows()).length).toBe(25);
    await agent.read("delta", [
      off("user000"),
      aUser("user001", { userAccountControl: "512" }, ["userAccountControl"]),
    ]);
    expect(valuesOf(cloud, "user000")).toMatchObject({ accountEnabled: false });
    // What was decided ends with its evidence, and with being done.
    expect(await rows()).toEqual(
      names
        .slice(2, 25)
        .map((name) => `disables:${guidOf(name)}`)
        .sort(),
    );
    await agent.read("full", [...names.slice(0, 2).map((name) => aUser(name)), ...names.slice(2).map(off)]);
    expect(await list()).toMatchObject([{ class: "disables", count: 58 }]);
  });
});
